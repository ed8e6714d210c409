"""`python -m tests.docs.record_cache_life`: the life of a context cache, recorded for docs/caching.md.

The commands are the real ones, in a real shell. The service is the strict local server. Its clock and that of
`agent-run` stand still, and are moved by the lines that are comments; what happens there to the cache is done here.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.docs.recording import Recording, Session, write_all
from tests.servers import GeminiServer, calls, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import RecordedRequest, Reply

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "docs" / "recordings" / "cache-life"
TITLE = "The life of a context cache"
BEGAN = 1_795_338_000.0  # 2026-11-22 09:00 UTC
MINUTE = 60.0

MANIFEST = """\
name: guarantee
model: gemini-3.6-flash
instructions: Answer from the handbook, and name the chapter.
tools: [tools.parts]
cache: {ttl: 1h, auto_refresh_ttl: 1h, content: [../handbook.md]}
storage: sqlite:///chats.db
"""
TOOL = '''\
from runner import tool

@tool(effects="none")
def price_of(part: int) -> str:
    """What a spare part costs."""
    return f"{2 * part} euros"
'''
CHAPTER = "{0}. Part {0} of the coffee machine is guaranteed for two years from the day on which it was bought.\n"
HOW_LONG, HOW_MUCH = "How long is the guarantee?", "What does part 17 cost?"


def answer(request: RecordedRequest) -> Reply:
    """What the model says: in one of the two conversations it calls a tool, which is in the cache."""
    if request.user_text == HOW_LONG:
        return text("Two years ", "(chapter 1).")
    return text("34 euros.") if request.step else calls(("price_of", {"part": 17}))


class Stage:
    """The clocks, and what others do to the cache at the service."""

    def __init__(self, server: GeminiServer, clock: Path) -> None:
        self._caches, self._service, self._clock = server.service.caches, server.service, clock
        self._now = BEGAN
        server.service.clock.now = lambda: self._now  # type: ignore[method-assign]  # it stands still
        self.later(0)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
        self._clock.write_text(str(self._now))

    def expire_after_refresh(self) -> None:
        """Two minutes later: the cache is refreshed, and expires before the request that names it."""
        self.later(2 * MINUTE)

        def verdict(request: RecordedRequest) -> None:
            if request.verb == "cache_update":
                self._caches.by_name.clear()
                self._service.on_verdict = None

        self._service.on_verdict = verdict

    def forbid(self) -> None:
        """From now on the cache may not be seen."""
        self._caches.by_name.clear()

    def delete(self) -> None:
        """Two minutes later: somebody else has deleted the cache."""
        self.later(2 * MINUTE)
        self._caches._missing = 404
        self._caches.by_name.clear()


def play(session: Session, stage: Stage) -> None:
    """The session: lines for the shell, and what happens with those that are comments."""
    ask = f'agent-run agents/guarantee.yaml --chat anna -v "{HOW_LONG}"'
    lines: list[tuple[str, Callable[[], object] | None]] = [
        ("cat agents/guarantee.yaml", None),
        ("# the first turn makes the cache", None),
        (ask, None),
        ("# the next one uses it, tools and all", None),
        (f'agent-run agents/guarantee.yaml --chat anna -v "{HOW_MUCH}"', None),
        ("# fifty minutes later: each use lets it live for another hour", lambda: stage.later(50 * MINUTE)),
        (ask, None),
        ("agent-run cache list agents/guarantee.yaml", None),
        ("# two minutes later: refreshed, and expired before it is used", stage.expire_after_refresh),
        (ask, None),
        ("# the next turn makes it anew", None),
        (ask, None),
        ("# the service forbids it (403)", stage.forbid),
        (ask, None),
        ("# a minute later, for it is made once a minute at most", lambda: stage.later(MINUTE + 1)),
        (ask, None),
        ("# two minutes later: somebody else has deleted it (404)", stage.delete),
        (ask, None),
    ]
    for line, happens in lines:
        if happens is not None:
            happens()
        session.run(line)


def write_project(folder: Path) -> dict[str, str]:
    """The agent's project, and an `agent-run` that goes by the clock in a file; the environment for both."""
    for name in ("agents", "tools", "bin"):
        (folder / name).mkdir()
    (folder / "pyproject.toml").touch()
    (folder / "handbook.md").write_text("".join(CHAPTER.format(number) for number in range(1, 201)))
    (folder / "agents" / "guarantee.yaml").write_text(MANIFEST)
    (folder / "tools" / "parts.py").write_text(TOOL)
    command = folder / "bin" / "agent-run"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.docs.clocked "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    unset = dict.fromkeys(("CI", "NO_COLOR", "GOOGLE_API_KEY", "AGENT_RUN_MODEL", "AGENT_RUN_STORAGE"), "")
    return unset | {
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "RECORDED_CLOCK": str(folder / "clock"),
    }


@contextmanager
def server_of(folder: Path) -> Iterator[tuple[GeminiServer, Stage]]:
    """The strict server, which wants at least as many tokens in a cache as Gemini does."""
    with GeminiServer(answer=answer, cache_minimum="model") as server:
        yield server, Stage(server, folder / "clock")


def recorded() -> tuple[Recording, GeminiServer]:
    """Record the session; the server tells what it was asked."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = write_project(folder)
        with server_of(folder) as (server, stage), Session(cwd=folder, env=env | server.env) as session:
            play(session, stage)
    return session.recording, server


if __name__ == "__main__":
    for path in write_all(recorded()[0], BASE, TITLE):
        print(path.relative_to(ROOT))  # what it is run for
