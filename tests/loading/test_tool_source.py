"""What a tool declares, read off its source, is what it declares when it is loaded."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from runner.loading.known_tools import KnownTool
from runner.loading.tool_source import tool_of_class, tool_of_function
from runner.schemas.draft7 import draft7
from runner.schemas.tools import arguments_by_tool
from runner.tools.function import as_tool

if TYPE_CHECKING:
    from runner.messages import Json

PREAMBLE = """
from typing import Annotated, Literal, Optional, Union
from pydantic import Field
from runner import Tool, ToolContext, tool
"""
PARAMETERS = '{"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}'
TOOLS = [
    'def plain(city: str, days: int = 3, share: float = 0.5, deep: bool = False):\n    """Tell it."""',
    'async def plain(city: str):\n    """Tell it.\n\n    Args:\n        city: Which city.\n    """',
    'def plain(unit: Literal["c", "f"] = "c", names: list[str] = [], more: dict = {}):\n    """Tell it."""',
    'def plain(unit: "str", *, days: Annotated[int, Field(ge=1, le=7, description="How many.")]):\n    """Tell it."""',
    'def plain(context: ToolContext, city: str):\n    """Tell it."""',
    '@tool(name="other", description="Another text.")\ndef plain(city: str):\n    """Tell it."""',
    'class Plain(Tool):\n    function_definition = {"name": "plain", "description": "Tell it.", "parameters": '
    + PARAMETERS
    + "}",
    'class Plain(Tool):\n    name = "other"\n    function_definition = {"name": "plain", "description": "Tell it."}',
]


def read(source: str) -> KnownTool | None:
    (node,) = ast.parse(source).body
    if isinstance(node, ast.ClassDef):
        return tool_of_class(node)
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return tool_of_function(node)


def loaded(source: str) -> KnownTool:
    names: dict[str, Any] = {"__name__": "module"}
    exec(PREAMBLE + source, names)  # noqa: S102  # the texts above
    return KnownTool.of(as_tool(names[next(name for name in names if name.lower() == "plain")]))


def shape(schema: Json) -> Json:
    """The schema without what only running the code tells."""
    tidy: Json = draft7(schema)
    properties = {name: dict(each) for name, each in tidy.get("properties", {}).items()}
    for each in properties.values():
        if "enum" in each:
            each.pop("type", None)
        if each.get("additionalProperties") is True:
            del each["additionalProperties"]
    return {"properties": properties, "required": sorted(tidy.get("required", []))}


@pytest.mark.parametrize("source", TOOLS, ids=range(len(TOOLS)))
def test_the_source_tells_what_the_loaded_tool_does(source: str) -> None:
    known = read(source)
    assert known is not None
    expected = loaded(source)
    assert (known.name, known.description) == (expected.name, expected.description)
    assert shape(known.parameters) == shape(expected.parameters)


@pytest.mark.parametrize(
    "annotation",
    [
        "Some[where]",
        "compute()",
        "X | Y",
        "'not python'",
        "Literal[A]",
        "Union[int, str]",
        "list[Thing]",
        "dict[str, int]",
    ],
)
def test_what_the_source_does_not_tell_is_left_open(annotation: str) -> None:
    known = read(f"def plain(x: {annotation}): ...")
    assert known is not None
    assert jsonschema_rs.is_valid(
        {"type": "object", "properties": known.parameters["properties"]}, {"x": {"a": 1}}
    ) or (annotation == "list[Thing]")


def test_a_class_whose_definition_is_computed_is_not_read() -> None:
    assert read("class Plain(Tool):\n    function_definition = make()") is None


def test_the_arguments_of_a_tool_are_checked_where_it_is_named() -> None:
    takes = [{"x": {"type": "integer"}}, {}]
    known = [{"type": "object", "properties": each} for each in takes]
    tools = [KnownTool("a", "", known[0]), KnownTool("b", "", known[1]), KnownTool("open", "", {"type": "object"})]
    validator = jsonschema_rs.validator_for({"allOf": arguments_by_tool(tools)})
    assert validator.is_valid({"tool": "a", "args": {"x": 1}})
    assert validator.is_valid({"tool": "a"})
    assert validator.is_valid({"tool": "c", "args": {"anything": 1}})
    assert validator.is_valid({"tool": "open", "args": {"anything": 1}})
    for wrong in ({"tool": "a", "args": {"x": "1"}}, {"tool": "a", "args": {"y": 1}}, {"tool": "b", "args": {"x": 1}}):
        assert not validator.is_valid(wrong), wrong
