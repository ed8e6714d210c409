"""A user's message, read once: its words and what stands out among them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runner.models.offline.dates import Moment, moments
from runner.models.offline.lexicon import LANGUAGES
from runner.models.offline.numbers import Number, numbers, unit_forms
from runner.models.offline.words import Word, words

if TYPE_CHECKING:
    from datetime import datetime

MAX_TEXT = 4000
"""How many characters of a message are read."""
_PLAIN_SIGNS = str.maketrans("\u2018\u2019\u2212\u2013\u00d7\u00f7", "''--*/")
_QUOTED = re.compile(
    r"\"(?P<a>[^\"]+)\"|“(?P<b>[^”]+)”|«\s*(?P<c>[^»]+?)\s*»|`(?P<d>[^`]+)`|„(?P<e>[^“”]+)[“”]"
    r"|(?<![\w'])'(?P<f>[^']+(?:'(?=[a-z])[^']+)*)'(?!\w)"
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,5}")
_URL = re.compile(r"\b(?:https?|ftp)://[^\s<>\"']+[^\s<>\"'.,;:!?)]", re.IGNORECASE)
_OPERAND = (
    r"\({0,9}\s?[-+]?(?:(?<![0-9])[0-9]{1,40}(?:[.,][0-9]{1,40}){0,9}|\.[0-9]{1,40}"
    r"|(?:sqrt|sin|cos|tan|log|exp|ln|abs)\s?\([^()]{1,60}\)|pi\b)\s?%?\s?\){0,9}"
)
_EXPRESSION = re.compile(
    rf"{_OPERAND}(?:\s?(?:\*\*|[-+*/^x%])\s?{_OPERAND}){{1,60}}|(?:sqrt|sin|cos|tan|log|exp|ln|abs)\s?\([^()]{{1,60}}\)"
)
_SPOKEN_SIGNS = [
    (re.compile(rf"\b{words}\b", re.IGNORECASE), sign)
    for words, sign in (
        (r"divided by|over", "/"),
        (r"multiplied by|times", "*"),
        (r"to the power of|raised to(?: the)?(?: power of)?", "^"),
        (r"plus|added to", "+"),
        (r"minus|less", "-"),
        (r"mod|modulo", "%"),
    )
]
_PERCENT_OF = re.compile(
    r"(?<![0-9.])(?P<part>[0-9.]{1,20})\s?(?:%|per ?cent) of (?P<whole>[0-9][0-9.,]{0,20}[0-9]|[0-9])", re.IGNORECASE
)
_ROOT = re.compile(r"(?:the )?square root of (?P<number>[0-9.]{0,20}[0-9])", re.IGNORECASE)
_POWER = re.compile(r"(?<![0-9.])(?P<number>[0-9.]{0,20}[0-9]) (?P<power>squared|cubed)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of a message at `start` to `end`, and the value it stands for."""

    start: int
    end: int
    value: str


