"""The loop, through the public door, with a scripted model."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any, ClassVar

import pytest

from runner import (
    AsyncToolExecutor,
    ChatManager,
    ContextSize,
    GeminiAPIError,
    GeminiClient,
    GeminiResponseError,
    GeminiToolExecutionError,
    Limits,
    LocalChatStorage,
    RateLimitingAsyncExecutor,
    ScriptedModel,
    TextDelta,
    Tool,
    ToolCalled,
    ToolContext,
    ToolExecutor,
    ToolProgress,
    ToolReturned,
    ToolsExecutionResult,
    TurnEnded,
    TurnStarted,
    tool,
)
from runner.models.scripted import call, calls, error, say

ran: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@tool(effects="none")
async def look_up(word: str) -> dict[str, str]:
    """Look a word up."""
    ran.append(word)
    return {"meaning": f"about {word}"}


@tool
async def send_mail(to: str, context: ToolContext) -> str:
    """Send a mail."""
    ran.append(f"{to} {context.idempotency_key}")
    return "sent"


def client_of(*replies: Any, **settings: Any) -> GeminiClient:
    return GeminiClient(model=ScriptedModel(*replies), **settings)


async def events_of(client: GeminiClient, query: str = "hello", **options: Any) -> list[Any]:
    async with aclosing(client.events(query=query, **options)) as events:
        return [event async for event in events]


async def log_of(client: GeminiClient, chat_id: str = "c") -> list[Any]:
    return await client.chat_manager.storage.read_after(chat_id, 0)


async def test_a_turn_without_tools_streams_text_and_ends_answered() -> None:
    async with client_of(say("good morning")) as client:
        events = await events_of(client, chat_id="c")
        assert isinstance(events[0], TurnStarted)
        assert events[-1] == TurnEnded("answered", "good morning", events[-1].usage, context=ContextSize(15))
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "good morning"
        assert [(entry.kind, entry.meta.get("status")) for entry in await log_of(client)] == [
            ("user", None),
            ("model", "answered"),
        ]


async def test_calls_of_one_step_are_answered_in_call_order_as_one_message() -> None:
    replies = calls(call("look_up", {"word": "a"}), call("nope"), call("look_up", {"word": "b"})), say("done")
    async with client_of(*replies) as client:
        events = await events_of(client, chat_id="c", tools=[look_up])
        message = (await log_of(client))[2]
        assert [response["name"] for response in message.responses] == ["look_up", "nope", "look_up"]
        assert [response["response"] for response in message.responses][::2] == [
            {"meaning": "about a"},
            {"meaning": "about b"},
        ]
        assert message.meta["results"] == ["ok", "error", "ok"]
        assert {event.name for event in events if isinstance(event, ToolCalled)} == {"look_up", "nope"}
        assert events[-1].reason == "answered"


async def test_unknown_tools_and_wrong_arguments_never_reach_the_executor() -> None:
    async with client_of(calls(call("nope"), call("look_up", {"wrd": 1})), say("sorry")) as client:
        await events_of(client, chat_id="c", tools=[look_up])
        first, second = (await log_of(client))[2].responses
        assert "there is no tool" in first["response"]["error"]
        assert "word" in second["response"]["error"]
        assert ran == []


async def test_what_may_have_run_is_on_record_before_it_runs() -> None:
    stored: list[list[str]] = []

    @tool
    async def snapshot() -> str:
        """Look at the log."""
        stored.append([entry.kind for entry in await log_of(client)])
        return "ok"

    async with client_of(call("snapshot"), say("done"), call("snapshot"), say("done")) as client:
        await events_of(client, chat_id="c", tools=[snapshot])
        await events_of(client, chat_id="d", tools=[snapshot], tool_executor=RateLimitingAsyncExecutor(1))
        assert stored[0] == ["user", "model", "started"]


async def test_an_executor_that_starts_calls_later_records_each_start_by_itself() -> None:
    replies = calls(call("send_mail", {"to": "a"}), call("send_mail", {"to": "b"})), say("done")
    async with client_of(*replies) as client:
        await events_of(client, chat_id="c", tools=[send_mail], tool_executor=RateLimitingAsyncExecutor(1))
        log = await log_of(client)
        assert [entry.meta["calls"] for entry in log if entry.kind == "started"] == [[0], [1]]
        assert [line.split()[1] for line in ran] == ["c:1:1:0", "c:1:1:1"]


async def test_reaching_the_iteration_limit_is_a_reason_and_answers_the_last_calls() -> None:
    async with GeminiClient(model=ScriptedModel.repeating(call("look_up", {"word": "x"}))) as client:
        events = await events_of(client, chat_id="c", tools=[look_up], max_iterations=2)
        assert (events[-1].reason, events[-1].code) == ("limit", "max_iterations")
        log = await log_of(client)
        assert log[-1].meta["status"] == "limit"
        assert log[-2].meta["results"] == ["not_started"]
        assert ran == ["x"]
        assert [t async for t in client.chat(query="x", chat_id="d", tools=[look_up], max_iterations=1)] == []


async def test_too_many_calls_in_one_turn_are_a_limit_and_none_of_them_starts() -> None:
    many = calls(*(call("look_up", {"word": str(i)}) for i in range(6)))
    async with client_of(many, say("next"), limits=Limits(max_tool_calls=5)) as client:
        events = await events_of(client, chat_id="c", tools=[look_up])
        assert (events[-1].reason, events[-1].code) == ("limit", "max_tool_calls")
        assert ran == []
        assert (await events_of(client, chat_id="c"))[-1].reason == "answered"


async def test_a_turn_that_takes_too_long_ends_as_a_limit_with_every_call_answered() -> None:
    @tool
    async def hang() -> str:
        """Never return."""
        await asyncio.sleep(60)
        return "late"

    async with client_of(call("hang"), limits=Limits(turn_timeout=0.1)) as client:
        events = await events_of(client, chat_id="c", tools=[hang])
        assert (events[-1].reason, events[-1].code) == ("limit", "turn_timeout")
        assert (await log_of(client))[-2].meta["results"] == ["outcome_unknown"]


async def test_an_executor_can_end_the_turn() -> None:
    class OnceThenStop(ToolExecutor[str]):
        async def execute_tools(self, function_calls: Any) -> ToolsExecutionResult:
            results = [await c.tool.execute(c.function_call.args) for c in function_calls]
            return ToolsExecutionResult(should_proceed=False, function_call_results=results)

    async with client_of(call("look_up", {"word": "x"}), say("next")) as client:
        events = await events_of(client, chat_id="c", tools=[look_up], tool_executor=OnceThenStop())
        assert events[-1].reason == "stopped"
        assert (await log_of(client))[-1].meta["status"] == "stopped"
        assert (await events_of(client, chat_id="c"))[-1].reason == "answered"


class Broken(ToolExecutor[str]):
    async def execute_tools(self, function_calls: Any) -> ToolsExecutionResult:
        await function_calls[0].tool.execute(function_calls[0].function_call.args)
        raise RuntimeError("half-way")


class Short(ToolExecutor[str]):
    async def execute_tools(self, function_calls: Any) -> ToolsExecutionResult:
        return ToolsExecutionResult(function_call_results=[])


class Renaming(ToolExecutor[str]):
    async def execute_tools(self, function_calls: Any) -> ToolsExecutionResult:
        return ToolsExecutionResult(function_call_results=[{"by": c.tool.name} for c in function_calls])


@pytest.mark.parametrize(("executor", "kinds"), [(Broken(), ["ok", "not_started"]), (Short(), ["not_started"] * 2)])
async def test_a_broken_executor_loses_nothing_that_ran(executor: Any, kinds: list[str]) -> None:
    replies = calls(call("send_mail", {"to": "a"}), call("send_mail", {"to": "b"})), say("next")
    async with client_of(*replies) as client:
        with pytest.raises(GeminiToolExecutionError):
            _ = [text async for text in client.chat(query="x", chat_id="c", tools=[send_mail], tool_executor=executor)]
        log = await log_of(client)
        assert log[-1].meta["status"] == "failed"
        assert [entry.meta["results"] for entry in log if entry.kind == "responses"] == [kinds]
        assert (await events_of(client, chat_id="c"))[-1].reason == "answered"


async def test_an_executor_may_answer_without_running_the_tool() -> None:
    async with client_of(call("send_mail", {"to": "a"}), say("ok")) as client:
        events = await events_of(client, chat_id="c", tools=[send_mail], tool_executor=Renaming())
        returned = next(event for event in events if isinstance(event, ToolReturned))
        assert (returned.kind, returned.result) == ("ok", {"by": "send_mail"})
        assert ran == []


async def test_a_once_tool_runs_once_however_often_an_executor_executes_it() -> None:
    class Twice(ToolExecutor[str]):
        async def execute_tools(self, function_calls: Any) -> ToolsExecutionResult:
            one = function_calls[0]
            both = await asyncio.gather(*(one.tool.execute(one.function_call.args) for _ in range(2)))
            return ToolsExecutionResult(function_call_results=[both[1]])

    async with client_of(call("send_mail", {"to": "a"}), say("ok")) as client:
        events = await events_of(client, chat_id="c", tools=[send_mail], tool_executor=Twice())
        assert events[-1].reason == "answered"
        assert len(ran) == 1


async def test_a_failed_turn_keeps_the_users_text_marked_and_the_next_turn_goes_on() -> None:
    async with client_of(error(GeminiAPIError(400, "INVALID_ARGUMENT", "bad")), say("fine")) as client:
        events = await events_of(client, chat_id="c")
        assert (events[-1].reason, events[-1].code, events[-1].retryable) == ("failed", "INVALID_ARGUMENT", False)
        assert isinstance(events[-1].error, GeminiAPIError)
        log = await log_of(client)
        assert [entry.kind for entry in log] == ["user", "closed"]
        assert log[-1].meta["status"] == "failed"
        assert (await events_of(client, chat_id="c"))[-1].text == "fine"


async def test_chat_raises_the_error_of_a_failed_turn() -> None:
    async with client_of(error(GeminiAPIError(403, "PERMISSION_DENIED", "no"))) as client:
        with pytest.raises(GeminiAPIError, match="no"):
            _ = [text async for text in client.chat(query="x")]


async def test_interrupting_a_turn_delivers_the_remaining_events() -> None:
    begun = asyncio.Event()

    @tool
    async def slow() -> str:
        """Take long."""
        begun.set()
        await asyncio.sleep(60)
        return "late"

    async with client_of(calls(call("look_up", {"word": "a"}), call("slow")), say("next")) as client:
        events = client.events(query="x", chat_id="c", tools=[look_up, slow])
        got = []
        async with aclosing(events):
            async for event in events:
                got.append(event)
                if isinstance(event, ToolReturned) and event.name == "look_up":
                    await begun.wait()
                    events.interrupt()
        assert got[-1].reason == "interrupted"
        assert {e.name: e.kind for e in got if isinstance(e, ToolReturned)} == {
            "look_up": "ok",
            "slow": "outcome_unknown",
        }
        assert (await events_of(client, chat_id="c"))[-1].reason == "answered"


@pytest.mark.parametrize("how", ["leave", "cancel"])
async def test_leaving_or_cancelling_the_iterator_closes_the_turn(how: str) -> None:
    waiting = asyncio.Event()

    @tool(effects="none")
    async def slow() -> str:
        """Take long."""
        waiting.set()
        await asyncio.sleep(60)
        return "late"

    async with client_of(call("slow"), say("next")) as client:

        async def consume() -> None:
            async with aclosing(client.events(query="x", chat_id="c", tools=[slow])) as events:
                async for event in events:
                    if how == "leave" and isinstance(event, ToolCalled):
                        break

        task = asyncio.create_task(consume())
        if how == "cancel":
            await waiting.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            await task
        log = await log_of(client)
        assert [entry.kind for entry in log] == ["user", "model", "responses", "closed"]
        assert log[-1].meta["status"] == "interrupted"
        assert log[-2].meta["results"] == ["interrupted"]
        assert (await events_of(client, chat_id="c"))[-1].reason == "answered"


async def test_a_reader_that_leaves_after_the_end_does_not_reopen_the_turn() -> None:
    async with client_of(say("good")) as client:
        async with aclosing(client.events(query="x", chat_id="c")) as events:
            async for event in events:
                if isinstance(event, TurnEnded):
                    break
        assert [entry.kind for entry in await log_of(client)] == ["user", "model"]


async def test_tool_mode_any_forces_a_call_on_the_first_step_only() -> None:
    model = ScriptedModel(call("look_up", {"word": "a"}), say("done"))
    async with GeminiClient(model=model) as client:
        await events_of(client, tools=[look_up], tool_mode="any")
        modes = [request.tool_config for request in model.requests]
        assert modes == [{"functionCallingConfig": {"mode": "ANY"}}, None]
        with pytest.raises(ValueError, match="any"):
            client.events(query="x", tool_mode="any")


async def test_progress_reported_by_a_tool_arrives_while_it_runs() -> None:
    seen = asyncio.Event()

    @tool(effects="none")
    async def work(context: ToolContext) -> str:
        """Work."""
        context.progress({"percent": 50})
        await seen.wait()
        return "done"

    async with client_of(call("work"), say("ok")) as client:
        async for event in client.events(query="x", tools=[work]):
            if isinstance(event, ToolProgress):
                assert event.progress == {"percent": 50}
                seen.set()
        assert seen.is_set()


async def test_the_callers_context_reaches_the_tool() -> None:
    found: list[object] = []

    @tool(effects="none")
    def peek(context: ToolContext) -> None:
        """Look at the context."""
        found.append(context.deps)

    async with client_of(call("peek"), say("ok")) as client:
        await events_of(client, tools=[peek], context={"user": 7})
    assert found == [{"user": 7}]


async def test_a_reply_without_a_finish_or_without_content_fails() -> None:
    from runner.models.scripted import finish

    async with client_of(*[finish("SAFETY")] * 1) as client:
        with pytest.raises(GeminiResponseError):
            _ = [text async for text in client.chat(query="x")]


async def test_two_tools_of_one_name_are_refused() -> None:
    class Other(Tool):
        name = "look_up"
        function_definition: ClassVar[Any] = {"name": "look_up", "description": "Another.", "parameters": {}}

    async with client_of(say("x")) as client:
        with pytest.raises(Exception, match="two tools are named"):
            client.events(query="x", tools=[look_up, Other()])


async def test_turns_of_one_chat_wait_for_each_other() -> None:
    storage = LocalChatStorage()
    model = ScriptedModel(say("one"), say("two"), say("three"))
    async with GeminiClient(model=model, chat_manager=ChatManager(storage)) as client:
        await asyncio.gather(*(events_of(client, query=f"q{i}", chat_id="c") for i in range(3)))
        assert [entry.kind for entry in await log_of(client)] == ["user", "model"] * 3


async def test_the_request_is_made_without_changing_anything() -> None:
    manager = ChatManager(instructions="Be brief.")
    request = await manager.generate_content_request(
        chat_id="c", query="hi", model="gemini-3.8-flash", client=None, tools=[look_up], tool_mode="validated"
    )
    assert request.body()["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}]
    assert request.system_instruction == {"parts": [{"text": "Be brief."}]}
    assert [declaration["name"] for declaration in request.declarations] == ["look_up"]
    assert request.tool_config == {"functionCallingConfig": {"mode": "VALIDATED"}}
    assert await manager.get_history("c") == []


async def test_a_custom_executors_stream_is_read_during_and_after_the_turn() -> None:
    class Telling(ToolExecutor[str]):
        async def execute_tools(self, function_calls: Any) -> ToolsExecutionResult:
            results = []
            for one in function_calls:
                await self._emit_event(f"begin {one.tool.name}")
                results.append(await one.tool.execute(one.function_call.args))
            return ToolsExecutionResult(should_proceed=True, function_call_results=results)

    async with client_of(call("look_up", {"word": "a"}), say("ok")) as client:
        executor = Telling()
        stream = executor.get_result_stream()

        async def read() -> list[str]:
            return [event async for event in stream]

        reader = asyncio.create_task(read())
        await events_of(client, tools=[look_up], tool_executor=executor)
        assert await reader == ["begin look_up"]


async def test_default_executor_runs_calls_at_the_same_time() -> None:
    both = asyncio.Barrier(2)

    @tool(effects="none")
    async def meet() -> str:
        """Wait for the other."""
        await both.wait()
        return "met"

    async with client_of(calls(call("meet"), call("meet")), say("ok")) as client:
        assert (await events_of(client, tools=[meet], tool_executor=AsyncToolExecutor()))[-1].reason == "answered"
