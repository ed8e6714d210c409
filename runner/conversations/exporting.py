"""A conversations file made from a stored chat: what was said, the calls that were made, and what to look through."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.conversations.chat_turns import stored_turns
from runner.conversations.literals import literal_arguments, template
from runner.conversations.reports.lines import seen
from runner.errors import ManifestError
from runner.files import digest_of, is_remote
from runner.loading.writing import entry, heading, item
from runner.messages import to_json
from runner.tools.conformance import breaches_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.conversations.chat_turns import StoredCall, StoredFile, StoredStep, StoredTurn
    from runner.loading.known_tools import KnownTool
    from runner.messages import ChatMessage

_ENDS = {"answered", "stopped", "limit"}
"""How a turn may have ended to be one that a test can expect."""
_NAME_LENGTH = 60
_REVIEW = "`review:` shows what was answered: say under `reply:` what of it matters."
_SCRIPTED = "The replies are the scripted model's: what is tested is what the agent makes of them."
_CASE, _TURN, _EXPECT, _BELOW = 4, 8, 10, 12  # columns of the keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is made of a chat: whether its replies become a script, and its tools' results stubs.

    `agent` is the manifest as the file will name it; `tools` are the agent's, None where not all are known. `folder` is
    where the file will stand, and `root` the project's, where files that were sent are named.
    """

    agent: str
    scripted: bool = False
    stubs: bool = False
    tools: Mapping[str, KnownTool] | None = None
    schema: str | None = None
    folder: Path | None = None
    root: Path | None = None

    def name_of(self, file: StoredFile) -> str | None:
        """How the file will name one that was sent; None where that is not there any more, or not as it was."""
        meta = file.meta
        path = meta.get("path")
        if path is None:
            return meta.get("uri") if is_remote(meta.get("uri", "")) else None
        is_near = self.folder is not None and self.root is not None and Path(path).resolve().is_relative_to(self.root)
        if not is_near or digest_of(path) != meta.get("digest"):
            return None
        return Path(os.path.relpath(path, self.folder)).as_posix()


def as_file(log: Iterable[ChatMessage], wanted: Wanted) -> str:
    """A conversations file of one case. Raises ManifestError where no turn of the chat can be one of a test."""
    case = as_case(log, wanted)
    head = [f"# yaml-language-server: $schema={wanted.schema}"] if wanted.schema else []
    head += ["# Made from a chat. " + (_SCRIPTED if wanted.scripted else _REVIEW)]
    return "\n".join([*head, *entry("agent", wanted.agent, 0), "cases:", case])


def as_case(log: Iterable[ChatMessage], wanted: Wanted) -> str:
    """The case alone, to be pasted under `cases:`. Raises ManifestError as `as_file` does."""
    stubs = _Stubs() if wanted.stubs else None
    turns = [_Turn(turn, wanted, stubs) for turn in stored_turns(log)]
    kept = [turn for turn in turns if turn.why_not is None]
    if not kept:
        reasons = seen("; ".join(f"turn {turn.said.number} {turn.why_not}" for turn in turns))
        raise ManifestError(f"there is nothing to test in this chat: {reasons or 'nothing was said'}")
    said = kept[0].said
    lines = _first("name", _name(said.user or " ".join(file.meta.get("name", "") for file in said.files)), _CASE)
    if stubs is not None:
        for turn in kept:
            stubs.add(turn.calls)
        lines += stubs.lines()
    lines.append(heading("turns", _CASE))
    for turn in turns:
        lines += (
            turn.lines() if turn.why_not is None else _remark(f"left out: turn {turn.said.number} {turn.why_not}", 6)
        )
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Turn:
    """One turn on its way into the file."""

    said: StoredTurn
    wanted: Wanted
    stubs: _Stubs | None

    @cached_property
    def refused(self) -> list[StoredCall]:
        """The calls that are none of the agent's tools, or not as their tool declares."""
        return [call for call in self.said.calls if _is_refused(call, self.wanted.tools)]

    @cached_property
    def calls(self) -> list[StoredCall]:
        """The others."""
        return [call for call in self.said.calls if call not in self.refused]

    @property
    def why_not(self) -> str | None:
        """Why the turn cannot be one of a test; None where it can."""
        said = self.said
        if said.status not in _ENDS:
            how = f"ended {said.status}" if said.status else "was never finished"
            return f"{how}: {said.message}" if said.message else how
        if self.refused and said.status != "answered":
            return f"ended {said.status} with calls that the tools refuse"
        if self.wanted.scripted and said.status == "answered" and not said.reply:
            return "was answered without a text"
        return None

    def lines(self) -> list[str]:
        """The turn."""
        names = [self.wanted.name_of(file) for file in self.said.files]
        lines = self._message([template(name) for name in names if name is not None])
        for file, name in zip(self.said.files, names, strict=True):
            if name is None:
                lines += _remark(f"sent with {file.words}: save it in the project, and name it under `files:`", _TURN)
        if self.wanted.scripted:
            lines.append(heading("replies", _TURN))
            lines += [line for step in self.said.steps for line in self._reply(step)]
        lines.append(heading("expect", _TURN))
        if self.said.status != "answered":
            lines += entry("status", self.said.status, _EXPECT)
        lines += self._call_lines()
        if self.said.reply and not self.wanted.scripted:
            lines += _remark(f"review: {self.said.reply}", _EXPECT)
        return lines

    def _message(self, files: list[str]) -> list[str]:
        given: dict[str, Any] = {"user": template(self.said.user)} if self.said.user else {}
        given |= {"files": files} if files else {}
        given = given or {"user": "(a file)"}
        first, *rest = [line for key, value in given.items() for line in entry(key, value, _TURN)]
        return [f"{' ' * (_TURN - 2)}- {first.lstrip()}", *rest]

    def _reply(self, step: StoredStep) -> list[str]:
        made = [{"call": call.name, "args": template(call.args)} for call in step.calls if call not in self.refused]
        if not made:
            return [] if step.calls else item(template(step.text), _EXPECT)
        said = {"say": template(step.text)} if step.text else {}
        return item({**said, **(made[0] if len(made) == 1 else {"calls": made})}, _EXPECT)

    def _call_lines(self) -> list[str]:
        lines = [heading("calls", _EXPECT)] if self.calls else entry("calls", "none", _EXPECT)
        for call in self.calls:
            expected: dict[str, Any] = {"tool": call.name}
            if call.args:
                expected["args"] = literal_arguments(call.args)
            kind = call.kind if self.stubs is None else self.stubs.kind_of(call)
            if kind != "ok":
                expected["status"] = kind
            lines += item(expected if len(expected) > 1 else call.name, _BELOW)
        for call in self.refused:
            lines += _remark(f"left out: {call.name}({to_json(call.args)}), which the tools refuse", _EXPECT)
        return lines


