"""The variables of a case in its texts."""

from __future__ import annotations

from typing import Any

import pytest

from runner.conversations.variables import filled, filled_part, filled_text
from runner.suite import ExpectPart, StubPart

VARIABLES = {"city": "Paris", "n": 2, "yes": True, "list": [1, "a"], "tricky": "${city} $$"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("in ${city}", "in Paris"),
        ("${n} and ${yes} and ${list}", '2 and true and [1, "a"]'),
        ("$$5 $ ${unknown} $x", "$5 $ ${unknown} $x"),
        ("^\\d+$", "^\\d+$"),
        ("$${city}", "${city}"),
        ("<${tricky}>", "<${city} $$>"),
    ],
)
def test_a_text_is_filled_once_and_never_read_again(text: str, value: str) -> None:
    assert filled_text(text, VARIABLES) == value


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("${n}", 2),
        ("${list}", [1, "a"]),
        ("x${n}", "x2"),
        ({"${n}": ["${yes}", {"$gt": "${n}"}]}, {"${n}": [True, {"$gt": 2}]}),
        (None, None),
    ],
)
def test_a_reference_alone_keeps_the_type_of_its_value(value: Any, result: Any) -> None:
    assert filled(value, VARIABLES) == result


def test_what_a_file_left_out_stays_left_out() -> None:
    expect = ExpectPart.model_validate(
        {"calls": [{"tool": "f", "args": {"n": "${n}"}}], "reply": ["${n}", {"json": {"a": "${n}"}}]}
    )
    filled_in = filled_part(expect, VARIABLES)
    assert filled_in.model_fields_set == expect.model_fields_set
    assert isinstance(filled_in.calls, list)
    call = filled_in.calls[0]
    assert call.model_fields_set == {"tool", "args"}
    assert call.args == {"n": 2}  # type: ignore[union-attr]
    assert filled_in.reply is not None
    assert filled_in.reply[0].contains == ["2"]
    assert filled_in.reply[1].json_value == {"a": 2}


def test_a_part_without_references_is_not_copied() -> None:
    part = StubPart.model_validate({"when": {"city": "Rome"}, "return": None})
    assert filled_part(part, VARIABLES) is part
