"""Fingerprints: what makes one request the same as another, over releases and machines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from runner.models.cassettes.filed import told_files, without_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.messages import ChatMessage, Content, EntryKind, Json, Part
    from runner.models.cassettes.redacting import Redactor
    from runner.requests import GenerateContentRequest

_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
_SIGNATURES = frozenset({"thoughtSignature", "thought_signature"})
_NOTHING: tuple[Json, ...] = ({}, {"text": ""})


def fingerprint(value: object) -> str:
    """What stands for a JSON value, whatever the order of its keys: "#" and 20 hex digits."""
    return _digest(_CANONICAL.encode(value))


@dataclass(frozen=True, slots=True)
class Options:
    """What a request sends beside the messages and the model's name; `mark` is its fingerprint."""

    mark: str
    body: Json


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it is compared: the fingerprints of its messages, and the place in the chat that it asks from."""

    fingerprint: str
    model: str
    options: Options
    messages: Sequence[str]
    turn: int
    step: int


class Fingerprints:
    """Fingerprints the requests of one chat: each message once, as long as requests hold the same message objects."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._messages: list[ChatMessage] = []
        self._marks: list[str] = []
        self._kinds: list[EntryKind] = []
        self._raw: Json = {}
        self._options = Options(fingerprint({}), {})

    def of(self, request: GenerateContentRequest) -> Asked:
        """The request's fingerprint, and those of what it is made of."""
        messages = [message for message in request.messages if message.is_sent]
        kept = _common(self._messages, messages)
        del self._marks[kept:], self._kinds[kept:]
        for message in messages[kept:]:
            self._marks.append(fingerprint(self.comparable(message)))
            self._kinds.append(message.kind)
        self._messages = messages
        options, marks = self._options_of(request), tuple(self._marks)
        model = self._redactor.text(request.model)
        whole = _digest("\n".join((model, options.mark, *marks)))
        return Asked(whole, model, options, marks, *self._place())

    def comparable(self, message: ChatMessage) -> Content:
        """A content without what may differ between two runs of the same: ids, signatures, secrets, places of files."""
        bare = [_bare(part) for part in without_bytes(message)]
        parts = [part for part in bare if part not in _NOTHING]
        cleaned: Content = self._redactor.clean({**(message.content or {}), "parts": parts})
        return cleaned

    def files(self, message: ChatMessage) -> list[str]:
        """The files of a comparable content in words, in order."""
        return [self._redactor.text(words) for words in told_files(message)]

    def _options_of(self, request: GenerateContentRequest) -> Options:
        raw = request.options()
        if raw != self._raw:
            body = {name: self._redactor.clean(value) for name, value in raw.items() if name != "cachedContent"}
            self._raw, self._options = raw, Options(fingerprint(body), body)
        return self._options

    def _place(self) -> tuple[int, int]:
        """Turn and step: the user's messages so far, and the model's since the last of them."""
        turns = [index for index, kind in enumerate(self._kinds) if kind == "user"]
        since = self._kinds[turns[-1] :] if turns else self._kinds
        return max(1, len(turns)), since.count("model") + 1


def _common(before: Sequence[object], after: Sequence[object]) -> int:
    """How many objects at the beginning of both are the same ones."""
    count = 0
    for old, new in zip(before, after, strict=False):
        if old is not new:
            break
        count += 1
    return count


def _bare(part: Part) -> Json:
    return {name: _without_id(value) for name, value in part.items() if name not in _SIGNATURES}


def _without_id(value: Any) -> Any:
    return {key: item for key, item in value.items() if key != "id"} if isinstance(value, dict) else value


def _digest(text: str) -> str:
    return f"#{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=10).hexdigest()}"
