"""The strict local server of the Gemini protocol: sockets and threads around `gemini_service.py`."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from typing import TYPE_CHECKING, Any, Literal

from .gemini_service import Service, Settings
from .http_framing import HttpProtocol
from .loop_thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    import pytest

    from .gemini_behaviours import Behaviour, Item
    from .gemini_caches import Cache
    from .gemini_files import Files
    from .gemini_requests import RecordedRequest


class Listener:
    """A listening socket on a running loop, and its connections."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._numbers = itertools.count(1)
        self._server: asyncio.Server | None = None
        self.connections: dict[int, HttpProtocol] = {}

    def _protocol(self) -> HttpProtocol:
        return HttpProtocol(self._service.handle, self.connections, next(self._numbers))

    async def open(self, port: int = 0) -> int:
        """Listen on loopback and return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", port, backlog=1024)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections.values()):
            connection.transport.abort()
        while self.connections:
            await asyncio.sleep(0)


class GeminiServer:
    """`with GeminiServer() as server:` serves in a thread until the block ends; see the package's docstring.

    Leaving the block raises what a behaviour raised while answering, unless another exception is on its way.
    """

    def __init__(
        self,
        *,
        key: str = "test-key",
        check_history: bool = True,
        signatures: bool = True,
        verbatim: bool = False,
        models: Iterable[str] = (),
        cache_minimum: int | Literal["model"] | None = None,
        cache_missing: int = 403,
        surrogates: bool = True,
        window: int | None = None,
        record: bool = True,
        answer: Behaviour | None = None,
        port: int = 0,
        log: Path | None = None,
    ) -> None:
        self.service = Service(
            Settings(
                key=key,
                check_history=check_history,
                signatures=signatures,
                verbatim=verbatim,
                models=frozenset(models),
                cache_minimum=cache_minimum,
                cache_missing=cache_missing,
                surrogates=surrogates,
                window=window,
                record=record,
            )
        )
        self.service.answer = answer
        if log is not None:
            self.service.on_verdict = lambda request: append_verdict(log, request)
        self.listener = Listener(self.service)
        self.port = port
        self._thread: LoopThread | None = None

    @property
    def key(self) -> str:
        return self.service.settings.key

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """The environment that points the SDK here."""
        return {"GOOGLE_GEMINI_BASE_URL": self.url, "GEMINI_API_KEY": self.key}

    def stand_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take Gemini's place for this process, to the end of the test."""
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)

    def __enter__(self) -> GeminiServer:
        self._thread = LoopThread("gemini-server")
        self.port = self._thread.call(self.listener.open(self.port))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._thread is not None
        self._thread.call(self.listener.close())
        self._thread.stop()
        if self.service.crash is not None and value is None:
            raise self.service.crash

    # Answers

    def script(self, *items: Item, when: str | None = None, on: str = "generate") -> None:
        """Queue replies: for conversations whose first text holds `when`, else for all; for `on` another verb."""
        self.service.script(items, when, on)

    @property
    def answer(self) -> Behaviour | None:
        """What answers when no script does."""
        return self.service.answer

    @answer.setter
    def answer(self, behaviour: Behaviour | None) -> None:
        self.service.answer = behaviour

    @property
    def unused(self) -> int:
        """How many scripted items are left."""
        return self.service.unused

    # What happened

    @property
    def requests(self) -> list[RecordedRequest]:
        return self.service.requests

    @property
    def generations(self) -> list[RecordedRequest]:
        """The requests for content, refused ones included."""
        return [each for each in self.requests if each.verb in ("generate", "stream")]

    @property
    def refused(self) -> list[RecordedRequest]:
        """The requests that the server itself refused, with `error`."""
        return [each for each in self.requests if each.error is not None]

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self.listener.connections)

    def wait_for(self, count: int, timeout: float = 60.0) -> list[RecordedRequest]:
        """Block until `count` requests have arrived; raise TimeoutError."""
        deadline = time.monotonic() + timeout
        while len(self.requests) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.requests)} of {count} requests arrived within {timeout} s")
            time.sleep(0.002)
        return self.requests[:count]

    async def arrived(self, count: int, timeout: float = 60.0) -> list[RecordedRequest]:
        """The same for a test that has a loop of its own."""
        async with asyncio.timeout(timeout):
            while len(self.requests) < count:
                await asyncio.sleep(0.002)
        return self.requests[:count]

    def clear(self) -> None:
        """Forget the recorded requests."""
        self.service.requests.clear()

    # Caches and connections

    def advance(self, seconds: float) -> None:
        """Move the clock by which caches expire."""
        self.service.clock.offset += seconds

    @property
    def caches(self) -> dict[str, Cache]:
        return self.service.caches.by_name

    @property
    def files(self) -> Files:
        """What was uploaded: `by_name`, and how it is processed (`looks`, `fails`, `life`)."""
        return self.service.files

    def drop_connections(self) -> None:
        """Abort every open connection; new ones are accepted."""
        assert self._thread is not None
        for connection in list(self.listener.connections.values()):
            self._thread.soon(connection.transport.abort)


def append_verdict(log: Path, request: RecordedRequest) -> None:
    """Append one JSON line; it is written before the answer is sent."""
    line: dict[str, Any] = {
        "index": request.index,
        "at": request.at,
        "method": request.method,
        "path": request.path,
        "verb": request.verb,
        "model": request.model,
        "status": request.status,
        "error": request.error,
        "body": request.body,
    }
    with log.open("a", encoding="ascii") as file:
        file.write(json.dumps(line) + "\n")
