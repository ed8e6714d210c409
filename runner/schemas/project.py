"""The schemas of a project, with its own tools in them: written where they are not up to date."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

from runner.errors import AgentRunError
from runner.schemas.files import project_schema_path, write_schema
from runner.schemas.found import found_module, manifest_files, tool_files
from runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_HEAD = 400  # bytes of a schema's file that hold its `$comment`


def refresh(root: Path) -> dict[Path, bool]:
    """Write the schemas of the project at `root` that are not up to date; each file, and whether it was written.

    Nothing of the project is imported. Where no tool, manifest and release changed, nothing is made anew.
    """
    root = root.resolve()
    path = project_schema_path(root)
    modules = tool_files(root)
    stamp = _stamp([*modules.values(), *manifest_files(root)])
    if stamp.encode() in _head(path):
        return {path: False}
    from runner.schemas.agent import agent_schema

    schema = agent_schema(tool_lines(modules))
    return {path: write_schema(path, {"$schema": schema["$schema"], "$comment": stamp, **schema})}


def refresh_quietly(root: Path) -> None:
    """The same for who is busy with something else: a project that cannot be written to runs all the same."""
    try:
        refresh(root)
    except (AgentRunError, OSError) as error:
        logging.getLogger("agent_run").debug("the schemas for editors were not written: %s", error)


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
