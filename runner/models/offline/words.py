"""A text as words: where each one stands, and its stem."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from runner.models.offline.lexicon import CONCEPTS, STOP

_WORD = re.compile(r"[0-9]+(?:[.,:][0-9]+)*|[^\W_]+(?:['.&-][^\W_]+)*|[^\w\s]|_+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\W_]+")
_VOWEL = re.compile(r"[aeiouy]")


@dataclass(frozen=True, slots=True)
class Word:
    """One word or sign of a text, at `start` to `end`."""

    text: str
    low: str
    stem: str
    start: int
    end: int

    @property
    def is_sign(self) -> bool:
        """Whether it is punctuation rather than a word."""
        return not self.text[0].isalnum()


def words(text: str) -> list[Word]:
    """The words and signs of `text`, in order."""
    found = []
    for match in _WORD.finditer(text):
        low = match[0].lower()
        found.append(Word(match[0], low, stem(low), match.start(), match.end()))
    return found


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """What a word has in common with its other forms: `raining` and `rains` give `rain`, `translation` `translat`."""
    word = word.replace("-", "").removesuffix("'s").removesuffix("'")
    if len(word) <= 3 or not word.isascii():
        return word
    word = _singular(word)
    for suffix, shortest in (("ing", 3), ("ed", 3), ("ion", 4), ("er", 4), ("or", 4), ("ly", 3)):
        rest = word.removesuffix(suffix)
        if rest != word and len(rest) >= shortest and _VOWEL.search(rest):
            word = rest[:-1] if suffix in {"ing", "ed"} and rest[-1] == rest[-2] and rest[-1] not in "ls" else rest
            break
    return word.removesuffix("e") if len(word) > 3 else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "ches", "shes", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def name_words(name: str) -> list[str]:
    """The words of an identifier: `getUserName`, `get_user-name` and `get user name` are the same three."""
    return [part.lower() for part in _CAMEL.split(name) if part]


def readable(name: str) -> str:
    """An identifier as people write it: words with spaces."""
    return " ".join(name_words(name)) or name


def stems(text: str) -> list[str]:
    """The stems of the words of `text` that mean something by themselves."""
    return [word.stem for word in words(text) if not word.is_sign and word.low not in STOP]


def plain(text: str) -> str:
    """`text` without case, accents and doubled spaces, for comparing."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


@lru_cache(maxsize=1)
def _related() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for line in CONCEPTS:
        group = {stem(word) for word in line}
        for member in group:
            table.setdefault(member, set()).update(group)
    return {member: frozenset(group - {member}) for member, group in table.items()}


def related(one: str) -> frozenset[str]:
    """The stems of other words for the same subject or deed."""
    return _related().get(one, frozenset())


def is_typo(written: str, meant: str) -> bool:
    """Whether one letter more, less, other or two swapped lead from one word to the other, beyond the first letter."""
    if min(len(written), len(meant)) < 4 or written[0] != meant[0] or abs(len(written) - len(meant)) > 1:
        return False
    head = 0
    while head < min(len(written), len(meant)) and written[head] == meant[head]:
        head += 1
    left, right = written[head:], meant[head:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[:2] == right[:2][::-1] and left[2:] == right[2:])
    )
