"""Every matcher, where it fits and where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from runner.conversations.matching import ABSENT, Matching, Mismatch, described, equal
from runner.conversations.rubrics import Rubrics, Verdict
from runner.suite.matchers import MATCHERS

FITS: list[tuple[Any, Any]] = [
    (1, 1.0),
    ("a", "a"),
    (None, None),
    ([], []),
    ({}, {"a": 1}),
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}),
    ([{"a": 1}, 2], [{"a": 1, "b": 2}, 2]),
    ({"$eq": {"$in": [1]}}, {"$in": [1]}),
    ({"$eq": [1, {"a": True}]}, [1.0, {"a": True}]),
    ({"$ne": 1}, 2),
    ({"$ne": 1}, True),
    ({"$in": [1, "c", {"a": 1}]}, {"a": 1}),
    ({"$in": [1, 2]}, 2.0),
    ({"$nin": [1, 2]}, 3),
    ({"$regex": "^par"}, "paris"),
    ({"$regex": "(?i)PAR"}, "in paris"),
    ({"$contains": "ari"}, "Paris"),
    ({"$contains": 2}, [1, 2]),
    ({"$contains": {"city": {"$icontains": "PAR"}}}, [{"city": "Rome"}, {"city": "Paris", "days": 2}]),
    ({"$icontains": "STRASSE"}, "Hauptstraße"),
    ({"$startswith": "Pa"}, "Paris"),
    ({"$approx": {"value": 18, "tol": 0.5}}, 18.5),
    ({"$approx": 0.3}, 0.1 + 0.2),
    ({"$approx": 1_000_000}, 1_000_001),
    ({"$gt": 1}, 1.5),
    ({"$gte": 2}, 2),
    ({"$lt": "2026-03-01"}, "2026-02-28"),
    ({"$lte": 2}, 2),
    ({"$len": 2}, [1, 2]),
    ({"$len": {"$gte": 1}}, "ab"),
    ({"$len": 0}, {}),
    ({"$type": "string"}, ""),
    ({"$type": "number"}, 1.5),
    ({"$type": "integer"}, 2.0),
    ({"$type": "boolean"}, False),
    ({"$type": "array"}, []),
    ({"$type": "object"}, {}),
    ({"$type": "null"}, None),
    ({"$any": True}, None),
    ({"a": {"$absent": True}}, {"b": 1}),
    ({"a": {"$not": {"$eq": 1}}}, {}),
    ({"a": {"$nin": [1]}}, {}),
    ({"$all": [{"$gt": 1}, {"$lt": 3}]}, 2),
    ({"$not": {"$contains": "x"}}, "abc"),
    ({"$each": {"$gt": 0}}, [1, 2]),
    ({"$each": {"a": 1}}, []),
    ({"$subset": [2, {"$gt": 2}]}, [3, 1, 2]),
    ({"$subset": [{"$any": True}, 1]}, [1, 2]),
    ({"$subset": {"a": 1}}, {"a": 1, "b": 2}),
    ({"$exact": {"a": {"b": {"$gt": 0}}}}, {"a": {"b": 1}}),
    ({"$schema": {"type": "object", "required": ["a"]}}, {"a": 1}),
]
MISSES: list[tuple[Any, Any]] = [
    (1, True),
    (True, 1),
    (0, False),
    (None, 0),
    ("1", 1),
    ({"a": 1}, {"b": 1}),
    ({"a": None}, {}),
    ([1, 2], [2, 1]),
    ([1], [1, 2]),
    ({}, []),
    ({"$eq": {"a": 1}}, {"a": 1, "b": 2}),
    ({"$eq": 1}, True),
    ({"$ne": 1}, 1.0),
    ({"$in": [1, 2]}, True),
    ({"$in": [{"$gt": 0}]}, 1),
    ({"$nin": [1, 2]}, 1.0),
    ({"$regex": "^par"}, "in paris"),
    ({"$regex": "1"}, 1),
    ({"$contains": "x"}, "abc"),
    ({"$contains": 3}, [1, 2]),
    ({"$contains": "a"}, {"a": 1}),
    ({"$icontains": "x"}, "abc"),
    ({"$icontains": "1"}, 1),
    ({"$startswith": "a"}, "ba"),
    ({"$approx": {"value": 18, "tol": 0.5}}, 18.6),
    ({"$approx": 18}, "18"),
    ({"$approx": {"value": 1, "tol": 1}}, True),
    ({"$gt": 1}, 1),
    ({"$gt": 1}, "2"),
    ({"$gte": 2}, True),
    ({"$lt": 2}, 2),
    ({"$lte": "a"}, "b"),
    ({"$len": 2}, [1]),
    ({"$len": 1}, 1),
    ({"$type": "number"}, True),
    ({"$type": "integer"}, 1.5),
    ({"$type": "string"}, None),
    ({"a": {"$any": True}}, {}),
    ({"a": {"$absent": True}}, {"a": None}),
    ({"$all": [{"$gt": 1}, {"$lt": 3}]}, 4),
    ({"$not": 1}, 1.0),
    ({"$each": {"$gt": 0}}, [1, 0]),
    ({"$each": {"$gt": 0}}, 1),
    ({"$subset": [1, 1]}, [1, 2]),
    ({"$subset": [1]}, 1),
    ({"$exact": {"a": {"b": 1}}}, {"a": {"b": 1, "c": 2}}),
    ({"$exact": {"a": 1}}, {"a": 1, "b": 2}),
    ({"$schema": {"type": "object", "required": ["a"]}}, {}),
    ({"$schema": {"type": "integer"}}, 1.5),
]


def mismatches(expected: Any, actual: Any, path: str = "") -> list[Mismatch]:
    return Matching(Rubrics()).mismatches(expected, actual, path)


@pytest.mark.parametrize(("expected", "actual"), FITS)
def test_a_value_that_fits_has_no_mismatch(expected: Any, actual: Any) -> None:
    assert mismatches(expected, actual) == []


@pytest.mark.parametrize(("expected", "actual"), MISSES)
def test_a_value_that_does_not_fit_has_one_that_says_what_was_expected(expected: Any, actual: Any) -> None:
    found = mismatches(expected, actual)
    assert found
    assert all(each.expected and each.actual for each in found)


def test_every_matcher_of_the_format_is_in_the_tables_above() -> None:
    """And has words of its own, in which what it expects is told."""
    for table in (FITS, MISSES):
        told = " ".join(map(str, table))
        assert {name for name in MATCHERS if f"'{name}'" not in told} <= {"$judge"}
    assert all(not described({name: 1}).startswith("{") for name in MATCHERS)


@pytest.mark.parametrize(
    ("expected", "actual", "told"),
    [
        ({"city": {"$icontains": "paris"}}, {"city": "Rome"}, 'args.city: expected a text that contains "paris"'),
        (
            {"stops": [{"city": "Rome"}]},
            {"stops": [{"city": "Oslo"}]},
            'args.stops[0].city: expected "Rome", got "Oslo"',
        ),
        ({"city": "Rome"}, {}, 'args.city: expected "Rome", got nothing'),
        ({"$exact": {"city": "Rome"}}, {"city": "Rome", "unit": "c"}, 'args.unit: expected nothing, got "c"'),
        ({"days": {"$each": {"$gt": 0}}}, {"days": [1, 0]}, "args.days[1]: expected more than 0, got 0"),
        ({"n": {"$all": [{"$gt": 1}, {"$lt": 3}]}}, {"n": 4}, "args.n: expected less than 3, got 4"),
        ({"n": {"$len": {"$gt": 2}}}, {"n": "ab"}, 'args.n: expected a length of more than 2, got 2: "ab"'),
        ({"l": {"$subset": [1, 9]}}, {"l": [1, 2]}, "args.l: expected a list with 9, got [1, 2]"),
        ({"u": {"$in": ["c", "f"]}}, {"u": "k"}, 'args.u: expected one of "c", "f", got "k"'),
    ],
)
def test_a_mismatch_names_its_place_the_expected_and_the_actual(expected: Any, actual: Any, told: str) -> None:
    (found,) = mismatches(expected, actual, "args")
    assert str(found).startswith(told)


def test_all_mismatches_are_told_and_not_the_first() -> None:
    found = mismatches({"a": 1, "b": {"c": 2, "d": [3]}}, {"a": 0, "b": {"c": 0, "d": [0]}})
    assert [each.path for each in found] == ["a", "b.c", "b.d[0]"]


def test_a_long_value_is_cut_off_in_words() -> None:
    assert len(described("x" * 1000)) == 200
    assert described(ABSENT) == "nothing"


def test_true_is_no_number_at_any_depth() -> None:
    assert not equal([{"a": 1}], [{"a": True}])
    assert equal([{"a": 1}], [{"a": 1.0}])


def test_a_rubric_counts_as_fulfilled_until_the_judge_was_asked() -> None:
    rubrics = Rubrics()
    matching = Matching(rubrics)
    assert matching.fits({"$judge": "polite"}, "Hello")
    (question,) = rubrics.wanted()
    assert (question.about, question.rubric, question.material) == ("value", "polite", '"Hello"')
    rubrics.settle(question, Verdict(passed=False, score=0.1, reason="too short", quote="Hello"))
    (found,) = matching.mismatches({"$judge": "polite"}, "Hello", "args.text")
    assert "too short" in str(found)
    assert rubrics.wanted() == []
