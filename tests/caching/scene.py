"""Models that share a context cache as the processes of one storage do, and what they asked the server."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from runner.caches import CacheManager
from runner.caching.content import CachedContent
from runner.caching.model import CachedModel
from runner.caching.own import CacheSettings, OwnCache
from runner.models.retry import Retry
from runner.storages.memory import LocalChatStorage
from tests.models.asking import TOOLS, Answer, answer, asking, gemini
from tests.servers import GeminiServer, text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from runner.messages import Json
    from runner.models.base import Model
    from runner.named_files import Files
    from runner.requests import GenerateContentRequest
    from tests.servers.gemini_caches import Cache

HANDBOOK = "The guarantee is two years. " * 20
ANSWER = "Two years."
SYSTEM: Json = {"parts": [{"text": "Answer from the handbook."}]}


def question(*messages: str | Json, **options: Any) -> GenerateContentRequest:
    """A request of an agent with instructions and tools."""
    return asking(*messages or ("How long?",), **{"system_instruction": SYSTEM, "tools": TOOLS, **options})


class Scene:
    """`asked(model)` is one model call; `now` is the time that the models go by, the server's own aside."""

    def __init__(self, server: GeminiServer, gemini: Model) -> None:
        self.server, self.gemini = server, gemini
        self.shared = LocalChatStorage().shared
        self.offset = 0.0

    def now(self) -> float:
        return time.time() + self.offset

    def pass_by(self, seconds: float) -> None:
        """Let time pass, here and at the server."""
        self.offset += seconds
        self.server.advance(seconds)

    def keeper(self, **settings: Any) -> OwnCache:
        given = {"agent": "handbook", "label": "handbook", "ttl": "1h", "min_tokens": 1, **settings}
        return OwnCache(CacheSettings(**given), CacheManager(self.gemini), self.shared, clock=self.now)  # type: ignore[arg-type]

    def process(
        self, *, content: Sequence[str | Files] = (HANDBOOK,), retries: int = 3, inner: Model | None = None, **more: Any
    ) -> Model:
        """The model as another process would have it: of its own, with what is shared."""
        cached = CachedModel(inner or self.gemini, self.keeper(**more), CachedContent(content), self.shared)
        return Retry(cached, retries, sleep=_at_once)

    async def asked(self, process: Model, *messages: str, **options: Any) -> Answer:
        """One model call that is answered as it would be without any cache."""
        got = await answer(process, question(*messages, **options))
        assert got.finish.reason == "STOP"
        assert got.text == ANSWER
        return got

    @property
    def verbs(self) -> list[str]:
        """What was asked of the server, and refused with which code."""
        return [each.verb if each.status == 200 else f"{each.verb} {each.status}" for each in self.server.requests]

    @property
    def made(self) -> int:
        """How often a cache was asked to be made."""
        return sum(each.verb == "cache_create" for each in self.server.requests)

    @property
    def sent(self) -> Json:
        """The body of the last request for content."""
        return self.server.generations[-1].body

    @property
    def cache(self) -> Cache:
        """The one cache there is."""
        (cache,) = self.server.caches.values()
        return cache


def states(got: Answer) -> list[str]:
    return [use.state for use in got.caches]


def reason(got: Answer) -> str:
    """Why the cache is off."""
    assert got.caches[-1].state == "off", got.caches
    return got.caches[-1].reason or ""


async def _at_once(_: float) -> None:
    """The wait between two tries."""


@contextlib.asynccontextmanager
async def scene_of(**options: Any) -> AsyncIterator[Scene]:
    """A scene with a server of these options, which answers everything with `ANSWER`."""
    with GeminiServer(answer=lambda _: text(ANSWER), **options) as server:
        async with gemini(server) as model:
            yield Scene(server, model)
