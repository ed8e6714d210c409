"""Over the wire: prompts that grow too long are cut, summarised, refused, told; a strict server judges what is sent."""

from __future__ import annotations

import asyncio
import pickle
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from runner import (
    ChatManager,
    ContextSize,
    GeminiClient,
    HistoryPolicy,
    Limits,
    LocalChatStorage,
    PromptTooLongError,
    SqliteChatStorage,
    tool,
)
from runner.rendering import history, said
from tests.answers.asking import turn
from tests.invariants import assert_sound, assert_told_as_stored, nothing_left_behind
from tests.models.asking import gemini
from tests.servers import GeminiServer, RecordedRequest, Reply, calls, error, finish, hang, text, usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from runner.messages import ChatMessage
    from runner.storages.base import ChatStorage

WINDOW = 3000
SUMMARY = "Ann likes tea; order 17 is open."
LONG = "tell me more of it " * 8


@tool
def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is known"


def is_summary(request: RecordedRequest) -> bool:
    return "keep the notes" in request.system


def talking(request: RecordedRequest) -> Reply:
    """Looks a word up in every turn, then says something; sums up when asked to."""
    if is_summary(request):
        return text(SUMMARY)
    return (
        text("It is known. " * 3) if request.step else calls(("look_up", {"word": "tea"}), ("look_up", {"word": "x"}))
    )


class Scene:
    """A server with a window, and clients of it that share a storage."""

    def __init__(self, server: GeminiServer, model: Any, storage: ChatStorage) -> None:
        self.server, self.model, self.storage = server, model, storage

    def client(self, policy: HistoryPolicy | None = None, **options: Any) -> GeminiClient:
        manager = ChatManager(self.storage)
        return GeminiClient(
            model=self.model, history=policy, chat_manager=manager, num_gemini_call_retries=0, **options
        )

    async def log(self) -> list[ChatMessage]:
        return await self.storage.read_after("c", 0)

    async def talk(self, client: GeminiClient, count: int) -> list[Any]:
        """So many turns, each answered and sound."""
        told = []
        for _ in range(count):
            told.append(await turn(client, LONG, chat_id="c", tools=[look_up]))
            assert told[-1].ended.reason == "answered", told[-1].ended
        log = await self.log()
        assert_sound(log)
        assert_told_as_stored(told[-1].events, log)
        return told

    @property
    def sent(self) -> list[Any]:
        """The contents of the last request that was not refused, without a summary's question."""
        return [each.body["contents"] for each in self.server.generations if each.status == 200][-1]


@asynccontextmanager
async def scene_of(
    answer: Callable[[RecordedRequest], Reply] = talking, window: int | None = WINDOW, storage: Any = None
) -> AsyncIterator[Scene]:
    with GeminiServer(answer=answer, window=window) as server:
        async with gemini(server) as model:
            yield Scene(server, model, storage or LocalChatStorage())


def messages(told: Any) -> list[str]:
    return [notice.message for notice in told.of("notice")]


async def test_a_share_of_the_window_is_kept_and_no_prompt_is_refused() -> None:
    async with scene_of() as scene:
        told = await scene.talk(scene.client(HistoryPolicy(share=0.6, window=WINDOW)), 20)
        assert not scene.server.refused
        cuts = [index for index, each in enumerate(told) if messages(each)]
        assert cuts
        assert all(later - former > 1 for former, later in pairwise(cuts)), "cut in blocks"
        assert "60% of the window" in messages(told[cuts[0]])[0]
        log = await scene.log()
        assert len(said(log)) == 20 * 4
        assert scene.sent == [message.content for message in history(log)[:-1]]


async def test_between_cuts_every_prompt_begins_with_the_one_before() -> None:
    """So that the service's implicit cache holds what was sent."""
    async with scene_of(window=None) as scene:
        await scene.talk(scene.client(HistoryPolicy(turns=8)), 20)
        sent = [each.body["contents"] for each in scene.server.generations]
        breaks = [number for number, (before, after) in enumerate(pairwise(sent)) if after[: len(before)] != before]
        assert len(breaks) == 6  # at turns 9, 11, 13, 15, 17, 19
        assert max(len(contents) for contents in sent) <= 8 * 4


