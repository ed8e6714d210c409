"""Turns on a storage server that fails, and processes that fail on it. Inherit `ServerReliability`."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner import tool
from tests.invariants import ending
from tests.reliability.crash_sweep import AT_RANDOM, NO_STRACE
from tests.reliability.talk import look_up, talking
from tests.reliability.test_one_writer import superseded_in_its_first_tool, superseded_in_its_model_call
from tests.reliability.test_signatures import SIGNED, OneStepATurn
from tests.servers import TcpProxy, calls, text, words
from tests.storages.child import opened, patient
from tests.storages.conformance_words import SOAK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import GeminiServer
    from tests.storages.conformance_faults import Server

ROOT = Path(__file__).resolve().parents[2]


class ServerReliability:
    """Write fixtures `store`, a server that may be killed, and `url`, a storage's URL on it by its port."""

    @pytest.fixture
    def proxy(self, store: Server) -> Iterator[TcpProxy]:
        with TcpProxy(f"127.0.0.1:{store.port}") as running:
            yield running

    async def test_no_model_is_asked_while_the_storage_is_down(
        self, server: GeminiServer, store: Server, url: str, proxy: TcpProxy
    ) -> None:
        async with talking(server, opened(url.replace(f":{store.port}", f":{proxy.port}"))) as talk:
            proxy.refuse()
            ended = ending([event async for event in talk.client.events(query="go", chat_id="chat")])
            assert (ended.reason, ended.code) == ("failed", "STORAGE")
            assert "nothing answers there; start the server" in str(ended.message)
            assert server.requests == []
            proxy.accept()

    async def test_a_turn_outlives_a_server_that_is_killed_and_comes_back(
        self, server: GeminiServer, store: Server, url: str
    ) -> None:
        """Killed while a tool runs: its result is stored once when the server is there again."""

        @tool(effects="once")
        async def restart() -> str:
            """Kill the server, and start it again a moment later."""
            store.kill()
            await asyncio.to_thread(store.start)
            return "started"

        server.script(calls(("restart", {})), words("done"))
        async with talking(server, opened(url, timeout=60), tools=[restart]) as talk:
            ended = await talk.turn()
            assert (ended.reason, ended.text, talk.kinds) == ("answered", "done", ["ok"])
            assert await talk.texts() == ["go", "done"]

    async def test_a_turn_fails_in_time_on_a_server_that_is_paused(
        self, server: GeminiServer, store: Server, url: str
    ) -> None:
        """What was sent to it may be stored late, by its own length or lease, or not at all; the chat goes on."""

        @tool(effects="once")
        async def pause() -> str:
            """Pause the server."""
            self.be_patient(storage, 0.5)
            store.pause()
            return "paused"

        server.script(calls(("pause", {})))
        storage: Any = opened(url, timeout=10)  # by which is also bounded how long connecting may take
        self.be_patient(storage, 60)
        async with talking(server, storage) as talk:
            try:
                async with asyncio.timeout(60):
                    events = [event async for event in talk.client.events(query="go", chat_id="chat", tools=[pause])]
            finally:
                store.go_on()
            ended = ending(events)
            assert (ended.reason, ended.code, ended.retryable) == ("failed", "STORAGE", True)
            self.be_patient(storage, 60)

    def be_patient(self, storage: Any, seconds: float) -> None:
        """Give the storage so many seconds for what it does from now on."""
        raise NotImplementedError

    async def test_a_process_frozen_in_its_model_call_is_superseded(
        self, server: GeminiServer, url: str, tmp_path: Path
    ) -> None:
        """The other takes over when the lease has lapsed, and finishes; thawed, the first writes and starts nothing."""
        superseded_in_its_model_call(server, tmp_path, url)

    async def test_a_process_frozen_in_its_first_tool_does_not_start_its_second(
        self, server: GeminiServer, url: str, tmp_path: Path
    ) -> None:
        superseded_in_its_first_tool(server, tmp_path, url)

    async def test_signatures_come_back_byte_for_byte(self, server: GeminiServer, url: str) -> None:
        """From step to step, each by a new storage and a new client."""
        for reply in [*SIGNED, text("done")]:
            server.script(reply)
            async with talking(server, opened(url, **patient(url))) as talk:
                ended = await talk.turn("go", tools=[look_up], tool_executor=OneStepATurn())
                assert ended.reason in ("answered", "stopped")

    def test_a_turn_that_was_killed_can_be_followed_by_another(self, url: str) -> None:
        """The next turn is accepted by the strict server, no `once` tool ran twice, and what was told is stored."""
        options = ["--json", "--short", "--untraced", "--random", str(6 * SOAK), "--storage", url]
        command = [sys.executable, "-m", "tests.reliability.crash_sweep", *options]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, check=False, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)
        if NO_STRACE in done.stderr:
            pytest.skip(NO_STRACE)
        assert done.returncode == 0, done.stderr
        killed = [row["killed"] for row in json.loads(done.stdout) if row["what"] == AT_RANDOM]
        assert killed == [6 * SOAK] * 2
