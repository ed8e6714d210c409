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
from runner.answers.sources import grounds_of, sources_in
from runner.chats import request_for
from runner.errors import AgentRunError, ChatStorageError, GeminiClientError, ModelChoiceError
from runner.events import TurnEnded, TurnStarted, UsageReported
from runner.executors.batch import Batch
from runner.executors.bound import BatchSettings
from runner.messages import ChatMessage, Meta, responses_to
from runner.models.finish import joined, refusal
from runner.plan import Reply
from runner.recovery import closed
from runner.requests import CacheUse, Finish, Usage
from runner.spending import Spending, unpriced
from runner.uninterrupted import uninterrupted
from runner.waiting import BoundedWait, TurnOver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from runner.chats import OpenChat
    from runner.events import Event
    from runner.messages import EntryKind, Part, TurnReason
    from runner.plan import Plan
    from runner.requests import GenerateContentRequest

logger = logging.getLogger("agent_run")


class Turn:
    """Runs one turn in an open chat; `run()` may be iterated once."""

    def __init__(self, chat: OpenChat, chat_id: str, plan: Plan) -> None:
        self._chat, self._chat_id, self._plan = chat, chat_id, plan
        self._number = chat.next_turn
        self._step = 0
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

    async def run(self, query: str, files: Sequence[Part] = ()) -> AsyncGenerator[Event, None]:
        """The turn's events, TurnEnded last, when all is stored. Closing the iterator interrupts the turn."""
        self._refuse_foreign_chat()
        self._refuse_unpriced()
        self._wait.begin()
        try:
            await self._chat.append(ChatMessage.user(query, files=files, meta=self._meta("user")))
            yield TurnStarted(self._chat_id, self._number, self._plan.model_name)
            with self._plan.executor.turn():
                async with aclosing(self._steps()) as told:
                    async for event in told:
                        yield event
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
        while ended is None:
            self._step += 1
            async with aclosing(self._ask()) as told:
                async for event in told:
                    yield event
            reply = self._reply
            yield UsageReported(self._step, reply.usage, reply.cache_use, reply.cost, self._answering(reply))
            ended = await self._store_reply()
            if self._batch is not None:
                async with aclosing(self._run_calls(self._batch)) as told:
                    async for event in told:
                        yield event
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
            step=self._step,
            generation_config=self._plan.generation_config,
            settings=self._plan.settings,
        )

    async def _ask(self) -> AsyncGenerator[Event, None]:
        reply = self._reply = Reply()
        logger.debug("chat %a, step %d.%d: asking %s", self._chat_id, self._number, self._step, self._plan.model_name)
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
            reply.cost = self._spending.add(self._answering(reply), reply.usage, self._chat.time)
            if (used := reply.cache_use) is not None:
                self._cache = used if self._cache is None else self._cache + used

    def _answering(self, reply: Reply) -> str:
        """The model that answered, as far as it says so; else the one that was asked."""
        return (reply.finish and reply.finish.model_version) or self._plan.model_name

    async def _store_reply(self) -> TurnEnded | None:
        """Store the model's content, its calls not started; the end of the turn if it is the answer."""
        finish, parts = self._reply.finish, joined(self._reply.parts)
        if finish is None:
            raise GeminiClientError(f"the model {self._plan.model_name} ended its reply without a finish")
        if problem := refusal(finish, parts):
            raise problem
        meta = self._reply_meta(finish)
        message = ChatMessage({"role": "model", "parts": parts}, meta)
        calls = message.calls
        if not calls:
            meta["status"] = "answered"
            await self._store(message, is_last=True)
            return self._ended("answered", value=finish.value)
        batch = self._batch = Batch(calls, self._plan.toolbox, self._batch_settings())
        meta["effects"] = batch.effects
        limit = self._limit_on(len(calls))
        if limit is None and batch.once_calls and self._plan.executor.starts_together:
            await self._store(message, self._started(batch.once_calls))
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
        if self._step >= limits.max_iterations:
            return TurnOver("limit", "max_iterations", f"no answer in {limits.max_iterations} steps")
        spent = self._spending.limit(limits.max_cost, limits.max_tokens)
        return None if spent is None else TurnOver("limit", *spent)

    # its calls

    def _batch_settings(self) -> BatchSettings:
        plan = self._plan
        return BatchSettings(
            chat_id=self._chat_id,
            turn=self._number,
            step=self._step,
            tool_timeout=plan.limits.tool_timeout,
            max_output_chars=plan.limits.max_output_chars,
            deps=plan.deps,
            before_start=self._chat.check,
            record_started=None if plan.executor.starts_together else self._record_started,
        )

    def _started(self, indices: list[int]) -> ChatMessage:
        return ChatMessage(None, {**self._meta("started"), "calls": indices})

    async def _record_started(self, index: int) -> None:
        await self._chat.append(self._started([index]))

    async def _run_calls(self, batch: Batch) -> AsyncGenerator[Event, None]:
        async with aclosing(batch.run(self._plan.executor)) as told:
            while (event := await self._wait.next(told)) is not None:
                yield event
        if batch.error is not None:
            raise batch.error

    async def _store_results(self, batch: Batch) -> TurnEnded | None:
        answers = self._answers(batch, None if batch.should_proceed else "stopped")
        await self._chat.append(answers, is_last=not batch.should_proceed)
        self._batch = None
        return None if batch.should_proceed else self._ended("stopped", message="the executor ended the turn")

    def _answers(self, batch: Batch, status: TurnReason | None = None) -> ChatMessage:
        meta: Meta = {**self._meta("responses"), "results": batch.kinds()}
        if status is not None:
            meta["status"] = status
        return ChatMessage(responses_to(batch.calls, batch.results()), meta)

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
        partial = "".join(part.get("text", "") for part in self._reply.parts if not part.get("thought"))
        ending = closed(status, self._chat.now(), turn=self._number, reason=code, message=message, partial=partial)
        if self._reply.usage != Usage():  # of a reply that is not stored
            ending.meta["usage"], ending.meta["model"] = self._reply.usage.to_json(), self._answering(self._reply)
        if self._batch is not None and self._chat.awaits_results:
            await self._chat.append(self._answers(self._batch), ending, is_last=True)
        else:
            await self._chat.append(ending, is_last=True)

    async def _abandon(self, over: TurnOver) -> None:
        try:
            await self._close(over.status, over.code, str(over))
        except AgentRunError as problem:
            logger.warning("a turn could not be closed (%s); the next opening of the chat closes it", problem)

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
        return TurnEnded(
            reason, self._answer, spent.usage, code, message, retryable, error, self._cache, spent.cost, value, sources
        )

    def _meta(self, kind: EntryKind) -> Meta:
        meta: Meta = {"kind": kind, "turn": self._number, "time": self._chat.now()}
        if self._step:
            meta["step"] = self._step
        return meta

    def _reply_meta(self, finish: Finish) -> Meta:
        meta = self._meta("model")
        meta["model"], meta["family"] = self._plan.model_name, self._plan.model.family
        if finish.model_version:
            meta["model_version"] = finish.model_version
        if finish.response_id:
            meta["response_id"] = finish.response_id
        meta["usage"] = self._reply.usage.to_json()
        if grounds := grounds_of(finish):
            meta["grounds"] = grounds
        return meta
