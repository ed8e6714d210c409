"""The process that imports modules first, as seen from the one that serves."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SECONDS = 10.0
"""How long the modules of a manifest may take to be imported."""
MEMORY = 4 << 30
"""How many bytes they may allocate meanwhile."""
_START = """
import sys, json
sys.path[:] = json.loads(sys.argv[1])
from runner.reload.checking import serve
serve(0, sys.argv[2])
"""
_SLACK = 10.0  # seconds beyond the check's own deadline until the process is taken for dead
_LINE_LIMIT = 1 << 24  # bytes of a reply


@dataclass(frozen=True, slots=True)
class Question:
    """Whether the agent of a manifest can be made: its path as a person here would write it, variables, and model."""

    manifest: str
    variables: Mapping[str, Any]
    model: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not. `is_whole` says that the text names its place; else it is about `where`, a `file:line` of a module."""

    text: str
    is_whole: bool
    where: str | None = None


class Checker:
    """Has manifests' modules imported by a process kept warm for it. `on_problem` is told, once, why that cannot be."""

    def __init__(self, on_problem: Callable[[str], None], *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._on_problem, self._seconds, self._memory = on_problem, seconds, memory
        self._process: subprocess.Popen[bytes] | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._folder = ""  # for the files of its warm-up
        self._number = 0
        self._starting = asyncio.Lock()
        self._is_given_up = False

    async def warm_up(self) -> None:
        """Start the process, so that the first check need not wait for it."""
        async with self._starting:
            if self._streams is not None or self._is_given_up:
                return
            try:
                await self._start()
            except OSError as error:
                self._give_up(error.strerror or str(error))

    async def check(self, question: Question) -> Refusal | None:
        """Why the agent of a manifest cannot be made; None where it can, or where none can say.

        A check that is cancelled is ended by the next one, or by its deadline.
        """
        for _ in range(2):  # the process may have been ended from outside
            await self.warm_up()
            if self._streams is None:
                return None
            try:
                async with asyncio.timeout(self._seconds + _SLACK):
                    return await self._answer(question)
            except (OSError, EOFError, ValueError, TimeoutError):
                await self.aclose()
        self._give_up("the process does not answer")
        return None

    async def aclose(self) -> None:
        """End the process."""
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        process, self._process = self._process, None
        if process is None:
            return
        for _ in range(100):  # it ends by itself when it sees the socket closed
            if process.poll() is not None:
                break
            await asyncio.sleep(0.01)
        process.kill()
        process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)  # of one that was killed while it warmed up

    async def _start(self) -> None:
        if not hasattr(os, "fork"):
            raise OSError("this system has no fork")
        self._folder = tempfile.mkdtemp(prefix="agent-run-")
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: ASYNC220, S603  # this interpreter; it starts without waiting
                    [sys.executable, "-P", "-c", _START, json.dumps(sys.path), self._folder],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # the terminal's Ctrl+C is not for it
                )
            except OSError:
                ours.close()
                shutil.rmtree(self._folder, ignore_errors=True)
                raise
        self._streams = await asyncio.open_connection(sock=ours, limit=_LINE_LIMIT)

    async def _answer(self, question: Question) -> Refusal | None:
        assert self._streams is not None  # noqa: S101  # warmed up by the caller
        reader, writer = self._streams
        self._number += 1
        writer.write(json.dumps(self._request(question), default=str).encode() + b"\n")
        await writer.drain()
        while True:
            line = await reader.readline()
            if not line:
                raise EOFError
            reply = json.loads(line)
            if reply["id"] == self._number:
                text = reply.get("error") or reply.get("found")
                return Refusal(text, "error" in reply, reply.get("where")) if text else None

    def _request(self, question: Question) -> dict[str, Any]:
        return {
            "id": self._number,
            "manifest": question.manifest,
            "variables": dict(question.variables),
            "model": question.model,
            "seconds": self._seconds,
            "memory": self._memory,
            "folder": os.getcwd(),  # noqa: PTH109  # as the text that it is
            "environment": dict(os.environ),
            "path": sys.path,
            "arguments": sys.argv,
        }

    def _give_up(self, reason: str) -> None:
        self._is_given_up = True
        self._on_problem(reason)
