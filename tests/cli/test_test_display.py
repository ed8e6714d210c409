"""The drawing of a run under way: fits the terminal, and counts what is spent now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runner.cli.output import Output
from runner.cli.testing.board import Board
from runner.cli.testing.drawing import board_lines
from runner.cli.testing.printing import Printed
from runner.cli.testing.results import result_line
from runner.cli.testing.styles import Style
from runner.conversations.progress import (
    AttemptEnded,
    AttemptStarted,
    CaseEnded,
    CaseId,
    CaseStarted,
    Noticed,
    Progress,
    RunStarted,
    TurnEnded,
)
from runner.widths import width_of
from tests.conversations.reports.samples import ROOT, WEATHER, attempt, failed_case, flaky_case, turn

ONE, OTHER = (
    CaseId(WEATHER, "asks for the unit, then answers in a name that is far too long"),
    CaseId(WEATHER, "東京の天気" * 10),
)


class Screen(Output):
    """A terminal of a given size."""

    def __init__(self, columns: int, rows: int = 24) -> None:
        super().__init__(None)
        self.is_terminal, self._given = True, (columns, rows)

    @property
    def columns(self) -> int:
        return self._given[0]

    @property
    def rows(self) -> int:
        return self._given[1]

    def glyph(self, preferred: str, plain: str) -> str:
        return preferred


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")


def board_after(*events: Progress) -> Board:
    moments = iter(range(1000))
    board = Board(lambda: float(next(moments)))
    for event in (RunStarted(cases=40, suites=3, attempts=50, deselected=0), *events):
        board.see(event)
    return board


def drawn(board: Board, columns: int, rows: int = 24) -> list[str]:
    lines = board_lines(board, Style(Screen(columns, rows), ROOT), 0)
    assert all(width == width_of(text) < columns for text, width in lines)
    return [text for text, _ in lines]


def started(case: CaseId, source: str = "live", repeats: int = 1) -> list[Progress]:
    return [
        CaseStarted(case=case, repeats=repeats, turns=3),
        AttemptStarted(case=case, index=1, source=source),  # type: ignore[arg-type]  # a source
    ]


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_no_row_is_wider_than_the_terminal(columns: int) -> None:
    board = board_after(
        *started(ONE),
        TurnEnded(case=ONE, index=1, turn=turn()),
        *started(OTHER, repeats=10),
        Noticed(case=OTHER, index=1, turn=1, code="retry", message="again"),
    )
    assert len(drawn(board, columns)) == 3


def test_a_case_has_its_turns_retries_tokens_and_cost_so_far() -> None:
    bad = turn(2)
    bad.checks = failed_case().attempts[0].turns[1].checks
    board = board_after(
        *started(ONE),
        Noticed(case=ONE, index=1, turn=1, code="retry", message="again"),
        TurnEnded(case=ONE, index=1, turn=turn()),
        TurnEnded(case=ONE, index=1, turn=bad),
    )
    line, total = drawn(board, 120)
    assert re.search(r"^⠋ weather: asks .*  •✗◦  1 retry 300 tok \$0\.0008 \d+\.0 s$", line)
    assert total.startswith("0/40 done · 1 retry · 300 tok · $0.0008 · ")


def test_what_was_replayed_costs_nothing_and_judges_do() -> None:
    board = board_after(
        *started(ONE, source="replayed"),
        TurnEnded(case=ONE, index=1, turn=turn()),
        AttemptEnded(case=ONE, attempt=attempt(spent=0.0)),
        *started(OTHER),
        TurnEnded(case=OTHER, index=1, turn=turn()),
        AttemptEnded(case=OTHER, attempt=attempt(spent=0.0104)),
    )
    assert board.spent.dollars == pytest.approx(0.0104)


def test_repeats_and_failures_are_counted() -> None:
    board = board_after(
        *started(ONE, repeats=10),
        AttemptEnded(case=ONE, attempt=attempt()),
        CaseEnded(case=OTHER, result=failed_case()),
        CaseEnded(case=OTHER, result=flaky_case()),
    )
    line, total = drawn(board, 120)
    assert "  1/10 " in line
    assert total.startswith("2/40 done · 1 failed · ")


def test_more_cases_than_rows_are_counted() -> None:
    cases = [CaseId(Path("a.conversations.yaml"), f"case {number}") for number in range(30)]
    lines = drawn(board_after(*(event for case in cases for event in started(case))), 80, 12)
    assert len(lines) == 10
    assert lines[-2] == "  and 22 more"


def test_a_result_line_fits_a_narrow_terminal() -> None:
    style = Style(Screen(60), ROOT)
    for case in (failed_case("a name that is far too long for one row of sixty columns"), flaky_case()):
        lines = result_line(case, style).splitlines()
        assert max(map(width_of, lines)) <= 60
        assert len(lines) in {2, 3}


def test_what_tools_print_is_told_line_by_line() -> None:
    told: list[str] = []
    printed = Printed(told.append)
    print("one\ntwo", file=printed)
    print("three", end="", file=printed)
    assert told == ["one", "two"]
    printed.end()
    printed.end()
    assert told == ["one", "two", "three"]
