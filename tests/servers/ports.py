"""Ports for servers that are down at times: nobody else gets them meanwhile."""

from __future__ import annotations

import random
import socket
from contextlib import suppress


def reserved_port() -> socket.socket:
    """A TCP port of loopback, for as long as this UDP socket of the same number is open.

    No outgoing connection can take it while its server is down, as it could the ports of `bind(0)`; other processes
    that reserve theirs here see it taken.
    """
    while True:
        held = socket.socket(type=socket.SOCK_DGRAM)
        port = random.randrange(20_000, 32_000)  # noqa: S311 - not a secret
        with suppress(OSError), socket.socket() as probe:
            held.bind(("127.0.0.1", port))
            probe.bind(("127.0.0.1", port))
            return held
        held.close()
