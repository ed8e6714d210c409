"""What answers are drawn from: the service's grounding metadata, and the sources in it."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any, Literal

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
    """The sources of all replies of the newest turn, in order, each once; earlier turns are not looked at."""
    metas = takewhile(lambda meta: meta.get("turn") == turn, (entry.meta for entry in reversed(log)))
    replies = [list(sources_of(meta["grounds"])) for meta in metas if "grounds" in meta]
    found = [source for reply in reversed(replies) for source in reply]
    first: dict[str, Source] = {}
    for source in found:
        first.setdefault(source.uri or source.title, source)
    return tuple(first.values())


def sources_of(grounds: Json) -> Iterator[Source]:
    """The sources that one reply names: what was searched, then what was read by its address."""
    for chunk in _list(_dict(grounds.get("groundingMetadata")).get("groundingChunks")):
        for name, kind in _CHUNKS.items():
            about = _dict(_dict(chunk).get(name))
            uri, title = str(about.get("uri") or ""), str(about.get("title") or "")
            if uri or title:
                yield Source(uri, title, kind)
    for read in _list(_dict(grounds.get("urlContextMetadata")).get("urlMetadata")):
        about = _dict(read)
        if about.get("retrievedUrl") and about.get("urlRetrievalStatus", _READ) == _READ:
            yield Source(str(about["retrievedUrl"]), "", "url")


def _dict(value: Any) -> Json:  # foreign JSON
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:  # foreign JSON
    return value if isinstance(value, list) else []
