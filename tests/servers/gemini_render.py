"""From a `Reply` to the bytes of an HTTP answer, streamed or whole."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from .gemini_replies import MINT, Bytes, Event, Framing, Object, Parts, Pause, Reply
from .gemini_schema import PAYLOADS, Extras
from .http_framing import HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .gemini_signatures import SignatureBook

JSON = dict[str, Any]
DEFAULT_FRAMING = Framing()
ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
JSON_TYPE = "application/json; charset=UTF-8"
PART_KEYS = frozenset(PAYLOADS) | {"thought", "thoughtSignature", "partMetadata", "videoMetadata", "mediaResolution"}
CALL_KEYS = frozenset({"id", "name", "args"})


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8; escaped where the text holds a lone surrogate."""
    try:
        return ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


@dataclass
class Rendering:
    """What the renderer knows of the request; `mode` "array" is a stream asked for without `alt=sse`.

    `content` becomes the model content that was sent whole, as a client should keep it (signatures included).
    """

    model: str
    mode: Literal["sse", "array", "whole"]
    book: SignatureBook | None
    extras: Extras
    serial: int
    ids: Iterator[int]
    prompt_tokens: int
    cached_tokens: int = 0
    content: list[JSON] = field(default_factory=list)

    def answer(self, reply: Reply) -> HttpAnswer:
        """Return the bytes to send with their delays and how the connection ends."""
        if reply.silent:
            return HttpAnswer(end="hang", pieces=[])
        status = reply.status or 200
        headers = list(reply.headers or ())
        if reply.body is not None:
            body = reply.body if isinstance(reply.body, bytes) else dumps(reply.body)
            return self._sent(reply, status, reply.content_type or JSON_TYPE, headers, [(0.0, body)], streamed=False)
        if self.mode == "whole":
            body = dumps(self._whole(reply))
            return self._sent(reply, status, reply.content_type or JSON_TYPE, headers, [(0.0, body)], streamed=False)
        kind = "text/event-stream" if self.mode == "sse" else JSON_TYPE
        pieces = list(self._pieces(reply))
        return self._sent(reply, status, reply.content_type or kind, headers, pieces, streamed=True)

    # Response objects

    def _signed(self, reply: Reply) -> list[Event]:
        """Return the events with ids minted and the signature where Gemini 3 puts it."""
        events = [
            Parts(tuple(self._prepared(part) for part in event.parts)) if isinstance(event, Parts) else event
            for event in reply.events
        ]
        if self.book is None:
            return events
        texts = [part for part in self.content if part.get("text") is not None and not part.get("thought")]
        first_call = next((part for part in self.content if "functionCall" in part), None)
        if first_call is not None:
            self._sign_call(self.book, first_call, reply)
        elif texts and reply.sign is not False and "thoughtSignature" not in texts[-1]:
            events += self._sign_text(self.book, texts[-1], reply)
        return events

    def _sign_text(self, book: SignatureBook, last: JSON, reply: Reply) -> list[Event]:
        """Sign the last text, or return the empty part that bears the signature; an interrupted answer has none."""
        if any(isinstance(event, Object) for event in reply.events):
            return []
        if reply.sign == "last" or (self.mode == "whole" and reply.sign != "empty"):
            last["thoughtSignature"] = book.mint(self.model, last)
            return []
        empty = {"text": "", "thoughtSignature": book.mint(self.model, {"text": ""})}
        self.content.append(empty)
        return [Parts((empty,))]

    def _prepared(self, part: JSON) -> JSON:
        part = dict(part)
        call = part.get("functionCall")
        if isinstance(call, dict):
            part["functionCall"] = call = dict(call)
            if call.get("id") is MINT:
                call["id"] = f"call_{next(self.ids):x}"
            self.extras.call.update(call.keys() - CALL_KEYS)
        self.extras.part.update(part.keys() - PART_KEYS)
        if self.book is not None and "thoughtSignature" in part:
            self.book.remember_given(self.model, part)
        self.content.append(part)
        return part

    def _sign_call(self, book: SignatureBook, part: JSON, reply: Reply) -> None:
        if "thoughtSignature" in part:
            return
        if reply.sign is False:
            book.remember_unsigned(self.model, part)
        else:
            part["thoughtSignature"] = book.mint(self.model, part)

    def _usage(self, reply: Reply) -> JSON:
        if reply.usage is not None:
            return reply.usage
        shown = thoughts = 0
        for part in self.content:
            tokens = max(1, len(part.get("text") or "") // 4)
            if part.get("thought"):
                thoughts += tokens
            else:
                shown += tokens
        made = {
            "promptTokenCount": self.prompt_tokens + self.cached_tokens,
            "candidatesTokenCount": shown,
            "totalTokenCount": self.prompt_tokens + self.cached_tokens + shown + thoughts,
        }
        if thoughts:
            made["thoughtsTokenCount"] = thoughts
        if self.cached_tokens:
            made["cachedContentTokenCount"] = self.cached_tokens
        return made

    def _response(self, reply: Reply, parts: tuple[JSON, ...] | None, *, last: bool) -> JSON:
        """Return one GenerateContentResponse; `parts` None: a candidate without content."""
        made: JSON = {}
        if reply.candidates is not False:
            candidate: JSON = {}
            if parts is not None:
                candidate["content"] = {"parts": list(parts), "role": "model"}
            elif reply.empty:
                candidate["content"] = {}
            reason = "STOP" if reply.finish is None else reply.finish
            if last and reason:
                candidate["finishReason"] = reason
            if last and reply.finish_message is not None:
                candidate["finishMessage"] = reply.finish_message
            candidate["index"] = 0
            if last:
                candidate.update(reply.candidate or {})
            made["candidates"] = [candidate]
        if last or reply.usage_everywhere:
            counts = self._usage(reply)
            if counts:
                made["usageMetadata"] = counts
        made["modelVersion"] = reply.model_version or self.model
        made["responseId"] = reply.response_id or f"resp-{self.serial:08x}"
        if last:
            made.update(reply.response or {})
        return made

    def _whole(self, reply: Reply) -> JSON:
        """Return the unstreamed response; unsigned neighbouring texts are one part. An error event is the answer."""
        merged: list[JSON] = []
        for event in reply.events:
            if isinstance(event, Object):
                return event.json
            if isinstance(event, Parts):
                for part in event.parts:
                    merge(merged, part)
        whole = (Parts(tuple(merged)),) if merged else ()
        parts = tuple(part for each in self._signed(replace(reply, events=whole)) for part in parts_of(each))
        return self._response(reply, parts or None, last=True)

    # Streams

    def _objects(self, reply: Reply) -> Iterator[JSON | Bytes | Pause]:
        events = self._signed(reply)
        last = max((at for at, event in enumerate(events) if isinstance(event, Parts)), default=None)
        hangs = any(isinstance(event, Pause) and math.isinf(event.seconds) for event in events)
        cut_short = hangs or any(isinstance(event, Object) for event in events)
        for at, event in enumerate(events):
            if isinstance(event, Parts):
                yield self._response(reply, event.parts, last=at == last and not cut_short)
            elif isinstance(event, Object):
                yield event.json
            else:
                yield event
        if last is None and not cut_short and not (reply.finish == "" and events):
            yield self._response(reply, None, last=True)

    def _pieces(self, reply: Reply) -> Iterator[tuple[float, bytes]]:
        """Yield (seconds to wait before, bytes of body)."""
        how = reply.framing or DEFAULT_FRAMING
        waiting: list[JSON] = []
        paused = 0.0
        started = False
        if how.bom:
            yield 0.0, b"\xef\xbb\xbf"
        for each in self._objects(reply):
            if isinstance(each, dict):
                waiting.append(each)
                if len(waiting) < how.per_event:
                    continue
            due = [self._event(waiting, how, started)] if waiting else []
            due += [each.data] if isinstance(each, Bytes) else []
            for data in due:
                yield paused + (reply.gap or 0.0 if started else 0.0), data
                waiting, started, paused = [], True, 0.0
            if isinstance(each, Pause):
                paused += each.seconds
        if waiting:
            yield paused + (reply.gap or 0.0), self._event(waiting, how, started)
            started, paused = True, 0.0
        if self.mode == "array":
            yield paused, b"]" if started else b"[]"
        elif paused:
            yield paused, b""

    def _event(self, objects: list[JSON], how: Framing, started: bool) -> bytes:
        if self.mode == "array":
            return (b"," if started else b"[") + b",\r\n".join(dumps(each) for each in objects)
        prefix, newline = how.prefix.encode(), how.newline.encode()
        if how.lines:
            lines = [line for each in objects for line in json.dumps(each, indent=1).encode().split(b"\n")]
            data = newline.join(prefix + line for line in lines)
        elif how.join == "\n":
            data = newline.join(prefix + dumps(each) for each in objects)
        else:
            data = prefix + how.join.encode().join(dumps(each) for each in objects)
        comment = b"" if how.comment is None else b": " + how.comment.encode() + newline + newline
        return comment + data + newline + newline

    # HTTP

    def _sent(
        self,
        reply: Reply,
        status: int,
        content_type: str,
        headers: list[tuple[str, str]],
        pieces: list[tuple[float, bytes]],
        *,
        streamed: bool,
    ) -> HttpAnswer:
        end: Literal["keep", "close", "reset", "hang"] = "keep"
        length = None if streamed else len(pieces[0][1])
        if reply.cut is not None and reply.cut.how == "end":
            pieces = list(cut_pieces(pieces, reply.cut.after))
            length = None if streamed else sum(len(piece) for _, piece in pieces)
        elif reply.cut is not None:
            pieces = list(cut_pieces(pieces, reply.cut.after))
            end = "reset" if reply.cut.how == "reset" else "close"
        for at, (seconds, _) in enumerate(pieces):
            if math.isinf(seconds):
                pieces, end = pieces[:at] or [(0.0, b"")], "hang"
                break
        if reply.framing is not None and reply.framing.split:
            pieces = list(split_pieces(pieces, reply.framing.split))
        return HttpAnswer(
            status=status,
            content_type=content_type,
            headers=headers,
            pieces=pieces,
            length=length,
            end=end,
            delay=reply.delay or 0.0,
            apart=bool(reply.framing and reply.framing.split),
        )


def parts_of(event: Event) -> tuple[JSON, ...]:
    return event.parts if isinstance(event, Parts) else ()


def merge(parts: list[JSON], part: JSON) -> None:
    """Append a part, joining plain unsigned text (or thought) to its neighbour of the same kind."""
    alike = bool(parts) and part.keys() <= {"text", "thought"} and parts[-1].keys() == part.keys()
    if alike and parts[-1].get("thought") == part.get("thought"):
        parts[-1] = {**parts[-1], "text": parts[-1]["text"] + part["text"]}
    else:
        parts.append(part)


def cut_pieces(pieces: list[tuple[float, bytes]], count: int) -> Iterator[tuple[float, bytes]]:
    """Yield the pieces up to `count` bytes in all."""
    for delay, data in pieces:
        if count <= 0 and data:
            return
        yield delay, data[:count]
        count -= len(data)


def split_pieces(pieces: list[tuple[float, bytes]], size: int) -> Iterator[tuple[float, bytes]]:
    for delay, data in pieces:
        for at in range(0, len(data), size):
            yield (delay if at == 0 else 0.0), data[at : at + size]
