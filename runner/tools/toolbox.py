"""`Toolbox`: the tools of a turn by name, and how they are declared to Gemini."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from runner.errors import ManifestError
from runner.tools.built_in import BuiltInTool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.messages import Json
    from runner.tools.base import Tool


class Toolbox:
    """Tools by name. Two tools of one name are an error, never a rename.

    Built-in tools, given as BuiltInTool or by their names, are only declared: `built_in` are they, all else is ours.
    """

    def __init__(self, tools: Iterable[object] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        self.built_in: list[BuiltInTool] = []
        for item in tools:
            if isinstance(item, str | BuiltInTool):
                self.built_in.append(BuiltInTool(item) if isinstance(item, str) else item)
                continue
            tool = _as_tool(item)
            if tool.name in self._tools:
                raise ManifestError(f'two tools are named "{tool.name}"; give one of them another name')
            self._tools[tool.name] = tool

    @classmethod
    def of(cls, tools: Iterable[object]) -> Toolbox:
        """`tools` as a toolbox; one that already is stays as it is."""
        return tools if isinstance(tools, cls) else cls(tools)

    @cached_property
    def declared(self) -> list[Json]:
        """Gemini's `tools`: one object with all function declarations, if there are any, and one a built-in tool."""
        declarations = [tool.declaration() for tool in self]
        functions: list[Json] = [{"functionDeclarations": declarations}] if declarations else []
        return [*functions, *(tool.declared for tool in self.built_in)]

    @property
    def names(self) -> list[str]:
        """The names, in the order the tools were given."""
        return list(self._tools)

    def get(self, name: str) -> Tool | None:
        """The tool of this name, or None."""
        return self._tools.get(name)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)


def _as_tool(item: object) -> Tool:
    from runner.tools.function import as_tool  # with it comes what reads signatures

    return as_tool(item)
