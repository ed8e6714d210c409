"""The schemas of a project, with its own tools in them: written where they are not up to date."""

from __future__ import annotations

import hashlib
import logging
from threading import Thread
from typing import TYPE_CHECKING

from runner.errors import AgentRunError
from runner.schemas.files import project_schema_path, write_schema
from runner.schemas.found import found_module, manifest_files, other_tool_files, tool_files
from runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from runner.loading.known_tools import KnownTool
    from runner.messages import Json
    from runner.schemas.files import Kind

_HEAD = 400  # bytes of a schema's file that hold its `$comment`


def refresh(root: Path) -> dict[Path, bool]:
    """Write the schemas of the project at `root` that are not up to date; each file, and whether it was written.

    Nothing of the project is imported. Where no tool, manifest and release changed, nothing is made anew.
    """
    root = root.resolve()
    modules = tool_files(root)
    others = other_tool_files(root)
    stamp = _stamp([*modules.values(), *others, *manifest_files(root)])
    made: dict[Kind, Callable[[], Json]] = {
        "agent": lambda: _agent(modules),
        "conversations": lambda: _conversations(modules, others),
    }
    paths = {kind: project_schema_path(root, kind) for kind in made}
    return {paths[kind]: _refreshed(paths[kind], stamp, make) for kind, make in made.items()}


def _refreshed(path: Path, stamp: str, make: Callable[[], Json]) -> bool:
    if stamp.encode() in _head(path):
        return False
    schema = make()
    return write_schema(path, {"$schema": schema["$schema"], "$comment": stamp, **schema})


def _agent(modules: Mapping[str, Path]) -> Json:
    from runner.schemas.agent import agent_schema

    return agent_schema(tool_lines(modules))


def _conversations(modules: Mapping[str, Path], others: Mapping[Path, bool]) -> Json:
    from runner.schemas.conversations import conversations_schema

    found = [found_module(name, file) for name, file in modules.items()]
    found += [found_module(file.stem, file) for file, is_there in others.items() if is_there]
    tools: dict[str, KnownTool] = {}
    for tool in (tool for module in found for tool in module.tools.values()):
        tools[tool.name] = tool.without_parameters() if tools.setdefault(tool.name, tool) != tool else tool
    has_all = all(module.is_whole for module in found) and all(others.values())
    return conversations_schema(list(tools.values()), has_all_tools=has_all)


def refresh_quietly(root: Path) -> None:
    """The same for who is busy with something else: a project that cannot be written to runs all the same."""
    try:
        refresh(root)
    except (AgentRunError, OSError) as error:
        logging.getLogger("agent_run").debug("the schemas for editors were not written: %s", error)


def refresh_beside(root: Path) -> None:
    """The same in a thread of its own, which nobody waits for."""
    Thread(target=refresh_quietly, args=(root,), name="agent-run-schemas", daemon=True).start()


def tool_lines(modules: Mapping[str, Path]) -> dict[str, str]:
    """What `tools:` may hold, each with a sentence; modules without tools are left out."""
    found = [found_module(name, file) for name, file in modules.items()]
    return {line: text for module in found if module.tools for line, text in module.lines()}


def _stamp(files: Iterable[Path]) -> str:
    """What the schema was made from: another stamp, another schema."""
    made_from = hashlib.blake2b(__version__.encode(), digest_size=12)
    for file in files:
        try:
            facts = file.stat()
        except OSError:
            continue
        made_from.update(f"{file} {facts.st_size} {facts.st_mtime_ns}".encode())
    return f"Made by agent-run {__version__} from the tools of this project; do not edit. {made_from.hexdigest()}"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError:
        return b""
