"""What to do about a user's message: call tools, ask for what is missing, or say something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.models.offline.decisions import Ask, Calls, Decision, Remark
from runner.models.offline.filling import STRONG, Filling, values_in
from runner.models.offline.history import arguments_of
from runner.models.offline.intent import Intent, calls, filled, forced, intents, is_knowledge, is_statement
from runner.models.offline.lexicon import PRO_FORMS, STOP, UNIVERSAL_VERBS
from runner.models.offline.message import MAX_TEXT, Message
from runner.models.offline.phrases import AND_ALSO, CONDITION, FORBIDDEN, OPENER, REPLY_LEAD, REQUEST
from runner.models.offline.smalltalk import is_foreign, small_talk
from runner.models.offline.texts import fill_texts
from runner.models.offline.typed import MAX_CALLS, fill_typed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from runner.messages import Json
    from runner.models.offline.history import Turn
    from runner.models.offline.schema import OfferedTool, Path, Slot


_FRAGMENT = 5
_MEMORY = 4


def decide(tools: Sequence[OfferedTool], turns: Sequence[Turn], now: datetime, *, must_call: bool = False) -> Decision:
    """What to do about the last of `turns`."""
    message = Message(turns[-1].text, now)
    decision = _decide(tools, turns, message)
    if must_call and not isinstance(decision, Calls):
        return _forced(tools, message, decision) or decision
    return decision


def _decide(tools: Sequence[OfferedTool], turns: Sequence[Turn], message: Message) -> Decision:
    if len(turns[-1].text) > MAX_TEXT:
        return Remark("long")
    kind = small_talk(message)
    if pending := _pending(tools, turns, message.now):
        if kind == "cancel":
            return Remark("cancel")
        if resumed := _resumed(tools, pending, message):
            return resumed
    if kind:
        return Remark(kind)
    if not message.text.strip():
        return Remark("files" if turns[-1].has_files else "unable")
    return _new_request(tools, turns, message)


def _new_request(tools: Sequence[OfferedTool], turns: Sequence[Turn], message: Message) -> Decision:
    if FORBIDDEN.match(message.text):
        return Remark("noted")
    if CONDITION.match(message.text):
        return Remark("unable")
    foreign = is_foreign(message)
    found = [] if foreign else intents(tools, message)
    if is_statement(message) or (is_knowledge(message) and not (found and found[0].score >= 7.0)):
        return Remark("unable")
    earlier = _earlier_calls(tools, turns)
    if (several := _several(tools, found, message)) is not None:
        return several
    if found and not _goes_on(found[0], earlier, message):
        return _carried(found, earlier, message)
    if earlier and (followed := _followed(earlier, message, own=found)):
        return followed
    if found:
        return _carried(found, earlier, message)
    return Remark("foreign" if foreign else "unable")


# --- a request that stands for itself


def _several(tools: Sequence[OfferedTool], found: list[Intent], message: Message) -> Calls | None:
    """The calls of a message that asks for two things at once, each of which stands for itself."""
    pieces = [piece for piece in AND_ALSO.split(message.text) if piece.strip()]
    if len(found) < 2 or not 2 <= len(pieces) <= MAX_CALLS or message.quotes:
        return None
    made: list[tuple[str, Json]] = []
    for piece in pieces:
        part = Message(piece, message.now)
        best = next(iter(intents(tools, part)), None)
        if best is None or not best.is_complete or not _names_its_tool(best):
            if small_talk(part):
                continue
            return None
        made += [(best.tool.name, args) for args in calls(best.tool, best.filling.found)]
    names = {name for name, _ in made}
    return Calls(tuple(made[:MAX_CALLS])) if len(names) > 1 else None


def _names_its_tool(intent: Intent) -> bool:
    """Whether more than a day speaks for the tool: "and Rome tomorrow" is no request by itself."""
    filling, message = intent.filling, intent.filling.message
    days = {place for moment in message.moments for place in message.within(moment.start, moment.end)}
    named = (index not in days and filling.is_tool_word(word, STRONG) for index, word in enumerate(message.words))
    return filling.strength >= 2.5 or any(named)


def _carried(found: list[Intent], earlier: list[Earlier], message: Message) -> Decision:
    """Call the likeliest tool; what it misses may be known from earlier calls, or must be asked for."""
    best = found[0]
    if not best.is_complete and (
        complete := next((one for one in found if one.is_complete and one.score > best.score - 1), None)
    ):
        best = complete
    values = dict(best.filling.found)
    for slot in best.filling.missing():
        if (known := _subject(slot, earlier, message)) is not None:
            values[slot.path] = known
    return _call_or_ask(best.tool, values, message, asks=_is_request(best, message))


def _is_request(intent: Intent, message: Message) -> bool:
    short = len([word for word in message.words if not word.is_sign]) <= _FRAGMENT
    return short or intent.score >= 4.0 or "?" in message.text or bool(REQUEST.match(message.text))


def _call_or_ask(tool: OfferedTool, found: dict[Path, list[Any]], message: Message, *, asks: bool = True) -> Decision:
    missing = [slot for slot in tool.required() if slot.path not in found]
    if missing:
        return Ask(tool, missing[0], found, message.text) if asks else Remark("unable")
    made = calls(tool, found)
    return Calls(tuple((tool.name, args) for args in made)) if made else Remark("unable")


# --- a message that goes on with an earlier call


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier call of a tool that is still offered."""

    tool: OfferedTool
    values: dict[Path, Any]
    turns_ago: int


