"""A TCP proxy that misbehaves on purpose.

    with TcpProxy(server.url) as proxy:                    # or "127.0.0.1:5432"
        proxy.fault = Fault(delay=0.1)                     # for connections from now on
        proxy.plan(Fault(cut_after=120, cut="reset"))      # first, for the next connection alone
        use(proxy.url)
        proxy.freeze(); ...; proxy.thaw()                  # silence on all connections, then the late bytes
        proxy.mute(); ...; proxy.unmute()                  # requests arrive, replies wait, on all connections
        proxy.refuse(); ...; proxy.accept()                # connection refused; the same port again

Offsets count the bytes of one direction of one connection, HTTP heads included.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from .loop_thread import LoopThread
from .ports import reserved_port

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong on one connection; seconds and bytes.

    `delay`: before each received piece of the reply is passed on. `connect_delay`: before the target is contacted.
    `drip`: the reply in pieces of so many bytes, `drip_every` seconds apart. `cut_after`: end both sides once so many
    bytes of the reply were passed on, `cut_request_after` of the request; `cut` by FIN or by RST. `flip`: the byte of
    the reply at this offset is changed. `swallow`: pass the request on and throw the reply away, or throw the request
    away ("black hole"). `reset`: accepted, then reset at once.
    """

    delay: float = 0.0
    connect_delay: float = 0.0
    drip: int | None = None
    drip_every: float = 0.0
    cut_after: int | None = None
    cut_request_after: int | None = None
    cut: Literal["close", "reset"] = "close"
    flip: int | None = None
    swallow: Literal["reply", "request"] | None = None
    reset: bool = False


NO_FAULT = Fault()