class Message:
    """A text, `raw` and with plain signs, its words, and the quotes, numbers, days, units and languages in it."""

    def __init__(self, text: str, now: datetime) -> None:
        self.raw, self.now = text[:MAX_TEXT], now
        self.text = self.raw.translate(_PLAIN_SIGNS)

    @cached_property
    def words(self) -> list[Word]:
        """All words and signs."""
        return words(self.text)

    def within(self, start: int, end: int) -> range:
        """The places of the words that have a part in the stretch."""
        first = bisect_right(self.words, start, key=lambda word: word.end)
        return range(first, max(bisect_left(self.words, end, key=lambda word: word.start), first))

    def before(self, start: int, count: int) -> list[Word]:
        """The last `count` words before a place."""
        place = self.within(start, start + 1).start
        return self.words[max(place - count, 0) : place]

    @cached_property
    def quotes(self) -> list[Found]:
        """What stands in quotation marks, without them."""
        pieces = (
            Found(
                match.start(),
                match.end(),
                self.raw[match.start(match.lastgroup or 0) : match.end(match.lastgroup or 0)],
            )
            for match in _QUOTED.finditer(self.text)
        )
        return [piece for piece in pieces if piece.value.strip()]

    @cached_property
    def emails(self) -> list[Found]:
        """Mail addresses."""
        return [Found(match.start(), match.end(), match[0]) for match in _EMAIL.finditer(self.text)]

    @cached_property
    def urls(self) -> list[Found]:
        """Web addresses."""
        return [Found(match.start(), match.end(), match[0]) for match in _URL.finditer(self.text)]

    @cached_property
    def moments(self) -> list[Moment]:
        """Days and times of day."""
        return [moment for moment in moments(self.text, self.now) if not self._is_literal(moment.start, moment.end)]

    @cached_property
    def numbers(self) -> list[Number]:
        """Numbers that are no part of a day or time."""
        fixed = [moment for moment in self.moments if not moment.relative and not moment.loose]
        return [
            number
            for number in numbers(self.text, self.words)
            if not self._is_literal(number.start, number.end)
            and not any(number.start < moment.end and moment.start < number.end for moment in fixed)
        ]

    def is_number(self, word: Word) -> bool:
        """Whether the word is part of a number."""
        return any(number.start <= word.start < number.end for number in self.numbers)

    @cached_property
    def expressions(self) -> list[Found]:
        """Arithmetic, its operators as signs."""
        found = [Found(match.start(), match.end(), _trimmed(match[0])) for match in _EXPRESSION.finditer(self.text)]
        return found or self._spoken_expression()

    def _spoken_expression(self) -> list[Found]:
        text = self.text
        for number in reversed(self.numbers):
            if not text[number.start : number.end].strip("+-.,0123456789"):
                continue
            text = f"{text[: number.start]}{number.value}{text[number.end :]}"
        text = _PERCENT_OF.sub(r"\g<part> / 100 * \g<whole>", text)
        text = _ROOT.sub(r"sqrt(\g<number>)", text)
        text = _POWER.sub(lambda match: f"{match['number']} ^ {2 if match['power'].lower() == 'squared' else 3}", text)
        for pattern, sign in _SPOKEN_SIGNS:
            text = pattern.sub(sign, text)
        match = _EXPRESSION.search(text)
        return [Found(0, len(self.text), _trimmed(match[0]))] if match else []

    @cached_property
    def units(self) -> list[Found]:
        """Units of measurement, each by its usual sign, with or without a number."""
        found = [Found(n.noun_end - len(n.noun), n.noun_end, n.unit) for n in self.numbers if n.unit]
        taken = {piece.end for piece in found}
        index = 0
        while index < len(self.words):
            name, count = self._unit_at(index)
            first, last = self.words[index], self.words[index + max(count, 1) - 1]
            if count and last.end not in taken and not self._is_literal(first.start, last.end):
                found.append(Found(first.start, last.end, name))
            index += max(count, 1)
        return sorted(found, key=lambda piece: piece.start)

    def _unit_at(self, index: int) -> tuple[str, int]:
        for count in (3, 2, 1):
            run = self.words[index : index + count]
            if len(run) < count:
                continue
            form = " ".join(self.text[run[0].start : run[-1].end].lower().split())
            if form in unit_forms() and not (count == 1 and len(form) == 1 and not self._after_preposition(index)):
                return unit_forms()[form], count
        return "", 0

    def _after_preposition(self, index: int) -> bool:
        return index > 0 and self.words[index - 1].low in {"in", "to", "into", "as", "°"}

    @cached_property
    def languages(self) -> list[Found]:
        """Names of languages."""
        return [
            Found(word.start, word.end, word.low.capitalize())
            for word in self.words
            if word.low in LANGUAGES and not self._is_literal(word.start, word.end)
        ]

    def is_quoted(self, start: int, end: int) -> bool:
        """Whether the stretch lies in quotation marks."""
        return any(piece.start < end and start < piece.end for piece in self.quotes)

    def _is_literal(self, start: int, end: int) -> bool:
        return any(piece.start < end and start < piece.end for piece in (*self.quotes, *self.emails, *self.urls))


def _trimmed(expression: str) -> str:
    expression = expression.strip()
    while expression.count("(") < expression.count(")") and expression.endswith(")"):
        expression = expression[:-1].rstrip()
    while expression.count("(") > expression.count(")") and expression.startswith("("):
        expression = expression[1:].lstrip()
    return expression
