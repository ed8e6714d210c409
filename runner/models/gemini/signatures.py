"""Thought signatures that a model refuses, because another model made them."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from runner.errors import GeminiAPIError
from runner.messages import ChatMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.errors import GeminiClientError
    from runner.messages import Part
    from runner.requests import GenerateContentRequest

SENTINEL = "skip_thought_signature_validator"
"""What Gemini accepts in place of a signature it did not make itself; merely removing one is refused as missing."""

_REFUSED = re.compile(
    r"(corrupt|invalid).{0,40}thought.?signature|thought.?signature.{0,40}(corrupt|invalid)", re.IGNORECASE
)


def is_signature_refused(error: GeminiClientError) -> bool:
    """Whether the service says that a signature is corrupted (not that one is missing, which would be our fault)."""
    return isinstance(error, GeminiAPIError) and error.code == 400 and _REFUSED.search(error.message) is not None


def with_reset_signatures(request: GenerateContentRequest) -> GenerateContentRequest | None:
    """The request as a model that made none of its signatures accepts it; None where that changes nothing.

    The calls of the current turn (after the last text of the user) carry the sentinel instead of their signatures; all
    other signatures are left out. The messages of `request` are not changed.
    """
    turn = _start_of_turn(request.messages)
    messages = [
        _reset(message, in_turn=index > turn) if message.role == "model" else message
        for index, message in enumerate(request.messages)
    ]
    if all(new.content == old.content for new, old in zip(messages, request.messages, strict=True)):
        return None
    return dataclasses.replace(request, messages=messages)


def without_foreign_signatures(request: GenerateContentRequest) -> GenerateContentRequest:
    """The request without the signatures of replies that another model than the one now asked was asked for.

    A turn is of one model, so no call of the current one loses what it needs. The messages of `request` stay.
    """
    foreign = [message.meta.get("model", request.model) != request.model for message in request.messages]
    if not any(foreign):
        return request
    each = zip(request.messages, foreign, strict=True)
    messages = [_reset(message, in_turn=False) if is_foreign else message for message, is_foreign in each]
    return dataclasses.replace(request, messages=messages)


def _start_of_turn(messages: Sequence[ChatMessage]) -> int:
    """The index of the last user message that is no response to calls."""
    return max(
        (index for index, message in enumerate(messages) if message.role == "user" and not message.responses),
        default=-1,
    )


def _reset(message: ChatMessage, *, in_turn: bool) -> ChatMessage:
    parts = message.parts
    first_call = next((part for part in parts if "functionCall" in part), None)
    kept = [_unsigned(part, sentinel=in_turn and ("thoughtSignature" in part or part is first_call)) for part in parts]
    kept = [part for part in kept if part != {"text": ""}]
    return ChatMessage({**(message.content or {}), "parts": kept}, message.meta)


def _unsigned(part: Part, *, sentinel: bool) -> Part:
    bare = {name: value for name, value in part.items() if name not in {"thoughtSignature", "thought_signature"}}
    if sentinel and "functionCall" in part:
        bare["thoughtSignature"] = SENTINEL
    return bare