async def test_the_older_turns_are_summarised_and_the_summary_is_summarised_again() -> None:
    async with scene_of() as scene:
        client = scene.client(HistoryPolicy(summarize=True, window=WINDOW))
        told = await scene.talk(client, 40)
        assert not scene.server.refused
        asked = [each for each in scene.server.generations if is_summary(each)]
        assert len(asked) >= 3
        assert not any(each.declarations for each in asked)
        assert SUMMARY in asked[1].first_text
        begun = [each for each in told if each.of("usage_reported")[0].step == 0]
        assert len(begun) == len(asked)
        assert all(messages(each)[0].startswith("history: summarising ") for each in begun)
        summed = begun[0].of("usage_reported")
        assert begun[0].ended.usage.prompt_tokens == sum(each.usage.prompt_tokens for each in summed)
        assert summed[0].cost is not None
        assert scene.sent[0]["parts"][0]["text"].endswith(SUMMARY)
        assert scene.sent[0]["parts"][0]["text"].startswith("A summary of the earlier conversation")
        assert not any("keep the notes" in str(content) or "Summarise it" in str(content) for content in scene.sent)
        log = await scene.log()
        summaries = [entry for entry in log if entry.kind == "summary"]
        assert [entry.meta["turn"] for entry in summaries] == [
            index + 1 for index, each in enumerate(told) if each in begun
        ]
        assert all(entry.meta["usage"]["prompt_tokens"] and entry.meta["model"] for entry in summaries)
        assert len(await client.chat_manager.get_history("c")) == 40 * 4


@pytest.mark.parametrize("trouble", [error(503), finish("SAFETY"), text("   "), text("cut") + finish("MAX_TOKENS")])
async def test_where_the_summary_fails_all_is_sent_if_it_fits_else_the_oldest_turns_go(trouble: Reply) -> None:
    def answer(request: RecordedRequest) -> Reply:
        return trouble if is_summary(request) else talking(request)

    async with scene_of(answer) as scene:
        client = scene.client(HistoryPolicy(summarize=True, warn_at=0.6, window=WINDOW))
        told: Any = None
        while told is None or not messages(told) or "summary failed" not in messages(told)[-1]:
            (told,) = await scene.talk(client, 1)
        assert messages(told)[-1].endswith("; all is sent this time")
        assert not [entry for entry in await scene.log() if entry.kind == "summary"]
        told = await turn(client, "x" * 2 * WINDOW, chat_id="c", tools=[look_up])
        assert told.ended.reason == "answered"
        assert "summary failed" in messages(told)[-1]
        assert messages(told)[-1].endswith("are left out of what is sent from now on")
        assert_sound(await scene.log())
        assert not [each for each in scene.server.refused if "exceeds" in str(each.error)]


async def test_an_interrupted_summary_changes_nothing_that_is_sent() -> None:
    def answer(request: RecordedRequest) -> Reply:
        return text("It ") + hang() if is_summary(request) else talking(request)

    async with scene_of(answer) as scene, nothing_left_behind():
        client = scene.client(HistoryPolicy(summarize=True, warn_at=0.5, window=WINDOW))
        sent, told = 0, None
        while told is None or told.ended.reason == "answered":
            before = history(await scene.log())
            sent += 1
            told = await _interrupted_when_summarising(client, sent)
        log = await scene.log()
        assert_sound(log)
        assert told.ended.reason == "interrupted"
        assert not [entry for entry in log if entry.kind == "summary"]
        assert history(log)[: len(before)] == before
        assert [entry.kind for entry in log[-2:]] == ["user", "closed"]


async def _interrupted_when_summarising(client: GeminiClient, number: int) -> Any:
    from tests.answers.asking import Told

    told, events = Told(), client.events(query=f"{LONG} {number}", chat_id="c", tools=[look_up])
    async for event in events:
        told.events.append(event)
        if event.type == "notice" and "summarising" in event.message:
            asyncio.get_running_loop().call_later(0.05, events.interrupt)
    return told


async def test_the_summary_counts_for_the_limits_of_the_turn() -> None:
    def answer(request: RecordedRequest) -> Reply:
        return text(SUMMARY) + usage(prompt=50_000) if is_summary(request) else talking(request)

    async with scene_of(answer) as scene:
        client = scene.client(HistoryPolicy(summarize=True, window=WINDOW), limits=Limits(max_tokens=20_000))
        told: Any = None
        while told is None or told.ended.reason == "answered":
            told = await turn(client, LONG, chat_id="c", tools=[look_up])
        assert (told.ended.reason, told.ended.code) == ("limit", "max_tokens")
        log = await scene.log()
        assert_sound(log)
        assert [entry.kind for entry in log[-3:]] == ["user", "summary", "closed"]
        again = await turn(client, "go on", chat_id="c")
        assert again.ended.reason == "answered"


