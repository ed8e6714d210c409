"""Which tool a message is for, if any, and what it is to be called with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from runner.models.offline.filling import STRONG, Filling, arguments
from runner.models.offline.lexicon import ARTICLES, COMMON_VERBS, STOP, UNDOING, UNIVERSAL_VERBS, WRITING
from runner.models.offline.phrases import KNOWLEDGE, LOOKS_UP, NEED, STATEMENT
from runner.models.offline.texts import fill_texts
from runner.models.offline.typed import MAX_CALLS, fill_typed
from runner.models.offline.words import is_typo, name_words, related

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.messages import Json
    from runner.models.offline.message import Message
    from runner.models.offline.schema import OfferedTool, Path, Slot
    from runner.models.offline.words import Word


@dataclass(frozen=True, slots=True)
class Intent:
    """A tool that a message may be for: how much speaks for it, and what the message says about its slots."""

    filling: Filling
    words: float
    score: float

    @property
    def tool(self) -> OfferedTool:
        """The tool."""
        return self.filling.tool

    @property
    def is_complete(self) -> bool:
        """Whether the tool can be called with what the message says."""
        return not self.filling.missing()


def is_knowledge(message: Message) -> bool:
    """Whether the message asks for general knowledge or for something made up."""
    return bool(KNOWLEDGE.match(message.text.strip()))


def is_statement(message: Message) -> bool:
    """Whether the message tells something rather than asking for a deed."""
    text = message.text.strip()
    return bool(STATEMENT.match(text)) and "?" not in text and not NEED.search(text)


def filled(tool: OfferedTool, message: Message, *, follows: bool = False) -> Filling:
    """What the message says about the tool's slots."""
    filling = Filling(tool, message, follows=follows)
    fill_typed(filling)
    fill_texts(filling)
    return filling


def intents(tools: Sequence[OfferedTool], message: Message) -> list[Intent]:
    """The tools that the message may be for, the likeliest first."""
    shared = Counter(one for tool in tools for one, weight in tool.evidence.items() if weight >= STRONG)
    found = [_intent(filled(tool, message), shared, message) for tool in tools]
    if not any(intent.words >= STRONG for intent in found):
        found = [_with_typos(intent, message) for intent in found]
    return sorted((intent for intent in found if _is_served(intent)), key=lambda intent: -intent.score)


def _is_served(intent: Intent) -> bool:
    strength = intent.filling.strength
    if (
        intent.is_complete
        and strength >= 1.5
        and any(intent.filling.weight(word) >= STRONG for word in intent.filling.message.words)
    ):
        return intent.score >= 2.0
    if intent.is_complete:
        return (intent.words >= 0.9 and intent.score >= 2.0) or strength >= 2.5
    return intent.words >= 2.2 and intent.score >= 0.5


def _intent(filling: Filling, shared: Counter[str], message: Message) -> Intent:
    best: dict[str, float] = {}
    before = ""
    for word in message.words:
        if not (word.is_sign or word.low in STOP or message.is_quoted(word.start, word.end)):
            weight = filling.weight(word) / max(shared[word.stem], 1) ** 0.3
            best[word.stem] = weight * _importance(word, before)
        before = word.low
    words = sum(weight for weight in best.values() if weight >= 0.3)
    lead = _lead(filling, message, words)
    if (
        LOOKS_UP.match(message.text)
        and name_words(filling.tool.name)[:1]
        and name_words(filling.tool.name)[0] in WRITING
    ):
        lead -= 3.0
    required = len(filling.tool.required())
    missing = len(filling.missing())
    return Intent(filling, words, words + filling.strength + lead + 0.7 * (required - missing) - 1.0 * missing)


def _importance(word: Word, before: str) -> float:
    """Verbs that go with anything say little, unless they are nouns: `the book`, `my schedule`."""
    if word.low in UNIVERSAL_VERBS:
        return 0.15
    return 0.45 if word.low in COMMON_VERBS and before not in ARTICLES else 1.0


def _lead(filling: Filling, message: Message, words: float) -> float:
    """What the first word that means something adds: much if it speaks for the tool, a loss if for another deed."""
    for word in message.words:
        if word.is_sign or word.low in STOP | UNIVERSAL_VERBS or message.is_quoted(word.start, word.end):
            continue
        if word.stem in filling.tool.vocabulary or filling.weight(word) >= 0.9:
            return 3.0 if words >= 0.9 else 0.0
        if related(word.stem) & filling.tool.vocabulary:
            return 0.0
        return -6.0 if word.low in UNDOING else -3.0 if word.low in COMMON_VERBS else 0.0
    return 0.0


def _with_typos(intent: Intent, message: Message) -> Intent:
    strong = [one for one, weight in intent.tool.evidence.items() if weight >= 3.0]
    for word in message.words:
        if len(word.low) >= 5 and word.low not in STOP and any(is_typo(word.stem, one) for one in strong):
            message_words = [*message.words]
            message_words[message_words.index(word)] = _corrected(
                word, next(one for one in strong if is_typo(word.stem, one))
            )
            return _respelled(intent, message, message_words)
    return intent


def _corrected(word: Word, meant: str) -> Word:
    return type(word)(word.text, meant, meant, word.start, word.end)


def _respelled(intent: Intent, message: Message, words: list[Word]) -> Intent:
    respelled = type(message)(message.text, message.now)
    respelled.__dict__["words"] = words
    return _intent(filled(intent.tool, respelled), Counter(), respelled)


def calls(tool: OfferedTool, found: dict[Path, list[Any]]) -> list[Json]:
    """The arguments of the calls that the found values make: one for each combination of several."""
    paths = list(found)
    made = []
    for values in islice(product(*(found[path] for path in paths)), MAX_CALLS):
        args = arguments(tool, dict(zip(paths, values, strict=True)))
        if args is not None and args not in made:
            made.append(args)
    return made


def forced(tool: OfferedTool, filling: Filling) -> dict[Path, list[Any]]:
    """The found values, and for required slots without one whatever the schema allows: a call must be made."""
    found = dict(filling.found)
    for slot in filling.missing():
        filling.found.pop(slot.path, None)
        if filling.put(slot, _anything(slot, filling.message)):
            found[slot.path] = filling.found[slot.path][:1]
    return {path: values for path, values in found.items() if path in {slot.path for slot in tool.slots}}


def _anything(slot: Slot, message: Message) -> list[Any]:
    examples = slot.schema.get("examples")
    told = [slot.schema["default"]] if "default" in slot.schema else []
    told += examples if isinstance(examples, list) else []
    by_kind: dict[str, list[Any]] = {
        "boolean": [True, False],
        "integer": [slot.schema.get("minimum"), slot.schema.get("maximum"), 1, 0, 10, 100],
        "number": [slot.schema.get("minimum"), slot.schema.get("maximum"), 1, 0, 10, 100],
        "date": [message.now.date().isoformat()],
        "time": [f"{message.now:%H:%M}"],
        "datetime": [message.now.isoformat()],
        "enum": slot.choices,
        "email": [],
        "url": [],
    }
    options = [*told, *by_kind.get(slot.kind, [message.text.strip() or "?", message.text.strip()[:20], "x"])]
    return options[:1] if slot.many and told else options
