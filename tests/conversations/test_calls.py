"""Expected against actual calls: every order, counts, parallel calls, and how the two sides are told."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from runner.conversations.alignment import Aligned, aligned
from runner.conversations.calls import Comparison, Made, slots_of
from runner.conversations.matching import Matching
from runner.conversations.results import CallRecord
from runner.conversations.rubrics import Rubrics
from runner.suite import ExpectPart


def made(*steps: str | list[str], kind: str = "ok", result: Any = None) -> list[Made]:
    """Calls, a step each; a list is a step of several. `a1` is the tool a with {n: 1}."""
    calls: list[Made] = []
    for number, step in enumerate(steps, 1):
        for index, call in enumerate([step] if isinstance(step, str) else step):
            args = {"n": int(call[1:])} if call[1:] else {}
            record = CallRecord(
                step=number, index=index, name=call[0], args=args, kind=kind, result=result or {}, ms=0.0
            )
            calls.append(Made(record, number))
    return calls


def comparison(expected: list[Any], calls: list[Made]) -> Comparison:
    steps = ExpectPart.model_validate({"calls": expected}).calls
    assert isinstance(steps, list)
    return Comparison(slots_of(steps, len(calls)), calls, Matching(Rubrics()))


def is_met(expected: list[Any], calls: list[Made], *, ordered: bool = True, extra: bool = False) -> bool:
    return comparison(expected, calls).is_met(ordered=ordered, extra=extra)


def sides(expected: list[Any], calls: list[Made], *, ordered: bool = True, extra: bool = False) -> Aligned:
    return aligned(comparison(expected, calls), ordered=ordered, extra=extra)


@pytest.mark.parametrize(
    ("expected", "calls", "verdict"),
    [
        (["a", "b"], made("a", "b"), True),
        (["a", "b"], made("b", "a"), False),
        (["a", "b"], made(["b", "a"]), True),
        (["a", "b", "c"], made("a", ["c", "b"]), True),
        (["a", "b", "c"], made(["a", "c"], "b"), False),
        (["a"], made("a", "b"), False),
        (["a"], made("a", "a"), False),
        (["a", "a"], made("a"), False),
        (["a"], made(), False),
        ([{"tool": "a", "times": 2}], made("a", "a"), True),
        ([{"tool": "a", "times": 2}], made(["a", "a"]), True),
        ([{"tool": "a", "times": {"min": 1, "max": 2}}, "b"], made("a", "b"), True),
        ([{"tool": "a", "times": {"min": 1, "max": 2}}, "b"], made("a", "a", "b"), True),
        ([{"tool": "a", "times": {"min": 1, "max": 2}}, "b"], made("a", "a", "a", "b"), False),
        ([{"tool": "a", "times": {"min": 0}}, "b"], made("b"), True),
        ([{"tool": "a", "times": {"min": 0}}, "b"], made("a", "a", "a", "b"), True),
        ([{"tool": "a", "times": {"min": 0, "max": 0}}], made("a"), False),
        ([{"parallel": ["a", "b"]}], made(["b", "a"]), True),
        ([{"parallel": ["a", "b"]}], made("a", "b"), False),
        ([{"parallel": ["a", "b"]}, "c"], made(["a", "b"], "c"), True),
        ([{"parallel": ["a", "b"]}, "c"], made(["a", "b", "c"]), True),
        (["c", {"parallel": ["a", "b"]}], made(["a", "c"], "b"), False),
        ([{"tool": "a", "args": {"n": 1}}, {"tool": "a", "args": {"n": 2}}], made(["a2", "a1"]), True),
        ([{"tool": "a", "args": {"n": 1}}, {"tool": "a", "args": {"n": 2}}], made("a2", "a1"), False),
        ([{"tool": "a", "args": {"n": {"$gt": 0}}}, {"tool": "a", "args": {"n": 1}}], made(["a1", "a2"]), True),
        ([{"tool": "a", "args": {"$exact": {}}}], made("a1"), False),
    ],
)
def test_calls_in_order_are_a_sequence_of_sets(expected: list[Any], calls: list[Made], verdict: bool) -> None:
    assert is_met(expected, calls) is verdict


@pytest.mark.parametrize(
    ("expected", "calls", "verdict"),
    [
        (["a", "b"], made("x", "a", "x", "b", "x"), True),
        (["a", "b"], made("b", "x", "a"), False),
        ([{"parallel": ["a", "b"]}], made("a", ["x", "a", "b"]), True),
        ([{"parallel": ["a", "b"]}], made("a", "b"), False),
        ([{"tool": "a", "times": {"min": 0}}], made("x"), True),
    ],
)
def test_extra_calls_may_be_made_between_where_that_is_allowed(
    expected: list[Any], calls: list[Made], verdict: bool
) -> None:
    assert is_met(expected, calls, extra=True) is verdict


def test_in_any_order_each_call_needs_a_place_and_each_place_a_call() -> None:
    for order in permutations("abc"):
        assert is_met(["a", "b", "c"], made(*order), ordered=False)
    assert not is_met(["a", "b"], made("a", "b", "x"), ordered=False)
    assert not is_met(["a", "b", "b"], made("a", "b"), ordered=False)
    assert is_met(["b", {"parallel": ["a", "c"]}], made(["c", "a"], "b"), ordered=False)
    assert not is_met(["b", {"parallel": ["a", "c"]}], made(["c", "b"], "a"), ordered=False)


def test_a_greedy_pairing_would_be_wrong_and_is_not_made() -> None:
    """The loose expectation must not take the call that only the strict one fits."""
    expected = [{"tool": "a", "args": {"n": {"$gt": 0}}}, {"tool": "a", "args": {"n": 1}}]
    assert is_met(expected, made("a1", "a2"), ordered=False)
    assert is_met(expected, made("a2", "a1"), ordered=False)
    assert not is_met(expected, made("a2", "a3"), ordered=False)


def test_a_subset_is_some_of_the_calls_in_any_order() -> None:
    assert is_met(["b", "a"], made("a", "x", "b"), ordered=False, extra=True)
    assert not is_met(["b", "a"], made("a", "x"), ordered=False, extra=True)


def test_how_a_call_ended_and_what_it_returned_belong_to_it() -> None:
    failed = made("a", kind="error", result={"error": "no such city"})
    assert not is_met(["a"], failed)
    assert is_met([{"tool": "a", "status": "error"}], failed)
    assert is_met([{"tool": "a", "status": "error", "result": {"error": {"$contains": "city"}}}], failed)
    assert not is_met([{"tool": "a", "result": {"temp": 18}}], made("a", result={"temp": 17}))
    told = sides(["a"], failed)
    assert told.problems == ["a: status: expected ok, got error (no such city)"]


def test_the_sides_stand_line_by_line_with_what_is_missing_left_blank() -> None:
    told = sides([{"tool": "a", "args": {"n": 1}}, "b", "c"], made("a2", "x", "c"))
    assert told.expected.split("\n") == ["a(n=1)", "b(...)", "", "c(...)"]
    assert told.actual.split("\n") == ["a(n=2)", "", "x()", "c()"]
    assert told.problems == ["a: args.n: expected 1, got 2", "not called: b(...)", "not expected: x()"]


def test_in_any_order_a_call_stands_beside_the_expectation_it_is_nearest_to() -> None:
    told = sides(["b", {"tool": "a", "args": {"n": 1}}], made("a2", "b", "x"), ordered=False)
    assert told.expected.split("\n") == ["b(...)", "a(n=1)", ""]
    assert told.actual.split("\n") == ["b()", "a(n=2)", "x()"]
    assert told.problems == ["a: args.n: expected 1, got 2", "not expected: x()"]


def test_a_wrong_order_and_calls_not_made_in_parallel_are_told_as_that() -> None:
    assert sides(["a", "b"], made("b", "a")).problems == ["the calls are those expected, but not in this order"]
    together = sides([{"parallel": ["a", "b"]}], made("a", "b"))
    assert together.problems == ["calls that are expected in parallel were not made in one step"]
    assert together.expected == "a(...) (in parallel)\nb(...) (in parallel)"


def test_extra_calls_are_shown_and_not_complained_of_where_they_may_be() -> None:
    told = sides(["b"], made("x"), ordered=False, extra=True)
    assert told.problems == ["not called: b(...)"]
    assert told.actual == "\nx()"


def test_many_calls_are_compared_at_once() -> None:
    """128 calls, the most a turn may make, in every form; this would never end if each way were tried."""
    calls = made(*["a"] * 64, *["b"] * 64)
    loose = [{"tool": "a", "times": {"min": 0}}, {"tool": "b", "times": {"min": 0}}]
    assert is_met(loose, calls)
    assert not is_met([*loose, "c"], calls)
    assert is_met(loose, calls, ordered=False)
    assert sides(["a", "c"], calls).problems
