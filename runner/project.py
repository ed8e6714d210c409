"""`Project`: the agent of a manifest, made anew whenever a file that it was made from changes."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, Unpack

from runner.digests import digests_of
from runner.errors import AgentRunError, ManifestError
from runner.reload.checker import SECONDS, Checker
from runner.reload.difference import difference
from runner.reload.generation import Generation, PinnedTurn
from runner.reload.making import AgentOptions, Maker, SupersededError
from runner.reload.news import Changes, News, Reloaded, ReloadFailed, ReloadNotice
from runner.reload.touches import Touches
from runner.reload.watcher import POLLING_ROUND, Watcher

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.agent import Agent
    from runner.client import RunOptions
    from runner.digests import Digests
    from runner.events import Notice
    from runner.loading import Diagnostic

logger = logging.getLogger("agent_run")

_START_DELAY = 0.2  # seconds: what the first turn needs comes first
_WARM_UP_DELAY = 1.0  # seconds after that
_END_SECONDS = 1.0  # for the watching thread


class Project:
    """The agent of one manifest, always its newest generation that loaded wholly. Use it as `async with`.

    Made from a file, it raises what `Agent.from_file` raises. Within the block the manifest, what it includes, the tool
    modules with all that they import from the project, and `.env` are watched; `changes` tells what came of a change.
    A turn ends on the generation it began with, and an edit that does not load leaves the agent as it was. With
    `reload=False` nothing is watched. Modules are imported in another process first, for `check_seconds` at most.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        variables: Mapping[str, Any] | None = None,
        reload: bool = True,
        check_seconds: float = SECONDS,
        **options: Unpack[AgentOptions],
    ) -> None:
        self.problem: ReloadFailed | None = None
        self._reloads, self._check_seconds = reload, check_seconds
        self._maker = Maker(path, variables, options)
        self._generation = Generation(1, self._maker.first(), {}, _now(), self._close_soon)
        self._open = {self._generation}
        self._seen: Digests = {}  # what the last attempt was made from
        self._news = News()
        self._watching: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def agent(self) -> Agent:
        """The agent that the next turn runs on."""
        return self._generation.agent

    @property
    def generation(self) -> int:
        """Its number: 1 at first, one more with every reload."""
        return self._generation.number

    @property
    def loaded_at(self) -> datetime:
        """When it was loaded, in local time."""
        return self._generation.at

    @property
    def is_watching(self) -> bool:
        """Whether the files are watched: a change that came before is seen as well, and told."""
        return bool(self._seen)

    def run(self, query: str, *, chat_id: str, **options: Unpack[RunOptions]) -> PinnedTurn:
        """One turn of a chat, on the agent of this moment, as events; iterate it to run it."""
        return PinnedTurn(self.agent.run(query, chat_id=chat_id, **options), self._generation)

    def changes(self) -> Changes:
        """What reloads tell from now on; ends when the project is closed."""
        return self._news.read()

    async def __aenter__(self) -> Self:
        await self.agent.__aenter__()
        if self._reloads:
            self._watching = asyncio.create_task(self._keep_current())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop watching, and close all generations; what the files say is not looked at again."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        self._news.end()
        for generation in list(self._open):
            await self._close(generation)
        if self._closing:
            await asyncio.wait(self._closing)

    # watching

    async def _keep_current(self) -> None:
        try:
            await asyncio.sleep(_START_DELAY)
            await self._watch()
        except Exception as error:
            logger.exception("reload")
            self._news.tell(ReloadNotice(f"reload: off: {type(error).__name__}: {error}"))

    async def _watch(self) -> None:
        loop, touches = asyncio.get_running_loop(), Touches()

        def tell_polling(reason: str) -> None:
            text = f"reload: looking at the files every {POLLING_ROUND:g} s, for the system does not notify: {reason}"
            with suppress(RuntimeError):  # the loop is closed: nobody reads
                loop.call_soon_threadsafe(self._news.tell, ReloadNotice(text))

        watcher = Watcher(self.agent.root, touches.note_from_thread, tell_polling)
        checker = Checker(self._tell_unchecked, seconds=self._check_seconds)
        self._generation.files = self._seen = self._maker.files_of_first(self.agent)
        watcher.watch(self._seen)
        warming = asyncio.create_task(_warm_up(checker))
        try:
            while True:
                await touches.quiet(self._seen)
                await self._look(checker, touches, watcher)
                watcher.watch(self._seen)
        finally:
            warming.cancel()
            watcher.close()
            await asyncio.wait({warming})
            await checker.aclose()
            await _ended(watcher)

    async def _look(self, checker: Checker, touches: Touches, watcher: Watcher) -> None:
        """See whether the files say something new, and make the agent that they describe."""
        now = digests_of(self._seen)
        if now == self._seen:
            return
        if digests_of(self._generation.files) == self._generation.files:
            self._return_to_current()
            return
        try:
            agent, files = await self._maker.make(self.agent, now, checker, touches, watcher.watch)
            self._swap(Generation(self.generation + 1, agent, files, _now(), self._close_soon))
        except SupersededError:
            touches.note()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # no edit may end what serves: whatever it was is told
            self._seen = {**now, **self._maker.looked_at}
            self._fail(error)

    def _swap(self, new: Generation) -> None:
        old = self._generation
        self._open.add(new)
        summary, remarks = difference(old, new), _remarks(old.agent, new.agent)
        self._generation, self._seen = new, new.files
        old.retire()
        self._succeed(summary, *remarks)

    def _return_to_current(self) -> None:
        """The files say again what the agent was made from."""
        self._seen = self._generation.files
        if self.problem is not None:
            self._succeed(f"back to the version of {self.loaded_at:%H:%M:%S}")

    def _succeed(self, summary: str, notices: tuple[Notice, ...] = (), warnings: tuple[Diagnostic, ...] = ()) -> None:
        self.problem = None
        logger.info("generation %d: %s", self.generation, summary)
        self._news.tell(Reloaded(summary, self.generation, self.loaded_at, notices, warnings))

    def _fail(self, error: BaseException) -> None:
        message = str(error) if isinstance(error, AgentRunError) else f"{type(error).__name__}: {error}"
        if not isinstance(error, ManifestError) or (error.path is None and self._maker.shown not in message):
            message = f"{self._maker.shown}: {message}"
        logger.debug("reload", exc_info=error)
        self.problem = ReloadFailed(message, self.generation, self.loaded_at)
        self._news.tell(self.problem)

    def _tell_unchecked(self, reason: str) -> None:
        self._news.tell(
            ReloadNotice(f"reload: modules are loaded without being tried out in a process first: {reason}")
        )

    # closing

    def _close_soon(self, generation: Generation) -> None:
        closing = asyncio.create_task(self._close(generation))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _close(self, generation: Generation) -> None:
        if generation not in self._open:
            return
        self._open.discard(generation)
        try:
            await generation.agent.aclose()
        except Exception:
            logger.exception("generation %d could not be closed", generation.number)


def _remarks(old: Agent, new: Agent) -> tuple[tuple[Notice, ...], tuple[Diagnostic, ...]]:
    """What the new agent says of itself and its manifest, and the old one did not."""
    known = {(warning.code, warning.message) for warning in old.warnings}
    warnings = tuple(each for each in new.warnings if (each.code, each.message) not in known)
    return tuple(notice for notice in new.notices if notice not in old.notices), warnings


async def _warm_up(checker: Checker) -> None:
    await asyncio.sleep(_WARM_UP_DELAY)
    await checker.warm_up()


async def _ended(watcher: Watcher) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_SECONDS):
            while watcher.is_running:  # noqa: ASYNC110  # no event tells it
                await asyncio.sleep(0.005)


def _now() -> datetime:
    return datetime.now().astimezone()
