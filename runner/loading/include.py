"""`extends:` and `include:`: a file is laid over others.

The one rule: mappings are merged key by key, and everything else, lists included, is taken whole from the nearest file
that has it: from this file, else from its last include that has it, else from what it extends. Only `name` is not
handed down: chats are kept under it. Paths in a file are relative to that file, wherever it is included.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from runner.loading.diagnostics import Diagnostic
from runner.loading.document import Reading, neighbour
from runner.loading.nodes import Entry, Mapping, Scalar, Sequence
from runner.loading.source import shown_path
from runner.loading.words import counted, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.nodes import Node
    from runner.loading.vocabulary import Vocabulary

FILE_LIMIT = 50
_OWN = ("$schema", "extends", "include", "name")
_SUFFIXES = {".yaml", ".yml"}
_LONGEST = 1000  # characters of a path
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*://|file:|data:")
_FILE_NAME = re.compile(r"\S*(?:[/*?]|\.\w)\S*")  # and no text of several words


class OutsideError(ValueError):
    """A path that does not lead to a place inside of the project."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        self.code, self.hint = code, hint
        super().__init__(message)


def inside(text: str, folder: Path, root: Path) -> Path:
    """The place a relative path leads to, links followed. Raises OutsideError where that is outside of `root`."""
    if "\x00" in text or len(text) > _LONGEST:
        raise OutsideError("E121", f"{quoted(text)} is not a path")
    if _URL.match(text):
        raise OutsideError("E121", f"{quoted(text)} is a URL; only files of the project are read")
    if text.startswith(("/", "\\", "~")) or Path(text).is_absolute():
        raise OutsideError("E121", f"{quoted(text)} is not relative to this file", "write a relative path")
    try:
        path = (folder / text).resolve()
        path.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutsideError("E120", f"{quoted(text)} cannot be followed: {reason}") from error
    if not path.is_relative_to(root):
        raise OutsideError("E121", f"{quoted(text)} leads out of the project {root}")
    return path


def way_to(path: Path, text: str, folder: Path) -> Path:
    """The file at `path` by the links that the text leads through, if any: they may come to lead elsewhere."""
    plain = Path(os.path.normpath(folder / text))
    return plain if os.path.realpath(plain) == str(path) else folder / text


class Layers:
    """Reads a file and all that it is laid over."""

    def __init__(self, reading: Reading, folder: Path, vocabulary: Vocabulary) -> None:
        self._reading, self._folder, self._vocabulary = reading, folder, vocabulary
        self._known: dict[Path, Mapping | None] = {}
        self._is_full = False

    def tree(self, path: Path, *, shown: str | None = None) -> Mapping | None:
        """The mapping of a file over those below it."""
        own = self._reading.mapping(path, self._vocabulary, shown=shown)
        return None if own is None else self._over(own, path, (Path(os.path.realpath(path)),))

    def _over(self, own: Mapping, path: Path, stack: tuple[Path, ...]) -> Mapping:
        merged: Mapping | None = None
        for node in _references(own):
            below = self._below(node, path.parent, stack)
            if below is not None:
                merged = below if merged is None else laid_over(below, merged)
        return own if merged is None else laid_over(own, merged)

    def _below(self, node: Scalar, folder: Path, stack: tuple[Path, ...]) -> Mapping | None:
        """The mapping that a reference names, over those below it; None where there is none, which is told."""
        if node.is_unknown or not isinstance(node.value, str) or not node.text or self._is_full:
            return None
        try:
            path = inside(node.text, folder, self._reading.root)
        except OutsideError as error:
            self._refuse(error.code, str(error), node, error.hint)
            return None
        way = way_to(path, node.text, folder)
        if path not in self._known:
            if problem := self._problem(path, way, node, stack):
                self._refuse(*problem[:2], node, problem[2])
                return None
            self._known[path] = None
            self._known[path] = self._read(path, way, stack)
        else:
            self._reading.files.append(way)
            if path in stack:
                self._refuse("E122", self._circle(path, stack), node)
        return self._known[path]

    def _problem(
        self, path: Path, way: Path, node: Scalar, stack: tuple[Path, ...]
    ) -> tuple[str, str, str | None] | None:
        """What keeps a file from being laid below: code, message and hint."""
        if path.suffix not in _SUFFIXES:
            return "E120", f"{quoted(node.shown)} is no YAML file", "its name must end with .yaml or .yml"
        if path in stack:
            return "E122", self._circle(path, stack), None
        if not path.is_file():
            self._reading.files.append(way)
            what = "a folder" if path.is_dir() else "no such file" if not path.exists() else "not a regular file"
            hint = "write it with slashes" if "\\" in node.text else neighbour(path)
            return "E120", f"{quoted(node.shown)}: {what}", hint
        if len(self._known) >= FILE_LIMIT:
            self._is_full = True
            return "E110", f"more than {counted(FILE_LIMIT, 'file')} are included", None
        return None

    def _circle(self, path: Path, stack: tuple[Path, ...]) -> str:
        names = [each.name for each in stack[stack.index(path) :]]
        return f"{' -> '.join([*names, path.name])}: a file cannot be laid over itself"

    def _read(self, path: Path, way: Path, stack: tuple[Path, ...]) -> Mapping | None:
        own = self._reading.mapping(way, self._vocabulary, shown=shown_path(path))
        if own is None:
            return None
        merged = self._over(own, path, (*stack, path))
        _rebase(own, path.parent, self._folder)
        return Mapping(merged.span, {key: entry for key, entry in merged.entries.items() if key not in _OWN})

    def _refuse(self, code: str, message: str, node: Scalar, hint: str | None = None) -> None:
        path = node.span.source.shown
        self._reading.problems.append(Diagnostic(code=code, message=message, path=path, span=node.span, hint=hint))


