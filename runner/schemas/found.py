"""The tools of a project, found by reading its source: which lines `tools:` may hold, and what each tool declares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.loading.checks import project_modules
from runner.loading.checks.python_source import python_file
from runner.loading.finding import manifests_of
from runner.loading.nodes import Mapping, Scalar, Sequence, compose
from runner.loading.source import SourceError, read_source
from runner.loading.tool_source import tool_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.loading.known_tools import KnownTool

_MOST_FILES = 500  # of a folder that is called tools but is none


@dataclass(frozen=True, slots=True)
class FoundModule:
    """A module with tools: the dotted name, and what is known of each tool by the name it has in the module.

    `is_whole` says that these are all its tools.
    """

    name: str
    tools: dict[str, KnownTool] = field(default_factory=dict)
    is_whole: bool = True

    def lines(self) -> Iterator[tuple[str, str]]:
        """The lines of `tools:` that name it or one of its tools, each with a sentence."""
        names = ", ".join(tool.name for tool in self.tools.values())
        yield self.name, f"All tools of the module: {names}."
        for name, tool in self.tools.items():
            yield f"{self.name}:{name}", tool.description.partition("\n")[0]


def tool_files(root: Path) -> dict[str, Path]:
    """The modules that may hold tools, by dotted name: those in `tools/`, and those that manifests name."""
    folder = root / "tools"
    inside = sorted(folder.rglob("*.py"))[:_MOST_FILES] if folder.is_dir() else []
    parts = [(file, file.relative_to(root).with_suffix("").parts) for file in inside]
    found = {".".join(names): file for file, names in parts if all(_is_public(name) for name in names)}
    for _, line in _named_lines(root):
        name = line.partition(":")[0]
        if name not in found and all(map(str.isidentifier, name.split("."))) and not project_modules.is_foreign(name):
            path = project_modules.find(name, [root])
            if path is not None:
                found[name] = path / "__init__.py" if path.is_dir() else path
    return {name: file for name, file in found.items() if file.is_file()}


def other_tool_files(root: Path) -> dict[Path, bool]:
    """The files outside of `tools/` that manifests name by their path, and whether each is there."""
    named = [(manifest, line.partition(":")[0]) for manifest, line in _named_lines(root)]
    paths = [(manifest.parent / name).resolve() for manifest, name in named if name.endswith(".py")]
    return {path: path.is_file() for path in paths if path.is_relative_to(root) and path.parent != root / "tools"}


def manifest_files(root: Path) -> list[Path]:
    """The project's manifests, and the fragments beside them."""
    manifests = manifests_of(root)
    fragments = {file for folder in {each.parent for each in manifests} for file in folder.glob("_*.y*ml")}
    return sorted({*manifests, *fragments})


def found_module(name: str, file: Path) -> FoundModule:
    """What is known of a module's tools."""
    source = python_file(file)
    certain = source.certain_tools()
    tools = {each.name: tool for each in certain if (tool := tool_of(each)) is not None}
    return FoundModule(name, tools, is_whole=source.tools() is not None and len(tools) == len(certain))


def _named_lines(root: Path) -> Iterator[tuple[Path, str]]:
    """The lines of `tools:` in all manifests, each with its manifest."""
    for file in manifest_files(root):
        try:
            tree = compose(read_source(file), [])
        except SourceError:
            continue
        tools = tree.get("tools") if isinstance(tree, Mapping) else None
        for one in tools.items if isinstance(tools, Sequence) else ():
            item = one.get("use") if isinstance(one, Mapping) else one
            if isinstance(item, Scalar) and isinstance(item.value, str):
                yield file, item.value


def _is_public(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_")
