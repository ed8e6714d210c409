"""Records the cassettes of the example agents anew, against the local server.

`python -m tests.conversations.record_examples` does it. What Gemini's replies would be is written by hand here; the
requests are those that the agent really makes.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from runner.conversations.options import Options, Selection
from runner.conversations.progress import CaseId
from runner.conversations.session import run_conversations
from runner.loading.suites import load_suite
from tests.servers import GeminiServer, calls, text, usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.conversations.results import RunResult
    from tests.servers import Reply

ROOT = Path(__file__).resolve().parents[2]
SUITES = ("weather", "extract", "receipts")
JUDGE_MODEL = "gemini-4-argon"

VERDICT = {
    "reason": "The answer calls the value usual for March and names the averages as its source.",
    "quote": "That is the average for March",
    "score": 0.95,
    "pass": True,
}
REPLIES: dict[str, list[Reply]] = {
    "the weather in Paris": [
        calls(("get_weather", {"city": "Paris"})) + usage(prompt=412, candidates=18),
        text("It is 18 °C in Paris, ", "and partly cloudy.") + usage(prompt=493, candidates=14),
        calls(("get_weather", {"city": "Paris", "unit": "fahrenheit"})) + usage(prompt=518, candidates=24),
        text("That is 64 °F.") + usage(prompt=601, candidates=8),
        text("You are welcome.") + usage(prompt=615, candidates=5),
    ],
    "How warm is it in Lima": [
        calls(("get_weather", {"city": "Lima"})) + usage(prompt=411, candidates=18),
        text("Usually about 23 °C and mostly dry. ", "That is the average for March; nothing could be measured now.")
        + usage(prompt=552, candidates=27),
        text(json.dumps(VERDICT)) + usage(prompt=438, candidates=61),
    ],
    "in Oslo or in Nairobi": [
        calls(("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Nairobi"})) + usage(prompt=415),
        text("Nairobi is warmer: ", "24 °C against -3 °C in Oslo.") + usage(prompt=563, candidates=19),
    ],
    "weather in Atlantis": [
        calls(("get_weather", {"city": "Atlantis"})) + usage(prompt=413, candidates=18),
        text("I find no place called Atlantis. Which city do you mean?") + usage(prompt=478, candidates=14),
    ],
    "A table for 4": [
        text('{"place": "Chez Anna", "date": "2026-03-02", ', '"time": "19:30", "people": 4}')
        + usage(prompt=221, candidates=33),
        text('{"place": "Chez Anna", "date": "2026-03-05", "time": "19:30", "people": 5}')
        + usage(prompt=268, candidates=33),
    ],
    "had this lunch": [
        text("41.50 EUR are paid back. ", "The Sangiovese, 11.00 EUR, is not: alcohol never is. ")
        + text("The rest is 20.75 EUR a person, below the 25.00 EUR for a lunch.")
        + usage(prompt=512, candidates=46),
        text("4.77 EUR, at 10 %.") + usage(prompt=571, candidates=11),
    ],
    "paid back for a dinner": [
        text("At most 40.00 EUR a person, without alcohol.") + usage(prompt=238, candidates=13),
    ],
    "Book the Blue Room": [
        text('{"place": "the Blue Room", "date": "2026-03-08", "people": 2}') + usage(prompt=219, candidates=26),
    ],
}
"""What the server replies, by words of a conversation's first message."""


@contextmanager
def answering() -> Iterator[GeminiServer]:
    """The server with these replies, in the place of Gemini."""
    with GeminiServer(models=[JUDGE_MODEL]) as server:
        for words, replies in REPLIES.items():
            server.script(*replies, when=words)
        before = {name: os.environ.get(name) for name in server.env}
        os.environ.update(server.env)
        try:
            yield server
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def asked(files: list[Path]) -> Selection:
    """The cases that ask a model which cannot be had offline."""
    every = [(loaded.path, case) for loaded in map(load_suite, files) for case in loaded.suite.cases]
    return Selection(only={CaseId(path, case.name) for path, case in every if not case.is_scripted and not case.model})


def record(folder: Path = ROOT / "agents") -> RunResult:
    """Record them, one after the other."""
    files = [folder / f"{name}.conversations.yaml" for name in SUITES]
    with answering() as server:
        result = asyncio.run(run_conversations(files, Options(selection=asked(files), record="all", concurrency=1)))
        told = [(case.attempts[0].trouble, case.attempts[0].failures) for case in result.cases]
        assert (result.exit_code, server.unused) == (0, 0), told
    return result


if __name__ == "__main__":
    for each in record().cases:
        print(each.attempts[0].cassette)
