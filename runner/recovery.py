"""Closing what a crash or a cancel left open, by appending; nothing stored is changed and no tool is run.

The log of an open turn ends in one of these shapes, and each has one closing:

    user                                          closed
    user, model+calls, started*                   responses, closed
    user, model+calls, started*, responses        closed

`started` entries name the `once` calls whose execution may have begun, so a call is answered `outcome_unknown` when it
is `once` and started, `not_started` when it is `once` and not, and `interrupted` otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.messages import ChatMessage, Meta, responses_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.messages import Json, TurnReason

UNFINISHED = {
    "not_started": "not started: the turn ended before this call could begin",
    "interrupted": "interrupted: the turn ended while this call was running",
    "outcome_unknown": "outcome unknown: the turn ended while this call was running; it may or may not have taken "
    "effect, so do not repeat it before checking",
}
"""What the model is told about a call that has no result, by result kind."""


def unfinished(kind: str) -> Json:
    """The result of a call that has none."""
    return {"error": UNFINISHED[kind]}


def kind_without_result(effects: str, *, started: bool) -> str:
    """The result kind of a call that was cut off, from its declared effects and whether it began."""
    if effects == "once":
        return "outcome_unknown" if started else "not_started"
    return "interrupted"


def open_turn(log: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The entries of the turn that was begun and not ended, oldest first; empty when the log is closed."""
    tail: list[ChatMessage] = []
    for entry in reversed(log):
        if entry.meta.get("status") is not None or _is_plain_answer(entry):
            break
        tail.append(entry)
        if entry.kind == "user":
            break
    return tail[::-1]


def closing(log: Sequence[ChatMessage], now: str) -> list[ChatMessage]:
    """The entries to append so that the history is one that Gemini accepts; empty when nothing is open."""
    tail = open_turn(log)
    if not tail:
        return []
    entries: list[ChatMessage] = []
    asked = next((index for index in range(len(tail) - 1, -1, -1) if tail[index].kind == "model"), None)
    if asked is not None and not any(entry.kind == "responses" for entry in tail[asked:]):
        entries.append(_answers(tail[asked], tail[asked + 1 :], now))
    entries.append(closed("interrupted", now, turn=tail[0].meta.get("turn", 0), message="the turn was interrupted"))
    return entries


def closed(
    status: TurnReason, now: str, *, turn: int, reason: str = "", message: str = "", partial: str = ""
) -> ChatMessage:
    """The entry that ends a turn whose last message does not say how it ended."""
    meta: Meta = {"kind": "closed", "turn": turn, "time": now, "status": status}
    if reason:
        meta["reason"] = reason
    if message:
        meta["message"] = message
    if partial:
        meta["partial"] = partial
    return ChatMessage(None, meta)


def _answers(model: ChatMessage, later: Sequence[ChatMessage], now: str) -> ChatMessage:
    calls, effects = model.calls, model.meta.get("effects")
    started = {index for entry in later if entry.kind == "started" for index in entry.meta.get("calls", ())}
    if effects is None:  # stored by a program that does not say what it started
        kinds = ["outcome_unknown"] * len(calls)
    else:
        kinds = [kind_without_result(effect, started=index in started) for index, effect in enumerate(effects)]
    meta: Meta = {
        "kind": "responses",
        "turn": model.meta.get("turn", 0),
        "step": model.meta.get("step", 0),
        "time": now,
        "results": kinds,
    }
    return ChatMessage(responses_to(calls, map(unfinished, kinds)), meta)


def _is_plain_answer(entry: ChatMessage) -> bool:
    """Whether the entry ends a turn by itself, as histories written by other programs do."""
    return entry.kind == "model" and "kind" not in entry.meta and not entry.calls
