"""What a policy lets go: whole turns, in blocks, once for all processes; and what is sent is accepted."""

from __future__ import annotations

import cProfile
import pstats
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import ChatManager, GeminiAPIError, GeminiClient, HistoryPolicy, LocalChatStorage, ScriptedModel, tool
from runner.history import is_too_long, surplus_tokens, surplus_turns, turns_to_summarize, turns_too_many
from runner.models.scripted import call, calls, error, say
from runner.rendering import history, said
from runner.requests import Usage
from tests.answers.asking import turn
from tests.invariants import assert_sound
from tests.servers import history_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.messages import ChatMessage
    from runner.requests import GenerateContentRequest


@tool(effects="once")
def send(text: str) -> str:
    """Send a text."""
    return text


class Counted(ScriptedModel):
    """A scripted model whose prompts are counted: ten tokens a message. Its summaries are not in the script."""

    def _next(self, request: GenerateContentRequest) -> Any:
        reply = say("a summary") if "keep the notes" in str(request.system_instruction) else super()._next(request)
        if reply.failure is not None:
            return reply
        tokens = 10 * len(request.messages)
        return type(reply)(reply.parts, Usage(prompt_tokens=tokens, output_tokens=10, total_tokens=tokens + 10))


def client_of(model: ScriptedModel, policy: HistoryPolicy | None, storage: LocalChatStorage) -> GeminiClient:
    return GeminiClient(model=model, history=policy, chat_manager=ChatManager(storage), num_gemini_call_retries=0)


async def log_of(storage: LocalChatStorage) -> Sequence[ChatMessage]:
    return await storage.read_after("c", 0)


async def test_at_201_turns_the_oldest_50_go_and_nothing_moves_until_the_next_50() -> None:
    storage, model = LocalChatStorage(), ScriptedModel.repeating(say("yes"))
    client = client_of(model, HistoryPolicy(turns=200), storage)
    told = [(await turn(client, f"q{number}", chat_id="c")).of("notice") for number in range(1, 302)]
    assert [number for number, notices in enumerate(told, 1) if notices] == [201, 251, 301]
    assert told[200][0].message == "history: 200 turns; 50 turns are left out of what is sent from now on"
    assert told[200][0].code == "history"
    first = [(request.messages[0].text, len(request.messages)) for request in model.requests]
    assert first[199] == ("q1", 399)
    assert first[200] == ("q51", 301)
    assert first[249] == ("q51", 399)
    assert first[250] == ("q101", 301)
    log = await log_of(storage)
    assert_sound(log)
    assert len(said(log)) == 602
    assert len(await client.chat_manager.get_history("c")) == 602


turns = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["answer", "fail", "limit"]), st.integers(0, 60)), max_size=14
)
policies = st.one_of(
    st.builds(HistoryPolicy, turns=st.integers(1, 6)),
    st.builds(HistoryPolicy, share=st.floats(0.2, 1), window=st.integers(50, 300)),
    st.builds(HistoryPolicy, summarize=st.just(True), warn_at=st.floats(0.2, 1), window=st.integers(50, 300)),
    st.just(HistoryPolicy()),
)


@settings(max_examples=40, deadline=None)
@given(policies, turns)
async def test_whatever_is_let_go_gemini_accepts_the_rest(policy: HistoryPolicy, turns: list[Any]) -> None:
    """With calls, failed turns and limits: each request is valid, the log keeps all, every process sends the same."""
    storage, spoken = LocalChatStorage(), 0
    for number, (steps, end, length) in enumerate(turns):
        replies = [calls(call("send", {"text": "a"}), call("send", {"text": "b"}))] * steps
        last = {"answer": say("yes"), "fail": error(500), "limit": call("send", {"text": "c"})}[end]
        model = Counted(*replies, last)
        client = client_of(model, policy, storage)
        told = await turn(client, f"{number} " + "x" * length, chat_id="c", tools=[send], max_iterations=steps + 1)
        assert told.ended.reason == {"answer": "answered", "fail": "failed", "limit": "limit"}[end]
        log = await log_of(storage)
        assert_sound(log)
        for request in model.requests:
            assert history_fault({"contents": request.contents}) is None
        spoken += 1 + 2 * steps + (1 if end == "answer" else 2 if end == "limit" else 0)
        assert len(said(log)) == spoken
        if end == "answer":
            assert [*model.requests[-1].messages, log[-1]] == history(log)


