"""A reply of Gemini, read event by event: raw parts, usage and the finish, nothing of it lost."""

from __future__ import annotations

import contextlib
import json
import math
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

from runner.errors import GeminiResponseError
from runner.events import Notice
from runner.models.gemini.api_errors import api_error
from runner.models.gemini.names import same_model
from runner.models.gemini.redaction import one_line
from runner.requests import Finish, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.errors import GeminiClientError
    from runner.messages import Json, Part
    from runner.models.gemini.sse import Event
    from runner.requests import ModelItem


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


_JSON = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
_CANDIDATE = frozenset({"content", "finishReason", "index"})
_CONTENT = frozenset({"parts", "role"})


class Reply:
    """Collects one streamed reply. `asked` is the model the request names, `redact` hides secrets in error texts."""

    def __init__(self, asked: str, redact: Callable[[str], str]) -> None:
        self._asked, self._redact = asked, redact
        self._began = False
        self._rest: Json = {}  # what is known of all that the last event said beside parts and counts
        self._reason: str | None = None
        self._details: Json = {}
        self._counts: Json | None = None

    def read(self, event: Event) -> list[ModelItem]:
        """The items of one event; an `error` object in it is raised as GeminiAPIError."""
        objects = _objects(event)
        self._began = self._began or bool(objects)
        try:
            return self._items(objects[0]) if len(objects) == 1 else [*chain(*map(self._items, objects))]
        except (AttributeError, KeyError, TypeError) as error:
            raise _unreadable(event.offset, "an object of another form than Gemini's") from error

    def read_last(self, event: Event) -> list[ModelItem]:
        """The items of an event the stream ended in: where it is not whole, the stream was cut."""
        try:
            return self.read(event)
        except GeminiResponseError as error:
            raise _cut_short(event.offset + len(event.data)) from error

    def end(self, reader_offset: int, stray: bytes = b"", content_type: str = "") -> Iterator[ModelItem]:
        """The notices and the finish, or the reason why the stream that ended is not a reply."""
        feedback = self._details.get("promptFeedback") or {}
        reason = self._reason or feedback.get("blockReason")
        if not reason:
            raise self._no_finish(reader_offset, stray, content_type)
        said = self._details.pop("finishMessage", None) or feedback.get("blockReasonMessage")
        finish = Finish(
            reason=str(reason),
            message=self._redact(str(said)) if said else None,
            model_version=self._details.pop("modelVersion", None),
            response_id=self._details.pop("responseId", None),
            details=self._details,
        )
        yield from self._notices(finish)
        yield finish

    def _items(self, chunk: Json) -> list[ModelItem]:
        if chunk.get("error"):
            raise api_error(chunk, redact=self._redact)
        items: list[ModelItem] = []
        for candidate in chunk.pop("candidates", None) or ():
            items += self._parts(candidate)
        counts = chunk.pop("usageMetadata", None)
        if counts != self._counts and counts is not None:
            self._counts = counts
            items.append(Usage.from_metadata(counts))
        if chunk != self._rest:  # as a rule it is the same in every event
            for name, value in chunk.items():
                self._add(name, value)
            self._rest = {name: self._details[name] for name in chunk}
        return items

    def _parts(self, candidate: Json) -> list[Part]:
        """The parts of the candidate that is read; what else it says is kept."""
        if candidate.get("index"):
            self._add("otherCandidates", [candidate])
            return []
        parts = self._content(candidate.get("content") or {})
        self._reason = candidate.get("finishReason", self._reason)
        if not candidate.keys() <= _CANDIDATE:
            for name, value in candidate.items():
                if name not in _CANDIDATE:
                    self._add(name, value)
        return parts

    def _content(self, content: Json) -> list[Part]:
        parts: list[Part] = content.get("parts") or []
        for part in parts:
            if not isinstance(part, dict):
                raise TypeError("a part that is no object")
        if not content.keys() <= _CONTENT:
            self._add("content", {name: value for name, value in content.items() if name not in _CONTENT})
        return parts

    def _add(self, name: str, value: object) -> None:
        if name not in self._details:
            self._details[name] = value
        elif value != self._details[name]:
            self._details[name] = _merged(self._details[name], value)

    def _notices(self, finish: Finish) -> Iterator[Notice]:
        answered = finish.model_version
        if answered and not same_model(self._asked, answered):
            yield Notice("model_version", f"{self._asked} was asked for, {answered} answered")
        status = self._details.get("modelStatus")
        if isinstance(status, dict) and status.get("modelStage") in {"DEPRECATED", "RETIRED", "LEGACY"}:
            yield Notice("model_status", self._redact(_status_words(answered or self._asked, status)))

    def _no_finish(self, offset: int, stray: bytes, content_type: str) -> GeminiClientError:
        text = stray.decode("utf-8", "replace").strip()
        with contextlib.suppress(ValueError, RecursionError):
            body = _JSON.decode(text)
            if isinstance(body, list) and body:
                body = body[0]
            if isinstance(body, dict) and body.get("error"):
                return api_error(body, redact=self._redact)
        if self._began or not text:
            return _cut_short(offset)
        said = one_line(text, self._redact)[:120]
        kind = content_type or "no content type"
        words = f"Gemini's reply is not a stream of server-sent events ({kind}): {said}"
        return GeminiResponseError("MALFORMED_REPLY", words)


def _objects(event: Event) -> Sequence[Json]:
    """The JSON objects of an event: usually one; some proxies put several, or a list, into one event."""
    try:
        text = str(event.data, "utf-8")
        value, end = _JSON.raw_decode(text)
    except (ValueError, RecursionError):
        return [*_each(event)]
    return (value,) if end == len(text) and isinstance(value, dict) else [*_each(event)]


def _each(event: Event) -> Iterator[Json]:
    try:
        text = str(event.data, "utf-8").strip()
    except UnicodeDecodeError as error:
        raise _unreadable(event.offset + error.start, "not UTF-8") from error
    at = 0
    while at < len(text):
        try:
            value, end = _JSON.raw_decode(text, at)
        except json.JSONDecodeError as error:
            if text == "[DONE]":  # the end mark of other vendors' streams, added by some gateways
                return
            raise _unreadable(event.offset, f"invalid JSON: {error.msg} at character {error.pos}") from error
        except (ValueError, RecursionError) as error:
            raise _unreadable(event.offset, f"invalid JSON: {error}") from error
        at = len(text) - len(text[end:].lstrip())
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, dict):
                raise _unreadable(event.offset, "JSON, but not an object")
            yield item


def _cut_short(offset: int) -> GeminiResponseError:
    words = f"Gemini's reply ended after {offset} bytes without a finish reason: it was cut short"
    return GeminiResponseError("NO_FINISH", words, retryable=True)


def _unreadable(offset: int, why: str) -> GeminiResponseError:
    return GeminiResponseError("MALFORMED_REPLY", f"Gemini's reply cannot be read at byte {offset}: {why}")


def _merged(old: Any, new: Any) -> Any:  # any JSON value
    """A field told twice in one stream: objects key by key, lists continued (or repeated longer), else the last."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _merged(old[key], value) if key in old else value for key, value in new.items()}}
    if isinstance(old, list) and isinstance(new, list):
        return new if new[: len(old)] == old else old + new
    return new


def _status_words(model: str, status: Json) -> str:
    words = f"{model} is {str(status.get('modelStage')).lower()}"
    if status.get("retirementTime"):
        words += f", to be retired on {str(status['retirementTime'])[:10]}"
    if status.get("message"):
        words += f": {status['message']}"
    return " ".join(words.split())
