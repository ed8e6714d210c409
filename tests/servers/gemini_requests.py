"""A recorded request, with the questions that tests and behaviours ask of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

from .gemini_history import is_response, turn_start
from .gemini_schema import Wire
from .refusals import Refusal

JSON = dict[str, Any]
Verb: TypeAlias = Literal[
    "generate",
    "stream",
    "count",
    "model",
    "cache_create",
    "cache_list",
    "cache_get",
    "cache_update",
    "cache_delete",
    "file_start",
    "file_upload",
    "file_list",
    "file_get",
    "file_delete",
    "unknown",
]
_LENIENT = Wire()


@dataclass
class RecordedRequest:
    """One request as received.

    `is_enterprise`, `project`: asked as the Gemini Enterprise Agent Platform is. `body` is the parsed JSON, `normal`
    the same with protocol keys in camelCase. `at` is `time.monotonic()` of its arrival. `status` and `error` are the
    verdict (0: none yet, or silence); `outcome` is "pending", "sent", "cut" (by the script) or "gone" (the client went
    away first); `ended` is when that became known.
    """

    index: int
    at: float
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    connection: int
    verb: Verb = "unknown"
    version: str = ""
    is_enterprise: bool = False
    project: str | None = None
    model: str = ""
    served: str = ""
    body: JSON = field(default_factory=dict)
    size: int = 0
    checked: JSON | None = None
    status: int = 0
    error: str | None = None
    outcome: Literal["pending", "sent", "cut", "gone"] = "pending"
    ended: float | None = None

    @cached_property
    def normal(self) -> JSON:
        if self.checked is not None:
            return self.checked
        try:
            return _LENIENT.generate(self.body)
        except Refusal:
            return self.body

    @property
    def contents(self) -> list[JSON]:
        return self.normal.get("contents") or []

    @property
    def first_text(self) -> str:
        """The text of the first content: what tells one conversation from another."""
        contents = self.body.get("contents")
        try:
            return text_of(contents[0]) if contents else ""
        except (AttributeError, KeyError, TypeError):
            return ""  # not what contents should be; unchecked bodies only

    @property
    def turn(self) -> list[JSON]:
        """The contents of the current turn: the user's message and what followed."""
        return self.contents[turn_start(self.contents) :]

    @property
    def user_text(self) -> str:
        """The text of the message that began the current turn."""
        return text_of(self.turn[0]) if self.turn else ""

    @property
    def turns(self) -> int:
        """How many user messages the history has."""
        return sum(content.get("role") == "user" and not is_response(content) for content in self.contents)

    @property
    def step(self) -> int:
        """How many batches of function responses the current turn has so far."""
        return sum(is_response(content) for content in self.turn)

    @property
    def responses(self) -> list[JSON]:
        """The `{name, id?, response}` of the last content; empty unless it carries function responses."""
        parts = self.contents[-1].get("parts", []) if self.contents else []
        return [part["functionResponse"] for part in parts if "functionResponse" in part]

    @property
    def turn_responses(self) -> list[JSON]:
        """All function responses of the current turn."""
        parts = [part for content in self.turn for part in content.get("parts", [])]
        return [part["functionResponse"] for part in parts if "functionResponse" in part]

    @property
    def system(self) -> str:
        return text_of(self.normal.get("systemInstruction") or {})

    @property
    def declarations(self) -> dict[str, JSON]:
        """The function declarations by name."""
        tools = self.normal.get("tools") or []
        return {each["name"]: each for tool in tools for each in tool.get("functionDeclarations", ())}


def text_of(content: JSON) -> str:
    """Return the joined texts of a content, thoughts left out."""
    return "".join(part.get("text", "") for part in content.get("parts", ()) if not part.get("thought"))
