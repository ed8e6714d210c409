"""A turn as it was held, put together from the loop's events; and a conversation as text."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.conversations.results import CallRecord, TurnRecord
from runner.events import Notice, ToolCalled, ToolReturned, TurnEnded, TurnStarted, UsageReported
from runner.models.prices import cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from runner.events import Event
    from runner.messages import ChatMessage
    from runner.requests import Usage


class TurnListener:
    """Fills a record with what the events of its turn tell; `ended` is the last of them."""

    def __init__(self, record: TurnRecord, stubs: Mapping[str, str]) -> None:
        self.record = record
        self.ended: TurnEnded | None = None
        self.usages: dict[int, Usage] = {}
        self._stubs = stubs
        self._args: dict[tuple[int, int], Any] = {}
        self._chat = ""
        self._turn = record.number
        self._began = time.perf_counter()

    def hear(self, event: Event) -> None:
        """One event of the turn."""
        record = self.record
        match event:
            case TurnStarted():
                self._chat, self._turn = event.chat_id, event.turn
            case UsageReported():
                self.usages[event.step] = event.usage
                record.steps = event.step
            case ToolCalled():
                self._args[record.steps, event.index] = event.args
            case ToolReturned():
                record.calls.append(self._call(event))
            case Notice():
                record.notices.append(event.message)
                record.retries += event.code == "retry"
                record.rate_limits += event.code == "retry" and "(429)" in event.message
            case TurnEnded():
                self._end(event)
            case _:
                pass

    def _call(self, event: ToolReturned) -> CallRecord:
        step = self.record.steps
        return CallRecord(
            step=step,
            index=event.index,
            name=event.name,
            args=self._args.get((step, event.index)),
            kind=event.kind,
            result=event.result,
            ms=event.ms,
            stub=self._stubs.get(self.key(event)),
        )

    def key(self, event: ToolReturned) -> str:
        """The idempotency key of a call of the step that is under way."""
        return f"{self._chat}:{self._turn}:{self.record.steps}:{event.index}"

    def complete(self, answers: Sequence[ChatMessage]) -> None:
        """Take the arguments of calls that never started from the model's messages of this turn."""
        made = {entry.meta.get("step"): entry.calls for entry in answers}
        self.record.calls = [
            call if call.args is not None else replace(call, args=made[call.step][call.index].get("args") or {})
            for call in self.record.calls
        ]

    def _end(self, event: TurnEnded) -> None:
        record = self.record
        self.ended = event
        record.reply, record.status, record.message, record.usage = event.text, event.reason, event.message, event.usage
        record.calls.sort(key=lambda call: (call.step, call.index))
        record.ms = round((time.perf_counter() - self._began) * 1000, 3)


def turn_cost(usages: Mapping[int, Usage], answers: Sequence[ChatMessage], model: str, when: datetime) -> float | None:
    """What the steps of a turn cost, each at the price of the model that answered; None where one is not known."""
    versions = {entry.meta.get("step"): entry.meta.get("model_version") for entry in answers}
    costs = [cost(versions.get(step) or model, usage, when) for step, usage in usages.items()]
    return summed_costs(costs)


def summed_costs(costs: Iterable[float | None]) -> float | None:
    """The sum, or None where a part is not known."""
    known = list(costs)
    return None if None in known else sum(each for each in known if each is not None)


def summed_usage(usages: Iterable[Usage | None]) -> Usage | None:
    """The sum of those that there are."""
    known = [usage for usage in usages if usage is not None]
    return sum(known[1:], known[0]) if known else None


def transcript_text(turns: Iterable[TurnRecord]) -> str:
    """A conversation as text: who said what, each tool call with its arguments and its result."""
    return "\n\n".join("\n".join(_turn_lines(turn)) for turn in turns if turn.status != "skipped")


def _turn_lines(turn: TurnRecord) -> Iterable[str]:
    yield f"[turn {turn.number}]"
    yield f"user: {' '.join([turn.user, *turn.files]).lstrip()}"
    for call in turn.calls:
        yield f"call: {call.name}({_json(call.args)}) -> {call.kind}: {_json(call.result)}"
    if turn.reply:
        yield f"assistant: {turn.reply}"
    if turn.status not in {"answered", "pinned"}:
        yield f"({turn.status}: {turn.message or 'no answer'})"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
