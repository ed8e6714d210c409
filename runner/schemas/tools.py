"""From tools to pieces of a schema: their names with descriptions, and the arguments each of them takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.schemas.draft7 import choices, draft7

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.loading.known_tools import KnownTool
    from runner.messages import Json


def tool_names(tools: Iterable[KnownTool]) -> Json:
    """The schema of a tool's name: one of these, each with its description."""
    return choices({tool.name: tool.description for tool in tools})


def arguments_by_tool(
    tools: Sequence[KnownTool],
    *,
    name_key: str = "tool",
    arguments_key: str = "args",
    value: Callable[[Json], Json] = lambda schema: schema,
    beside: Json | None = None,
) -> list[Json]:
    """An `allOf` for an object that names a tool and gives arguments: which may be given follows from the tool.

    No argument is required. `value` makes the schema of what may stand for an argument from the argument's own, so that
    a matcher may stand there too; `beside` are patterns of keys that may stand among the arguments of any tool.
    """
    return [
        {
            "if": {"properties": {name_key: {"const": tool.name}}, "required": [name_key]},
            "then": {"properties": {arguments_key: arguments_of(tool, value, beside)}},
        }
        for tool in tools
        if "properties" in tool.parameters
    ]


def arguments_of(tool: KnownTool, value: Callable[[Json], Json], beside: Json | None = None) -> Json:
    """The schema of a tool's arguments, of which none is required."""
    schema = draft7(tool.parameters)
    properties = {name: value(each) for name, each in schema.get("properties", {}).items()}
    extra = schema.get("additionalProperties", False)
    return {
        "type": "object",
        "description": f"The arguments of {tool.name}.",
        "properties": properties,
        **({"patternProperties": beside} if beside else {}),
        "additionalProperties": extra,
    }