def _name(text: str) -> str:
    words = " ".join(re.sub(r"[^\w ,.'?!°-]+", " ", seen(text)).split())
    if len(words) > _NAME_LENGTH:
        words = words[:_NAME_LENGTH].rpartition(" ")[0] or words[:_NAME_LENGTH]
    return words.strip(" ,.'-") or "from a chat"


def _is_refused(call: StoredCall, tools: Mapping[str, KnownTool] | None) -> bool:
    """Whether a call never reached a tool: the check of arguments that each test makes would not let it pass."""
    if tools is None:
        return False
    tool = tools.get(call.name)
    try:
        return tool is None or bool(breaches_of(call.args, tool.parameters))
    except ValueError:  # what it declares is no schema
        return False


# lines


def _first(key: str, value: str, column: int) -> list[str]:
    """The first key of a list's item."""
    first, *rest = entry(key, value, column)
    return [f"{' ' * (column - 2)}- {first.lstrip()}", *rest]


def _remark(text: str, column: int) -> list[str]:
    first, *rest = seen(text).split("\n")
    return [f"{' ' * column}# {first}".rstrip(), *(f"{' ' * column}#   {line}".rstrip() for line in rest)]


class _Stubs:
    """An answer for each call that was answered; where the same call had several, the first."""

    def __init__(self) -> None:
        self._answers: dict[str, dict[str, StoredCall]] = {}

    def add(self, calls: Iterable[StoredCall]) -> None:
        """Take the answers of these calls."""
        for call in calls:
            if call.kind != "not_started":
                self._answers.setdefault(call.name, {}).setdefault(to_json(call.args), call)

    def kind_of(self, call: StoredCall) -> str:
        """How a call will end: no stub brings about a timeout or the like, it says an error in its place."""
        if call.kind == "not_started":
            return call.kind
        return "ok" if self._answers[call.name][to_json(call.args)].kind == "ok" else "error"

    def lines(self) -> Iterator[str]:
        """Their lines, those with the most arguments first: the first that fits a call answers it."""
        if self._answers:
            yield heading("stubs", _CASE)
        for name, known in self._answers.items():
            yield heading(name, _CASE + 2)
            for _, call in sorted(known.items(), key=lambda each: -len(each[0])):
                yield from item(_stub(call), _TURN)


def _stub(call: StoredCall) -> dict[str, Any]:
    when = {"when": literal_arguments(call.args)} if call.args else {}
    if call.kind == "ok":
        return {**when, "return": template(call.result)}
    return {**when, "error": template(str(call.result.get("error") or call.kind))}
