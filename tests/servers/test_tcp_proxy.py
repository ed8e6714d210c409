"""The proxy's faults, one by one."""

from __future__ import annotations

import http.client
import socket
import time
from typing import Any

import pytest

from tests.servers import Fault, GeminiServer, TcpProxy
from tests.servers.conversation import Client, user

HELLO = {"contents": [user("hello")]}


@pytest.fixture
def proxy(server: GeminiServer) -> Any:
    with TcpProxy(server.url) as running:
        yield running


def asked(proxy: TcpProxy, timeout: float = 60) -> int:
    """Return the status of one request through the proxy."""
    with Client(proxy.url, timeout=timeout) as client:
        return client.post(HELLO)[0]


def exchanged(proxy: TcpProxy) -> bytes:
    """Return all that one connection gets for one request."""
    data = b""
    with socket.create_connection((proxy.host, proxy.port), timeout=60) as sock:
        sock.sendall(b"GET /v1/cachedContents HTTP/1.1\r\nx-goog-api-key: test-key\r\nConnection: close\r\n\r\n")
        while piece := sock.recv(65536):
            data += piece
    return data


def test_without_a_fault_it_is_not_noticed(server: GeminiServer, proxy: TcpProxy) -> None:
    with Client(proxy.url) as client:
        assert [client.post(HELLO)[0] for _ in range(3)] == [200] * 3
    assert (proxy.accepted, len(server.requests)) == (1, 3)


def test_replies_are_delayed_and_dripped(proxy: TcpProxy) -> None:
    proxy.plan(Fault(delay=0.05), Fault(drip=50, drip_every=0.01), Fault(connect_delay=0.05))
    for least in (0.05, 0.02, 0.05):
        began = time.monotonic()
        assert asked(proxy) == 200
        assert time.monotonic() - began >= least


@pytest.mark.parametrize("count", [0, 1, 60, -1])
def test_a_reply_is_cut_after_so_many_bytes(proxy: TcpProxy, count: int) -> None:
    whole = exchanged(proxy)
    count %= len(whole)
    proxy.plan(Fault(cut_after=count), Fault(cut_after=count, cut="reset"))
    assert exchanged(proxy) == whole[:count]
    with pytest.raises(ConnectionResetError):
        exchanged(proxy)


def test_a_request_is_cut_before_the_server_has_it_all(server: GeminiServer, proxy: TcpProxy) -> None:
    proxy.plan(Fault(cut_request_after=100, cut="reset"))
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        asked(proxy)
    assert server.requests == []


def test_one_byte_is_changed(proxy: TcpProxy) -> None:
    whole = exchanged(proxy)
    proxy.plan(Fault(flip=10))
    changed = exchanged(proxy)
    assert [at for at in range(len(whole)) if whole[at] != changed[at]] == [10]


def test_the_reply_or_the_request_disappears(server: GeminiServer, proxy: TcpProxy) -> None:
    proxy.plan(Fault(swallow="reply"), Fault(swallow="request"))
    for _ in range(2):
        with pytest.raises(TimeoutError):
            asked(proxy, timeout=0.1)
        server.wait_for(1)
    assert len(server.requests) == 1


def test_connections_are_reset_or_refused(proxy: TcpProxy) -> None:
    proxy.plan(Fault(reset=True))
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        asked(proxy)
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        asked(proxy)
    proxy.accept()
    assert asked(proxy) == 200


def test_what_was_frozen_arrives_late(proxy: TcpProxy) -> None:
    with socket.create_connection((proxy.host, proxy.port), timeout=0.1) as sock:
        proxy.freeze()
        sock.sendall(b"GET /v1/cachedContents HTTP/1.1\r\nx-goog-api-key: test-key\r\n\r\n")
        with pytest.raises(TimeoutError):
            sock.recv(1)
        proxy.thaw()
        sock.settimeout(60)
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")


def test_open_connections_can_be_dropped(proxy: TcpProxy) -> None:
    with Client(proxy.url) as client:
        assert client.post(HELLO)[0] == 200
        proxy.drop()
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            client.post(HELLO)
    assert asked(proxy) == 200


def test_a_target_that_is_not_there_resets() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{deaf.getsockname()[1]}"
        with TcpProxy(target) as proxy, pytest.raises((ConnectionError, http.client.HTTPException)):
            asked(proxy)
