"""Requests in words: what a cassette keeps of them for people, and what is another than recorded."""

from __future__ import annotations

import difflib
import itertools
import json
import textwrap
from typing import TYPE_CHECKING, Any

from runner.models.cassettes.fingerprints import fingerprint
from runner.models.cassettes.redacting import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.messages import ChatMessage, Content, Json, Part
    from runner.models.cassettes.fingerprints import Fingerprints

_TOLD = 4000  # characters of a message, or of instructions, that a cassette keeps
_WIDTH = 100
_INLINE = 80  # characters of JSON that stay on one line
_LINES = 40  # of a difference


def told_message(message: ChatMessage, fingerprints: Fingerprints) -> str:
    """A message in the words of a cassette, its files as `[photo.png, image/png, 12 KB]` with the mark of each."""
    return told_content(fingerprints.comparable(message), fingerprints.files(message))


def told_content(content: Content, files: Iterable[str] = ()) -> str:
    """A message in words: `user: Hi`, `model: get_weather({"city": "Paris"})`; `files` are those of its files."""
    parts = content.get("parts") or []
    who = "results" if any("functionResponse" in part for part in parts) else content.get("role") or "user"
    words = iter(files)
    return capped(f"{who}: " + "\n".join(_told_part(part, words) for part in parts))


def told_options(body: Json) -> Json:
    """What a request sends beside messages, for people: the instructions' text, each tool's fingerprint, the rest."""
    instructions = (body.get("systemInstruction") or {}).get("parts") or []
    told: Json = {}
    if instructions:
        told["instructions"] = capped("\n".join(_told_part(part, iter(())) for part in instructions))
    if tools := _tools(body.get("tools") or []):
        told["tools"] = tools
    return told | {name: body[name] for name in sorted(body) if name not in {"systemInstruction", "tools"}}


def capped(text: str) -> str:
    """A text, or its beginning and how much is missing."""
    return text if len(text) <= _TOLD else f"{text[:_TOLD]}\n... and {len(text) - _TOLD} more characters"


def difference(recorded: str, asked: str) -> list[str]:
    """Two texts as a unified diff without its header, of at most 40 lines."""
    if recorded == asked:
        return ["(they differ beyond what the cassette keeps of them)"]
    found = list(difflib.unified_diff(_lines(recorded), _lines(asked), n=2, lineterm=""))[3:]
    lines = ["..." if line.startswith("@@") else line for line in found]
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"... and {len(lines) - _LINES} more lines"]
    if HIDDEN in recorded and HIDDEN not in asked:
        lines.append(f"({HIDDEN} stands for a secret of the time of recording)")
    return ["--- recorded", "+++ asked now", *lines]


def different_options(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """What of the options is another, a paragraph for each."""
    told: list[str] = []
    for name in sorted(recorded.keys() | asked.keys()):
        old, new = recorded.get(name), asked.get(name)
        if name == "tools":
            told += changes({"tools": old or {}}, {"tools": new or {}})
        elif old != new:
            told += [f"the {name} are others:", *difference(_text(old), _text(new))]
    return told


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two descriptions of an agent, in words: `model a -> b`, `tool get_weather: code changed`.

    Descriptions are JSON objects; values that begin with "#" are fingerprints and not told.
    """
    return list(_changes(before, now, ()))


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    for name in dict.fromkeys(itertools.chain(before, now)):
        old, new, here = before.get(name), now.get(name), (*path, name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _changes(old, new, here)
            if name == "tools" and old.keys() == new.keys() and list(old) != list(new):
                yield "tools in another order"
        elif old is None and new is not None:
            yield f"{_place(here)} new" if path else f"{_place(here)} set"
        elif new is None and old is not None:
            yield f"{_place(here)} gone"
        elif old != new:
            yield f"{_place(here)} {_short(old)} -> {_short(new)}" if _is_told(old, new) else f"{_place(here)} changed"


def _place(path: tuple[str, ...]) -> str:
    """`model`; `tool get_weather`; `tool get_weather: declaration`."""
    if len(path) == 1:
        return path[0]
    thing = f"{path[0].removesuffix('s')} {path[1]}"
    return f"{thing}: {' '.join(path[2:])}" if path[2:] else thing


def _is_told(*values: object) -> bool:
    return not any(isinstance(value, dict | list) or str(value).startswith("#") for value in values)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return textwrap.shorten(text, 60, placeholder="...")


def _tools(tools: Sequence[Json]) -> dict[str, str]:
    """The fingerprint of each function declaration and of each of the service's own tools, by name."""
    marks: dict[str, str] = {}
    for tool in tools:
        for name, value in tool.items():
            if name == "functionDeclarations":
                marks |= {str(declared.get("name")): fingerprint(declared) for declared in value}
            else:
                marks[name] = fingerprint(value)
    return marks


def _told_part(part: Part, files: Iterator[str]) -> str:
    if "file" in part:
        return next(files, _json(part))
    if isinstance(part.get("text"), str):
        return f"(thought) {part['text']}" if part.get("thought") else str(part["text"])
    for name, value in part.items():
        if name == "functionCall" and isinstance(value, dict):
            return f"{value.get('name')}({_json(value.get('args') or {})})"
        if name == "functionResponse" and isinstance(value, dict):
            media = [_told_part(each, files) for each in value.get("parts") or ()]
            return " ".join([f"{value.get('name')} -> {_json(value.get('response'))}", *media])
    return _json(part)


def _json(value: object) -> str:
    line = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return line if len(line) <= _INLINE else json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2)


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else _json(value)


def _lines(text: str) -> list[str]:
    return [piece for line in text.split("\n") for piece in _wrapped(line)]


def _wrapped(line: str) -> Iterable[str]:
    """A long line in pieces, so that a difference at its end is seen."""
    return textwrap.wrap(line, _WIDTH, drop_whitespace=False, replace_whitespace=False, expand_tabs=False) or [""]
