"""The event loop of the test servers leaves nothing open when it ends."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from typing import TYPE_CHECKING

from tests.servers.loop_thread import LoopThread

if TYPE_CHECKING:
    import pytest


def test_a_connection_whose_end_waits_for_its_reader_is_closed_with_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of a reply may be waiting in the transport, which would be left to the garbage collector."""
    left: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: left.append(unraisable.exc_value))

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(50_000_000))
        writer.close()

    thread = LoopThread("flooding")
    server = thread.call(asyncio.start_server(flood, "127.0.0.1", 0))
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        assert client.recv(1) == b"\0"
        thread.soon(server.close)
        thread.stop()
    del server
    gc.collect()
    assert left == []
