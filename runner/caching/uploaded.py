"""The content of an agent's requests as a model's service can read it: files that are large are uploaded there."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.attachments.fitting import alive, uris
from runner.attachments.uploads import FileNews
from runner.events import Notice
from runner.storages.shared_state import LocalSharedState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.attachments.uploads import Uploads
    from runner.caching.content import CachedContent, Content
    from runner.errors import GeminiAPIError
    from runner.models.base import Model
    from runner.storages.shared_state import SharedState


class UploadedContent:
    """`content`, for `model`. Who shares `shared` uploads each file once."""

    def __init__(self, content: CachedContent, model: Model, shared: SharedState | None = None) -> None:
        self._content, self._model = content, model
        self._shared = LocalSharedState() if shared is None else shared
        self._uploads: Uploads | None = None
        self._last: tuple[Content, Content] | None = None  # as it was read, and as it was sent

    async def told(self) -> AsyncGenerator[Notice | Content, None]:
        """What is to be told, and at last the content now.

        Raises ManifestError where a file cannot be read, and GeminiClientError where one cannot be uploaded.
        """
        read = await self._content.read()
        last = self._last[1] if self._last is not None and self._last[0] is read else read
        message = last.message
        if message is not None and message.has_files and (uploads := self._service()) is not None:
            async with aclosing(alive(message, uploads)) as told:
                async for item in told:
                    if isinstance(item, Notice):
                        yield item
                    else:
                        last = last if item is message else replace(last, message=item)
        self._last = read, last
        yield last

    async def read(self) -> Content:
        """The content now, and nothing told."""
        async with aclosing(self.told()) as told:
            found = [each async for each in told if not isinstance(each, Notice)]
        return found[-1]

    def lose(self, error: GeminiAPIError) -> bool:
        """Whether a refusal is about a file of the content, which is then uploaded again."""
        message = None if self._last is None else self._last[1].message
        return message is not None and self._uploads is not None and self._uploads.lose(uris([message]), error)

    def _service(self) -> Uploads | None:
        if self._uploads is None:
            from runner.attachments.service import uploads_of

            self._uploads = uploads_of(self._model, self._shared, FileNews())
        return self._uploads
