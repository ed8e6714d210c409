"""Where the segments of grounding metadata stand in an answer's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from runner.messages import ChatMessage, Json

Span: TypeAlias = tuple[int, int]
"""Where a piece of text begins and ends, in characters."""


class Spans:
    """Finds segments in one answer.

    The API counts bytes of UTF-8 from the start of a part, or, in some replies, of the whole text. A count is believed
    where the segment's own text stands there; else that text is looked for.
    """

    def __init__(self, answer: ChatMessage) -> None:
        self._text = answer.text
        self._starts = _starts(answer)
        self._after = 0

    def of(self, segment: Json) -> Span | None:
        """The segment's place in the text; None where it has none."""
        said = segment.get("text")
        index, start, end = (_number(segment.get(name)) for name in ("partIndex", "startIndex", "endIndex"))
        for base in (self._starts.get(index), 0):
            span = None if base is None else self._counted(base, start, end)
            if span is not None and (not said or self._text[slice(*span)] == said):
                self._after = span[1]
                return span
        return self._sought(said) if isinstance(said, str) and said else None

    def _counted(self, base: int, start: int, end: int) -> Span | None:
        """The place of bytes `start` to `end`, counted from the character `base`; None where there are no such."""
        data = self._text[base:].encode("utf-8", "surrogatepass")
        if not start < end <= len(data):
            return None
        try:
            before, within = data[:start].decode("utf-8", "surrogatepass"), data[start:end]
            return base + len(before), base + len(before) + len(within.decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError:
            return None

    def _sought(self, said: str) -> Span | None:
        """The place of a text: behind the last one found, else the first."""
        place = self._text.find(said, self._after)
        place = self._text.find(said) if place < 0 else place
        if place < 0:
            return None
        self._after = place + len(said)
        return place, self._after


def _starts(answer: ChatMessage) -> dict[int, int]:
    """Where the text of each part begins in the text of the whole."""
    starts, length = {}, 0
    for index, part in enumerate(answer.parts):
        if part.get("text") and not part.get("thought"):
            starts[index] = length
            length += len(part["text"])
    return starts


def _number(value: object) -> int:
    """A count of the API; what is 0 is left out by it."""
    return value if isinstance(value, int) and value >= 0 else 0
