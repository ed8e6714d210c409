"""What a scripted server may answer: small values that add up, `thought("hm") + text("a", "b") + finish("MAX_TOKENS")`.

A `Reply` is data; `gemini_render.py` turns it into bytes, streamed or whole. Of two added replies the events follow one
another, and for every setting the right one wins where both are set.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .refusals import error_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

JSON = dict[str, Any]
MINT = object()
"""In place of a call's `id`: the server invents one."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One streamed response object whose candidate has these parts."""

    parts: tuple[JSON, ...]


@dataclass(frozen=True, slots=True)
class Object:
    """One whole object in the stream in place of a response, e.g. an error."""

    json: JSON


@dataclass(frozen=True, slots=True)
class Bytes:
    """Raw bytes between the events of a stream; left out of an unstreamed reply."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait between events; `inf`: nothing follows, and the connection stays open."""

    seconds: float


Event: TypeAlias = Parts | Object | Bytes | Pause


@dataclass(frozen=True, slots=True)
class Cut:
    """End the connection after `after` bytes of body: by FIN, by RST, or with a well-formed HTTP end."""

    after: int
    how: Literal["close", "reset", "end"] = "close"


@dataclass(frozen=True, slots=True)
class Framing:
    """How response objects become a stream of events.

    `prefix`: before each data line. `join`: what stands between objects of one event. `split`: bytes per TCP send.
    `comment`: a comment line before every event. `lines`: each object spread over several data lines.
    """

    newline: str = "\r\n"
    prefix: str = "data: "
    per_event: int = 1
    join: str = ""
    split: int | None = None
    comment: str | None = None
    lines: bool = False
    bom: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer; None means the default of the renderer.

    `finish` "" : no finishReason. `sign`: False for no thought signature; for a text "last" puts it on the last text
    part, "empty" on an empty part at the end. `usage` {} : none. `candidate`, `response`: further fields of each.
    `body`: replaces everything that events would make. `delay`: before the reply; `gap`: between events (seconds).
    """

    events: tuple[Event, ...] = ()
    status: int | None = None
    body: bytes | JSON | None = None
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] | None = None
    finish: str | None = None
    finish_message: str | None = None
    usage: JSON | None = None
    usage_everywhere: bool | None = None
    sign: bool | Literal["last", "empty"] | None = None
    model_version: str | None = None
    response_id: str | None = None
    candidate: JSON | None = None
    response: JSON | None = None
    candidates: bool | None = None
    empty: bool | None = None
    delay: float | None = None
    gap: float | None = None
    framing: Framing | None = None
    cut: Cut | None = None
    silent: bool | None = None

    def __add__(self, other: Reply) -> Reply:
        merged = {"events": self.events + other.events}
        for name in SETTINGS:
            value = getattr(other, name)
            merged[name] = getattr(self, name) if value is None else value
        return Reply(**merged)  # type: ignore[arg-type]  # each value comes from the field of the same name

    def but(self, **settings: Any) -> Reply:
        """Return a copy with these fields changed."""
        return replace(self, **settings)

    def cut_after(self, count: int, how: Literal["close", "reset", "end"] = "close") -> Reply:
        return replace(self, cut=Cut(count, how))


SETTINGS = tuple(each.name for each in fields(Reply) if each.name != "events")


@dataclass(frozen=True, slots=True)
class Repeat:
    """A script's item that is used `times` times, or for ever."""

    reply: Reply
    times: int | None = None


def repeat(reply: Reply, times: int | None = None) -> Repeat:
    return Repeat(reply, times)


# Content


def text(*pieces: str, **settings: Any) -> Reply:
    """A text answer, one streamed event per piece."""
    return Reply(events=tuple(Parts(({"text": piece},)) for piece in pieces), **settings)


def words(answer: str, **settings: Any) -> Reply:
    """A text answer streamed word by word."""
    spaced = answer.split(" ")
    return text(*[word + " " for word in spaced[:-1]], spaced[-1], **settings)


def thought(*pieces: str, **settings: Any) -> Reply:
    return Reply(events=tuple(Parts(({"text": piece, "thought": True},)) for piece in pieces), **settings)


