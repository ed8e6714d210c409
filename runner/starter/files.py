"""Writes a new agent: a manifest and a tool module that run at once."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.errors import AgentRunError
from runner.loading import project_root
from runner.schemas.files import project_schema_path
from runner.starter.texts import MANIFEST, TOOL

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)


def new_agent(name: str, folder: Path) -> list[Path]:
    """Write `agents/NAME.yaml` and `tools/NAME.py` under `folder`; the files, the manifest first.

    Raises AgentRunError, and leaves everything as it was, where a name does not do or a file is there already.
    """
    if not _NAME.fullmatch(name):
        raise AgentRunError(f'"{name}" is not a name for an agent: a letter first, then letters, digits, - and _')
    manifest = folder / "agents" / f"{name}.yaml"
    module = folder / "tools" / f"{name.replace('-', '_')}.py"
    for file in (manifest, module):
        if os.path.lexists(file):
            raise AgentRunError(f"{file} exists already; it was left as it is")
    root = project_root(manifest)
    schema = os.path.relpath(project_schema_path(root), manifest.parent).replace(os.sep, "/")
    is_root = folder.resolve() == root
    tools = f"tools.{module.stem}" if is_root else f"../tools/{module.name}"
    _written({manifest: _filled(MANIFEST, name, tools, schema), module: _filled(TOOL, name, tools, schema)})
    return [manifest, module]


def _filled(text: str, name: str, tools: str, schema: str) -> str:
    """The text with its words filled in, in one pass: a name may be one of the words itself."""
    words = {"NAME": name, "TOOLS": tools, "SCHEMA": schema}
    return re.sub(r"\b(?:NAME|TOOLS|SCHEMA)\b", lambda word: words[word[0]], text)


def _written(texts: dict[Path, str]) -> None:
    """Write all files or none; a file that appeared meanwhile is not overwritten."""
    made: list[Path] = []
    try:
        for file, text in texts.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8", newline="\n") as stream:
                made.append(file)
                stream.write(text)
    except OSError as error:
        for file in made:
            with suppress(OSError):
                file.unlink()
        raise AgentRunError(f"{error.filename or 'the agent'} cannot be written: {error.strerror or error}") from error
