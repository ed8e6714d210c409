"""What one message says about one tool's slots, and which of its words say it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from runner.models.offline.lexicon import ARTICLES, STOP, word_set
from runner.models.offline.validity import fits
from runner.models.offline.words import related

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.messages import Json
    from runner.models.offline.message import Message
    from runner.models.offline.schema import OfferedTool, Path, Slot
    from runner.models.offline.words import Word

_LEADS = word_set("in on at by for from to into as of until till due with the this a an = → is set about around")
_JOINTS = frozenset({"and", ",", "&", "or", "plus", "/", "as", "well"})
_FAR = 80
STRONG, WEAK = 1.2, 0.8
"""How much a word counts that is in a tool's description, and in the name of one of its arguments."""


class Filling:
    """The values found for a tool's slots. Each slot has a list of them: more than one means more than one call.

    `follows` says that the message goes on with an earlier call and needs no command.
    """

    def __init__(self, tool: OfferedTool, message: Message, *, follows: bool = False) -> None:
        self.tool, self.message, self.follows = tool, message, follows
        self.found: dict[Path, list[Any]] = {}
        self.strength = 0.0
        self._owners: list[Path | None] = [None] * len(message.words)

    def is_filled(self, slot: Slot) -> bool:
        """Whether a value was found for `slot`."""
        return slot.path in self.found

    def missing(self) -> list[Slot]:
        """The required slots without a value."""
        return [slot for slot in self.tool.required() if slot.path not in self.found]

    def put(self, slot: Slot, values: Iterable[Any], strength: float = 0.0) -> bool:
        """Keep those of `values` that fit the slot; tell whether there are any."""
        fitting = [value for value in values if fits(value, slot.schema, self.tool.schema)]
        unique = [value for index, value in enumerate(fitting) if value not in fitting[:index]]
        if not unique or slot.path in self.found:
            return False
        self.found[slot.path] = [unique] if slot.many else unique
        self.strength += strength
        return True

    def claim(self, slot: Slot, start: int, end: int, *, lead: bool = True) -> None:
        """Note that the stretch of the message belongs to `slot`, and so do the small words that lead to it."""
        places = self.message.within(start, end)
        for index in places:
            self._owners[index] = self._owners[index] or slot.path
        index = places.start - 1
        while lead and index >= 0 and self._owners[index] is None and self._is_lead(self.message.words[index]):
            self._owners[index] = slot.path
            index -= 1

    def _is_lead(self, word: Word) -> bool:
        return word.low in _LEADS and (word.low not in {"a", "an"} or not self.message.is_number(word))

    def owner(self, index: int) -> Path | None:
        """The slot that the word at `index` belongs to."""
        return self._owners[index]

    def is_owned(self, start: int, end: int) -> bool:
        """Whether a word of the stretch belongs to a slot already."""
        return any(self._owners[index] is not None for index in self.message.within(start, end))

    def weight(self, word: Word) -> float:
        """How much a word speaks for the tool."""
        evidence = self.tool.evidence
        akin = max((evidence[one] for one in related(word.stem) if one in evidence), default=0.0)
        return max(evidence.get(word.stem, 0.0), 0.8 * akin)

    def is_tool_word(self, word: Word, least: float = WEAK) -> bool:
        """Whether a word is about the tool itself and so not about what to call it with."""
        return not word.is_sign and word.low not in STOP and self.weight(word) >= least

    def is_command_word(self, word: Word) -> bool:
        """Whether a word may be part of how the tool is asked for: `to my shopping list`."""
        return self.is_tool_word(word) or word.stem in self.tool.vocabulary

    def are_joined(self, end: int, start: int) -> bool:
        """Whether only "and", commas and small words lie between two stretches."""
        if start - end > _FAR:
            return False
        between = [self.message.words[index] for index in self.message.within(end, start)]
        return any(word.low in _JOINTS for word in between) and all(
            word.low in _JOINTS or word.low in ARTICLES or word.low in _LEADS or word.low == "also" for word in between
        )

    def word_before(self, start: int, skip: frozenset[str] = ARTICLES) -> str:
        """The word before a stretch, small ones skipped."""
        for index in range(self.message.within(start, start + 1).start - 1, -1, -1):
            if self.message.words[index].low not in skip:
                return self.message.words[index].low
        return ""


def arguments(tool: OfferedTool, values: dict[Path, Any]) -> Json | None:
    """The arguments of a call from the values of its slots; None when they break the tool's schema."""
    slots = {slot.path: slot for slot in tool.slots}
    args: Json = {}
    for path, value in values.items():
        _set(args, path, value)
    if fits(args, tool.schema, tool.schema):
        return args
    args = {}
    for path, value in values.items():
        if path in slots and slots[path].required:
            _set(args, path, value)
    return args if fits(args, tool.schema, tool.schema) else None


def _set(args: Json, path: Path, value: Any) -> None:
    target: Any = args
    for part, following in pairwise(path):
        if isinstance(part, str):
            target = target.setdefault(part, [] if following == 0 else {})
        else:
            if not target:
                target.append({})
            target = target[0]
    target[path[-1]] = value


def values_in(tool: OfferedTool, args: Json) -> dict[Path, Any]:
    """The inverse of `arguments`: the values of the tool's slots in the arguments of an earlier call."""
    found: dict[Path, Any] = {}
    for slot in tool.slots:
        value: Any = args
        for part in slot.path:
            inside = (
                isinstance(value, dict) and part in value
                if isinstance(part, str)
                else isinstance(value, list) and len(value) == 1
            )
            if not inside:
                break
            value = value[part]
        else:
            found[slot.path] = value
    return found