def part(*parts: JSON, **settings: Any) -> Reply:
    """Parts exactly as given, in one event: unknown kinds, own signatures, anything."""
    return Reply(events=(Parts(parts),), **settings)


def inline_data(mime_type: str, data: bytes, **settings: Any) -> Reply:
    return part({"inlineData": {"mimeType": mime_type, "data": base64.b64encode(data).decode()}}, **settings)


def calls(
    *items: Sequence[Any],
    ids: bool | Iterable[str | None] = True,
    together: bool = False,
    **settings: Any,
) -> Reply:
    """Function calls from `(name, args)` or `(name,)` for a call without args.

    Nothing is checked: the name may be empty and args anything. `ids`: minted, none, or as listed. Each call is a
    streamed event of its own unless `together`.
    """
    listed = [MINT if ids else None] * len(items) if isinstance(ids, bool) else list(ids)
    parts = tuple(_call_part(item, call_id) for item, call_id in zip(items, listed, strict=True))
    events = (Parts(parts),) if together else tuple(Parts((each,)) for each in parts)
    return Reply(events=events, **settings)


def _call_part(item: Sequence[Any], call_id: object) -> JSON:
    call: JSON = {} if call_id is None else {"id": call_id}
    call["name"] = item[0]
    if len(item) > 1:
        call["args"] = item[1]
    return {"functionCall": call}


# How an answer ends


def finish(reason: str, message: str | None = None, **settings: Any) -> Reply:
    """The finishReason (default of all replies: STOP); alone, a candidate without content."""
    return Reply(finish=reason, finish_message=message, **settings)


def no_finish(**settings: Any) -> Reply:
    """No finishReason: the stream just ends."""
    return Reply(finish="", **settings)


def empty_content(reason: str = "MALFORMED_FUNCTION_CALL", message: str | None = None, **settings: Any) -> Reply:
    """A candidate with `content: {}`."""
    return Reply(empty=True, finish=reason, finish_message=message, **settings)


def blocked(reason: str = "SAFETY", **settings: Any) -> Reply:
    """No candidate; `promptFeedback.blockReason`."""
    return Reply(candidates=False, response={"promptFeedback": {"blockReason": reason}}, **settings)


def no_candidates(**settings: Any) -> Reply:
    """HTTP 200 with neither candidates nor feedback."""
    return Reply(candidates=False, **settings)


def usage(prompt: int = 0, candidates: int = 0, *, cached: int = 0, thoughts: int = 0, tools: int = 0) -> Reply:
    """The numbers of `usageMetadata`; the total is their sum (cached tokens are part of the prompt)."""
    counts = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": candidates,
        "cachedContentTokenCount": cached,
        "thoughtsTokenCount": thoughts,
        "toolUsePromptTokenCount": tools,
    }
    total = prompt + candidates + thoughts + tools
    return Reply(usage={key: value for key, value in counts.items() if value} | {"totalTokenCount": total})


# Errors


MESSAGES = {
    400: "Request contains an invalid argument.",
    401: "Request had invalid authentication credentials.",
    403: "The caller does not have permission",
    404: "Requested entity was not found.",
    429: "You exceeded your current quota, please check your plan and billing details.",
    500: "An internal error has occurred. Please retry or report in "
    "https://developers.generativeai.google/guide/troubleshooting",
    503: "The model is overloaded. Please try again later.",
    504: "The request timed out. Please try again.",
}


def error(
    code: int,
    message: str | None = None,
    *,
    status: str | None = None,
    retry_delay: str | None = None,
    retry_after: int | str | None = None,
    quota_id: str | None = None,
    details: Sequence[JSON] = (),
    **settings: Any,
) -> Reply:
    """An error in the API's form. `retry_delay` is RetryInfo's "2s"; `retry_after` the HTTP header."""
    body = _error_json(code, message, status, retry_delay, quota_id, details)
    headers = None if retry_after is None else (("Retry-After", str(retry_after)),)
    return Reply(status=code, body=body, headers=headers, **settings)


def error_event(code: int, message: str | None = None, *, retry_delay: str | None = None) -> Reply:
    """An error in the middle of a stream; nothing of the answer follows it."""
    return Reply(events=(Object(_error_json(code, message, None, retry_delay, None, ())),), finish="")


