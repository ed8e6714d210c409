"""Slots that hold words: what is quoted, what follows "saying" or "about", what is left beside the command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.models.offline.lexicon import (
    ARTICLES,
    AUXILIARIES,
    POLITE,
    PREPOSITIONS,
    PRO_FORMS,
    PRONOUNS,
    STOP,
    word_set,
)
from runner.models.offline.names import name_runs, split_names

if TYPE_CHECKING:
    from runner.models.offline.filling import Filling
    from runner.models.offline.schema import Slot
    from runner.models.offline.words import Word

_MARKERS = word_set(
    "to that for about of on saying say says said tell telling reading reads regarding concerning containing mentioning"
    " mention"
    " mentions called named titled with : as which is in"
)
_SPEAKING = {
    "body": "saying says say that body text message telling reading reads write",
    "message": "saying says say that message text telling reading",
    "subject": "subject titled title about",
    "title": "titled title called named",
    "name": "named called",
    "query": "for about",
}
_POLITE_HEAD = POLITE | PRONOUNS | AUXILIARIES | {"need", "want", "like", "get"}
_BEGINNINGS = word_set("need want put add get")
_HEAD_NOUNS = word_set("sentence phrase word words text following line item items something one thing")
_TELLING = word_set("tell say ask let")
_TAIL = word_set("please thanks too also well as again at most pls asap")
_TAIL_LEADS = word_set("to in on from of within into at for onto")
_LIST_JOINT = re.compile(r"\s*(?:,\s*(?:and|&)\s+|[,;\n]\s*|\s+(?:and|&|plus|as well as)\s+)\s*", re.IGNORECASE)


def fill_texts(filling: Filling) -> None:
    """Fill the text slots."""
    slots = [
        slot
        for slot in filling.tool.slots
        if slot.kind == "text" and slot.role not in {"unit", "currency", "language", "expression"}
    ]
    _quotes(filling, slots)
    _announced(filling, slots)
    for slot in slots:
        if not filling.is_filled(slot) and slot.required and _is_free_text(slot):
            _content(filling, slot)
    _names(
        filling, [slot for slot in slots if slot.required and not filling.is_filled(slot) and not _is_free_text(slot)]
    )
    if slots and not any(slot.required or filling.is_filled(slot) for slot in slots):
        _optional_name(filling, slots[0])


def _is_free_text(slot: Slot) -> bool:
    return slot.role == "content" or slot.many


def _quotes(filling: Filling, slots: list[Slot]) -> None:
    order = [slot for slot in slots if slot.required and _is_free_text(slot)]
    order += [slot for slot in slots if slot.required and slot not in order]
    for quote in filling.message.quotes:
        named = next(
            (slot for slot in slots if not filling.is_filled(slot) and _announces(filling, slot, quote.start)), None
        )
        slot = named or next((slot for slot in order if not filling.is_filled(slot)), None)
        if slot is None:
            continue
        values = [one.value.strip() for one in filling.message.quotes] if slot.many else [quote.value.strip()]
        if filling.put(slot, values, 1.0):
            filling.claim(slot, quote.start, quote.end)


def _announces(filling: Filling, slot: Slot, start: int) -> bool:
    before = filling.message.before(start, 3)
    speaking = {one for part in slot.label.split() for one in _SPEAKING.get(part, part).split()}
    return any(word.low in speaking or word.stem in slot.words for word in before)


def _announced(filling: Filling, slots: list[Slot]) -> None:
    """Values after the slot's own name: `subject: lunch`, `with subject lunch and body noon`."""
    words = filling.message.words
    marks = [
        (index, slot) for index, word in enumerate(words) for slot in slots if _is_mark(filling, index, word, slot)
    ]
    ends = [mark[0] for mark in marks[1:]] + [len(words)]
    for (index, slot), following in zip(marks, ends, strict=False):
        start = index + 1
        while start < following and words[start].low in {":", "=", "is", "of", "to", "as", "named", "called"}:
            start += 1
        run = _trimmed(filling, list(range(start, following)))
        while run and words[run[-1]].low in ARTICLES | {"and", "with"}:
            run = run[:-1]
        if run and not filling.is_filled(slot) and filling.put(slot, _pieces(filling, slot, run), 0.5):
            filling.claim(slot, words[index].start, words[run[-1]].end)


def _is_mark(filling: Filling, index: int, word: Word, slot: Slot) -> bool:
    if (
        word.stem not in slot.words
        or filling.message.is_quoted(word.start, word.end)
        or filling.owner(index) is not None
    ):
        return False
    words = filling.message.words
    after = words[index + 1].low if index + 1 < len(words) else ""
    if after in {":", "="}:
        return True
    before = [one.low for one in words[max(index - 2, 0) : index] if one.low not in ARTICLES][-1:]
    return (
        (not slot.required or slot.role == "content")
        and before in (["with"], ["and"], [","])
        and after not in PREPOSITIONS | {""}
    )


def _content(filling: Filling, slot: Slot) -> None:
    run = _trimmed(filling, _after_command(filling)) or _trimmed(filling, _before_command(filling))
    values = [value for value in _pieces(filling, slot, run) if value.lower().removeprefix("the ") not in PRO_FORMS]
    if values and filling.put(slot, values, 0.5):
        for index in run:
            filling.claim(slot, filling.message.words[index].start, filling.message.words[index].end, lead=False)


def command_index(filling: Filling) -> int:
    """Where the first word stands that speaks for the tool; -1 where none does."""
    for index, word in enumerate(filling.message.words):
        if (
            filling.owner(index) is None
            and not filling.message.is_quoted(word.start, word.end)
            and filling.is_tool_word(word)
        ):
            return index
    return -1


