"""A small project with an agent, the conversations that a test writes for it, and ways to run them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

from runner.conversations.options import Options
from runner.conversations.session import run_conversations

if TYPE_CHECKING:
    from pathlib import Path

    from runner.conversations.progress import Progress
    from runner.conversations.results import Attempt, CaseResult, Check, RunResult, TurnRecord

TOOLS = '''
import asyncio
from pathlib import Path

from runner import Tool, tool

seen: list[str] = []


@tool(effects="none")
async def get_weather(city: str, unit: str = "c") -> dict:
    """The weather of a city.

    Args:
        city: The city.
        unit: c or f.
    """
    seen.append(city)
    if city == "Atlantis":
        raise LookupError("there is no such city")
    return {"temp": 18, "seen": list(seen)}


@tool(effects="none")
async def send_mail(to: str) -> str:
    """Send a mail.

    Args:
        to: Who gets it.
    """
    with (Path(__file__).parent / "mails").open("a") as mails:
        mails.write(f"{to}\\n")
    return "sent"


@tool(effects="none")
async def wait_for_ever() -> str:
    """Wait."""
    await asyncio.sleep(3600)
    return "over"


class Typed(Tool):
    """Declares what it returns."""

    function_definition = {
        "name": "typed",
        "description": "A number.",
        "response": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}, "required": ["n"]},
    }
    effects = "none"

    async def execute(self, tool_args):
        return {"n": 1}


typed = Typed()
__all__ = ["get_weather", "send_mail", "typed", "wait_for_ever"]
'''
MANIFEST = """\
model: gemini-3.8-flash
instructions: Today is {{ today }}, it is {{ now }}. Answer briefly.
tools: [tools.weather]
retries: 1
"""


@dataclass
class Outcome:
    """A run's result and what it told meanwhile."""

    result: RunResult
    events: list[Progress] = field(default_factory=list)

    def case(self, name: str | None = None) -> CaseResult:
        """The case of a name, or the only one."""
        found = [case for case in self.result.cases if name in {None, case.name}]
        assert len(found) == 1, [case.name for case in self.result.cases]
        return found[0]

    def attempt(self, name: str | None = None) -> Attempt:
        """The first attempt of a case."""
        return self.case(name).attempts[0]

    def turn(self, number: int = 1, name: str | None = None) -> TurnRecord:
        """A turn of a case's first attempt."""
        return self.attempt(name).turns[number - 1]

    def failures(self, name: str | None = None) -> list[tuple[str, str]]:
        """Kind and message of each failed check of a case's first attempt, which had no trouble."""
        attempt = self.attempt(name)
        assert attempt.trouble is None, attempt.trouble
        return [(check.kind, check.message) for check in attempt.failures]

    def failure(self, name: str | None = None) -> Check:
        """The only failed check of a case's first attempt."""
        assert len(self.failures(name)) == 1, self.failures(name)
        return self.attempt(name).failures[0]


class Project:
    """A project in a folder of its own: one agent, and its conversations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tools").mkdir(parents=True)
        (folder / "agents").mkdir()
        (folder / "pyproject.toml").touch()
        self.manifest = folder / "agents" / "weather.yaml"
        self.tools = folder / "tools" / "weather.py"
        self.suite = folder / "agents" / "weather.conversations.yaml"
        self.manifest.write_text(MANIFEST)
        self.tools.write_text(TOOLS)

    def write(self, text: str) -> Path:
        """Write the conversations file: what stands below `agent`."""
        self.suite.write_text(f"agent: weather.yaml\n{dedent(text)}")
        return self.suite

    def turn(self, expect: str, *replies: str, user: str = "go") -> Path:
        """A file of one case with one scripted turn."""
        scripted = "\n".join(f"          - {reply}" for reply in replies)
        expected = indent(dedent(expect).strip(), " " * 10)
        return self.write(
            f"cases:\n  - name: only\n    turns:\n      - user: {user}\n        replies:\n{scripted}\n"
            f"        expect:\n{expected}\n"
        )

    async def run(self, *paths: Path, **options: Any) -> Outcome:
        """Run the conversations."""
        events: list[Progress] = []
        result = await run_conversations(paths or [self.suite], Options(**options), events.append)
        return Outcome(result, events)

    def run_now(self, **options: Any) -> Outcome:
        """The same, for a test that has no loop."""
        return asyncio.run(self.run(**options))
