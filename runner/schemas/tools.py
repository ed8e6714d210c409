"""From tools to pieces of a schema: their names with descriptions, and the arguments each of them takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.schemas.draft7 import choices, draft7

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.messages import Json
    from runner.tools.base import Tool

_NO_ARGUMENTS: Json = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class KnownTool:
    """What an editor has to know of a tool: `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Json

    @classmethod
    def of(cls, tool: Tool) -> KnownTool:
        """What a loaded tool declares."""
        declared = tool.declaration()
        return cls(tool.name, declared["description"], declared.get("parametersJsonSchema", _NO_ARGUMENTS))


def tool_names(tools: Iterable[KnownTool]) -> Json:
    """The schema of a tool's name: one of these, each with its description."""
    return choices({tool.name: tool.description for tool in tools})


def arguments_by_tool(
    tools: Sequence[KnownTool],
    *,
    name_key: str = "tool",
    arguments_key: str = "args",
    value: Callable[[Json], Json] = lambda schema: schema,
) -> list[Json]:
    """An `allOf` for an object that names a tool and gives arguments: which may be given follows from the tool.

    No argument is required. `value` makes the schema of what may stand for an argument from the argument's own, so that
    a matcher may stand there too.
    """
    return [
        {
            "if": {"properties": {name_key: {"const": tool.name}}, "required": [name_key]},
            "then": {"properties": {arguments_key: _arguments(tool, value)}},
        }
        for tool in tools
    ]


def _arguments(tool: KnownTool, value: Callable[[Json], Json]) -> Json:
    schema = draft7(tool.parameters)
    properties = {name: value(each) for name, each in schema.get("properties", {}).items()}
    extra = schema.get("additionalProperties", False)
    return {
        "type": "object",
        "description": f"The arguments of {tool.name}.",
        "properties": properties,
        "additionalProperties": extra,
    }
