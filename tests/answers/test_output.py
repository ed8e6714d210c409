"""The form of an answer: what may say it, what is sent of it, and what is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from runner.answers.output import MisfitError, Output

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}


class Place(BaseModel):
    """A place."""

    name: str
    kind: Literal["city"] = "city"
    inside: Place | None = None


@dataclass
class Point:
    x: int
    y: int = 0


class Named(BaseModel):
    name: str


class Trip(BaseModel):
    place: Named
    days: int = Field(ge=1, description="How many days.")


def test_of_a_json_schema_all_is_sent_but_its_names() -> None:
    output = Output(SCHEMA)
    assert output.schema == {key: value for key, value in SCHEMA.items() if key != "$schema"}
    assert output.read('{"city": "Paris", "days": 2.0}') == {"city": "Paris", "days": 2}


def test_a_schema_in_gemini_s_own_writing_is_read_as_json_schema() -> None:
    assert Output({"type": "ARRAY", "items": {"type": "STRING", "nullable": True}}).schema == {
        "type": "array",
        "items": {"type": ["string", "null"]},
    }


def test_a_pydantic_model_is_sent_without_titles_and_references_and_read_as_an_instance() -> None:
    output = Output(Trip)
    assert output.schema == {
        "type": "object",
        "properties": {
            "place": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            "days": {"type": "integer", "minimum": 1, "description": "How many days."},
        },
        "required": ["place", "days"],
    }
    assert output.read('{"place": {"name": "Rome"}, "days": 3}') == Trip(place=Named(name="Rome"), days=3)


def test_a_recursive_model_keeps_its_definition() -> None:
    output = Output(Place)
    assert set(output.schema["$defs"]) == {"Place"}
    assert output.read('{"name": "Rome", "inside": {"name": "Italy"}}').inside == Place(name="Italy")


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (Point, '{"x": 1}', Point(1)),
        (list[int], "[1, 2]", [1, 2]),
        (Literal["yes", "no"], '"no"', "no"),
        ({"enum": ["yes", "no"]}, ' "no"\n', "no"),
    ],
)
def test_any_type_that_pydantic_validates_is_a_form(form: Any, text: str, value: object) -> None:
    assert Output(form).read(text) == value
    assert Output.of(output := Output(form)) is output


@pytest.mark.parametrize(
    ("form", "text", "problem"),
    [
        (SCHEMA, "Paris", "it is not JSON"),
        (SCHEMA, '```json\n{"city": "Paris"}\n```', "it is not JSON"),
        (SCHEMA, '{"city": NaN}', "NaN is no number of JSON"),
        (SCHEMA, "[" * 100_000, "it is not JSON"),
        (SCHEMA, "{}", '"city" is a required property'),
        (SCHEMA, '{"city": "Paris", "town": 1}', "town"),
        (Trip, '{"place": {"name": "Rome"}, "days": 0}', '"days": Input should be greater than or equal to 1'),
        (Trip, "{}", '"place": Field required; "days": Field required'),
    ],
)
def test_a_text_without_the_form_is_told_with_what_is_wrong(form: Any, text: str, problem: str) -> None:
    with pytest.raises(MisfitError) as raised:
        Output(form).read(text)
    assert problem in str(raised.value)


@pytest.mark.parametrize("form", [{"type": "objekt"}, "answer.json", object(), 5, lambda: 1])
def test_what_is_no_form_is_refused(form: Any) -> None:
    with pytest.raises(ValueError, match="JSON schema"):
        Output(form)
