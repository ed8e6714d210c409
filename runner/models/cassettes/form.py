"""A cassette's text: JSON Lines, ASCII, keys in a fixed order. What each kind of line holds, and how it is written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.errors import GeminiAPIError, GeminiResponseError
from runner.events import Notice
from runner.models.cassettes.fingerprints import fingerprint
from runner.models.finish import is_plain
from runner.requests import Finish, Usage
from runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.messages import Json, Part
    from runner.requests import ModelItem

FORMAT = 1
"""The number of the form written here; a higher one is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first line: what was recorded, from whom, and under which clock.

    `made_from` describes the agent in a small JSON object (`changes` tells two of them apart); `agent_hash` stands for
    all of it. `source` is "live" or "local http://127.0.0.1:8080". Both times are aware.
    """

    agent: str
    agent_hash: str
    made_from: Json
    source: str
    clock: datetime
    repeat: int = 1
    recorded_at: datetime | None = None
    version: str = __version__

    def __post_init__(self) -> None:
        for time in (self.clock, self.recorded_at):
            if time is not None and time.tzinfo is None:
                raise ValueError("a cassette's times need a zone")

    def to_json(self) -> Json:
        """As it is written."""
        return {
            "cassette": FORMAT,
            "agent": self.agent,
            "agent_hash": self.agent_hash,
            "made_from": self.made_from,
            "source": self.source,
            "clock": self.clock.isoformat(),
            "recorded_at": None if self.recorded_at is None else self.recorded_at.isoformat(),
            "repeat": self.repeat,
            "version": self.version,
        }

    @classmethod
    def from_json(cls, told: Json) -> Header:
        """From its line; raises KeyError, TypeError or ValueError where that is no header."""
        at = told["recorded_at"]
        return cls(
            agent=_text(told["agent"]),
            agent_hash=_text(told["agent_hash"]),
            made_from=_object(told["made_from"]),
            source=_text(told["source"]),
            clock=datetime.fromisoformat(told["clock"]),
            repeat=int(told["repeat"]),
            recorded_at=None if at is None else datetime.fromisoformat(at),
            version=_text(told["version"]),
        )


@dataclass(frozen=True, slots=True)
class SentOptions:
    """What requests from here on send beside messages, for people (see `told_options`)."""

    mark: str
    told: Json

    def to_json(self) -> Json:
        """As it is written."""
        return {"options": self.mark, **self.told}


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request and what came of it. `messages` are the request's, each with its fingerprint and its words.

    Plain text is kept joined; `pieces` are the lengths in which it streamed.
    """

    role: str
    turn: int
    step: int
    fingerprint: str
    model: str
    options: SentOptions
    messages: Sequence[tuple[str, str]]
    reply: list[Part] = field(default_factory=list)
    pieces: list[int] = field(default_factory=list)
    usage: Usage | None = None
    notices: list[Notice] = field(default_factory=list)
    finish: Finish | None = None
    failure: GeminiAPIError | GeminiResponseError | None = None
    amended: Notice | None = None
    line: int | None = None

    @property
    def told(self) -> str:
        """The last message in a few words."""
        return self.messages[-1][1].partition("\n")[0][:100] if self.messages else ""

    def items(self) -> Iterator[ModelItem]:
        """What the model yielded, text in the pieces in which it came; the failure is not raised here."""
        lengths = iter(self.pieces)
        for part in self.reply:
            yield from _cut(part, lengths) if is_plain(part) else (part,)
        if self.usage is not None:
            yield self.usage
        yield from self.notices
        if self.finish is not None:
            yield self.finish

    def to_json(self, before: Sequence[tuple[str, str]]) -> Json:
        """As it is written after a request of the same role with the messages `before`: those it shares are counted."""
        kept = 0
        while kept < min(len(before), len(self.messages)) and before[kept][0] == self.messages[kept][0]:
            kept += 1
        told: Json = {"role": self.role, "turn": self.turn, "step": self.step}
        told["request"] = {
            "fingerprint": self.fingerprint,
            "model": self.model,
            "options": self.options.mark,
            "kept": kept,
            "new": [list(message) for message in self.messages[kept:]],
        }
        told["reply"] = self.reply
        if self.pieces:
            told["pieces"] = self.pieces
        if self.usage is not None:
            told["usage"] = self.usage.to_json()
        if self.notices:
            told["notices"] = [_notice_json(notice) for notice in self.notices]
        if self.finish is not None:
            told["finish"] = _finish_json(self.finish)
        if self.failure is not None:
            told["failure"] = _failure_json(self.failure)
        if self.amended is not None:
            told["amended"] = _notice_json(self.amended)
        return told

    @classmethod
    def from_json(
        cls, told: Json, before: Sequence[tuple[str, str]], options: dict[str, SentOptions], line: int
    ) -> Exchange:
        """From its line; raises KeyError, TypeError or ValueError where that is no exchange."""
        request, kept = _object(told["request"]), int(told["request"]["kept"])
        if kept > len(before):
            raise ValueError("it continues a request that is not there")
        new = [(_text(mark), _text(words)) for mark, words in request["new"]]
        usage, finish, amended = told.get("usage"), told.get("finish"), told.get("amended")
        return cls(
            role=_text(told["role"]),
            turn=int(told["turn"]),
            step=int(told["step"]),
            fingerprint=_text(request["fingerprint"]),
            model=_text(request["model"]),
            options=options[request["options"]],
            messages=(*before[:kept], *new),
            reply=[_object(part) for part in told["reply"]],
            pieces=[int(length) for length in told.get("pieces", ())],
            usage=None if usage is None else Usage(**usage),
            notices=[_notice(each) for each in told.get("notices", ())],
            finish=None if finish is None else Finish(**finish),
            failure=_failure(told["failure"]) if "failure" in told else None,
            amended=None if amended is None else _notice(amended),
            line=line,
        )