async def test_a_prompt_that_is_refused_is_cut_once_more_and_sent_again() -> None:
    """In the first step of a turn, and in a later one, whose calls stay answered."""
    async with scene_of() as scene:
        told = await scene.talk(scene.client(HistoryPolicy(turns=1000)), 30)
        cut = [messages(each) for each in told if messages(each)]
        assert cut
        assert all(len(each) == 1 and "the prompt was too long for gemini-3.8-flash" in each[0] for each in cut)
        assert len(scene.server.refused) == len(cut)
        assert all("exceeds the maximum number of tokens" in str(each.error) for each in scene.server.refused)
        assert max(each.step for each in scene.server.refused) == 1


async def test_without_a_policy_the_error_says_what_to_do_and_the_chat_goes_on_with_one() -> None:
    async with scene_of() as scene:
        client = scene.client()
        told: Any = None
        while told is None or told.ended.reason == "answered":
            told = await turn(client, LONG, chat_id="c", tools=[look_up])
        ended = told.ended
        assert (ended.reason, ended.code, ended.retryable) == ("failed", "PROMPT_TOO_LONG", False)
        assert isinstance(ended.error, PromptTooLongError)
        assert "the chat is too long for gemini-3.8-flash: The input token count (" in ended.message
        assert "give the manifest a `history:` such as 60%" in ended.message
        assert str(pickle.loads(pickle.dumps(ended.error))) == str(ended.error)  # noqa: S301  # our own
        await scene.talk(scene.client(HistoryPolicy(turns=1000)), 1)


@pytest.mark.parametrize("policy", [None, HistoryPolicy(turns=3)])
async def test_a_turn_that_is_too_long_alone_fails_and_says_so(policy: HistoryPolicy | None) -> None:
    async with scene_of() as scene:
        told = await turn(scene.client(policy), "x" * 5 * WINDOW, chat_id="c")
        assert told.ended.code == "PROMPT_TOO_LONG"
        assert "this turn alone is longer than that" in str(told.ended.message)
        assert_sound(await scene.log())


async def test_after_a_second_refusal_the_turn_fails() -> None:
    def refused(request: RecordedRequest) -> Reply:
        too_long = "The input token count exceeds the maximum number of tokens allowed 3000."
        return error(400, too_long, status="INVALID_ARGUMENT") if request.user_text == "now" else text("Yes.")

    async with scene_of(refused) as scene:
        client = scene.client(HistoryPolicy(turns=100))
        for _ in range(4):
            await turn(client, "hello", chat_id="c")
        told = await turn(client, "now", chat_id="c")
        assert told.ended.code == "PROMPT_TOO_LONG"
        assert "left out were not enough" in str(told.ended.message)
        assert len(messages(told)) == 1
        assert len(scene.server.generations) == 6


async def test_a_long_chat_is_told_once_when_it_passes_its_mark_in_any_process() -> None:
    async with scene_of(window=None) as scene:
        policy = HistoryPolicy(warn_at=0.5, window=WINDOW)
        told = [(await scene.talk(scene.client(policy), 1))[0] for _ in range(16)]
        (crossed,) = [each for each in told if messages(each)]
        (notice,) = crossed.of("notice")
        assert notice.code == "context"
        size = crossed.ended.context
        assert size == ContextSize(size.tokens, WINDOW)
        assert size.tokens > WINDOW / 2
        assert "of the 3,000 that gemini-3.8-flash takes; begin a new chat, or let `history:`" in notice.message
        assert crossed.ended.to_json()["context"] == {"tokens": size.tokens, "window": WINDOW}


async def test_every_process_sends_the_same_of_a_chat_that_they_share(tmp_path: Path) -> None:
    """Turn about; one of them is made anew each time. Prompts begin alike, and cuts are made once."""
    async with (
        SqliteChatStorage(tmp_path / "chats.db") as one,
        SqliteChatStorage(tmp_path / "chats.db") as other,
        scene_of(window=None, storage=one) as scene,
    ):
        policy = HistoryPolicy(share=0.6, window=WINDOW)
        steady, fresh = scene.client(policy), Scene(scene.server, scene.model, other)
        for number in range(24):
            told = await (fresh.talk(fresh.client(policy), 1) if number % 2 else scene.talk(steady, 1))
            log = await scene.log()
            assert scene.sent == [message.content for message in history(log)[:-1]]
            assert len(messages(told[0])) == (log[-5].kind == "summary")
        assert len([entry for entry in log if entry.kind == "summary"]) >= 2
