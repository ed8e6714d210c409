"""Which files of a project are manifests.

All YAML files below `agents/`; all `*.agent.yaml` anywhere; and beside the project's own files at its top, those that
have a key which only agents have. Fragments (`_*.yaml`), conversations and hidden folders are left out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.loading.nodes import Mapping, compose
from runner.loading.source import SourceError, read_source

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "agents"
_SUFFIXES = (".yaml", ".yml")
_SPECIAL = (".agent.yaml", ".agent.yml")
_CONVERSATIONS = (".conversations.yaml", ".conversations.yml")
_SKIPPED = {"node_modules", "venv", "env", "site-packages", "__pycache__", "dist", "build"}
_TELLING = {"instructions", "instructions_file", "tool_mode"}
_MOST_FOLDERS = 20_000


def manifests_of(root: Path) -> list[Path]:
    """The manifests of the project at `root`, by path."""
    found = {path for path in _files(root) if path.name.endswith(_SPECIAL)}
    if (root / FOLDER).is_dir():
        found |= set(manifests_in(root / FOLDER))
    found |= {path for path in _entries(root) if is_manifest_name(path.name) and _is_telling(path)}
    return sorted(found)


def manifests_in(folder: Path) -> list[Path]:
    """The YAML files of a folder and those below it that are neither fragments nor conversations."""
    return sorted(path for path in _files(folder) if is_manifest_name(path.name))


def is_manifest_name(name: str) -> bool:
    """Whether a file of this name may be a manifest."""
    return name.endswith(_SUFFIXES) and not is_conversations_name(name) and not name.startswith(("_", "."))


def is_conversations_name(name: str) -> bool:
    """Whether a file of this name holds conversations."""
    return name.endswith(_CONVERSATIONS)


def conversations_in(folder: Path) -> list[Path]:
    """The conversations files of a folder and those below it: `*.conversations.yaml`."""
    return sorted(path for path in _files(folder) if is_conversations_name(path.name) and path.is_file())


def _files(folder: Path) -> Iterator[Path]:
    for number, (here, folders, names) in enumerate(os.walk(folder)):
        if number >= _MOST_FOLDERS:
            return
        folders[:] = [name for name in folders if name not in _SKIPPED and not name.startswith(".")]
        yield from (Path(here, name) for name in names)


def _entries(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _is_telling(path: Path) -> bool:
    try:
        tree = compose(read_source(path), [])
    except SourceError:
        return False
    keys = set(tree.entries) if isinstance(tree, Mapping) else set()
    return bool(keys & _TELLING) or {"model", "tools"} <= keys