@dataclass(frozen=True, slots=True)
class ToolResult:
    """One call of a tool and its result; `kind` is that of `ToolReturned`, `media` are parts it refers to."""

    tool: str
    args: Json
    kind: str
    result: Json
    media: tuple[Part, ...] = ()

    @property
    def mark(self) -> str:
        """What stands for the call: a call of the same tool with equal arguments has the same."""
        return fingerprint([self.tool, self.args])

    def to_json(self) -> Json:
        """As it is written."""
        told: Json = {"tool": self.tool, "args": self.args, "kind": self.kind, "result": self.result}
        return {**told, "media": list(self.media)} if self.media else told

    @classmethod
    def from_json(cls, told: Json) -> ToolResult:
        """From its line; raises KeyError or TypeError where that is no result of a tool."""
        kind, result = _text(told["kind"]), _object(told["result"])
        return cls(_text(told["tool"]), _object(told["args"]), kind, result, _parts(told))


def lines(header: Header, entries: Iterable[Exchange | ToolResult]) -> Iterator[str]:
    """A cassette's text, line by line. Options stand once, before the first request that sends them."""
    yield _line(header.to_json())
    known: set[str] = set()
    before: dict[str, Sequence[tuple[str, str]]] = {}
    for entry in entries:
        if isinstance(entry, ToolResult):
            yield _line(entry.to_json())
            continue
        if entry.options.mark not in known:
            known.add(entry.options.mark)
            yield _line(entry.options.to_json())
        yield _line(entry.to_json(before.get(entry.role, ())))
        before[entry.role] = entry.messages


def _line(told: Json) -> str:
    return json.dumps(told, ensure_ascii=True, allow_nan=False) + "\n"


def _cut(part: Part, lengths: Iterator[int]) -> Iterator[Part]:
    """A text in its pieces; whole where the lengths do not say."""
    text, at = part["text"], 0
    while at < len(text):
        length = next(lengths, 0) or len(text)
        yield {**part, "text": text[at : at + length]}
        at += length


def _notice_json(notice: Notice) -> Json:
    return {"code": notice.code, "message": notice.message}


def _notice(told: Json) -> Notice:
    return Notice(_text(told["code"]), _text(told["message"]))


def _finish_json(finish: Finish) -> Json:
    told = {name: getattr(finish, name) for name in Finish.__slots__}
    return {name: value for name, value in told.items() if value not in (None, {})}


def _failure_json(failure: GeminiAPIError | GeminiResponseError) -> Json:
    if isinstance(failure, GeminiResponseError):
        return {"reason": failure.reason, "message": failure.message, "retryable": failure.retryable}
    told: Json = {"code": failure.code, "status": failure.status, "message": failure.message}
    told["retryable"] = failure.retryable
    return told if failure.retry_after is None else {**told, "retry_after": failure.retry_after}


def _failure(told: Json) -> GeminiAPIError | GeminiResponseError:
    retryable = bool(told["retryable"])
    if "code" not in told:
        return GeminiResponseError(_text(told["reason"]), _text(told["message"]), retryable=retryable)
    return GeminiAPIError(
        int(told["code"]),
        _text(told["status"]),
        _text(told["message"]),
        retryable=retryable,
        retry_after=told.get("retry_after"),
    )


def _parts(told: Json) -> tuple[Part, ...]:
    return tuple(_object(part) for part in told.get("media", ()))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value
