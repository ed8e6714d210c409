"""The process that imports a project's modules first, so that what hangs, exits or eats memory does it there.

`serve` waits for requests, one JSON line each, on a socket, and forks for each of them a child that does what an agent
would do with its modules and then ends. A new request ends the child of the one before. Replies are JSON lines too:
`{"id"}` where all went well, else with `"error"`, or with `"found"`, what is to be said of the manifest's `tools`, and
`"where"`, the `file:line` it is about, if that is known.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

_GRACE = 5.0  # seconds from the deadline, when the child says where it hangs, to its end by force
_EXAMPLE = "instructions: It is {{ today }}.\ntools: [warm.py]\n"
_STARTS = "starts a {} while it is imported, and every reload would start one more; start it in a tool"
_EXAMPLE_TOOL = "def warm(number: int) -> int:\n    '''Warm.'''\n    return number\n"


def serve(descriptor: int, folder: str) -> None:
    """Answer the requests that come through a socket, until its other end is closed.

    `folder` is an empty one for the files of the warm-up; it is removed then.
    """
    _warm_up(folder)
    with socket.socket(fileno=descriptor) as channel:
        rest, check = b"", None
        while True:
            waited_for: list[Any] = [channel] if check is None else [channel, check.result]
            ready = select.select(waited_for, [], [], check.seconds_left if check else None)[0]
            if channel in ready:
                if check is not None:
                    check.end()
                    check = None
                data = channel.recv(1 << 16)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                if lines:
                    check = _Check(json.loads(lines[-1]))
            elif check is not None:
                reply = {"id": check.request["id"], **check.outcome()}
                check = None
                channel.sendall(json.dumps(reply).encode() + b"\n")


def _warm_up(folder: str) -> None:
    """Do once what every child would do anew: make an agent, and tell why one cannot be made."""
    import runner.agent  # noqa: F401  # also where the rest cannot be done

    with suppress(OSError):
        manifest = Path(folder, "warm.yaml")
        manifest.write_text(_EXAMPLE)
        for tool in (_EXAMPLE_TOOL, "1 / 0\n"):
            Path(folder, "warm.py").write_text(tool)
            with suppress(Exception):
                _make({"manifest": str(manifest), "variables": {}, "model": None})
    shutil.rmtree(folder, ignore_errors=True)
    gc.collect()
    gc.freeze()  # so that a collection in a child does not copy all pages of this process


class _Check:
    """One request, and the child that carries it out."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self._ends_at: float = time.monotonic() + request["seconds"] + _GRACE
        self._where = ""  # the line at which the child hung or crashed
        self._traces = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `end`
        self.result, writing = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            os.close(self.result)
            _carry_out(request, writing, self._traces.fileno())
        os.close(writing)

    @property
    def seconds_left(self) -> float:
        """Until the child is ended by force."""
        return max(0.0, self._ends_at - time.monotonic())

    def outcome(self) -> dict[str, str]:
        """What the child found wrong, or what became of it."""
        told = b""
        while not told.endswith(b"\n") and select.select([self.result], [], [], self.seconds_left)[0]:
            piece = os.read(self.result, 1 << 16)
            if not piece:
                break
            told += piece
        is_late = not self.seconds_left
        status = self.end(wait_first=not is_late)
        if told.endswith(b"\n"):
            outcome: dict[str, str] = json.loads(told)
            return outcome
        is_late = is_late or (status == 1 and bool(self._where))  # its watchdog ended it, at the deadline
        return {"found": _end_told(status, self.request["seconds"], is_late=is_late), "where": self._where}

    def end(self, *, wait_first: bool = False) -> int:
        """End the child and all that it started; its exit status."""
        status = os.waitpid(self._process, 0)[1] if wait_first else None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process, signal.SIGKILL)
        if status is None:
            with suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            status = os.waitpid(self._process, 0)[1]
        os.close(self.result)
        self._traces.seek(0)
        self._where = _place_in(self._traces.read().decode(errors="replace").splitlines())
        self._traces.close()
        return os.waitstatus_to_exitcode(status)


