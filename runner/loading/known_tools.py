"""`KnownTool`: what there is to know of a tool without running it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.messages import Json
    from runner.tools.base import Tool

_NO_ARGUMENTS: Json = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class KnownTool:
    """A tool's name, what it is for, and `parameters`, the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Json

    def without_parameters(self) -> KnownTool:
        """The same, of whose arguments nothing is known."""
        return KnownTool(self.name, self.description, {"type": "object"})

    @classmethod
    def of(cls, tool: Tool) -> KnownTool:
        """What a loaded tool declares."""
        declared = tool.declaration()
        return cls(tool.name, declared["description"], declared.get("parametersJsonSchema", _NO_ARGUMENTS))