class Link:
    """One client's connection and the proxy's own to the target."""

    def __init__(self, proxy: TcpProxy, fault: Fault) -> None:
        self._proxy = proxy
        self._fault = fault
        self._writers: list[asyncio.StreamWriter] = []

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = self._fault
        self._writers.append(writer)
        if fault.reset:
            self.abort()
            return
        await asyncio.sleep(fault.connect_delay)
        try:
            target_reader, target_writer = await asyncio.open_connection(*self._proxy.target)
        except OSError:
            self.abort()
            return
        self._writers.append(target_writer)
        for each in self._writers:
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        up = asyncio.ensure_future(self._pump_request(reader, target_writer))
        down = asyncio.ensure_future(self._pump_reply(target_reader, writer))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            if not down.done() and not up.result():
                await down  # the client has said all; the reply may still come
        finally:
            up.cancel()
            down.cancel()
            ends = await asyncio.gather(up, down, return_exceptions=True)
            if True in ends and fault.cut == "reset":
                self.abort()
            else:
                self.close()

    async def _pump_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Return whether the fault cut the link; False at the end of the stream."""
        fault, passed = self._fault, 0
        while data := await _received(reader):
            await self._proxy.thawed.wait()
            if fault.swallow == "request":
                continue
            if fault.cut_request_after is not None:
                data = data[: fault.cut_request_after - passed]
            writer.write(data)
            await writer.drain()
            passed += len(data)
            if passed == fault.cut_request_after:
                return True
        if writer.can_write_eof():
            writer.write_eof()
        return False

    async def _pump_reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Return whether the fault cut the link; False at the end of the stream."""
        fault, passed = self._fault, 0
        if fault.cut_after == 0:
            await reader.read(1)
            return True
        while data := await _received(reader):
            await self._proxy.thawed.wait()
            await self._proxy.unmuted.wait()
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if fault.swallow == "reply":
                continue
            data = flipped(data, fault.flip, passed)
            if fault.cut_after is not None:
                data = data[: fault.cut_after - passed]
            await self._dripped(data, writer)
            passed += len(data)
            if passed == fault.cut_after:
                return True
        return False

    async def _dripped(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        size = self._fault.drip or len(data)
        for at in range(0, len(data), size):
            if self._fault.drip:
                await asyncio.sleep(self._fault.drip_every)
                await self._proxy.thawed.wait()
            writer.write(data[at : at + size])
            await writer.drain()

    def close(self) -> None:
        for writer in self._writers:
            writer.close()

    def abort(self) -> None:
        """Reset both sides."""
        for writer in self._writers:
            sock = writer.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


async def _received(reader: asyncio.StreamReader) -> bytes:
    """Return the next bytes; none at the end, however it came."""
    try:
        return await reader.read(65536)
    except OSError:
        return b""


def flipped(data: bytes, offset: int | None, passed: int) -> bytes:
    """Return the data with the byte at `offset` of the connection changed in its lowest bit."""
    if offset is None or not passed <= offset < passed + len(data):
        return data
    at = offset - passed
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


class TcpProxy:
    """`with TcpProxy(target) as proxy:` forwards `proxy.url` to the target, with faults."""

    def __init__(self, target: str, fault: Fault = NO_FAULT) -> None:
        parts = urlsplit(target if "//" in target else f"//{target}")
        if parts.hostname is None or parts.port is None:
            raise ValueError(f"a proxy's target needs a host and a port: {target!r}")
        self.target = (parts.hostname, parts.port)
        self.fault = fault
        self.accepted = 0
        self.port = 0
        self._planned: deque[Fault] = deque()
        self._links: set[Link] = set()
        self._server: asyncio.Server | None = None
        self._thread: LoopThread | None = None
        self.thawed, self.unmuted = asyncio.Event(), asyncio.Event()
        self.thawed.set()
        self.unmuted.set()

    @property
    def host(self) -> str:
        return "127.0.0.1"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def connections(self) -> int:
        """How many links are open now."""
        return len(self._links)

    def plan(self, *faults: Fault) -> None:
        """Give the next connections these faults, one each; then `fault` holds again."""
        self._planned.extend(faults)

    def freeze(self) -> None:
        """Pass nothing on, in either direction, on any connection; new ones are accepted and get no answer."""
        self._running.call(self._held(self.thawed, True))

    def thaw(self) -> None:
        """Pass on what was held and all that follows."""
        self._running.call(self._held(self.thawed, False))

    def mute(self) -> None:
        """Pass no reply on, on any connection; requests arrive."""
        self._running.call(self._held(self.unmuted, True))

    def unmute(self) -> None:
        """Pass on the replies that were held and all that follow."""
        self._running.call(self._held(self.unmuted, False))

    def drop(self) -> None:
        """Reset every open connection."""
        self._running.call(self._drop())

    def refuse(self) -> None:
        """Stop listening: connecting is refused; open connections live on."""
        self._running.call(self._unlisten())

    def accept(self) -> None:
        """Listen again on the same port."""
        self._running.call(self._listen())

    def __enter__(self) -> TcpProxy:
        self._reserved = reserved_port()
        self.port = self._reserved.getsockname()[1]
        self._thread = LoopThread("tcp-proxy")
        self._thread.call(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.call(self._unlisten())
        self._running.call(self._drop())
        self._running.stop()
        self._reserved.close()

    @property
    def _running(self) -> LoopThread:
        if self._thread is None:
            raise RuntimeError("the proxy runs inside its with block")
        return self._thread

    @staticmethod
    async def _held(gate: asyncio.Event, is_held: bool) -> None:
        if is_held:
            gate.clear()
        else:
            gate.set()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._linked, self.host, self.port, backlog=1024)

    async def _unlisten(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _drop(self) -> None:
        for link in list(self._links):
            link.abort()
        await asyncio.sleep(0)

    async def _linked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        link = Link(self, self._planned.popleft() if self._planned else self.fault)
        self._links.add(link)
        try:
            await link.run(reader, writer)
        except (OSError, asyncio.CancelledError):
            link.abort()
        finally:
            self._links.discard(link)
