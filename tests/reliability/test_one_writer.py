"""One writer a chat, here on one machine: a process that stood still learns that it was superseded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner import SqliteChatStorage
from tests.reliability.talk import talking
from tests.servers import GeminiServer, Reply, TcpProxy, calls, words
from tests.storages.children import freeze

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import RecordedRequest

ROOT = Path(__file__).resolve().parents[2]
BUSY = 6
PATIENCE = 120.0
"""Seconds for a process to start, which a busy machine makes long."""


class Writer:
    """A process with a turn of the chat; if it is `gated`, its tools wait until `let_go`."""

    def __init__(
        self,
        server: GeminiServer,
        folder: Path,
        query: str,
        *,
        url: str = "",
        gated: bool = False,
        proxy: TcpProxy | None = None,
        **options: float | str,
    ) -> None:
        self._ledger, self._gate = folder / f"ledger of {query}", folder / f"gate of {query}"
        self.database = folder / "chats.db"  # without a URL
        command = [sys.executable, "-m", "tests.reliability.writer", query]
        command += ["--database", url or str(self.database), "--ledger", str(self._ledger)]
        command += [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        command += ["--gate", str(self._gate)] if gated else []
        model = {
            name: value.replace(server.url, proxy.url if proxy else server.url) for name, value in server.env.items()
        }
        env = {**os.environ, **model, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    @property
    def ledger(self) -> list[str]:
        """What its tools recorded."""
        return self._ledger.read_text().split() if self._ledger.exists() else []

    def let_go(self) -> None:
        """Let its tools end."""
        self._gate.touch()

    def ended(self) -> tuple[int, dict[str, Any]]:
        """Its exit code and its last event; nothing else may have been said."""
        out, err = self.process.communicate(timeout=PATIENCE)
        assert not err, err.decode()
        last: dict[str, Any] = json.loads(out.splitlines()[-1])
        return self.process.returncode, last


@contextmanager
def frozen(writer: Writer) -> Iterator[None]:
    """Within the block the process stands still, as in a suspended virtual machine."""
    freeze(writer.process, writer.database)
    try:
        yield
    finally:
        writer.process.send_signal(signal.SIGCONT)


def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def turns_of_a_and_b(request: RecordedRequest) -> Reply:
    """Turn "a..." records a1 and a2, turn "b" records b1; then each says that it is done."""
    name = request.user_text[0]
    if request.step:
        return words(f"{name} is done")
    if name == "a":
        return calls(("record", {"entry": "a1"}), ("record", {"entry": "a2"}))
    return calls(("record", {"entry": "b1"}))


def superseded_in_its_model_call(server: GeminiServer, folder: Path, url: str = "") -> None:
    """One process stands still while the model answers it; another does its turn; the first goes on."""
    server.answer = turns_of_a_and_b
    with TcpProxy(server.url) as proxy:
        proxy.mute()
        a = Writer(server, folder, "a", url=url, proxy=proxy)
        server.wait_for(1, timeout=PATIENCE)
        with frozen(a):
            b = Writer(server, folder, "b", url=url)
            assert b.ended()[1]["text"] == "b is done"
            proxy.unmute()
        assert_changed(a)
    assert (a.ledger, b.ledger) == ([], ["b1"])


def superseded_in_its_first_tool(server: GeminiServer, folder: Path, url: str = "", effects: str = "once") -> None:
    """One process stands still in the first of two calls; another does its turn; the first goes on."""
    server.answer = turns_of_a_and_b
    a = Writer(server, folder, "a", url=url, gated=True, effects=effects)
    until(lambda: a.ledger == ["a1"])
    with frozen(a):
        b = Writer(server, folder, "b", url=url)
        assert b.ended()[1]["text"] == "b is done"
        a.let_go()
    assert_changed(a)
    assert (a.ledger, b.ledger) == (["a1"], ["b1"])


def assert_changed(writer: Writer) -> None:
    """Raise unless its turn ended because another had taken over."""
    code, last = writer.ended()
    assert (code, last["reason"], last["code"]) == (BUSY, "failed", "CHANGED"), last


async def test_a_process_frozen_in_its_model_call_is_superseded(server: GeminiServer, tmp_path: Path) -> None:
    """The other takes over when the lease has lapsed, and finishes; thawed, the first writes and starts nothing."""
    superseded_in_its_model_call(server, tmp_path)
    await assert_chat_is(server, tmp_path, ["a", "b", "b is done"], [["ok"]])


@pytest.mark.parametrize(
    ("effects", "kinds"),
    [("once", ["outcome_unknown", "not_started"]), ("idempotent", ["interrupted", "interrupted"])],
)
async def test_a_process_frozen_in_its_first_tool_does_not_start_its_second(
    server: GeminiServer, tmp_path: Path, effects: str, kinds: list[str]
) -> None:
    """Of `once` calls it is recorded which had begun: of unknown outcome is the first, not started the other."""
    superseded_in_its_first_tool(server, tmp_path, effects=effects)
    await assert_chat_is(server, tmp_path, ["a", "b", "b is done"], [kinds, ["ok"]])


async def test_a_chat_in_use_is_waited_for_and_then_told_as_busy(server: GeminiServer, tmp_path: Path) -> None:
    """The holder renews its lease longer than that lasts, is named to the other, and is not disturbed."""
    server.answer = turns_of_a_and_b
    a = Writer(server, tmp_path, "a", gated=True)
    until(lambda: a.ledger == ["a1"])
    b = Writer(server, tmp_path, "b", busy_timeout=0.3)
    code, last = b.ended()
    assert (code, last["reason"], last["code"], last["retryable"]) == (BUSY, "failed", "BUSY", True)
    assert f"pid {a.process.pid}" in last["message"]
    a.let_go()
    assert a.ended()[1]["text"] == "a is done"
    assert (a.ledger, b.ledger) == (["a1", "a2"], [])
    await assert_chat_is(server, tmp_path, ["a", "a is done"], [["ok", "ok"]])


async def assert_chat_is(server: GeminiServer, folder: Path, texts: list[str], results: list[list[str]]) -> None:
    """Raise unless the chat has these texts and results, is sound, and goes on with an ordinary turn."""
    async with talking(server, SqliteChatStorage(folder / "chats.db")) as talk:
        assert await talk.texts() == texts
        found = [entry.meta["results"] for entry in await talk.log() if entry.kind == "responses"]
        assert found == results