def _error_json(
    code: int,
    message: str | None,
    status: str | None,
    retry_delay: str | None,
    quota_id: str | None,
    details: Sequence[JSON],
) -> JSON:
    listed = list(details)
    said = MESSAGES.get(code, "Error.") if message is None else message
    google = "type.googleapis.com/google.rpc."
    if quota_id:
        listed.append({"@type": f"{google}QuotaFailure", "violations": [{"quotaId": quota_id}]})
    if retry_delay:
        listed.append({"@type": f"{google}RetryInfo", "retryDelay": retry_delay})
        said += f" Please retry in {retry_delay}." if message is None else ""
    return error_body(code, said, status=status, details=listed)


def raw(body: bytes, *, status: int = 200, content_type: str = "text/event-stream", **settings: Any) -> Reply:
    """Any body."""
    return Reply(body=body, status=status, content_type=content_type, **settings)


# The wire


def framing(**options: Any) -> Reply:
    """Odd streams: `framing(newline="\\n", prefix="data:", split=1)`; see `Framing`."""
    return Reply(framing=Framing(**options))


def fragment(data: bytes) -> Reply:
    """Raw bytes at this place of the stream, e.g. `b"event: ping\\n\\n"`."""
    return Reply(events=(Bytes(data),))


def comment(line: str = "keepalive") -> Reply:
    """A comment line of server-sent events at this place of the stream."""
    return fragment(f": {line}\r\n\r\n".encode())


def pause(seconds: float) -> Reply:
    """A wait at this place of the stream."""
    return Reply(events=(Pause(seconds),))


def hang() -> Reply:
    """From this place on: nothing more, and the connection stays open."""
    return pause(math.inf)


def silence() -> Reply:
    """Accept the request and never answer."""
    return Reply(silent=True)


# Scripts as JSON


def reply_from_json(item: Mapping[str, Any]) -> Reply | Repeat:
    """Return the reply that a script file's item describes: `{"text": ["a", "b"], "delay": 0.2, "repeat": true}`.

    Keys, in order of effect: thought, text, words, calls ([[name, args], ...]), part, error (code) with message,
    retry_delay, retry_after; raw, blocked, empty_content, finish, no_finish, usage ({prompt: n}), framing ({...}),
    hang, silence, cut_after with cut; repeat (true or a number); any other field of `Reply`.
    """
    rest = dict(item)
    times = rest.pop("repeat", None)
    made = Reply()
    for name, build in JSON_BUILDERS.items():
        if name in rest:
            made = made + build(rest.pop(name), rest)
    unknown = set(rest) - set(SETTINGS)
    if unknown:
        raise ValueError(f"unknown keys in a scripted reply: {sorted(unknown)}")
    made = made.but(**rest)
    if times is None or times is False:
        return made
    return Repeat(made, None if times is True else times)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _taken(rest: JSON, *names: str) -> JSON:
    return {name: rest.pop(name) for name in names if name in rest}


JSON_BUILDERS: dict[str, Callable[[Any, JSON], Reply]] = {
    "thought": lambda value, rest: thought(*_listed(value)),
    "text": lambda value, rest: text(*_listed(value)),
    "words": lambda value, rest: words(value),
    "calls": lambda value, rest: calls(*value, **_taken(rest, "ids", "together")),
    "part": lambda value, rest: part(*_listed(value)),
    "error": lambda value, rest: error(value, **_taken(rest, "message", "retry_delay", "retry_after", "quota_id")),
    "error_event": lambda value, rest: error_event(value),
    "raw": lambda value, rest: raw(value.encode(), **_taken(rest, "status", "content_type")),
    "blocked": lambda value, rest: blocked(value),
    "no_candidates": lambda value, rest: no_candidates(),
    "empty_content": lambda value, rest: empty_content(value),
    "finish": lambda value, rest: finish(value, **_taken(rest, "message")),
    "no_finish": lambda value, rest: no_finish(),
    "usage": lambda value, rest: usage(**value),
    "framing": lambda value, rest: framing(**value),
    "hang": lambda value, rest: hang(),
    "silence": lambda value, rest: silence(),
    "cut_after": lambda value, rest: Reply(cut=Cut(value, rest.pop("cut", "close"))),
}