def _earlier_calls(tools: Sequence[OfferedTool], turns: Sequence[Turn]) -> list[Earlier]:
    """The calls of the last turns that had some, the newest turn first."""
    by_name = {tool.name: tool for tool in tools}
    found: list[Earlier] = []
    for ago, turn in enumerate(list(reversed(turns[:-1]))[:_MEMORY], 1):
        known = ((by_name.get(str(call.get("name"))), call) for call in turn.calls)
        found += [Earlier(tool, values_in(tool, arguments_of(call)), ago) for tool, call in known if tool]
    return found


def _subject(slot: Slot, earlier: list[Earlier], message: Message) -> list[Any] | None:
    """What an earlier call was about, where this one leaves it open: the place, the thing, or what "it" stands for."""
    points_back = any(
        word.low in PRO_FORMS - {"there", "this", "these"} or word.low == "there" for word in message.words
    )
    names = slot.kind == "enum" or (slot.kind == "text" and slot.role in {"place", "thing"})
    if not (names or points_back) or slot.kind in {"date", "time", "datetime", "number", "integer"}:
        return None
    for one in earlier:
        if slot.path in one.values and any(
            other.path == slot.path and other.kind == slot.kind for other in one.tool.slots
        ):
            same = [
                other.values[slot.path]
                for other in earlier
                if other.turns_ago == one.turns_ago and slot.path in other.values
            ]
            return [value for index, value in enumerate(same) if value not in same[:index]]
    return None


def _goes_on(best: Intent, earlier: list[Earlier], message: Message) -> bool:
    """Whether a message that could stand for itself rather goes on with the last call."""
    if not earlier or not OPENER.match(message.text):
        return False
    last = earlier[0].tool
    if best.tool.name == last.name:
        return not best.is_complete or best.words < 2.2
    return not best.is_complete and best.words < 2.2


def _followed(earlier: list[Earlier], message: Message, *, own: list[Intent]) -> Calls | None:
    """The calls of the last turn again, with what the message says instead."""
    opened = OPENER.match(message.text) is not None
    length = len([word for word in message.words if not word.is_sign])
    if not opened and (length > _FRAGMENT + 1 or own):
        return None
    for tool in {one.tool.name: one.tool for one in earlier if one.turns_ago == earlier[0].turns_ago}.values():
        filling = filled(tool, message, follows=True)
        if filling.found and (opened or _is_used_up(filling)) and length <= 14:
            return _again(
                tool, [one for one in earlier if one.tool is tool and one.turns_ago == earlier[0].turns_ago], filling
            )
    return None


