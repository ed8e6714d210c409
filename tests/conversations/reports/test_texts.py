"""The texts of reports: they fit their width, tell every check, and put expected against actual."""

from __future__ import annotations

import pytest

from runner.conversations.reports.amounts import duration, money, share
from runner.conversations.reports.comparing import rows, unified
from runner.conversations.reports.lines import Layout, joined, shortened
from runner.conversations.reports.repeated import repeat_line
from runner.conversations.reports.text import capped, case_lines, first_line, summary
from runner.conversations.results import Check
from runner.widths import width_of, wrapped
from tests.conversations.reports.samples import (
    ROOT,
    attempt,
    case,
    error_case,
    failed_case,
    flaky_case,
    mixed_run,
    run,
    turn,
    wide_case,
)


def told(each: object, width: int = 100, **options: object) -> str:
    layout = Layout(width=width, folder=ROOT, **options)  # type: ignore[arg-type]  # a layout's fields
    return joined(case_lines(each, layout))  # type: ignore[arg-type]  # a case


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("each", [failed_case(), error_case(), wide_case(), flaky_case()], ids=lambda case: case.name)
def test_no_line_is_wider_than_asked_for(each: object, width: int) -> None:
    """But for what to do, which is there to be copied; places are not broken either."""
    assert max(width_of(line) for line in told(each, width).splitlines() if "→" not in line) <= width


def test_every_check_that_did_not_hold_is_told_with_its_place() -> None:
    text = told(failed_case())
    assert "turn 2: calls: the calls are not those expected\n     agents/weather.conversations.yaml:24\n" in text
    assert 'turn 2: reply: does not contain "18"\n     agents/weather.conversations.yaml:27\n' in text
    assert "status" not in text


def test_short_texts_stand_below_each_other() -> None:
    assert '     expected  contains "18"\n     actual    Tomorrow it will be 19 °C.\n' in told(failed_case())


def test_several_lines_stand_side_by_side_where_there_is_room() -> None:
    lines = told(failed_case(), 120).splitlines()
    assert [line.count('get_forecast(city="Paris", days=3)') for line in lines].count(2) == 1
    assert "│ actual" not in told(failed_case(), 60)
    assert "     expected  get_weather(" in told(failed_case(), 60)


def test_long_texts_are_told_as_a_diff() -> None:
    before = "\n".join(f"line {number}" for number in range(40))
    check = Check(
        kind="reply", passed=False, message="differs", expected=before, actual=before.replace("line 20", "line twenty")
    )
    text = told(case("long", "failed", attempt(turn(checks=[check]), outcome="failed")))
    assert "     -line 20\n     +line twenty\n" in text
    assert "line 10\n" not in text.partition("as it was held")[0]


def test_the_turn_that_failed_is_told_as_a_conversation() -> None:
    text = told(failed_case())
    conversation = text.partition("turn 2 as it was held:\n")[2]
    assert conversation.startswith("     > And tomorrow?\n     ⋅ get_weather(")
    assert 'get_forecast(city="Paris", days=3) = error {"error": "no data"}' in conversation
    assert "     ! 429 RESOURCE_EXHAUSTED: asked again after 2 s\n" in conversation
    assert "     < Tomorrow it will be 19 °C.\n" in conversation
    assert "turn 1" not in text


def test_trouble_says_what_to_do() -> None:
    text = told(error_case())
    assert "   note: recorded under an older manifest: instructions\n" in text
    assert "   replay_miss: request 2 is not in the cassette\n   - Be brief.\n   + Be very brief.\n" in text
    assert "   → record it again: agent-run test --record all -k 'books a flight'\n" in text


def test_only_ascii_is_written_where_there_is_nothing_else() -> None:
    signs = told(failed_case(), ascii=True).replace("°", "")
    assert signs.isascii()


def test_what_a_text_must_not_hold_is_taken_out_before_it_is_measured() -> None:
    each = case("\x1b[2J", "failed", attempt(turn(user="\x1b" * 200), outcome="failed"))
    text = told(each, 60, clean=lambda text: text.replace("\x1b", "<escape>"))
    assert "\x1b" not in text
    assert max(map(width_of, text.splitlines())) <= 60


def test_the_first_line_counts_the_rest() -> None:
    assert first_line(failed_case()) == "turn 2: calls: the calls are not those expected (and 1 more)"
    assert first_line(error_case()) == "request 2 is not in the cassette"
    assert first_line(case("fine", "passed", attempt(turn()))) == ""


def test_repeats_are_told_with_their_interval() -> None:
    assert repeat_line(flaky_case()) == "8/10 runs passed (49% to 94.3% at 95%), pass^3 46.7%"
    early = case("early", "failed", *(attempt(index=number, outcome="failed") for number in (1, 2, 3)), repeats=10)
    assert repeat_line(early) == "0/3 runs passed (0% to 56.1% at 95%), pass^3 0%, decided after 3 of 10"
    assert repeat_line(case("once", "passed", attempt())) == ""


def test_the_summary_counts_and_explains_the_exit_code() -> None:
    assert summary(mixed_run()) == (
        "2 failed, 1 error, 2 passed (1 flaky), 1 skipped, 2 deselected; 4.2 s, 3,420 tokens, $0.0132; "
        "exit 2: a case could not be run: see its error"
    )
    failed = case("a", "failed", attempt(outcome="failed"))
    stopped = run(failed, stopped="budget", exit_code=5, cost=None, usage=None)
    assert summary(stopped) == "1 failed; stopped: budget; 4.2 s; exit 5: the budget was reached"
    assert summary(run()).startswith("no case was run; ")


def test_lines_are_paired_and_their_words_marked() -> None:
    same, changed, added = rows("a\nthe red fox\n", "a\nthe blue fox\nmore")
    assert same.is_same
    assert changed.expected == (("the ", False), ("red", True), (" fox", False))
    assert changed.actual == (("the ", False), ("blue", True), (" fox", False))
    assert (added.expected, added.actual) == (None, (("more", True),))
    assert unified("a\nb", "a\nc") == ["@@ -1,2 +1,2 @@", " a", "-b", "+c"]


def test_lines_are_broken_between_words_and_by_columns() -> None:
    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("東京の天気", 5) == ["東京", "の天", "気"]
    assert wrapped("", 5) == [""]
    assert shortened("東京の天気", 5) == "東京…"
    assert shortened("short", 5) == "short"


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0 ms"), (85.4, "85 ms"), (1234, "1.2 s"), (59_900, "59.9 s"), (125_000, "2 min 05 s")]
)
def test_times_are_told_in_a_fitting_unit(ms: float, text: str) -> None:
    assert duration(ms) == text


@pytest.mark.parametrize(("cost", "text"), [(0, "$0"), (0.00001, "<$0.0001"), (0.0132, "$0.0132"), (12.5, "$12.50")])
def test_money_is_told_to_the_digit_that_matters(cost: float, text: str) -> None:
    assert money(cost) == text


def test_shares_and_long_texts() -> None:
    assert (share(0.8), share(2 / 3), share(1)) == ("80%", "66.7%", "100%")
    assert capped("x" * 10, 10) == "x" * 10
    assert capped("a" * 10 + "b" * 10, 4) == "aa [... 16 characters left out ...] bb"
