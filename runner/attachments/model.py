"""`AttachedModel`: a model whose requests name only files that the service has."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.attachments.fitting import alive, fitting_media, uris
from runner.errors import GeminiAPIError
from runner.events import Notice
from runner.models.base import Model
from runner.models.catalog import KnownModel, catalog

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.attachments.uploads import FileNews, Uploads
    from runner.errors import GeminiClientError
    from runner.messages import ChatMessage
    from runner.requests import GenerateContentRequest, ModelItem
    from runner.storages.shared_state import SharedState


class FileLostError(GeminiAPIError):
    """The service refused a request because of a file; the request may be answered when that is uploaded again."""


def lost_file(error: FileLostError) -> Notice:
    """What to tell before the request is sent with another upload."""
    return Notice("file_lost", f"Gemini has a file no longer ({error.code} {error.status}); asking again")


class AttachedModel(Model):
    """Asks `model`; files that have expired at the service are uploaded again before, and told to be gone if they are.

    Stands below `Retry`: a request that the service refuses for a file is sent again at once, and counts as one of the
    resends. Requests without files go to the inner model as they are.
    """

    def __init__(self, model: Model, shared: SharedState, news: FileNews) -> None:
        self.model, self.name, self.family = model, model.name, model.family
        self._shared, self._news = shared, news
        self._uploads: Uploads | None = None

    @property
    def uploads(self) -> Uploads | None:
        """The uploads of the model's account; None where its service takes none."""
        if self._uploads is None:
            from runner.attachments.service import uploads_of

            self._uploads = uploads_of(self.model, self._shared, self._news)
        return self._uploads

    def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """The inner model's reply; before it, what became of the files."""
        return self._with_files(request) if request.has_files else self.model.generate(request)

    def amended(
        self, request: GenerateContentRequest, error: GeminiClientError
    ) -> tuple[GenerateContentRequest, Notice] | None:
        """After the loss of a file: the same request, which is sent with another one."""
        amended = self.model.amended(request, error)
        return (request, lost_file(error)) if amended is None and isinstance(error, FileLostError) else amended

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.model.aclose()

    async def _with_files(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        fitted: list[ChatMessage] = []
        types = _media_types(request.model)
        for message in request.messages:
            if not message.has_files:
                fitted.append(message)
            elif message.kind == "responses":
                fitted.append(fitting_media(message, types))
            else:
                async with aclosing(self._alive(message)) as told:
                    async for news in told:
                        if isinstance(news, Notice):
                            yield news
                        else:
                            fitted.append(news)
        sent = replace(request, messages=tuple(fitted))
        try:
            async with aclosing(self.model.generate(sent)) as items:
                async for item in items:
                    yield item
        except GeminiAPIError as error:
            if self.uploads is None or not self.uploads.lose(uris(sent.messages), error):
                raise
            raise FileLostError(error.code, error.status, error.message) from error

    async def _alive(self, message: ChatMessage) -> AsyncGenerator[Notice | ChatMessage, None]:
        if self.uploads is None:
            yield message
            return
        async with aclosing(alive(message, self.uploads)) as told:
            async for news in told:
                yield news


def attached_within(model: Model) -> AttachedModel | None:
    """The one that a model is, or that stands within its wrappers, if one does."""
    inner: Model | None = model
    while inner is not None and not isinstance(inner, AttachedModel):
        inner = getattr(inner, "model", None)
    return inner


def _media_types(model: str) -> frozenset[str] | None:
    """The types of media that the model looks at in what a tool returned; None where they are not known."""
    known = catalog().find(model)
    return known.media_results if isinstance(known, KnownModel) else None
