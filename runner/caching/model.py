"""`CachedModel`: a model whose requests begin with a context cache where there is one, and say the same without it."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.attachments.model import FileLostError, lost_file
from runner.caches import CacheManager
from runner.caching.content import CachedContent, Content
from runner.caching.keeper import GONE, NOTICE, Found
from runner.caching.uploaded import UploadedContent
from runner.caching.wanted import Wanted
from runner.errors import GeminiAPIError
from runner.events import Notice
from runner.models.base import Model
from runner.models.gemini.model import gemini_within
from runner.requests import CacheUse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.caching.keeper import Keeper
    from runner.errors import GeminiClientError
    from runner.requests import GenerateContentRequest, ModelItem
    from runner.storages.shared_state import SharedState

_UNCACHED = ""  # a request's `cached_content` that says: use none
_ABOUT_CACHES = re.compile(r"cached?[ _-]?content", re.IGNORECASE)


class CacheLostError(GeminiAPIError):
    """The service refused a request because of its context cache; the same request may be sent without it."""


class CachedModel(Model):
    """Asks `model`, with the cache that `keeper` finds; `content` is part of every request, cached or not.

    Stands below `Retry`: a request whose cache is lost is sent again at once, without it, and counts as one of the
    resends. Without a `keeper` only the content is added, and nothing is said about caches.
    """

    def __init__(
        self,
        model: Model,
        keeper: Keeper | None = None,
        content: CachedContent | None = None,
        shared: SharedState | None = None,
    ) -> None:
        self.model, self.keeper = model, keeper
        self.content = UploadedContent(content or CachedContent(), model, shared)
        self.name, self.family = model.name, model.family
        self._told: set[str] = set()

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """The inner model's reply; before it, what became of the cache."""
        content = Content()
        async with contextlib.aclosing(self.content.told()) as told:
            async for news in told:
                if isinstance(news, Notice):
                    yield news
                else:
                    content = news
        wanted = Wanted(request, content)
        found = await self._found(wanted)
        sent = wanted.uncached() if found is None or found.name is None else wanted.cached(found.name)
        if found is not None:
            yield found.use
            if found.notice is not None and self._is_news(found):
                yield found.notice
        try:
            async with contextlib.aclosing(self.model.generate(sent)) as items:
                async for item in items:
                    yield item
        except GeminiAPIError as error:
            if self.content.lose(error):
                raise FileLostError(error.code, error.status, error.message) from error
            if self.keeper is None or sent.cached_content is None or not _is_refusal(error):
                raise
            await self.keeper.lost(sent.cached_content)
            raise CacheLostError(error.code, error.status, error.message) from error

    def amended(
        self, request: GenerateContentRequest, error: GeminiClientError
    ) -> tuple[GenerateContentRequest, Notice] | None:
        """After the loss of its cache: the request without one; of a file: the same, sent with another one."""
        if isinstance(error, FileLostError):
            return request, lost_file(error)
        if not isinstance(error, CacheLostError):
            return self.model.amended(request, error)
        words = f"cache: lost ({error.code} {error.status}); asking without it"
        return replace(request, cached_content=_UNCACHED), Notice(NOTICE, words)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.model.aclose()

    async def _found(self, wanted: Wanted) -> Found | None:
        if self.keeper is None:
            return None
        if wanted.request.cached_content == _UNCACHED:
            return Found(CacheUse("off", GONE))
        return await self.keeper.find(wanted)

    def _is_news(self, found: Found) -> bool:
        """Whether a notice is to be told: each reason why there is no cache is, once."""
        reason = found.use.reason
        is_known = reason in self._told
        if reason is not None:
            self._told.add(reason)
        return not is_known


def caches_of(model: Model) -> CacheManager | None:
    """The context caches of the service that a model, or the one within its wrappers, speaks to, if there are any."""
    gemini = gemini_within(model)
    return None if gemini is None else CacheManager(gemini)


def _is_refusal(error: GeminiAPIError) -> bool:
    """Whether the same request may be answered without its cache: that is gone, foreign, or does not fit any more."""
    return error.code in {403, 404} or (error.code == 400 and _ABOUT_CACHES.search(error.message) is not None)
