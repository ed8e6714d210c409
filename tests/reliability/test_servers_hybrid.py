"""Turns on a database with Redis in front of it, which is killed, paused, flushed and away: no turn notices."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from runner import tool
from runner.storages.hybrid import HybridChatStorage
from runner.storages.hybrid_url import split_url
from tests.reliability.crash_sweep import AT_RANDOM
from tests.reliability.talk import talking
from tests.reliability.test_crash import swept
from tests.servers import TcpProxy, calls, echo, words
from tests.servers.redis import redis_server  # noqa: F401 - a fixture
from tests.storages.child import opened
from tests.storages.conformance_words import SOAK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import GeminiServer
    from tests.servers.redis import RedisServer


@pytest.fixture
def store(redis_server: RedisServer) -> RedisServer:  # noqa: F811
    return redis_server


@pytest.fixture
def url(store: RedisServer, tmp_path: Path) -> str:
    database = quote(str(tmp_path / "chats.db"), safe="")
    return f"hybrid+{store.url}?prefix=test-{os.urandom(6).hex()}&database={database}"


@tool(effects="none")
async def look_up(word: str) -> str:
    """Look a word up."""
    return f"{word} is known"


async def test_a_turn_does_not_notice_that_redis_is_killed_paused_or_flushed(
    server: GeminiServer,
    store: RedisServer,
    url: str,
) -> None:
    server.script(words("hello"))
    cache, database = split_url(url)
    async with talking(server, HybridChatStorage(cache, opened(database), cache_timeout=60)) as talk:
        await talk.turn("long " * 20_000)
        assert len(store.command("KEYS", "*:cache:*")) == 1
    troubles: Any = [
        (store.kill, store.start),
        (store.pause, store.go_on),
        (lambda: store.command("FLUSHALL"), lambda: None),
    ]
    for trouble, cure in troubles:

        @tool(effects="once", name="trouble")
        async def make_trouble(trouble: Any = trouble) -> str:
            """Make trouble."""
            await asyncio.to_thread(trouble)
            return "made"

        server.script(calls(("trouble", {})), calls(("look_up", {"word": "it"})), words("done"))
        async with talking(server, opened(url), tools=[make_trouble, look_up]) as talk:
            ended = await talk.turn()
            assert (ended.reason, ended.text, talk.kinds) == ("answered", "done", ["ok", "ok"])
            cure()


@pytest.mark.parametrize("chat", range(SOAK))
async def test_turns_of_many_processes_agree_while_redis_comes_and_goes(
    server: GeminiServer, store: RedisServer, url: str, chat: int
) -> None:
    """Each turn on a storage of its own, as in a process that has read nothing before; the server checks histories."""
    chance = random.Random(8 + chat)  # noqa: S311 - the same every time
    server.answer = echo
    with TcpProxy(f"127.0.0.1:{store.port}") as proxy:
        through = url.replace(f":{store.port}", f":{proxy.port}")
        said: list[str] = []
        is_away = False
        for number in range(25):
            was_away, is_away = is_away, chance.random() < 0.3
            if is_away and not was_away:
                proxy.refuse()
                proxy.drop()
            elif was_away and not is_away:
                proxy.accept()
            elif chance.random() < 0.3:
                store.command("FLUSHALL")
            query = f"{number} " + "x" * 5000
            async with talking(server, opened(through)) as talk:
                ended = await talk.turn(query)
                assert ended.text == f"echo: {query}"
                said += [query, ended.text]
                texts = [text for text in await talk.texts() if "ordinary" not in text]
                assert texts == said


def test_a_turn_that_was_killed_can_be_followed_by_another(url: str) -> None:
    """The next turn is accepted by the strict server, no `once` tool ran twice, and what was told is stored."""
    rows = swept("--short", "--untraced", "--random", str(4 * SOAK), "--storage", url)
    assert [row["killed"] for row in rows if row["what"] == AT_RANDOM] == [4 * SOAK] * 2
