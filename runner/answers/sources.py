"""What answers are drawn from: the service's grounding metadata, and the sources in it."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal

from runner.answers.spans import Span, Spans
from runner.requests import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.messages import ChatMessage, Json
    from runner.requests import Finish

_KEPT = ("groundingMetadata", "urlContextMetadata", "citationMetadata")
_CHUNKS: dict[str, Literal["web", "maps", "file"]] = {"web": "web", "maps": "maps", "retrievedContext": "file"}
_READ = "URL_RETRIEVAL_STATUS_SUCCESS"


def grounds_of(finish: Finish) -> Json:
    """What a reply says about where it is drawn from, as it came."""
    return {name: finish.details[name] for name in _KEPT if finish.details.get(name)}


def sources_in(log: Sequence[ChatMessage], turn: int) -> tuple[Source, ...]:
    """The sources of all replies of the newest turn, in order, each once; earlier turns are not looked at.

    Their spans are those in the turn's answer, which is the text of the last reply that has one.
    """
    entries = list(takewhile(lambda entry: entry.meta.get("turn") == turn, reversed(log)))
    first: dict[str, Source] = {}
    for entry in reversed(entries):
        if grounds := entry.meta.get("grounds"):
            for source in sources_of(grounds):
                first.setdefault(_key(source), source)
    if not first:
        return ()
    answer = next((entry for entry in entries if entry.kind == "model" and entry.text), None)
    spans = {} if answer is None else _spans_in(answer)
    return tuple(replace(source, spans=tuple(spans.get(key, ()))) for key, source in first.items())


def sources_of(grounds: Json) -> Iterator[Source]:
    """The sources that one reply names: what was searched, then what was read by its address."""
    yield from (source for source in map(_source, _chunks(grounds)) if source is not None)
    for read in _list(_dict(grounds.get("urlContextMetadata")).get("urlMetadata")):
        about = _dict(read)
        if about.get("retrievedUrl") and about.get("urlRetrievalStatus", _READ) == _READ:
            yield Source(str(about["retrievedUrl"]), "", "url")


def marked(text: str, sources: Sequence[Source], start: int = 0) -> str:
    """An answer with the numbers of its sources behind what they support: `It will be sunny.[1][2]`.

    `text` may be a part of it, which begins at `start`. Nothing is set into code, where it would be taken for a part of
    it.
    """
    marks: dict[int, str] = {}
    for number, source in enumerate(sources, 1):
        for end in (end - start for _, end in source.spans if start < end <= start + len(text)):
            marks[end] = marks.get(end, "") + f"[{number}]"
    for end in sorted(marks, reverse=True):
        if not text.count("```", 0, end) % 2:
            gap = " " if text.startswith("(", end) else ""  # [1](...) would be a link
            text = text[:end] + marks[end] + gap + text[end:]
    return text


def _key(source: Source) -> str:
    return source.uri or source.title


def _chunks(grounds: Json) -> list[Any]:
    return _list(_dict(grounds.get("groundingMetadata")).get("groundingChunks"))


def _source(chunk: Any) -> Source | None:
    for name, kind in _CHUNKS.items():
        about = _dict(_dict(chunk).get(name))
        uri, title = str(about.get("uri") or ""), str(about.get("title") or "")
        if uri or title:
            return Source(uri, title, kind)
    return None


def _spans_in(answer: ChatMessage) -> dict[str, list[Span]]:
    """Which parts of an answer's text each of its sources supports."""
    grounds: Json = answer.meta.get("grounds") or {}
    chunks, places = [_source(chunk) for chunk in _chunks(grounds)], Spans(answer)
    found: dict[str, list[Span]] = {}
    for support in map(_dict, _list(_dict(grounds.get("groundingMetadata")).get("groundingSupports"))):
        span = places.of(_dict(support.get("segment")))
        for index in _list(support.get("groundingChunkIndices")) if span is not None else ():
            source = chunks[index] if isinstance(index, int) and 0 <= index < len(chunks) else None
            if source is not None and span is not None and span not in (known := found.setdefault(_key(source), [])):
                known.append(span)
    return found


def _dict(value: Any) -> Json:  # foreign JSON
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:  # foreign JSON
    return value if isinstance(value, list) else []
