"""`agent-run test --watch`: what a change concerns is run again, until the user leaves."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from runner.cli.exits import Exit
from runner.cli.screen import visible, visible_line
from runner.cli.testing.keys import Keys
from runner.cli.testing.listing import selected
from runner.cli.testing.suites import root_here, suites_of
from runner.conversations.progress import CaseId
from runner.conversations.watched import changed_files, grounds_of
from runner.errors import ManifestError
from runner.loading.words import counted
from runner.reload.touches import Touches
from runner.reload.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from runner.cli.signals import Signals
    from runner.cli.testing.holding import Shown
    from runner.conversations.options import Options
    from runner.conversations.watched import Ground
    from runner.loading.suites import LoadedSuite

Asked: TypeAlias = Literal["all", "failed", "changed", "leave", "interrupted"]

_CLEAR = "\x1b[H\x1b[2J\x1b[3J"
_KEYS: dict[str, Asked] = {"c-m": "all", "c-j": "all", "a": "all", "f": "failed", "q": "leave", "c-d": "leave"}
_MOST_NAMED = 3


class Watch:
    """Runs all once, then what changes concern, or what a key asks for.

    It ends with the code of the last run, but never as if all was well while a case is known to fail.
    """

    def __init__(self, paths: tuple[str, ...], options: Options, shown: Shown, signals: Signals) -> None:
        self._paths, self._options, self._shown, self._signals = paths, options, shown, signals
        self._touches = Touches()
        self._watcher = Watcher(root_here(), self._touches.note_from_thread, self._tell_polling)
        self._files: set[Path] = set()
        self._known: dict[CaseId, Ground] = {}
        self._failed: set[CaseId] = set()
        self._is_wrong = False  # a file, when they were read last
        self._code = Exit.DONE

    async def run(self) -> Exit:
        """Until the user leaves, or a signal comes."""
        with Keys(self._signals.interrupt) as keys:
            self._signals.before_leaving = keys.release
            try:
                return await self._run(keys)
            finally:
                self._watcher.close()

    async def _run(self, keys: Keys) -> Exit:
        asked: Asked = "all"
        while True:
            is_told = await self._answered(asked)
            if self._code in {Exit.INTERRUPTED, Exit.TERMINATED, Exit.HUNG_UP}:
                return self._code
            self._watcher.watch(self._files)
            if is_told:
                await self._tell_waiting(keys)
            asked = await self._next(keys)
            if asked == "interrupted":
                return self._signals.asked_to_leave or Exit.INTERRUPTED
            if asked == "leave":
                return Exit.CHECK_FAILED if self._code is Exit.DONE and self._failed else self._code

    async def _answered(self, asked: Asked) -> bool:
        """Do what was asked for; whether anything was said."""
        try:
            suites = suites_of(self._paths)
            now = grounds_of(suites, self._options)
        except ManifestError as error:
            self._files |= {path.absolute() for path in getattr(error, "files", ())}
            await self._clear()
            await self._shown.err.write(f"{visible(str(error))}\n")
            self._is_wrong = True
            return True
        self._files = {path for ground in now.values() for path in ground.files} | {each.path for each in suites}
        concerned = {case for case, ground in now.items() if self._known.get(case) != ground}
        changed = {path for case in concerned for path in changed_files(case, self._known.get(case), now[case])}
        chosen = {"changed": concerned, "failed": self._failed & now.keys()}.get(asked, set(now))
        is_first, self._known = not self._known, now
        selection = self._options.selection
        if not is_first:
            selection = replace(selection, only=chosen)
        options = replace(self._options, selection=selection)
        if not any(selected(suites, options)):
            return await self._nothing(asked)
        self._is_wrong = False
        await self._clear()
        if asked == "changed" and changed:
            await self._shown.err.write(f"{_told(changed)}\n")
        await self._hold(suites, options)
        return True

    async def _hold(self, suites: list[LoadedSuite], options: Options) -> None:
        self._code, result = await self._shown.held(suites, options, self._signals)
        for case in result.cases:
            named = CaseId(case.suite, case.name)
            if case.outcome in {"failed", "error"}:
                self._failed.add(named)
            else:
                self._failed.discard(named)

    async def _nothing(self, asked: Asked) -> bool:
        told = "nothing failed" if asked == "failed" else "the files are right again" if self._is_wrong else ""
        self._is_wrong = False
        await self._shown.err.write(f"{told}\n" if told else "")
        return bool(told)

    # waiting

    async def _next(self, keys: Keys) -> Asked:
        """What is asked for next: by a key, or by a change."""
        waiting = asyncio.create_task(self._first_of(keys))
        with self._signals.stopping(waiting.cancel):
            await asyncio.wait({waiting})
        return "interrupted" if waiting.cancelled() else waiting.result()

    async def _first_of(self, keys: Keys) -> Asked:
        ways: list[Coroutine[object, object, Asked]] = [_key(keys), self._change()]
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        return next(task for task in tasks if task in done).result()

    async def _change(self) -> Asked:
        await self._touches.quiet(self._files)
        return "changed"

    def _tell_polling(self, reason: str) -> None:
        self._shown.err.write_now(f"{visible_line(reason)}: looking at the files again and again\n")

    async def _tell_waiting(self, keys: Keys) -> None:
        ways = "Enter runs all, f what failed, q leaves" if keys.are_read else "Ctrl+C leaves"
        count = counted(sum(path.exists() for path in self._files), "file")
        line = f"watching {count}: {ways}"
        styled = f"\x1b[2m{line}\x1b[0m" if self._shown.err.has_style else line
        await self._shown.err.write(f"{styled}\n")

    async def _clear(self) -> None:
        if self._shown.out.can_draw and self._shown.form == "rich":
            await self._shown.out.write(_CLEAR)


async def _key(keys: Keys) -> Asked:
    while (key := await keys.pressed()) not in _KEYS:
        pass
    return _KEYS[key]


def _told(changed: set[Path]) -> str:
    names = sorted(os.path.relpath(path) for path in changed)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return visible_line(f"changed: {', '.join(names[:_MOST_NAMED])}{more}")
