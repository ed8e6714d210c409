"""Numbers as people write them: `1,250.50`, `$40`, `72 °F`, `one and a half miles`, `15 percent`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from runner.models.offline.lexicon import UNITS

if TYPE_CHECKING:
    from runner.models.offline.words import Word

_DIGITS = re.compile(
    r"(?<![\w.,/:])(?P<money>[$€£¥₹]\s?)?(?P<sign>(?<![^\s(])[-+])?(?P<money2>[$€£¥₹])?"
    r"(?P<number>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?P<fraction>\s?[½⅓¼¾]|\s[0-9]/[0-9]|/[0-9]{1,9}(?![/0-9]))?(?P<many>k|m|bn|million|thousand|\s(?:million|thousand|hundred|billion))?"
    r"(?P<tail>[^\W\d_]*)",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s*(?:-\s?)?(?P<noun>°\s?[a-z]?(?![a-z])|%|[$€£¥₹]|degrees? \w+|per ?cent|\w+ per hour|[^\W\d_]+(?:/[hs])?)",
    re.IGNORECASE,
)
_MOST_DIGITS = 30
_SMALL = {
    name: value
    for value, name in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
} | {
    name: 10 * value
    for value, name in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_LARGE = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "dozen": 12,
    "k": 1000,
    "m": 10**6,
    "bn": 10**9,
}
_PARTS = {"half": 0.5, "quarter": 0.25, "third": 1 / 3}
_NOT_ONE = {"this", "that", "which", "the", "another", "no", "each", "any", "every", "good", "first", "last", "next"}


@dataclass(frozen=True, slots=True)
class Number:
    """A number at `start` to `end`; `unit` is its unit, if it has one, `noun` the word after it, up to `noun_end`."""

    value: int | float
    start: int
    end: int
    unit: str = ""
    noun: str = ""
    noun_end: int = 0


@lru_cache(maxsize=1)
def unit_forms() -> dict[str, str]:
    """All ways to write a unit, and its usual sign."""
    return {form: name for name, forms in UNITS.items() for form in forms}


def numbers(text: str, words: list[Word]) -> list[Number]:
    """The numbers of `text`, in digits and in words, in order."""
    found = [number for match in _DIGITS.finditer(text) if (number := _in_digits(match, text))]
    taken = [(number.start, number.end) for number in found]
    found += [
        number
        for number in _in_words(text, words)
        if not any(start < number.end and number.start < end for start, end in taken)
    ]
    return sorted(found, key=lambda number: number.start)


def _in_digits(match: re.Match[str], text: str) -> Number | None:
    if len(match["number"]) > _MOST_DIGITS:
        return None
    value = _value(match)
    end, tail, many = match.end("number"), match["tail"].lower(), (match["many"] or "").strip().lower()
    if match["fraction"]:
        end = match.end("fraction")
    if many and (len(many) > 2 or not tail) and not (many == "m" and not match["money"]):
        value, end = _whole(value * _LARGE[many]), match.end("many")
    elif many:  # the letter belongs to a unit: "5 km", "5m"
        tail = f"{many}{tail}"
    if tail and end == match.start("tail") - len(many) and tail not in unit_forms() and end != match.end("many"):
        return None  # "3pm", "1st", "3D"
    if match["money"] or match["money2"]:
        return Number(value, match.start("number"), end)
    return _with_noun(value, match.start("sign") if match["sign"] else match.start("number"), end, text)


def _value(match: re.Match[str]) -> int | float:
    value = _read(match["number"])
    part = (match["fraction"] or "").strip()
    if part.startswith("/"):
        value = value / float(part[1:]) if float(part[1:]) else value
    elif "/" in part:
        above, below = part.split("/")
        value = value + float(above) / float(below) if float(below) else value
    elif part:
        value += unicodedata.numeric(part)
    return -value if match["sign"] == "-" else value


def _read(digits: str) -> int | float:
    digits = digits.replace(",", "")
    if "." in digits:
        return float(digits)
    return int(digits)


def _whole(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _with_noun(value: int | float, start: int, end: int, text: str) -> Number:
    after = _AFTER.match(text, end)
    if not after:
        return Number(value, start, end)
    noun = after["noun"].lower()
    for form in (noun, noun.replace(" ", ""), noun.split()[0]):
        if form in unit_forms():
            length = len(after["noun"]) if form != noun.split()[0] else len(form)
            return Number(value, start, end, unit_forms()[form], form, after.start("noun") + length)
    noun = noun.split()[0]
    return Number(value, start, end, "", noun, after.start("noun") + len(noun))


def _in_words(text: str, words: list[Word]) -> list[Number]:
    found, index = [], 0
    while index < len(words):
        value, count = _spelled(words, index)
        if count:
            found.append(_with_noun(_whole(value), words[index].start, words[index + count - 1].end, text))
        index += count or 1
    return found


def _spelled(words: list[Word], index: int) -> tuple[float, int]:
    """The number spelled from `words[index]` on, and how many words it takes; 0 words where there is none."""
    lows = [word.low for word in words[index : index + 10]]
    if lows[0] in {"a", "an", "half"}:
        return _spelled_part(lows)
    total, current, count = 0.0, -1.0, 0
    for low in lows:
        parts = [_SMALL.get(part) for part in low.split("-")]
        if None not in parts:
            step = float(sum(part for part in parts if part is not None))
            if current >= 0 and not (current % 100 == 0 or (current % 100 >= 20 and current % 10 == 0 and step < 10)):
                break
            current = max(current, 0) + step
        elif low in _LARGE and len(low) > 2 and current >= 0:
            total, current = (total, current * 100) if low == "hundred" else (total + current * _LARGE[low], 0)
        elif low != "and" or not current or current % 100 != 0:
            break
        count += 1
    count -= lows[count - 1] == "and" if count else 0
    if not count or (count == 1 and lows[0] == "one" and not _counts(words, index)):
        return 0.0, 0
    part, more = _and_part(lows[count:])
    return total + max(current, 0) + part, count + more


def _counts(words: list[Word], index: int) -> bool:
    """Whether `one` at `index` is a number and not a pronoun."""
    after = words[index + 1].low if index + 1 < len(words) else ""
    return (index == 0 or words[index - 1].low not in _NOT_ONE) and (
        after in unit_forms() or after == "and" or not after
    )


def _and_part(lows: list[str]) -> tuple[float, int]:
    if lows[:2] == ["and", "a"] and lows[2:3] and lows[2] in _PARTS:
        return _PARTS[lows[2]], 3
    if lows[:2] == ["point", "five"]:
        return 0.5, 2
    return 0.0, 0


def _spelled_part(lows: list[str]) -> tuple[float, int]:
    second, third = (*lows[1:3], "", "")[:2]
    if lows[0] == "half":
        return (0.5, 2) if second in {"a", "an"} and third in unit_forms() else (0.0, 0)
    if second in _PARTS and lows[0] == "a":
        return (_PARTS[second], 2) if third == "of" or third in unit_forms() else (0.0, 0)
    if second in {"hundred", "thousand", "million", "dozen"}:
        return float(_LARGE[second]), 2
    if second == "couple" and third == "of":
        return 2.0, 3
    if second in unit_forms() and len(second) > 3:
        part, _ = _and_part(lows[2:])
        return 1.0 + part, 1
    return 0.0, 0
