"""What a part of a reply tells while it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.events import BuiltInCalled, CodeRan, CodeWritten, MediaReturned, TextDelta, ThoughtDelta

if TYPE_CHECKING:
    from runner.events import Event
    from runner.messages import Json, Part


def event_of(part: Part) -> Event | None:
    """The event of a part: text, a thought, code that the model wrote or ran, media, or a built-in tool it called.

    Pictures that belong to a thought are none.
    """
    if text := part.get("text"):
        return ThoughtDelta(text) if part.get("thought") else TextDelta(text)
    if code := _object(part, "executableCode"):
        return CodeWritten(str(code.get("language") or "").lower(), str(code.get("code") or ""))
    if ran := _object(part, "codeExecutionResult"):
        return CodeRan(str(ran.get("outcome") or "").removeprefix("OUTCOME_").lower(), str(ran.get("output") or ""))
    if called := _object(part, "toolCall"):
        args = called.get("args")
        return BuiltInCalled(str(called.get("toolType") or "").lower(), args if isinstance(args, dict) else {})
    if (blob := _object(part, "inlineData")) and not part.get("thought"):
        name = blob.get("displayName")
        name = name if isinstance(name, str) else None
        return MediaReturned(str(blob.get("mimeType") or ""), str(blob.get("data") or ""), name)
    return None


def _object(part: Part, name: str) -> Json | None:
    value = part.get(name)
    return value if isinstance(value, dict) else None
