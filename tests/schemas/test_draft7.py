"""What pydantic writes becomes what editors like, and means the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import jsonschema_rs
from pydantic import BaseModel, BeforeValidator, Field

from runner.schemas.draft7 import choices, draft7, with_markdown

if TYPE_CHECKING:
    from runner.messages import Json


class Leaf(BaseModel):
    """A leaf."""

    size: Annotated[int, BeforeValidator(lambda value: value), Field(ge=1, lt=9)] = 1
    kind: Literal["a", "b"] | None = None


class Tree(BaseModel):
    first: Leaf = Field(description="The first leaf.")
    more: list[Leaf] | None = None
    pair: tuple[int, str] = (1, "")
    name: str | None = None
    inner: "Tree | None" = None  # noqa: UP037  # a type that names itself


def keywords(schema: object) -> set[str]:
    """All keys of a schema and of those inside it, names of properties too."""
    if isinstance(schema, dict):
        return {*schema, *(key for value in schema.values() for key in keywords(value))}
    return {key for value in schema for key in keywords(value)} if isinstance(schema, list) else set()


def test_nothing_is_left_of_what_draft_07_does_not_know() -> None:
    assert not keywords(draft7(Tree.model_json_schema())) & {
        "$ref",
        "$defs",
        "title",
        "prefixItems",
        "default",
        "ge",
        "lt",
    }


def test_a_description_beside_a_reference_is_kept_over_the_types_own() -> None:
    tidy = draft7(Tree.model_json_schema())
    assert tidy["properties"]["first"]["description"] == "The first leaf."
    assert tidy["properties"]["more"]["items"]["description"] == "A leaf."


def test_bounds_that_pydantic_names_as_python_does_are_bounds() -> None:
    size = draft7(Leaf.model_json_schema())["properties"]["size"]
    assert (size["minimum"], size["exclusiveMaximum"]) == (1, 9)


def test_null_is_one_of_the_types_or_none_of_them() -> None:
    assert draft7(Tree.model_json_schema())["properties"]["name"] == {"type": ["string", "null"]}
    strict = draft7(Tree.model_json_schema(), nullable=False)
    assert strict["properties"]["name"] == {"type": "string"}
    assert "null" not in str(strict)


def test_a_property_may_be_called_as_a_keyword() -> None:
    class Odd(BaseModel):
        title: str
        default: int = 1
        format: str = ""

    assert list(draft7(Odd.model_json_schema())["properties"]) == ["title", "default", "format"]


def test_it_accepts_what_it_accepted() -> None:
    before = jsonschema_rs.validator_for(Tree.model_json_schema())
    after = jsonschema_rs.Draft7Validator(draft7(Tree.model_json_schema()))
    leaves: list[Json] = [{}, {"size": 1}, {"size": "1"}, {"kind": "a"}, {"kind": None}, {"kind": "c"}, {"size": 1.5}]
    for leaf in leaves:
        for tree in ({"first": leaf}, {"first": {}, "more": [leaf]}, {"first": {}, "name": None}, {"more": None}):
            assert before.is_valid(tree) == after.is_valid(tree), tree


def test_choices_tell_a_text_on_each() -> None:
    assert choices({"a": "The first.", "b": "The `second`."}) == {
        "enum": ["a", "b"],
        "enumDescriptions": ["The first.", "The `second`."],
        "x-intellij-enum-metadata": {"a": {"description": "The first."}, "b": {"description": "The `second`."}},
    }


def test_code_in_a_text_is_told_as_markdown_too() -> None:
    plain = {"description": "plain", "items": choices({"a": "`x`"}), "properties": {"description": {"type": "string"}}}
    marked = with_markdown(plain)
    assert marked["items"]["markdownEnumDescriptions"] == ["`x`"]
    assert "markdownDescription" not in marked
    assert "markdownDescription" not in str(marked["items"]["x-intellij-enum-metadata"])
    assert marked["properties"] == plain["properties"]
