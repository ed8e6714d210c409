"""One turn: the loop between a model, its tools and the chat, told as events.

user's message stored -> TurnStarted
repeat: ask the model -> TextDelta ...; its content stored before any of its calls starts
        run its calls -> ToolCalled, ToolReturned ...; their results stored as one message
until there is no call, an executor says stop, or a limit -> TurnEnded, after the last message is stored
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from runner.answers.parts import event_of
from runner.answers.sources import sources_in
from runner.attachments.sending import sent
from runner.chats import request_for
from runner.entries import TurnEntries
from runner.errors import AgentRunError, ChatStorageError, GeminiAPIError, ModelChoiceError
from runner.events import TurnEnded, TurnStarted, UsageReported
from runner.fitting import Fitting
from runner.messages import ChatMessage
from runner.plan import Reply
from runner.requests import CacheUse, Finish, Usage
from runner.spending import Spending, unpriced
from runner.uninterrupted import uninterrupted
from runner.waiting import BoundedWait, TurnOver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from runner.chats import OpenChat
    from runner.events import Event
    from runner.executors.batch import Batch
    from runner.executors.bound import BatchSettings
    from runner.messages import Part, TurnReason
    from runner.plan import Plan
    from runner.requests import GenerateContentRequest

logger = logging.getLogger("agent_run")


class Turn:
    """Runs one turn in an open chat; `run()` may be iterated once."""

    def __init__(self, chat: OpenChat, chat_id: str, plan: Plan) -> None:
        self._chat, self._chat_id, self._plan = chat, chat_id, plan
        self._number = chat.next_turn
        self._entries = TurnEntries(chat, plan, self._number)
        self._fitting = Fitting(chat, plan, self._entries)
        self._tool_calls = 0
        self._spending = Spending()
        self._cache: CacheUse | None = None
        self._answer = ""  # the text of the last reply that was stored
        self._reply = Reply()  # what arrived and is not stored yet
        self._batch: Batch | None = None  # the calls of this step; whether they are stored is for the log to say
        self._wait = BoundedWait(plan.limits.turn_timeout)  # for a model or an executor
        self._is_over = False

    def interrupt(self) -> None:
        """End the turn as soon as possible, as `interrupted`: what runs is cancelled, every call gets its result."""
        self._wait.interrupt()

    async def run(self, query: str, files: Sequence[str | Path | Part] = ()) -> AsyncGenerator[Event, None]:
        """The turn's events, TurnEnded last, when all is stored. Closing the iterator interrupts the turn."""
        self._refuse_foreign_chat()
        self._refuse_unpriced()
        self._wait.begin()
        try:
            first = self._plan.first_files() if self._number == 1 else ()
            if files or first:
                async with aclosing(self._store_with_files(query, files, first)) as told:
                    async for notice in told:
                        yield notice
            else:
                await self._chat.append(*self._fitting.opened(ChatMessage.user(query, meta=self._entries.meta("user"))))
            yield TurnStarted(self._chat_id, self._number, self._plan.model_name)
            for notice in self._fitting.notices:
                yield notice
            self._plan.executor.begin_turn()
            try:
                async with aclosing(self._steps()) as told:
                    async for event in told:
                        yield event
            finally:
                self._plan.executor.end_turn()
        except (TurnOver, AgentRunError) as over:
            untold = self._batch.untold() if self._batch is not None and self._chat.awaits_results else []
            ended = await self._closed_by(over)
            for event in (*untold, ended):
                yield event
        except BaseException as error:
            gone = isinstance(error, asyncio.CancelledError | GeneratorExit)
            if not self._is_over:
                await uninterrupted(self._abandon(TurnOver.interrupted() if gone else TurnOver.failed(error)))
            raise
        finally:
            self._wait.end()

    async def _store_with_files(
        self, query: str, files: Sequence[str | Path | Part], first: Sequence[str | Path | Part]
    ) -> AsyncGenerator[Event, None]:
        """Store the user's message; large files are uploaded before, so that it can be sent as it is stored."""
        async with aclosing(sent(query, files, self._entries.meta("user"), self._plan.model, first)) as told:
            while (item := await self._wait.next(told)) is not None:
                if isinstance(item, ChatMessage):
                    await self._chat.append(*self._fitting.opened(item))
                else:
                    yield item

    def _refuse_foreign_chat(self) -> None:
        if self._plan.model.family == "offline" and self._chat.family not in {None, "offline"}:
            raise ModelChoiceError(
                f'the chat "{self._chat_id}" was held with another model and the offline model does not continue it: '
                "set GEMINI_API_KEY, or begin a new chat"
            )

    def _refuse_unpriced(self) -> None:
        model = self._plan.model
        if self._plan.limits.max_cost is None or model.family == "scripted":
            return
        if problem := unpriced(self._plan.model_name, self._chat.time):
            raise ModelChoiceError(problem)

    async def _steps(self) -> AsyncGenerator[Event, None]:
        ended: TurnEnded | None = None
        if self._plan.history.policy.summarize:
            async with aclosing(self._fitting.summarized(self._wait, self._spending)) as told:
                async for event in told:
                    yield event
        while ended is None:
            self._entries.step += 1
            try:
                async with aclosing(self._ask()) as told:
                    async for event in told:
                        yield event
            except GeminiAPIError as error:
                yield await self._fitting.shortened(error, is_shown=bool(self._reply.parts))
                self._entries.step -= 1
                continue
            reply = self._reply
            if (notice := self._fitting.measured(reply.usage)) is not None:
                yield notice
            model = reply.answering(self._plan.model_name)
            yield UsageReported(self._entries.step, reply.usage, reply.cache_use, reply.cost, model)
            ended = await self._store_reply()
            if self._batch is not None:
                async with aclosing(self._batch.run(self._plan.executor)) as told:
                    while (done := await self._wait.next(told)) is not None:
                        yield done
                ended = await self._store_results(self._batch)
        yield ended

    # one model call

    def _request(self) -> GenerateContentRequest:
        return request_for(
            self._plan.model_name,
            tuple(self._chat.messages),
            system_instruction=self._plan.system_instruction,
            toolbox=self._plan.toolbox,
            tool_mode=self._plan.tool_mode,
            step=self._entries.step,
            generation_config=self._plan.generation_config,
            settings=self._plan.settings,
            has_files=self._chat.has_files,
        )

    async def _ask(self) -> AsyncGenerator[Event, None]:
        reply = self._reply = Reply()
        step, asked = self._entries.step, self._plan.model_name
        logger.debug("chat %a, step %d.%d: asking %s", self._chat_id, self._number, step, asked)
        try:
            async with aclosing(self._plan.model.generate(self._request())) as stream:
                while (item := await self._wait.next(stream)) is not None:
                    if isinstance(item, dict):
                        reply.parts.append(item)
                        if event := event_of(item):
                            yield event
                    elif isinstance(item, Usage):
                        reply.usage = item
                    elif isinstance(item, CacheUse):
                        reply.cache = item
                    elif isinstance(item, Finish):
                        reply.finish = item
                    else:
                        yield item
        finally:
            reply.cost = self._spending.add(reply.answering(asked), reply.usage, self._chat.time)
            if (used := reply.cache_use) is not None:
                self._cache = used if self._cache is None else self._cache + used

    async def _store_reply(self) -> TurnEnded | None:
        """Store the model's content, its calls not started; the end of the turn if it is the answer."""
        parts, finish = self._reply.whole(self._plan.model_name)
        message = self._entries.reply(parts, finish, self._reply.usage)
        meta, calls = message.meta, message.calls
        if not calls:
            meta["status"] = "answered"
            await self._store(message, is_last=True)
            return self._ended("answered", value=finish.value)
        from runner.executors.batch import Batch  # most answers need no tool

        batch = self._batch = Batch(calls, self._plan.toolbox, self._batch_settings())
        meta["effects"] = batch.effects
        limit = self._limit_on(len(calls))
        if limit is None and batch.once_calls and self._plan.executor.starts_together:
            await self._store(message, self._entries.started(batch.once_calls))
        else:
            await self._store(message)
        if limit is not None:
            raise limit
        return None

    async def _store(self, message: ChatMessage, *others: ChatMessage, is_last: bool = False) -> None:
        self._reply = Reply()  # from here on it is the message, even if this is cancelled
        await self._chat.append(message, *others, is_last=is_last)
        self._answer = message.text or self._answer

    def _limit_on(self, calls: int) -> TurnOver | None:
        limits = self._plan.limits
        self._tool_calls += calls
        if self._tool_calls > limits.max_tool_calls:
            return TurnOver("limit", "max_tool_calls", f"more than {limits.max_tool_calls} tool calls in one turn")
        if self._entries.step >= limits.max_iterations:
            return TurnOver("limit", "max_iterations", f"no answer in {limits.max_iterations} steps")
        spent = self._spending.limit(limits.max_cost, limits.max_tokens)
        return None if spent is None else TurnOver("limit", *spent)

    # its calls

    def _batch_settings(self) -> BatchSettings:
        from runner.executors.bound import BatchSettings

        plan = self._plan
        return BatchSettings(
            chat_id=self._chat_id,
            turn=self._number,
            step=self._entries.step,
            tool_timeout=plan.limits.tool_timeout,
            max_output_chars=plan.limits.max_output_chars,
            deps=plan.deps,
            before_start=self._chat.check,
            record_started=None if plan.executor.starts_together else self._record_started,
        )

    async def _record_started(self, index: int) -> None:
        await self._chat.append(self._entries.started([index]))

    async def _store_results(self, batch: Batch) -> TurnEnded | None:
        if batch.error is not None:
            raise batch.error
        answers = self._entries.answers(batch, None if batch.should_proceed else "stopped")
        await self._chat.append(answers, is_last=not batch.should_proceed)
        self._batch = None
        return None if batch.should_proceed else self._ended("stopped", message="the executor ended the turn")

    # the end

    async def _closed_by(self, over: TurnOver | AgentRunError) -> TurnEnded:
        """Store how the turn ended, and tell it. What a failed storage cannot store, the next opening closes."""
        if isinstance(over, TurnOver):
            status, code, error = over.status, over.code, None
        else:
            status, code, error = "failed", over.reason, over
        if not isinstance(over, ChatStorageError):
            try:
                await self._close(status, code, str(over))
            except ChatStorageError as problem:
                status, code, error, over = "failed", problem.reason, problem, problem
        return self._ended(status, code=code, message=str(over), error=error)

    async def _close(self, status: TurnReason, code: str, message: str) -> None:
        """Answer what is unanswered and mark the turn; the text that was shown is kept for display only.

        What there is to do is read off the log: a cancellation can come between a write and the line after it.
        """
        if not self._chat.is_in_turn:
            return
        ending = self._entries.ending(status, code, message, self._reply)
        if self._batch is not None and self._chat.awaits_results:
            await self._chat.append(self._entries.answers(self._batch), ending, is_last=True)
        else:
            await self._chat.append(ending, is_last=True)

    async def _abandon(self, over: TurnOver) -> None:
        try:
            await self._close(over.status, over.code, str(over))
        except AgentRunError as problem:
            level = logging.INFO if over.code == problem.reason else logging.WARNING  # the same is told of the turn
            logger.log(level, "a turn could not be closed (%s); the next opening of the chat closes it", problem)

    def _ended(
        self,
        reason: TurnReason,
        *,
        code: str | None = None,
        message: str | None = None,
        error: AgentRunError | None = None,
        value: object = None,
    ) -> TurnEnded:
        self._is_over = True
        logger.debug("chat %a, turn %d: ended, %s (%s)", self._chat_id, self._number, reason, code or "no code")
        retryable = error.retryable if error is not None else None
        spent, sources = self._spending, sources_in(self._chat.log, self._number)
        told = reason, self._answer, spent.usage, code, message, retryable, error, self._cache
        return TurnEnded(*told, spent.cost, value, sources, self._fitting.size)
