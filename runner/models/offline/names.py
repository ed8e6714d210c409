"""Names of places, people and things: which run of words is one, and where one ends and the next begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.models.offline.lexicon import (
    ARTICLES,
    GENERIC_NOUNS,
    JOINED_NAMES,
    PREPOSITIONS,
    PRO_FORMS,
    REGIONS,
    STOP,
    UNIVERSAL_VERBS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.models.offline.filling import Filling
    from runner.models.offline.schema import Slot
    from runner.models.offline.words import Word

_LEADS = {
    "place": ("in", "at", "for", "near", "around", "of", "from", "to", "over", "like"),
    "thing": ("of", "for", "about", "on", "with", "by", "from", "to", "in", "at"),
}
_JOINTS = frozenset({"and", "&", ",", "or", "plus", "vs", "versus", "+"})
_INSIDE = frozenset({"-", ".", "'", "&", "/", "_", "#"})
_LINKS = frozenset({"of", "de", "la", "del", "da", "do", "van", "von", "the", "upon", "on", "am", "le", "el", "in"})
_AND = re.compile(
    r"\s*(?:,?\s+and\s+also\s+|,?\s+and\s+|\s*&\s*|\s+or\s+|,?\s+plus\s+|\s+vs\.?\s+|\s+versus\s+"
    r"|\s+/\s+|\s*\+\s*|,?\s+as well as\s+)",
    re.IGNORECASE,
)
_AMPERSAND_NAME = re.compile(r"\b[A-Z]\s?&\s?[A-Z]\b")
_LEADING = re.compile(r"^(?:(?:in|for|at|of|from|to|on|about|the|a|an|also|for|by)\s+)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of words that may be a name, or several joined by "and"."""

    text: str
    start: int
    end: int
    score: float
    direction: str


def name_runs(filling: Filling, slot: Slot) -> Iterator[Run]:
    """The runs of words in a message that may name what the slot holds."""
    words = filling.message.words
    index = 0
    while index < len(words):
        if not _may_begin(filling, index):
            index += 1
            continue
        end = _end(filling, index)
        yield _run(filling, slot, index, end)
        index = end


def _may_begin(filling: Filling, index: int) -> bool:
    if index >= len(filling.message.words):
        return False
    word = filling.message.words[index]
    if word.is_sign or filling.owner(index) is not None or filling.message.is_quoted(word.start, word.end):
        return False
    if _is_proper(filling, index):
        return filling.weight(word) < 1.0
    return word.low not in STOP | UNIVERSAL_VERBS | PRO_FORMS | GENERIC_NOUNS and not filling.is_tool_word(word)


def _is_proper(filling: Filling, index: int) -> bool:
    """Whether a capital sets the word apart: not at a sentence's beginning, not in a text of capitals."""
    words = filling.message.words
    word = words[index]
    if not word.text[0].isupper() or filling.message.text.isupper() or word.low in {"i", "i'm", "i'd", "i've", "i'll"}:
        return False
    before = words[index - 1] if index else None
    return before is not None and before.low not in ".!?:" and word.low not in STOP - {"may", "will", "us", "on", "up"}


def _end(filling: Filling, index: int) -> int:
    """The index after the last word of the run that begins at `index`."""
    words = filling.message.words
    end = index + 1
    while end < len(words):
        if _may_begin(filling, end):
            end += 1
        elif (skip := _bridge(filling, end)) and _may_begin(filling, end + skip):
            end += skip + 1
        else:
            break
    return end


def _bridge(filling: Filling, index: int) -> int:
    """How many words at `index` may stand inside a run, between two of its words."""
    words = filling.message.words
    if filling.owner(index) is not None:
        return 0
    count = 0
    while index + count < len(words) and words[index + count].low in _JOINTS:
        count += 1
    if count:
        while index + count < len(words) and words[index + count].low in {"in", "for", "of", "the", "at", "also"}:
            count += 1
        return count
    word = words[index]
    touching = words[index - 1].end == word.start and index + 1 < len(words) and word.end == words[index + 1].start
    if word.low in _INSIDE and (touching or word.low == "."):
        return 1
    between_capitals = (
        words[index - 1].text[0].isupper() and index + 1 < len(words) and words[index + 1].text[0].isupper()
    )
    return int(word.low in _LINKS - {"in", "on"} and between_capitals and not filling.message.text.isupper())


def _run(filling: Filling, slot: Slot, first: int, end: int) -> Run:
    words = filling.message.words
    before = words[first - 1] if first else None
    lead = _lead(words, first)
    if before and before.text == "The" and first > 1:
        first -= 1
    leads = _LEADS.get(slot.role, _LEADS["thing"])
    score = 3.0 - 0.1 * leads.index(lead) if lead in leads else 0.0
    score += 2.0 if any(_is_proper(filling, index) for index in range(first, end)) else 0.0
    score += 0.5 if words[end - 1].text.endswith("'s") else 0.0
    score -= 0.01 * first
    direction = "from" if lead in {"from", "between"} else "to" if lead in {"to", "into"} else ""
    score += 2.0 if direction and direction == slot.direction else 0.0
    text = filling.message.raw[words[first].start : words[end - 1].end]
    return Run(text, words[first].start, words[end - 1].end, score, direction)


def _lead(words: list[Word], first: int) -> str:
    index = first - 1
    while index >= 0 and words[index].low in ARTICLES:
        index -= 1
    return words[index].low if index >= 0 and words[index].low in PREPOSITIONS | {"like"} else ""


def split_names(text: str, slot: Slot) -> list[str]:
    """The names in a run: "Paris, France and Rome" are two, "Trinidad and Tobago" is one."""
    if text.lower() in JOINED_NAMES:
        return [text]
    if any(name in text.lower() for name in JOINED_NAMES if "&" in name) and not re.search(r",| and ", text):
        return [_cleaned(text)]
    protected = _AMPERSAND_NAME.sub(lambda match: match[0].replace("&", "\0"), text)
    pieces: list[str] = []
    for joined in _AND.split(protected.replace("/", " and ") if slot.role == "place" else protected):
        pieces += _commas(joined, is_place=slot.role == "place") if joined else []
    cleaned = (_cleaned(piece.replace("\0", "&")) for piece in pieces)
    return [piece for piece in cleaned if piece]


def _commas(text: str, *, is_place: bool) -> list[str]:
    names: list[str] = []
    for piece in re.split(r"\s*,\s*", text):
        if names and is_place and piece.lower() in REGIONS and names[-1].lower() not in REGIONS:
            names[-1] = f"{names[-1]}, {piece}"
        else:
            names.append(piece)
    return names


def _cleaned(name: str) -> str:
    name = name.strip(" \t\n.,;:!?\"'-")
    name = re.sub(r"'s$", "", name)
    return name if name.lower().startswith("the ") and name[0] == "T" else _LEADING.sub("", name)