def _is_used_up(filling: Filling) -> bool:
    """Whether all words of the message that mean something went into slots."""
    return all(
        word.is_sign
        or word.low in STOP
        or word.low in UNIVERSAL_VERBS
        or filling.owner(index) is not None
        or filling.is_tool_word(word)
        for index, word in enumerate(filling.message.words)
    )


def _again(tool: OfferedTool, earlier: list[Earlier], filling: Filling) -> Calls | None:
    made: list[tuple[str, Json]] = []
    for one in earlier:
        values = {path: [value] for path, value in one.values.items()} | filling.found
        made += [(tool.name, args) for args in calls(tool, values) if (tool.name, args) not in made]
    return Calls(tuple(made[:MAX_CALLS])) if made else None


# --- the answer to a question


def _pending(tools: Sequence[OfferedTool], turns: Sequence[Turn], now: datetime) -> Ask | None:
    """The question that the turn before ended with; found by deciding that turn again."""
    if len(turns) < 2 or turns[-2].calls or not turns[-2].answer.rstrip().endswith("?"):
        return None
    decision = _decide(tools, turns[-1 - _MEMORY : -1], Message(turns[-2].text, now))
    return decision if isinstance(decision, Ask) else None


def _resumed(tools: Sequence[OfferedTool], pending: Ask, message: Message) -> Decision | None:
    """The pending call with the reply in it; None when the message is no reply."""
    slot = pending.slot
    if _is_something_else(tools, pending, message):
        return None
    filling = Filling(pending.tool, _with_day(pending, message), follows=True)
    fill_typed(filling)
    known = {path: values for path, values in filling.found.items() if path == slot.path or path not in pending.found}
    if slot.path not in known and slot.kind == "text":
        known |= _text_reply(filling, slot)
    if slot.path not in known:
        return None
    return _call_or_ask(pending.tool, {**pending.found, **known}, message)


def _with_day(pending: Ask, message: Message) -> Message:
    """The reply, or with what was said before where the day was said then and the time only now."""
    if pending.slot.kind != "datetime":
        return message
    return Message(f"{pending.text} {message.text}", message.now)


def _is_something_else(tools: Sequence[OfferedTool], pending: Ask, message: Message) -> bool:
    best = next(iter(intents(tools, message)), None)
    if best is None or not best.is_complete or best.words < 2.2:
        return False
    if best.tool.name == pending.tool.name:
        return True
    free_text = pending.slot.kind == "text" and pending.slot.role == "content"
    return not free_text or best.score >= 6.5


def _text_reply(filling: Filling, slot: Slot) -> dict[Path, list[Any]]:
    message = filling.message
    if slot.role == "content" and not slot.many and not message.quotes:
        filling.put(slot, [_bare_reply(message.raw)])
        return {slot.path: filling.found[slot.path]} if filling.is_filled(slot) else {}
    fill_texts(filling)
    if not filling.is_filled(slot) and len(message.words) <= _FRAGMENT + 3:
        filling.put(slot, [_bare_reply(message.raw)])
    return {slot.path: filling.found[slot.path]} if filling.is_filled(slot) else {}


def _bare_reply(text: str) -> str:
    bare = REPLY_LEAD.sub("", text.strip())
    return bare.strip().rstrip(".") or text.strip()


# --- a call that must be made


def _forced(tools: Sequence[OfferedTool], message: Message, decision: Decision) -> Calls | None:
    """A call although nothing or too little asks for one."""
    order = list(tools)
    if isinstance(decision, Ask):
        order.sort(key=lambda tool: tool.name != decision.tool.name)
    for tool in order:
        filling = filled(tool, message)
        if isinstance(decision, Ask) and decision.tool.name == tool.name:
            filling.found.update(decision.found)
        if made := calls(tool, forced(tool, filling)):
            return Calls(((tool.name, made[0]),))
    return None
