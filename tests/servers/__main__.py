"""`python -m tests.servers --port 0 --behaviour weather`: the Gemini server as a process of its own.

Its URL is the first line of stdout. It ends on SIGTERM, SIGINT or, with `--until-eof`, when its stdin closes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from .gemini_behaviours import behaviour_named
from .gemini_replies import reply_from_json
from .gemini_server import GeminiServer


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument(
        "--script", type=Path, help='[reply, ...] or {"replies": [...], "conversations": {text: [...]}}'
    )
    parser.add_argument("--behaviour", help="echo, weather, ledger, parallel:N, looping:TOOL; answers after the script")
    parser.add_argument("--requests-log", type=Path, help="append each request and its verdict as a JSON line")
    parser.add_argument("--key", default="test-key")
    parser.add_argument("--no-signatures", action="store_true")
    parser.add_argument("--no-check", action="store_true", help="check no body at all (benchmarks)")
    parser.add_argument("--verbatim", action="store_true", help="demand every model content back as it was sent")
    parser.add_argument("--window", type=int, help="tokens a prompt may have")
    parser.add_argument("--until-eof", action="store_true", help="end when stdin closes")
    return parser.parse_args()


def load_script(server: GeminiServer, script: Any) -> None:
    """Queue a script file's replies."""
    listed: dict[str, Any] = {"replies": script} if isinstance(script, list) else script
    server.script(*[reply_from_json(item) for item in listed.get("replies", [])])
    for when, replies in listed.get("conversations", {}).items():
        server.script(*[reply_from_json(item) for item in replies], when=when)


async def serve(server: GeminiServer, port: int, until_eof: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server.port = await server.listener.open(port)
    print(server.url, flush=True)
    if until_eof:
        loop.add_reader(sys.stdin, lambda: stopped.set() if not os.read(0, 65536) else None)
    await stopped.wait()
    await server.listener.close()


def main() -> None:
    options = arguments()
    server = GeminiServer(
        key=options.key,
        signatures=not options.no_signatures,
        check_history=not options.no_check,
        verbatim=options.verbatim,
        window=options.window,
        record=False,
        log=options.requests_log,
    )
    if options.script:
        load_script(server, json.loads(options.script.read_text()))
    if options.behaviour:
        server.answer = behaviour_named(options.behaviour)
    asyncio.run(serve(server, options.port, options.until_eof))


if __name__ == "__main__":
    main()
