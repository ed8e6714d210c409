"""What the offline model says when it calls nothing: one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.models.offline.decisions import Ask, Decision, Remark
from runner.models.offline.lexicon import PREPOSITIONS
from runner.models.offline.message import MAX_TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.models.offline.schema import OfferedTool, Slot

_NAMED = 12
_REMARKS = {
    "greeting": "Hello! I am the offline model: rules, not a language model. {tools}",
    "thanks": "You are welcome.",
    "noted": "All right.",
    "goodbye": "Goodbye!",
    "cancel": "All right, I leave it.",
    "about": "I am the offline model: rules that call tools, not a language model. {tools}",
    "foreign": "I only understand English. {tools}",
    "files": "I cannot look into {files}: I am the offline model. {tools}",
    "long": "That is too long for me: I am the offline model and read {most} characters of a message.",
    "silent": "I am the offline model, and tool calls are switched off here: without them I can say nothing about it.",
    "unable": "I cannot help with that: I am the offline model, rules only. {tools}",
}


def answer(decision: Decision | None, tools: Sequence[OfferedTool], files: Sequence[str] = ()) -> str:
    """The text for a decision that calls nothing; what cannot be done for a message with files, is for them."""
    if isinstance(decision, Ask):
        return question(decision.tool, decision.slot)
    kind = decision.kind if isinstance(decision, Remark) else "unable"
    return remark("files" if files and kind == "unable" else kind, tools, files)


def remark(kind: str, tools: Sequence[OfferedTool], files: Sequence[str] = ()) -> str:
    """One line of small talk, or of what cannot be done and what can."""
    return _REMARKS[kind].format(tools=_named(tools), most=MAX_TEXT, files=", ".join(files) or "files")


def _named(tools: Sequence[OfferedTool]) -> str:
    if not tools:
        return "I have no tools here."
    titles = [tool.title for tool in tools]
    more = len(titles) - _NAMED
    return f"My tools: {', '.join(titles[:_NAMED])}{f' and {more} more' if more > 0 else ''}."


def question(tool: OfferedTool, slot: Slot) -> str:
    """The question for a required argument."""
    if 0 < len(slot.choices) <= _NAMED:
        names = [str(choice).replace("_", " ") for choice in slot.choices]
        return f"Which {slot.label}: {_either(names)}?"
    label = f'"{slot.label}"' if slot.label in PREPOSITIONS else f"the {slot.label}"
    told = slot.description.rstrip(".?! ")
    told = f" ({told[:200]})" if told and "\n" not in told else ""
    return f"To {_deed(tool)} I still need {label}{told}. What is it?"


def _deed(tool: OfferedTool) -> str:
    return f"call {tool.name}" if len(tool.title.split()) < 2 else tool.title


def _either(names: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
