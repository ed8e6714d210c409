"""What a finished reply is worth: a content to store, or a reason in plain words why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.errors import GeminiResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.messages import Part
    from runner.requests import Finish

_WORDS = {
    "MAX_TOKENS": "the answer was cut off at the output limit (thinking counts inside it): raise maxOutputTokens",
    "CONTINUATION": "the answer is longer than one reply can be: ask for a shorter one",
    "SAFETY": "Gemini stopped the answer for safety reasons",
    "RECITATION": "Gemini stopped the answer because it repeats published text",
    "LANGUAGE": "Gemini stopped because it does not support the language",
    "OTHER": "Gemini stopped without saying why",
    "BLOCKLIST": "Gemini stopped the answer because it contains a forbidden word",
    "PROHIBITED_CONTENT": "Gemini stopped the answer because it may contain prohibited content",
    "SPII": "Gemini stopped the answer because it may contain sensitive personal data",
    "MODEL_ARMOR": "Model Armor stopped the answer",
    "MALFORMED_FUNCTION_CALL": "Gemini made a tool call that cannot be read",
    "UNEXPECTED_TOOL_CALL": "Gemini called a tool although none may be called",
    "TOO_MANY_TOOL_CALLS": "Gemini made too many tool calls in a row",
    "MISSING_THOUGHT_SIGNATURE": "Gemini misses a thought signature in the history",
    "MALFORMED_RESPONSE": "Gemini made an answer that cannot be read",
    "EMPTY": "Gemini answered nothing",
}
_BLOCKED_WORDS = {
    "SAFETY": "for safety reasons",
    "OTHER": "without saying why",
    "BLOCKLIST": "because it contains a forbidden word",
    "PROHIBITED_CONTENT": "because it may contain prohibited content",
    "IMAGE_SAFETY": "because of an image in it",
    "MODEL_ARMOR": "because Model Armor forbids it",
    "JAILBREAK": "because it looks like an attempt to get around the rules",
}
_MALFORMED = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "EMPTY"})
_PROSE = frozenset({"text", "thought"})
_NOT_SHOWN = frozenset({"text", "thought", "thoughtSignature", "thought_signature"})


def refusal(finish: Finish, parts: Sequence[Part]) -> GeminiResponseError | None:
    """Why this reply is no content to store and to act on, or None where it is one.

    `error.reason` is Gemini's finish or block reason; EMPTY and MALFORMED_FUNCTION_CALL are also found by looking at
    the parts, whatever the finish reason says.
    """
    feedback = finish.details.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        return _error(str(feedback["blockReason"]), _blocked(str(feedback["blockReason"])), finish)
    if finish.reason != "STOP":
        words = _WORDS.get(finish.reason, f"Gemini stopped with the unknown reason {finish.reason}")
        return _error(finish.reason, words, finish)
    if any(_is_malformed_call(part["functionCall"]) for part in parts if "functionCall" in part):
        return _error("MALFORMED_FUNCTION_CALL", _WORDS["MALFORMED_FUNCTION_CALL"], finish)
    if not any(_says_something(part) for part in parts):
        return _error("EMPTY", _WORDS["EMPTY"] + (", it only thought" if parts else ""), finish)
    return None


def is_malformed(error: GeminiResponseError) -> bool:
    """Whether asking the same once more is likely to help: a call that cannot be read, or nothing at all."""
    return error.reason in _MALFORMED


def joined(parts: Iterable[Part]) -> list[Part]:
    """The parts of one streamed reply as they are stored.

    Adjacent pieces of plain text (no key but `text` and `thought`) with the same `thought` flag become one, empty ones
    are left out; every other part, signed text above all, stays as it came, in its place.
    """
    result: list[Part] = []
    pieces: list[str] = []
    for part in parts:
        if "text" not in part or not is_plain(part):
            if pieces:
                _close(result, pieces)
            if part:
                result.append(part)
        elif part["text"]:
            if pieces and bool(result[-1].get("thought")) is not bool(part.get("thought")):
                _close(result, pieces)
            if not pieces:
                result.append(part)
            pieces.append(part["text"])
    _close(result, pieces)
    return result


def is_plain(part: Part) -> bool:
    """Whether a part is text and nothing else, so that it may be joined with its neighbours."""
    return isinstance(part.get("text"), str) and part.keys() <= _PROSE


def _close(result: list[Part], pieces: list[str]) -> None:
    """End the run of text whose first part is the last of `result`."""
    if len(pieces) > 1:
        result[-1] = {**result[-1], "text": "".join(pieces)}
    pieces.clear()


def _says_something(part: Part) -> bool:
    return bool(part.get("text") and not part.get("thought")) or not part.keys() <= _NOT_SHOWN


def _is_malformed_call(call: Any) -> bool:  # foreign JSON: the point is that it may be anything
    if not isinstance(call, dict):
        return True
    name, args = call.get("name"), call.get("args")
    return not (isinstance(name, str) and name) or not (args is None or isinstance(args, dict))


def _blocked(reason: str) -> str:
    why = _BLOCKED_WORDS.get(reason, f"for the unknown reason {reason}")
    return f"Gemini refused the message {why}"


def _error(reason: str, words: str, finish: Finish) -> GeminiResponseError:
    said = " ".join((finish.message or "").split())[:400]
    text = f"{words} ({reason})"
    return GeminiResponseError(reason, f"{text}: {said}" if said else text, retryable=reason in _MALFORMED)
