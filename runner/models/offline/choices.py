"""Values of closed choices as a message names them: by their own words, by synonyms, by on and off."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runner.models.offline.lexicon import ALL_WORDS, CHOICES, LANGUAGES, OFF_WORDS, ON_WORDS
from runner.models.offline.numbers import unit_forms
from runner.models.offline.words import readable, stem, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.models.offline.filling import Filling

_SWITCHES = frozenset({"turn", "switch", "turned", "switched", "put", "it", "them", "be", "are", "is"})


def is_currency_code(text: str) -> bool:
    """Whether a text looks like an ISO 4217 code."""
    return len(text) == 3 and text.isascii() and text.isupper()


def choice_matches(filling: Filling, choices: Sequence[Any]) -> list[tuple[Any, int, int]]:
    """The choices that the message names, as (value, start, end), in order; of two that overlap the longer one."""
    message = filling.message
    if any(not isinstance(one, str) for one in choices):
        return [
            (n.value, n.start, n.end) for n in message.numbers if n.value in choices and not isinstance(n.value, bool)
        ]
    stems_of_message = [word.stem for word in message.words]
    found: list[tuple[Any, int, int]] = []
    forms = sorted(_forms(tuple(choices)).items(), key=lambda form: -len(form[0]))
    for form, value in forms:
        for index in range(len(stems_of_message) - len(form) + 1):
            if tuple(stems_of_message[index : index + len(form)]) != form:
                continue
            start, end = message.words[index].start, message.words[index + len(form) - 1].end
            clear = not message.is_quoted(start, end) and all(end <= other[1] or other[2] <= start for other in found)
            if clear and _is_meant(filling, index, form):
                found.append((value, start, end))
    return sorted(found, key=lambda match: match[1])


def all_choices(filling: Filling, choices: Sequence[Any]) -> list[tuple[Any, int, int]]:
    """Every choice, where the message says "all" or "everywhere"."""
    said = next(
        (
            word
            for word in filling.message.words
            if word.low in ALL_WORDS and not filling.message.is_quoted(word.start, word.end)
        ),
        None,
    )
    return [(one, said.start, said.end) for one in choices] if said else []


def _is_meant(filling: Filling, index: int, form: tuple[str, ...]) -> bool:
    """Short words are other things too: `c` and `on` count only where they stand for a value."""
    if form in {("on",), ("off",)}:
        return form == ("off",) or _is_particle(filling, index)
    if len(form) > 1 or len(form[0]) > 1 or not form[0].isalpha():
        return True
    before = filling.message.words[index - 1].low if index else ""
    return before in {"in", "to", "into", "as", "=", ":", "°", "size"} or before[-1:].isdigit()


@lru_cache(maxsize=256)
def _forms(choices: tuple[str, ...]) -> dict[tuple[str, ...], str]:
    """The ways to name each choice, as stems; its own words win over synonyms."""
    own = {_key(form): value for value in choices for form in (value, readable(value))}
    others: dict[tuple[str, ...], str] = {}
    for value in choices:
        for form in _synonyms(value):
            others.setdefault(_key(form), value)
    return {key: value for key, value in {**others, **own}.items() if key}


def _key(form: str) -> tuple[str, ...]:
    return tuple(stem(word.low) for word in words(form.lower()))


def _synonyms(value: str) -> list[str]:
    names = {value, value.lower(), value.upper(), readable(value)}
    found = sorted({form for group in CHOICES if names & group for form in group})
    if (unit := unit_forms().get(value.lower())) is not None:
        found += [form for form, name in unit_forms().items() if name == unit]
    found += [name for name, code in LANGUAGES.items() if value.lower() == code or value.lower().startswith(f"{code}-")]
    return found


def switched(filling: Filling) -> list[tuple[bool, int, int]]:
    """Where the message says on or off, as (value, start, end)."""
    found = []
    for index, word in enumerate(filling.message.words):
        if filling.message.is_quoted(word.start, word.end):
            continue
        if word.low in OFF_WORDS:
            found.append((False, word.start, word.end))
        elif word.low in ON_WORDS and (word.low != "on" or _is_particle(filling, index)):
            found.append((True, word.start, word.end))
    return found


def _is_particle(filling: Filling, index: int) -> bool:
    """Whether the "on" at `index` belongs to a verb or stands for a state, and is no preposition."""
    message = filling.message
    before = message.words[index - 1] if index else None
    is_last = all(word.is_sign or word.low in {"please", "now", "again"} for word in message.words[index + 1 :])
    return is_last or (before is not None and (before.low in _SWITCHES or filling.is_tool_word(before)))