def _after_command(filling: Filling) -> list[int]:
    words = filling.message.words
    index = command_index(filling) + 1
    if index == 0:
        index = _follow_head(filling) if filling.follows else _polite_head(filling)
    marked = False
    while index < len(words):
        word, owned = words[index], filling.owner(index) is not None
        if word.low in _MARKERS and not (marked and not owned and words[index - 1].low in {"that", "about"}):
            marked = True
        elif not owned and not word.is_sign and not _is_head_word(filling, index, marked=marked):
            break
        index += 1
    return list(range(index, len(words)))


def _is_head_word(filling: Filling, index: int, *, marked: bool) -> bool:
    """Whether the word still belongs to the command and not to what follows it."""
    words = filling.message.words
    word, after = words[index], words[index + 1 : index + 3]
    if word.low in {"him", "her", "them"} and words[index - 1].low in _TELLING:
        return True
    if word.low == "and" and after and after[0].low in _TELLING:
        return True
    if word.low in {"me", "us", "up", "down", "any", "new", "please", "everyone", "them"} and not marked:
        return True
    if word.low in ARTICLES | {"another"}:
        return any(filling.is_command_word(one) or one.low in _HEAD_NOUNS for one in after[:1]) or (
            bool(after) and filling.owner(index + 1) is not None
        )
    return not marked and (filling.is_command_word(word) or word.low in _HEAD_NOUNS)


def _follow_head(filling: Filling) -> int:
    words = filling.message.words
    index = 0
    while index < len(words) and words[index].low in STOP - ARTICLES - PREPOSITIONS | {"about", "of"}:
        index += 1
    return index


def _polite_head(filling: Filling) -> int:
    index = 0
    for index, word in enumerate(filling.message.words):  # the place is what is looked for
        if word.low not in _POLITE_HEAD and not word.is_sign:
            return index
    return index


def _before_command(filling: Filling) -> list[int]:
    """What stands before a command that ends the message: `milk and eggs on my shopping list`."""
    words, end = filling.message.words, command_index(filling)
    start = 0
    while start < end and (words[start].low in STOP | _BEGINNINGS or words[start].is_sign):
        start += 1
    run = list(range(start, max(end, start)))
    return run if any(words[index].low not in STOP and not words[index].is_sign for index in run) else []


def _trimmed(filling: Filling, run: list[int]) -> list[int]:
    """A run of words without those of other slots, the pleasantries after it, and where it goes (`to my list`)."""
    words = filling.message.words
    run = [index for index in run if filling.owner(index) is None]
    while run:
        low = words[run[-1]].low
        if low == "you" and len(run) > 1 and words[run[-2]].low == "thank":
            run = run[:-2]
        elif low in _TAIL or (words[run[-1]].is_sign and low not in ")]}%°\"'"):
            run = run[:-1]
        elif (shorter := _without_tail(filling, run)) != run:
            run = shorter
        else:
            break
    while run and (words[run[0]].is_sign and words[run[0]].low not in "([{$€£¥+-#°@"):
        run = run[1:]
    return run


def _without_tail(filling: Filling, run: list[int]) -> list[int]:
    words, rest = filling.message.words, run
    while rest and filling.is_command_word(words[rest[-1]]):
        rest = rest[:-1]
    if rest == run:
        return run
    if not rest:
        before = run[0] - 1
        led = before >= 0 and (filling.owner(before) is not None or words[before].low in _TAIL_LEADS | ARTICLES)
        return [] if led else run
    if rest and rest[-1] + 1 < len(words) and filling.owner(rest[-1] + 1) is not None:  # "to my [shopping] list"
        return [index for index in rest if words[index].low not in ARTICLES | _TAIL_LEADS or index < rest[-1] - 1]
    while rest and words[rest[-1]].low in ARTICLES:
        rest = rest[:-1]
    if rest and words[rest[-1]].low in _TAIL_LEADS and len(rest) < len(run):
        return rest[:-1]
    return run


def _pieces(filling: Filling, slot: Slot, run: list[int]) -> list[str]:
    """The text of a run of words, or its items for a slot that holds a list."""
    text = filling.message.raw
    words = filling.message.words
    parts: list[str] = []
    for place, index in enumerate(run):
        gap = text[words[run[place - 1]].end : words[index].start] if place and run[place - 1] == index - 1 else " "
        parts.append(f"{gap if place else ''}{text[words[index].start : words[index].end]}")
    joined = "".join(parts).strip()
    if not joined:
        return []
    if not slot.many:
        return [joined]
    items = [
        re.sub(r"^(?:and|some|also)\s+", "", item.strip(), flags=re.IGNORECASE) for item in _LIST_JOINT.split(joined)
    ]
    return [item for item in items if item and not all(word in STOP | PRO_FORMS for word in item.lower().split())]


def _names(filling: Filling, slots: list[Slot]) -> None:
    """Fill slots that name one thing, place or person, each from the run of words that suits it best."""
    for slot in sorted(slots, key=lambda slot: not slot.direction):
        runs = [
            run
            for run in name_runs(filling, slot)
            if len(slots) == 1 or not slot.direction or run.direction in {"", slot.direction}
        ]
        best = max(runs, key=lambda run: run.score, default=None)
        if best and filling.put(slot, split_names(best.text, slot), 0.5):
            filling.claim(slot, best.start, best.end)


def _optional_name(filling: Filling, slot: Slot) -> None:
    """Fill the text slot of a tool that needs none, where a preposition leads to a name: `news about football`."""
    best = next((run for run in name_runs(filling, slot) if run.score >= 2.0), None)
    if best and filling.put(slot, split_names(best.text, slot), 0.5):
        filling.claim(slot, best.start, best.end)
