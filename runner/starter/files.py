"""Writes a new agent: a manifest, a tool module and a first conversation, which run at once."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.errors import AgentRunError
from runner.loading import project_root
from runner.schemas.files import project_schema_path
from runner.starter.texts import CONVERSATIONS, MANIFEST, TOOL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.schemas.files import Kind

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)


def new_agent(name: str, folder: Path) -> list[Path]:
    """Write the manifest, the tool module and the conversations of an agent under `folder`; the files, in this order.

    Raises AgentRunError, and leaves everything as it was, where a name does not do or a file is there already.
    """
    if not _NAME.fullmatch(name):
        raise AgentRunError(f'"{name}" is not a name for an agent: a letter first, then letters, digits, - and _')
    manifest = folder / "agents" / f"{name}.yaml"
    module = folder / "tools" / f"{name.replace('-', '_')}.py"
    conversations = folder / "agents" / f"{name}.conversations.yaml"
    for file in (manifest, module, conversations):
        if os.path.lexists(file):
            raise AgentRunError(f"{file} exists already; it was left as it is")
    root = project_root(manifest)
    is_root = folder.resolve() == root
    words = {
        "NAME": name,
        "TOOLS": f"tools.{module.stem}" if is_root else f"../tools/{module.name}",
        "SCHEMA": _schema(root, manifest.parent, "agent"),
        "CASES_SCHEMA": _schema(root, manifest.parent, "conversations"),
    }
    texts = {manifest: MANIFEST, module: TOOL, conversations: CONVERSATIONS}
    _written({file: _filled(text, words) for file, text in texts.items()})
    return list(texts)


def _schema(root: Path, folder: Path, kind: Kind) -> str:
    return os.path.relpath(project_schema_path(root, kind), folder).replace(os.sep, "/")


def _filled(text: str, words: Mapping[str, str]) -> str:
    """The text with its words filled in, in one pass: a name may be one of the words itself."""
    return re.sub(rf"\b(?:{'|'.join(words)})\b", lambda word: words[word[0]], text)


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
