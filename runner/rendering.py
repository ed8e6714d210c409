"""What Gemini sees of a chat: the log rendered, kept up as entries come.

A log is never cut. An entry of kind `summary` says from which turn on a chat is sent, `meta.before`; its content, where
it has one, stands in place of the turns before that. The newest one counts, so every process renders a log alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from runner.tokens import tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.messages import ChatMessage, EntryKind, Meta
    from runner.requests import Usage


@dataclass(slots=True)
class SentTurn:
    """A turn that is sent: where it begins among the messages, and how much is sent when it is over.

    `counted` are the tokens of its last prompt and of the reply; 0 where nobody counted them. They compare with those
    of a turn that had the same `cut`.
    """

    number: int
    start: int
    counted: int = 0
    cut: int = 0


class Rendering:
    """What is sent of a log: `messages`, and the `turns` they are of, the oldest first."""

    def __init__(self, log: Iterable[ChatMessage] = ()) -> None:
        self.messages: list[ChatMessage] = []
        self.turns: list[SentTurn] = []
        self.summary: ChatMessage | None = None  # the first of `messages`, where it stands for others
        self._number = 0  # of the newest turn
        self._cuts = 0
        self._tokens = self._measured = 0  # tokens of so many messages
        self.extend(log)

    @property
    def next_number(self) -> int:
        """The number of a turn that is begun now."""
        return self._number + 1

    @property
    def tokens(self) -> int:
        """About how many tokens the next prompt has: as counted by the last reply, and an estimate of what is newer."""
        self._tokens += sum(map(tokens_of, self.messages[self._measured :]))
        self._measured = len(self.messages)
        return self._tokens

    def sizes(self) -> list[int]:
        """About how many tokens each turn has: from the counts of one turn to the next, else estimated."""
        return self._sizes(len(self.turns))

    def _sizes(self, count: int) -> list[int]:
        ends = [*(turn.start for turn in self.turns[1 : count + 1]), len(self.messages)]
        befores = [None, *self.turns]
        return [self._size(*each) for each in zip(befores, self.turns[:count], ends, strict=False)]

    def _size(self, before: SentTurn | None, turn: SentTurn, end: int) -> int:
        if before is not None and before.counted and turn.counted and before.cut == turn.cut:
            return max(0, turn.counted - before.counted)
        return sum(map(tokens_of, self.messages[turn.start : end]))

    def extend(self, entries: Iterable[ChatMessage]) -> None:
        """Take up what was appended to the log."""
        for entry in entries:
            kind = entry.kind
            if kind == "summary":
                self._cut(entry)
            elif entry.is_sent:
                self._add(entry, kind)

    def _add(self, entry: ChatMessage, kind: EntryKind) -> None:
        if kind == "user":
            self._number = max(self.next_number, entry.meta.get("turn", 0))
            self.turns.append(SentTurn(self._number, len(self.messages)))
        self.messages.append(entry)
        if kind == "model" and (counted := _counted(entry)):
            self._tokens, self._measured = counted, len(self.messages)
            if self.turns:
                self.turns[-1].counted, self.turns[-1].cut = counted, self._cuts

    def _cut(self, entry: ChatMessage) -> None:
        """Leave out the turns that the entry says, but never the newest one."""
        before = entry.meta.get("before", 0)
        count = len(list(takewhile(lambda turn: turn.number < before, self.turns[:-1])))
        gone = sum(self._sizes(count)) + (0 if self.summary is None else tokens_of(self.summary))
        tokens = max(0, self.tokens - gone)
        first = self.turns[count].start if count else int(self.summary is not None)
        self.summary = entry if entry.is_sent else None
        top = [] if self.summary is None else [self.summary]
        self.messages = [*top, *self.messages[first:]]
        self.turns = self.turns[count:]
        for turn in self.turns:
            turn.start += len(top) - first
        self._cuts += 1
        self._tokens, self._measured = tokens + sum(map(tokens_of, top)), len(self.messages)


def history(log: Iterable[ChatMessage]) -> list[ChatMessage]:
    """The log rendered: the messages Gemini sees, in order."""
    return Rendering(log).messages


def said(log: Iterable[ChatMessage]) -> list[ChatMessage]:
    """All messages of a log, also those that are not sent any more."""
    return [entry for entry in log if entry.is_sent and entry.kind != "summary"]


def counts_of(usage: Usage) -> Meta:
    """What a reply's entry keeps of its usage."""
    meta: Meta = {"usage": usage.to_json()}
    if usage.context_tokens != usage.prompt_tokens + usage.output_tokens:
        meta["context"] = usage.context_tokens
    return meta


def _counted(reply: ChatMessage) -> int:
    """The tokens of a reply and of what it answers, as the service counted them; 0 where it did not."""
    if context := reply.meta.get("context"):
        return context
    usage = reply.meta.get("usage") or {}
    return usage.get("prompt_tokens", 0) + usage.get("output_tokens", 0)