@given(st.integers(1, 300), st.integers(1, 900))
def test_turns_go_in_blocks_and_never_more_are_sent_than_are_kept(keep: int, count: int) -> None:
    sent, cuts = 0, []
    for number in range(count):
        sent += 1
        gone = surplus_turns(sent, keep)
        sent -= gone
        assert 1 <= sent <= keep
        if gone:
            cuts.append((number, gone))
    block = max(1, keep // 4)
    assert all(gone == block for _, gone in cuts)
    assert all(later - former == block for (former, _), (later, _) in pairwise(cuts))


@given(st.lists(st.integers(0, 1000), max_size=50), st.floats(0.1, 1), st.integers(100, 20_000))
def test_of_the_window_three_quarters_of_the_share_remain_unless_no_turn_is_left(
    sizes: list[int], share: float, window: int
) -> None:
    tokens, most = sum(sizes) + 50, share * window
    gone = surplus_tokens(sizes, tokens, most)
    rest = tokens - sum(sizes[:gone])
    assert rest <= 0.75 * most or gone == len(sizes)
    assert gone == 0 or tokens - sum(sizes[: gone - 1]) > 0.75 * most
    assert turns_to_summarize(sizes, tokens, most) >= gone


def test_a_share_moves_what_is_sent_rarely() -> None:
    """What is sent begins alike for many turns, so an implicit cache holds it."""
    sizes: list[int] = []
    sent = []
    for number in range(400):
        sizes.append(100)
        if sum(sizes) > 6000:
            del sizes[: surplus_tokens(sizes[:-1], sum(sizes), 6000)]
        sent.append(number + 1 - len(sizes))
    blocks = [len(list(block)) for _, block in groupby(sent)]
    assert min(blocks[1:-1]) >= 15


async def test_the_wrong_policies_are_refused() -> None:
    for wrong in ({"turns": 0}, {"share": 0.0}, {"share": 1.5}, {"warn_at": 0}, {"window": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            HistoryPolicy(**wrong)
    with pytest.raises(ValueError, match="exclude one another"):
        HistoryPolicy(turns=1, summarize=True)
    assert [str(each) for each in (HistoryPolicy(turns=1), HistoryPolicy(share=0.6), HistoryPolicy())] == [
        "1 turn",
        "60% of the window",
        "all",
    ]


@pytest.mark.parametrize(
    ("message", "gone"),
    [
        ("The input token count (2000) exceeds the maximum number of tokens allowed (1000).", 7),
        ("The input token count exceeds the maximum number of tokens allowed 1000.", 5),
        ("Unable to submit request because the input token count is 2000 but model only supports up to 1000.", 7),
    ],
)
def test_the_refusal_of_a_long_prompt_is_known_and_says_how_much_goes(message: str, gone: int) -> None:
    refused = GeminiAPIError(400, "INVALID_ARGUMENT", message)
    assert is_too_long(refused)
    assert turns_too_many([100] * 10, 1000, refused) == gone
    assert not is_too_long(GeminiAPIError(400, "INVALID_ARGUMENT", "Request contains an invalid argument."))
    assert not is_too_long(GeminiAPIError(429, "RESOURCE_EXHAUSTED", message))


async def test_a_policy_that_needs_a_window_nobody_knows_says_so_once() -> None:
    model = ScriptedModel.repeating(say("yes"))
    model.family = "own"
    client = client_of(model, HistoryPolicy(share=0.6), LocalChatStorage())
    told = [(await turn(client, chat_id=chat)).of("notice") for chat in ("a", "a", "b")]
    assert [[notice.message for notice in notices] for notices in told] == [
        ["history: 60% of the window is not kept to, the window of scripted is not known; give history.window"],
        [],
        [],
    ]


async def test_turn_400_costs_no_more_than_turn_40_where_old_turns_go() -> None:
    """Counted in calls of functions, which no busy machine changes; both turns send about as much."""
    model = ScriptedModel.repeating(say("yes"))
    client = client_of(model, HistoryPolicy(turns=20), LocalChatStorage())
    costs = {40: 0, 400: 0}  # of five turns each: one of them cuts
    for number in range(1, 401):
        counted = next((last for last in costs if last - 5 < number <= last), None)
        profile = cProfile.Profile(builtins=True)
        if counted is not None:
            profile.enable()
        await turn(client, f"q{number}", chat_id="c")
        profile.disable()
        if counted is not None:
            costs[counted] += pstats.Stats(profile).total_calls  # type: ignore[attr-defined]  # not in its stub
    assert costs[400] <= 1.05 * costs[40]
