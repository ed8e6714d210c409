"""`Fitting`: what one turn sends of its chat fits the model, as the agent's history says."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from runner.errors import GeminiClientError, PromptTooLongError
from runner.events import Notice, UsageReported
from runner.history import (
    CONTEXT,
    HISTORY,
    is_too_long,
    surplus_tokens,
    surplus_turns,
    turns_to_summarize,
    turns_too_many,
)
from runner.messages import ChatMessage, Meta
from runner.rendering import counts_of
from runner.requests import ContextSize, Usage
from runner.tokens import tokens_of
from runner.waiting import TurnOver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from runner.chats import OpenChat
    from runner.entries import TurnEntries
    from runner.errors import GeminiAPIError
    from runner.events import Event
    from runner.messages import Content
    from runner.plan import Plan
    from runner.spending import Spending
    from runner.summaries import Summary
    from runner.waiting import BoundedWait

_WINDOWLESS = {"offline", "scripted"}  # families of models to which no prompt is too long


class Fitting:
    """Cuts the history of an open chat where the plan says so, and measures what is sent.

    A cut is an entry of the log, so it is made once and every process sends the same.
    """

    def __init__(self, chat: OpenChat, plan: Plan, entries: TurnEntries) -> None:
        self._chat, self._plan, self._entries = chat, plan, entries
        self._policy = plan.history.policy
        self._window = plan.history.window(plan.model_name)
        self._before = 0 if self._window is None else chat.rendering.tokens
        self._is_shortened = False
        self.notices: list[Notice] = []
        """What to tell of what was `opened`."""
        self.size: ContextSize | None = None
        """What the last reply of this turn counted."""

    def opened(self, message: ChatMessage) -> Sequence[ChatMessage]:
        """What to store when the turn begins: the user's `message`, and where it is time a cut."""
        if not self._policy.cuts:
            return (message,)
        if self._plan.model.family not in _WINDOWLESS and (
            unknown := self._plan.history.unknown_window(self._plan.model_name)
        ):
            self.notices.append(unknown)
        count = self._surplus(message)
        if not count:
            return (message,)
        self.notices.append(_told(f"history: {self._policy}", count))
        return message, self._cut(count)

    def _surplus(self, message: ChatMessage) -> int:
        """How many of the oldest turns are left out from now on, with nothing in their place."""
        rendering, policy = self._chat.rendering, self._policy
        if policy.turns is not None:
            return surplus_turns(len(rendering.turns) + 1, policy.turns)
        if policy.share is None or self._window is None:
            return 0
        tokens = rendering.tokens + tokens_of(message)
        most = policy.share * self._window
        return surplus_tokens(rendering.sizes(), tokens, most) if tokens > most else 0

    # summaries

    async def summarized(self, wait: BoundedWait, spending: Spending) -> AsyncGenerator[Event, None]:
        """Where it is time, summarise the older turns; what is told meanwhile. Raises TurnOver."""
        count = self._older()
        if not count:
            return
        yield Notice(HISTORY, f"history: summarising {_turns(count)}")
        from runner.summaries import Summary

        summary = Summary(self._plan, self._older_messages(count), has_files=self._chat.has_files)
        content: Content | GeminiClientError
        try:
            async with aclosing(summary.events(wait)) as told:
                async for event in told:
                    yield event
            content = summary.content()
        except GeminiClientError as error:
            content = error
        finally:
            usage = summary.reply.usage
            cost = spending.add(summary.answering, usage, self._chat.time)
        if usage != Usage():
            yield UsageReported(0, usage, None, cost, summary.answering)
        if isinstance(content, GeminiClientError):
            yield await self._unsummarized(content, summary)
        else:
            await self._chat.append(self._cut(count, content, summary))
        if over := spending.limit(self._plan.limits.max_cost, self._plan.limits.max_tokens):
            raise TurnOver("limit", *over)

    def _older(self) -> int:
        """How many of the oldest turns are to be summarised now; the one that begins is none of them."""
        rendering = self._chat.rendering
        if not self._policy.summarize or self._window is None or len(rendering.turns) < 2:
            return 0
        most = self._policy.warn_at * self._window
        tokens = rendering.tokens
        return turns_to_summarize(rendering.sizes()[:-1], tokens, most) if tokens > most else 0

    def _older_messages(self, count: int) -> Sequence[ChatMessage]:
        rendering = self._chat.rendering
        return rendering.messages[: rendering.turns[count].start]

    async def _unsummarized(self, error: GeminiClientError, summary: Summary) -> Notice:
        """Go on without the summary: with all of the history, or if that does not fit with less of it."""
        rendering, window = self._chat.rendering, self._window or 0
        words = f"history: the summary failed ({error})"
        if rendering.tokens <= window:
            return Notice(HISTORY, f"{words}; all is sent this time")
        count = surplus_tokens(rendering.sizes()[:-1], rendering.tokens, window)
        await self._chat.append(self._cut(count, None, summary))
        return _told(words, count)

    # a prompt that was refused

    async def shortened(self, error: GeminiAPIError, *, is_shown: bool) -> Notice:
        """Leave out turns after the service has refused a prompt as too long, once; it may then be sent again.

        Raises `error` where it is about something else, and PromptTooLongError where nothing more can go.
        """
        if not is_too_long(error):
            raise error
        sizes = self._chat.rendering.sizes()[:-1]
        if not self._policy.cuts or not sizes or self._is_shortened or is_shown:
            raise self._too_long(error, is_alone=not sizes) from error
        self._is_shortened = True
        count = turns_too_many(sizes, self._chat.rendering.tokens, error)
        await self._chat.append(self._cut(count))
        return _told(f"history: the prompt was too long for {self._plan.model_name}", count)

    def _too_long(self, error: GeminiAPIError, *, is_alone: bool) -> PromptTooLongError:
        model = self._plan.model_name
        if is_alone:
            advice = "this turn alone is longer than that: send less at once, or begin with shorter files"
        elif self._policy.cuts:
            advice = "the earlier turns that were left out were not enough: send less at once, or begin a new chat"
        else:
            advice = "begin a new chat, or give the manifest a `history:` such as 60%, which leaves old turns out"
        return PromptTooLongError(error, f"the chat is too long for {model}: {error.message.rstrip('.')} ({advice})")

    # what is stored and told

    def _cut(self, count: int, content: Content | None = None, summary: Summary | None = None) -> ChatMessage:
        """The entry that leaves out the oldest `count` turns; an earlier summary stays where there is no new one."""
        rendering = self._chat.rendering
        numbers = [*(turn.number for turn in rendering.turns), rendering.next_number]
        meta: Meta = {**self._entries.meta("summary"), "before": numbers[count]}
        if summary is not None and summary.reply.usage != Usage():
            meta["model"], meta["model_version"] = self._plan.model_name, summary.answering
            meta |= counts_of(summary.reply.usage)
        if content is None and rendering.summary is not None:
            content = rendering.summary.content
        return ChatMessage(content, meta)

    def measured(self, usage: Usage) -> Notice | None:
        """Take up what a reply has counted; what to tell when the chat has grown past its mark with it."""
        tokens = usage.context_tokens
        if not tokens:
            return None
        self.size = ContextSize(tokens, self._window)
        before, self._before = self._before, tokens
        if self._window is None or not before <= self._policy.warn_at * self._window < tokens:
            return None
        share = f"{tokens / self._window:.0%} of the {self._window:,} that {self._plan.model_name} takes"
        return Notice(CONTEXT, f"this chat has {tokens:,} tokens, {share}; {self._advice()}")

    def _advice(self) -> str:
        if self._policy.summarize:
            return "the next turn summarises the older ones"
        if self._policy.share is not None and self._policy.share <= self._policy.warn_at:
            return "the next turn leaves out the oldest ones"
        return "begin a new chat, or let `history:` in the manifest leave out " + (
            "more turns" if self._policy.cuts else "old turns"
        )


def _told(why: str, count: int) -> Notice:
    verb = "is" if count == 1 else "are"
    return Notice(HISTORY, f"{why}; {_turns(count)} {verb} left out of what is sent from now on")


def _turns(count: int) -> str:
    return "1 turn" if count == 1 else f"{count} turns"
