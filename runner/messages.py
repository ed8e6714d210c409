"""Messages: light views over Gemini's own JSON, never rebuilt.

A chat is one append-only log of `ChatMessage` entries. What is sent to Gemini is the log *rendered*: the contents of
its `user`, `model` and `responses` entries, as they were stored, but for what a `summary` entry leaves out (see
`runner.rendering`). `started` and `closed` entries carry only `meta`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.files import FileMeta

Json: TypeAlias = dict[str, Any]
"""A JSON object."""
Part: TypeAlias = dict[str, Any]
"""One part of a content, as on the wire: `{"text": ...}`, `{"functionCall": {...}, "thoughtSignature": ...}`, ..."""
Content: TypeAlias = dict[str, Any]
"""Gemini's `Content`: `{"role": "user" | "model", "parts": [Part, ...]}`."""

EntryKind: TypeAlias = Literal["user", "model", "started", "responses", "closed", "summary"]
TurnReason: TypeAlias = Literal["answered", "stopped", "limit", "failed", "interrupted"]


class Meta(TypedDict, total=False):
    """What is known about an entry and never sent. Unknown keys are kept."""

    kind: EntryKind
    turn: int  # 1 for the first user message of the chat
    step: int  # 1 for the first model call of the turn
    time: str  # ISO 8601, UTC
    status: TurnReason  # present on the entry that ends its turn
    model: str  # the model asked for
    family: str  # whose thought signatures the content carries
    model_version: str  # the model that answered
    response_id: str
    usage: dict[str, int]
    context: int  # tokens of the last prompt and the reply, where `usage` is of several requests
    before: int  # `summary`: the first turn that is still sent
    grounds: Json  # `model`: the grounding metadata of a reply, as it came
    effects: list[str]  # `model`: the declared effects of each call
    files: list[FileMeta]  # `user`, `responses`: what is known about each file of the content, in order
    calls: list[int]  # `started`: indices of the calls about to run
    results: list[str]  # `responses`: the result kind of each call
    reason: str  # `closed`: the error's stable word
    message: str  # `closed`: the error's text
    partial: str  # `closed`: text that was shown before the stream failed, for display only


_JSON = json.JSONEncoder(ensure_ascii=True, check_circular=False, allow_nan=False, separators=(",", ":"))


