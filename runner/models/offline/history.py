"""The history of a request as turns: what the user said, and what was called for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.messages import Content, Json


@dataclass(slots=True)
class Turn:
    """A user's message and what followed: calls, their responses, the model's text."""

    text: str
    has_files: bool = False
    calls: list[Json] = field(default_factory=list)
    responses: list[Json] = field(default_factory=list)
    answer: str = ""


def turns(contents: Sequence[Content]) -> list[Turn]:
    """The turns of a history, the newest last."""
    found: list[Turn] = []
    for content in contents:
        parts = content.get("parts")
        parts = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        responses = _objects(parts, "functionResponse")
        if content.get("role") == "model":
            found = found or [Turn("")]
            found[-1].calls += _objects(parts, "functionCall")
            found[-1].answer += _text(parts)
        elif responses:
            found = found or [Turn("")]
            found[-1].responses += responses
        else:
            found.append(Turn(_text(parts), has_files=any("text" not in part for part in parts)))
    return found


def _objects(parts: list[Json], key: str) -> list[Json]:
    return [part[key] for part in parts if isinstance(part.get(key), dict)]


def _text(parts: list[Json]) -> str:
    return "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str) and not part.get("thought"))


def arguments_of(call: Json) -> dict[str, Any]:
    """The arguments of a function call."""
    args = call.get("args")
    return args if isinstance(args, dict) else {}