def _end_told(status: int, seconds: float, *, is_late: bool) -> str:
    """What to say of a child that ended without a result."""
    if is_late:
        return f"still not imported after {seconds:g} s"
    how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    return f"a module ends the process {how} while it is imported"


def _place_in(traceback: Iterable[str]) -> str:
    """The first line outside of the standard library and of this package, of a traceback with the innermost first."""
    ours = (str(Path(__file__).parents[1]), str(Path(os.__file__).parent), "<")
    for line in traceback:
        file, _, rest = line.strip().removeprefix('File "').partition('", line ')
        if rest and not file.startswith(ours):
            return f"{file}:{rest.partition(' ')[0].rstrip(',')}"
    return ""


# in the child


def _carry_out(request: dict[str, Any], writing: int, traces: int) -> NoReturn:
    """Check what is asked for, write the result, and end without what a process does at its end."""
    status = 70
    try:
        _settle(request, traces)
        found = _found_wrong(request)
        os.write(writing, json.dumps(found).encode() + b"\n")
        status = 0
    finally:
        os._exit(status)


def _settle(request: dict[str, Any], traces: int) -> None:
    """Make this process like the one that asks, but for the terminal, the memory and the time that it has."""
    os.setpgid(0, 0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:] = request["path"]
    sys.argv[:] = request["arguments"]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    faulthandler.enable(traces)
    faulthandler.dump_traceback_later(request["seconds"], exit=True, file=traces)
    _limit_memory(request["memory"])


def _limit_memory(size: int) -> None:
    """So many bytes for what the modules allocate; and should the system run out of memory, it ends this process."""
    import resource

    size = min(size, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (size if hard < 0 else min(size, hard), hard))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _unlimit_memory() -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _found_wrong(request: dict[str, Any]) -> dict[str, str]:
    """What keeps the agent of a manifest from being made, as in a reply."""
    from runner.errors import AgentRunError

    started: list[tuple[str, str]] = []
    _refuse_starts(started)
    try:
        _make(request)
    except AgentRunError as error:
        _unlimit_memory()
        return {"error": str(error)}
    except BaseException as error:  # noqa: BLE001  # whatever user code raises is what was asked for
        _unlimit_memory()
        raised = error.__context__ if isinstance(error.__context__, MemoryError) else error  # while telling the first
        where = _place_in(reversed("".join(traceback.format_exception(raised)).splitlines()))
        return {"found": ": ".join(filter(None, (type(raised).__name__, str(raised)))), "where": where}
    return {"found": _STARTS.format(started[0][0]), "where": started[0][1]} if started else {}


def _make(request: dict[str, Any]) -> None:
    """An agent, with the offline model in the place of any that is not the project's own class."""
    from runner.agent import Agent
    from runner.loading import load_manifest

    loaded = load_manifest(request["manifest"], variables=request["variables"])
    model = request["model"] or loaded.manifest.model.type
    Agent(loaded, model=request["model"] if ":" in model else "offline")


def _refuse_starts(started: list[tuple[str, str]]) -> None:
    """Refuse threads and forks that a project's module starts while it is imported: each reload would start more."""

    def refuse(kind: str) -> None:
        where = _importing_line(sys._getframe(2))  # noqa: SLF001  # what the documentation gives for this
        if where is not None:
            started.append((kind, where))
            raise RuntimeError(_STARTS.format(kind))

    def start(thread: threading.Thread) -> None:
        refuse("thread")
        start_thread(thread)

    start_thread = threading.Thread.start
    threading.Thread.start = start  # type: ignore[method-assign, assignment]  # no audit event tells of it in every Python
    sys.addaudithook(lambda event, _: refuse("process") if event in {"os.fork", "os.forkpty"} else None)


def _importing_line(frame: FrameType | None) -> str | None:
    """The project's line that runs; None where it only imports a package that is not the project's."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        if str(frame.f_globals.get("__name__")).startswith("_agent_run_"):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return None
