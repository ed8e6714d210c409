"""Events: what the loop tells, in order. Readers of these are the terminal, JSON lines, tests and reports.

`event.to_json()` is the documented form: `type` in snake case, then the fields. Absent optional fields are left out,
but for a cost that is not known, which is null.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

if TYPE_CHECKING:
    from runner.errors import AgentRunError
    from runner.media import Media
    from runner.messages import Json, TurnReason
    from runner.requests import CacheUse, ContextSize, Cost, Source, Usage


class _Event:
    __slots__ = ()
    type: ClassVar[str]
    _unspoken: ClassVar[frozenset[str]] = frozenset()
    _nullable: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        cls.type = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def to_json(self) -> Json:
        """The event as a JSON object."""
        form: Json = {"type": self.type}
        for item in fields(self):  # type: ignore[arg-type]  # every event is a dataclass
            value = getattr(self, item.name)
            if (value is not None or item.name in self._nullable) and item.name not in self._unspoken:
                form[item.name] = value.to_json() if hasattr(value, "to_json") else value
        return form


def _as_json(value: Any) -> Any:
    """An instance of a type that pydantic validates, as JSON."""
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value)


@dataclass(frozen=True, slots=True)
class TurnStarted(_Event):
    """The user's message is stored and the first model call is about to be made."""

    chat_id: str
    turn: int
    model: str


@dataclass(frozen=True, slots=True)
class TextDelta(_Event):
    """A piece of the answer, as it arrived."""

    text: str


@dataclass(frozen=True, slots=True)
class ThoughtDelta(_Event):
    """A piece of the model's thought summary; not part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class CodeWritten(_Event):
    """Code that the model wrote and the service runs, with the built-in tool `code_execution`."""

    language: str
    code: str


@dataclass(frozen=True, slots=True)
class CodeRan(_Event):
    """What that code printed. `outcome` is ok, failed or deadline_exceeded."""

    outcome: str
    output: str


@dataclass(frozen=True, slots=True)
class MediaReturned(_Event):
    """A picture or another file that the model made, or that its code drew. `data` is base64."""

    mime_type: str
    data: str
    name: str | None = None

    @property
    def media(self) -> Media:
        """Its bytes. Raises ValueError where they cannot be read."""
        from runner.media import Media

        return Media(base64.b64decode(self.data, validate=True), self.mime_type, self.name)


@dataclass(frozen=True, slots=True)
class BuiltInCalled(_Event):
    """A tool of the service was called, and answered, by the service itself."""

    name: str
    args: Json


@dataclass(frozen=True, slots=True)
class ToolCalled(_Event):
    """A tool is about to run. `id` is unique in the chat, `index` the call's place in its step."""

    id: str
    index: int
    name: str
    args: Json


@dataclass(frozen=True, slots=True)
class ToolProgress(_Event):
    """Something a running tool reported through its `ToolContext`."""

    id: str
    index: int
    name: str
    progress: Any


@dataclass(frozen=True, slots=True)
class ToolReturned(_Event):
    """A call has its result. `kind` is ok, error, timeout, cancelled, not_started, interrupted or outcome_unknown.

    `cached` is True where an earlier result was used again.
    """

    id: str
    index: int
    name: str
    kind: str
    result: Json
    ms: float
    cached: bool | None = None


@dataclass(frozen=True, slots=True)
class UsageReported(_Event):
    """The tokens of one model call; `cache` where the agent has a context cache.

    `cost` is None where the price of `model`, the one that answered, is not known.
    """

    step: int
    usage: Usage
    cache: CacheUse | None = None
    cost: Cost | None = None
    model: str | None = None

    _nullable: ClassVar[frozenset[str]] = frozenset({"cost"})


@dataclass(frozen=True, slots=True)
class Notice(_Event):
    """Something the user should know that is neither answer nor failure: a retry, another model version, ..."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TurnEnded(_Event):
    """The turn is over and stored: for `answered` this is the acknowledgement.

    `text` is the answer: the text of the model's last reply. `code`, `message`, `retryable` come with every reason but
    `answered` where there is something to say; `error` is the exception behind a `failed` turn (not in the JSON form).
    `cache` says what became of the context cache, where the agent has one. `cost` is in US dollars; None where a price
    is not known. `value` is what the answer was read as, where it was asked for in a form: a JSON value, or an instance
    of the type (its JSON, in the JSON form). `sources` are what it is drawn from, where built-in tools were used.
    `context` is how much the chat sends now, where the service counted it.
    """

    reason: TurnReason
    text: str
    usage: Usage
    code: str | None = None
    message: str | None = None
    retryable: bool | None = None
    error: AgentRunError | None = None
    cache: CacheUse | None = None
    cost: Cost | None = None
    value: Any = None
    sources: tuple[Source, ...] = ()
    context: ContextSize | None = None

    _unspoken: ClassVar[frozenset[str]] = frozenset({"error", "value", "sources"})
    _nullable: ClassVar[frozenset[str]] = frozenset({"cost"})

    def to_json(self) -> Json:
        """The event as a JSON object."""
        form = super(TurnEnded, self).to_json()
        if self.value is not None:
            form["value"] = _as_json(self.value)
        if self.sources:
            form["sources"] = [source.to_json() for source in self.sources]
        return form


Event: TypeAlias = (
    TurnStarted
    | TextDelta
    | ThoughtDelta
    | CodeWritten
    | CodeRan
    | MediaReturned
    | BuiltInCalled
    | ToolCalled
    | ToolProgress
    | ToolReturned
    | UsageReported
    | Notice
    | TurnEnded
)
