"""The turns of a stored chat, read off its log: what was said, what was called, how each ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.files import carries_file, meta_of, shown_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.files import FileMeta
    from runner.messages import ChatMessage, Json


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


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was sent with a message, in words, and what is known about it."""

    words: str
    meta: FileMeta


@dataclass(slots=True)
class StoredTurn:
    """One turn; `status` is None where the chat does not say how it ended. The agent's own files are not in `files`."""

    number: int
    user: str
    files: list[StoredFile]
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
            turns.append(StoredTurn(len(turns) + 1, entry.text, _files(entry)))
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


def _files(entry: ChatMessage) -> list[StoredFile]:
    known = iter(entry.meta.get("files") or ())
    others = [part for part in entry.parts if "text" not in part]
    metas: list[FileMeta] = [next(known, meta_of(part)) if carries_file(part) else {} for part in others]
    return [StoredFile(*each) for each in zip(shown_files(entry), metas, strict=True) if not each[1].get("first")]


def _answered(calls: list[Json], entry: ChatMessage) -> list[StoredCall]:
    kinds = entry.meta.get("results") or ["ok"] * len(calls)
    results: list[Any] = [response.get("response") for response in entry.responses]
    return [
        StoredCall(str(call.get("name") or ""), call.get("args") or {}, kind, result or {})
        for call, kind, result in zip(calls, kinds, results, strict=False)
    ]
