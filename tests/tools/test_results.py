"""A tool's result and error as the JSON the model reads."""

import dataclasses
import datetime as dt
import decimal
import enum
import json
import pathlib
import types

import hypothesis.strategies as st
import pytest
from hypothesis import given
from pydantic import BaseModel

from runner.tools.results import ToolResultError, error_text, json_result

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Color(enum.Enum):
    RED = "red"


class Model(BaseModel):
    when: dt.date
    color: Color = Color.RED


@dataclasses.dataclass
class Point:
    x: int
    y: decimal.Decimal


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_a_json_object_comes_back_equal(value):
    assert json_result(value) == value


def test_the_result_is_the_callers_own():
    value = {"list": [1]}
    result = json_result(value)
    value["list"].append(2)
    assert result == {"list": [1]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {"result": None}),
        ("text", {"result": "text"}),
        (3, {"result": 3}),
        ([1, (2, 3)], {"result": [1, [2, 3]]}),
        ({3, 1, 2}, {"result": [1, 2, 3]}),
        ({"c", "a"}, {"result": ["a", "c"]}),
        (b"text", {"result": "text"}),
        (Color.RED, {"result": "red"}),
        (pathlib.PurePosixPath("a/b"), {"result": "a/b"}),
        (dt.date(2026, 1, 2), {"result": "2026-01-02"}),
        (Model(when=dt.date(2026, 1, 2)), {"when": "2026-01-02", "color": "red"}),
        (Point(1, decimal.Decimal("2.50")), {"x": 1, "y": "2.50"}),
        ([Point(1, decimal.Decimal(2))], {"result": [{"x": 1, "y": "2"}]}),
        ({1: "int key", "at": dt.datetime(2026, 1, 2, 3)}, {"1": "int key", "at": "2026-01-02T03:00:00"}),
        ({dt.date(2026, 1, 2): 1, Color.RED: 2}, {"2026-01-02": 1, "red": 2}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        ("\x00\ud800", {"result": "\x00\ud800"}),
    ],
)
def test_any_ordinary_value_becomes_a_json_object(value, expected):
    result = json_result(value)
    assert result == expected
    assert json.loads(json.dumps(result)) == expected


class Loop(dict):
    def __init__(self):
        self["self"] = self


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"\xff\xfe", "bytes that are not UTF-8 text"),
        ({"a": b"\xff"}, "bytes that are not UTF-8 text"),
        (float("nan"), "NaN and Infinity are not JSON numbers"),
        ({"a": [float("inf")]}, "NaN and Infinity are not JSON numbers"),
        (Loop(), "contains itself or is nested too deep"),
        (nested(100_000), "contains itself or is nested too deep"),
        (object(), "cannot be written as JSON"),
        ({"a": lambda: 0}, "cannot be written as JSON"),
        ({object(): 1}, "cannot be written as JSON"),
        ("x" * 1_000_001, "1,000,001 characters of JSON, at most 1,000,000 are allowed"),
        ({"a": ["x" * 999_990]}, "at most 1,000,000 are allowed"),
    ],
)
def test_what_is_no_json_or_too_long_is_an_error_in_short(value, text):
    with pytest.raises(ToolResultError) as raised:
        json_result(value)
    assert text in str(raised.value)
    assert len(str(raised.value)) < 200


def test_the_limit_can_be_chosen():
    with pytest.raises(ToolResultError, match="13 characters of JSON, at most 12 are allowed"):
        json_result({"a": "1234"}, 12)
    assert json_result({"a": "123"}, 12) == {"a": "123"}


class BrokenError(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no such city"), "ValueError: no such city"),
        (TimeoutError(), "TimeoutError"),
        (SystemExit(3), "SystemExit: 3"),
        (BrokenError(), "BrokenError"),
        (ToolResultError("plain words"), "plain words"),
        (ExceptionGroup("group", [ValueError("a"), KeyError("b")]), "ValueError: a; KeyError: 'b'"),
        (FileNotFoundError(2, "No such file", "/home/me/my data/x.csv"), "[Errno 2] No such file: 'x.csv'"),
        (ValueError("cannot read /srv/app/config.toml: bad"), "ValueError: cannot read config.toml: bad"),
        (ValueError("(/srv/app/a.py, line 3)"), "ValueError: (a.py, line 3)"),
        (ValueError(r"at C:\Users\me\x.txt now"), "ValueError: at x.txt now"),
        (ValueError("see file:///srv/app/x.md"), "ValueError: see x.md"),
        (ValueError("GET https://api.example.com/v1/x/y: 404"), "ValueError: GET https://api.example.com/v1/x/y: 404"),
        (ValueError("5 km/h and/or 1/2/3"), "ValueError: 5 km/h and/or 1/2/3"),
    ],
)
def test_an_errors_text_is_its_class_and_message_without_folders(error, text):
    assert text in error_text(error)


def test_an_errors_text_has_no_traceback_and_a_limit():
    with pytest.raises(ValueError, match="x") as raised:
        raise ValueError("x" * 5000)
    text = error_text(raised.value)
    assert len(text) == 2000
    assert "Traceback" not in text


def test_a_pydantic_error_keeps_its_words_without_the_link():
    try:
        Model(when="never")
    except ValueError as error:
        text = error_text(error)
    assert "when" in text
    assert "errors.pydantic.dev" not in text
