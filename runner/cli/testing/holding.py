"""One run as the command shows it: progress, results, report files, what is kept and what is accepted."""

from __future__ import annotations

from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.exits import Exit
from runner.cli.lines import error_line
from runner.cli.screen import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.cli.output import Output
    from runner.cli.signals import Signals
    from runner.cli.testing.writing import Reports
    from runner.conversations.options import Options
    from runner.conversations.results import RunResult
    from runner.loading.suites import LoadedSuite


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How runs are shown, and what is done after each; `accepts` literals, or with `dry` only says which."""

    out: Output
    err: Output
    form: str
    reports: Reports
    accepts: bool = False
    dry: bool = False

    async def held(self, suites: list[LoadedSuite], options: Options, signals: Signals) -> tuple[Exit, RunResult]:
        """Hold the conversations; what the command ends with, and the result."""
        result = await self._run(suites, options, signals)
        problems = [*self.reports.write(result, Path.cwd()), *_remembered(result)]
        if self.accepts:
            problems += await self._accept(suites, result)
        for problem in problems:
            await self.err.write(f"{error_line(problem)}\n")
        code = Exit(result.exit_code)
        is_torn = bool(problems) or self.out.problem is not None
        return Exit.STORAGE if code is Exit.DONE and is_torn else code, result

    async def _run(self, suites: list[LoadedSuite], options: Options, signals: Signals) -> RunResult:
        from runner.cli.testing.display import Display
        from runner.cli.testing.forms import Form
        from runner.cli.testing.printing import Printed
        from runner.conversations.session import Session

        shown = Form(self.form, self.out, self.err, Path.cwd())
        await shown.begin()
        async with Display(shown.results, shown.progress) as display:
            session, printed = Session(suites, options, display.observe), Printed(display.printed)
            with signals.stopping(session.interrupt), redirect_stdout(printed):
                result = await session.run()
            printed.end()
        if signals.asked_to_leave is not None:
            result.exit_code = int(signals.asked_to_leave)
        await shown.end(result)
        return result

    async def _accept(self, suites: list[LoadedSuite], result: RunResult) -> list[str]:
        from runner.cli.testing.updates import updated

        told, problems = updated(suites, result, dry=self.dry)
        await (self.err if self.form == "json" else self.out).write(told)
        return problems


def _remembered(result: RunResult) -> Iterator[str]:
    """Keep what failed for --only-failed; what is to be said where that cannot be."""
    from runner.cli.testing.suites import root_here
    from runner.conversations.last import remember

    try:
        remember(result, root_here())
    except OSError as error:
        yield f"what failed cannot be kept for --only-failed: {visible_line(str(error))}"