def _pieces_of() -> Callable[[object, int], Iterable[str]]:
    """What `_JSON.iterencode` makes anew for every value, made once: most values here are small."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda value, _: _JSON.iterencode(value)
    ascii_text = json.encoder.encode_basestring_ascii
    return make(None, _JSON.default, ascii_text, None, ":", ",", False, False, False)  # type: ignore[no-any-return]  # typeshed does not know it


_json_pieces = _pieces_of()


def to_json(value: object) -> str:
    """`value` as ASCII JSON text; NUL and lone surrogates survive. ValueError for NaN, Infinity and cycles."""
    try:
        return "".join(_json_pieces(value, 0))
    except RecursionError:
        raise ValueError("it contains itself or is nested too deep") from None


def joined_json(messages: Iterable[ChatMessage]) -> str:
    """The contents of messages as the inside of a JSON array; a long chat has many, and most have their text."""
    return ",".join([message._content_json or message.content_json for message in messages])  # noqa: SLF001  # 800 calls fewer


class ChatMessage:
    """One entry of a chat: Gemini's `content` exactly as it came (None for `started` and `closed`), and `meta`.

    Built from objects, or from stored text without decoding it (`from_stored`): each form is made from the other at
    first use and kept. Treat both as immutable.
    """

    __slots__ = ("_content", "_content_json", "_meta", "_meta_json")

    def __init__(self, content: Content | None = None, meta: Meta | None = None) -> None:
        self._content = content
        self._meta: Meta | None = {} if meta is None else meta
        self._content_json: str | None = None
        self._meta_json: str | None = None

    @classmethod
    def from_stored(cls, content_json: str, meta_json: str) -> ChatMessage:
        """The entry whose two JSON texts were stored; neither is decoded now."""
        message = cls()
        message._meta = None
        message._content_json, message._meta_json = content_json, meta_json
        return message

    @classmethod
    def user(
        cls, text: str, *, files: Iterable[Part] = (), first: Iterable[Part] = (), meta: Meta | None = None
    ) -> ChatMessage:
        """A user's message: what stands first, the text, the files; an empty text is not sent beside others."""
        before, after = list(first), list(files)
        texts = [{"text": text}] if text or not (before or after) else []
        return cls({"role": "user", "parts": [*before, *texts, *after]}, meta)

    @classmethod
    def model(cls, text: str, *, meta: Meta | None = None) -> ChatMessage:
        """A model's plain text message."""
        return cls({"role": "model", "parts": [{"text": text}]}, meta)

    @property
    def content(self) -> Content | None:
        """Gemini's `Content`, or None for an entry that is never sent."""
        if self._content is None and self._content_json is not None:
            self._content = json.loads(self._content_json)
        return self._content

    @property
    def content_json(self) -> str:
        """`content` as ASCII JSON text ("null" where there is none)."""
        if self._content_json is None:
            self._content_json = to_json(self._content)
        return self._content_json

    @property
    def meta(self) -> Meta:
        """What is known about the entry and never sent."""
        if self._meta is None:
            self._meta = {} if self._meta_json is None else json.loads(self._meta_json)
        return self._meta

    @property
    def meta_json(self) -> str:
        """`meta` as ASCII JSON text."""
        if self._meta_json is None:
            self._meta_json = to_json(self._meta)
        return self._meta_json

    @property
    def is_sent(self) -> bool:
        """Whether the entry has a content, that is, belongs to the history Gemini sees."""
        return self._content is not None or self._content_json not in {None, "null"}

    @property
    def has_files(self) -> bool:
        """Whether files were sent with the message, or came with a tool's result."""
        if self._meta is None and self._meta_json is not None:
            return '"files"' in self._meta_json  # a look into a text is cheaper than decoding it
        return "files" in self.meta

    @property
    def kind(self) -> EntryKind:
        """The entry's kind; for messages written by other programs it is read off the content."""
        stored = self.meta.get("kind")
        if stored is not None:
            return stored
        if self.role == "model":
            return "model"
        return "responses" if self.responses else "user"

    @property
    def role(self) -> str:
        """`user` or `model`; empty for an entry without content."""
        return str((self.content or {}).get("role") or "")

    @property
    def parts(self) -> list[Part]:
        """The content's parts; empty for an entry without content."""
        return list((self.content or {}).get("parts") or ())

    @property
    def text(self) -> str:
        """The visible text: all text parts that are not thoughts, joined."""
        return "".join(part["text"] for part in self.parts if part.get("text") and not part.get("thought"))

    @property
    def calls(self) -> list[Json]:
        """The `functionCall` objects, in order."""
        return [part["functionCall"] for part in self.parts if "functionCall" in part]

    @property
    def responses(self) -> list[Json]:
        """The `functionResponse` objects, in order."""
        return [part["functionResponse"] for part in self.parts if "functionResponse" in part]

    def compacted(self) -> int:
        """Keep the entry as its two JSON texts only; returns their length in characters."""
        size = len(self.content_json) + len(self.meta_json)
        self._content = self._meta = None
        return size

    def to_json(self) -> str:
        """The whole entry as one ASCII JSON text."""
        return f'{{"content":{self.content_json},"meta":{self.meta_json}}}'

    @classmethod
    def from_json(cls, text: str) -> ChatMessage:
        """The inverse of `to_json`."""
        entry = json.loads(text)
        return cls(entry["content"], entry.get("meta"))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ChatMessage):
            return NotImplemented
        return self.content == other.content and self.meta == other.meta

    __hash__ = None  # type: ignore[assignment]  # equality is by value and the values are dictionaries

    def __repr__(self) -> str:
        return f"ChatMessage({self.kind}, {len(self.content_json)} bytes)"


def responses_to(calls: Iterable[Json], results: Iterable[Json]) -> Content:
    """The one user content that answers a model content: a response per call, in order, names and ids as called."""
    parts: list[Part] = []
    for call, result in zip(calls, results, strict=True):
        response: Json = {"name": call.get("name", ""), "response": result}
        if call.get("id"):
            response["id"] = call["id"]
        if media := getattr(result, "parts", None):  # of a `MediaResult`
            response["parts"] = media
        parts.append({"functionResponse": response})
    return {"role": "user", "parts": parts}
