"""The turns of a stored chat, read off its log: what was said, what was called, how each ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.messages import ChatMessage, Json, Part


@dataclass(frozen=True, slots=True)
class StoredCall:
    """One tool call: its name and arguments as the model wrote them, how it ended, what the model was told."""

    name: str
    args: Json
    kind: str
    result: Json


@dataclass(slots=True)
class StoredStep:
    """One reply of the model."""

    text: str
    calls: list[StoredCall] = field(default_factory=list)


@dataclass(slots=True)
class StoredTurn:
    """One turn; `status` is None where the chat does not say how it ended, `files` are the parts beside the text."""

    number: int
    user: str
    files: list[Part]
    steps: list[StoredStep] = field(default_factory=list)
    status: str | None = None
    message: str = ""

    @property
    def reply(self) -> str:
        """The text that the turn ended with."""
        return self.steps[-1].text if self.steps and not self.steps[-1].calls else ""

    @property
    def calls(self) -> list[StoredCall]:
        """All calls, in order."""
        return [call for step in self.steps for call in step.calls]


def stored_turns(log: Iterable[ChatMessage]) -> list[StoredTurn]:
    """The turns of a log; what stands before its first message of a user is left out."""
    turns: list[StoredTurn] = []
    asked: list[Json] = []
    for entry in log:
        if entry.kind == "user":
            others = [part for part in entry.parts if "text" not in part]
            turns.append(StoredTurn(len(turns) + 1, entry.text, others))
        elif not turns:
            continue
        elif entry.kind == "model":
            turns[-1].steps.append(StoredStep(entry.text))
            asked = entry.calls
            turns[-1].status = None if asked else "answered"
        elif entry.kind == "responses" and turns[-1].steps:
            turns[-1].steps[-1].calls = _answered(asked, entry)
        if turns and "status" in entry.meta:
            turns[-1].status, turns[-1].message = entry.meta["status"], entry.meta.get("message", "")
    return turns


def _answered(calls: list[Json], entry: ChatMessage) -> list[StoredCall]:
    kinds = entry.meta.get("results") or ["ok"] * len(calls)
    results: list[Any] = [response.get("response") for response in entry.responses]
    return [
        StoredCall(str(call.get("name") or ""), call.get("args") or {}, kind, result or {})
        for call, kind, result in zip(calls, kinds, results, strict=False)
    ]