def _references(tree: Mapping) -> Iterator[Scalar]:
    """What a file is laid over, the lowest first."""
    for key in ("extends", "include"):
        value = tree.get(key)
        items = value.items if isinstance(value, Sequence) else [value]
        yield from (item for item in items if isinstance(item, Scalar))


def laid_over(upper: Mapping, lower: Mapping) -> Mapping:
    """One mapping over another: merged where both have a mapping, else the upper one's value."""
    entries = dict(lower.entries)
    for key, entry in upper.entries.items():
        below = entries.get(key)
        if below is not None and isinstance(entry.value, Mapping) and isinstance(below.value, Mapping):
            entry = Entry(entry.key, laid_over(entry.value, below.value))  # noqa: PLW2901  # the merged one takes its place
        entries[key] = entry
    return Mapping(upper.span, entries, anchored=upper.anchored)


def _rebase(tree: Mapping, folder: Path, seen_from: Path) -> None:
    """Rewrite the paths of an included file, which are relative to it, to be relative to the manifest."""
    if folder == seen_from:
        return
    for node in _paths(tree, folder):
        if node.written is None:
            node.written = node.text
        node.text = Path(os.path.relpath(folder / node.text, seen_from)).as_posix()
        node.value = node.text


def _paths(tree: Mapping, folder: Path) -> Iterator[Scalar]:
    file, cache = tree.get("instructions_file"), tree.get("cache")
    yield from _texts(file)
    tools = tree.get("tools")
    yield from (node for node in _texts(tools, "use") if node.text.partition(":")[0].endswith(".py"))
    yield from (node for node in _texts(tree.get("output"), "schema") if node.text.endswith(".json"))
    yield from (node for node in _texts(tree.get("files")) if not _URL.match(node.text))
    content = cache.get("content") if isinstance(cache, Mapping) else None
    yield from (node for node in _texts(content) if names_files(node.text, folder))


def _texts(node: Node | None, key: str = "") -> Iterator[Scalar]:
    """The known texts of a list, or the one text; each may also be written in a mapping, under `key`."""
    for one in node.items if isinstance(node, Sequence) else [node]:
        each = one.get(key) if isinstance(one, Mapping) else one
        if isinstance(each, Scalar) and not each.is_unknown and isinstance(each.value, str):
            yield each


def names_files(text: str, folder: Path) -> bool:
    """Whether an item of `cache: content:` names files, by a path or a pattern, and is not itself what is cached."""
    if "\n" in text or len(text) > _LONGEST or _URL.match(text):
        return False
    return bool(_FILE_NAME.fullmatch(text)) or (folder / text).exists()
