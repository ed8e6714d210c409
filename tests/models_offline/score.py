"""How many of the messages the offline model gets right: `python -m tests.models_offline.score [-v] [seen|unseen]`."""

import asyncio
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from runner.messages import ChatMessage
from runner.models.offline import OfflineModel
from runner.requests import GenerateContentRequest

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
FILES = {"seen": HERE / "messages.yaml", "unseen": HERE / "messages_unseen.yaml"}
ARTICLES = re.compile(r"^(?:(?:a|an|the|my|some)\s+)+", re.IGNORECASE)


class _PlainLoader(yaml.SafeLoader):
    """YAML in which `on`, `2026-11-19` and `18:30` are text."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if not tag.endswith((":timestamp", ":int", ":float", ":bool"))]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$", re.IGNORECASE), list("tTfF")
)
_PlainLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]*\.[0-9]+$"), list("-+.0123456789")
)


def load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), _PlainLoader)  # noqa: S506  # a safe loader all the same


@cache
def tools() -> dict[str, dict[str, Any]]:
    return {tool["declaration"]["name"]: tool for tool in load(HERE / "tools.yaml")}


def request_of(messages: list[ChatMessage], declarations: list[dict[str, Any]], **more: Any) -> GenerateContentRequest:
    offered = [{"functionDeclarations": declarations}] if declarations else []
    return GenerateContentRequest(model="offline", messages=messages, tools=offered, **more)


async def reply(model: OfflineModel, request: GenerateContentRequest) -> list[dict[str, Any]]:
    return [item async for item in model.generate(request) if isinstance(item, dict)]


class Conversation:
    """A chat with the offline model, in which each tool answers as tools.yaml says."""

    def __init__(self, names: list[str] | None = None) -> None:
        self.model = OfflineModel(clock=lambda: NOW)
        self.tools = {name: tool for name, tool in tools().items() if names is None or name in names}
        self.messages: list[ChatMessage] = []

    def _model_says(self) -> list[dict[str, Any]]:
        request = request_of(self.messages, [tool["declaration"] for tool in self.tools.values()])
        parts = asyncio.run(reply(self.model, request))
        self.messages.append(ChatMessage({"role": "model", "parts": parts}))
        return parts

    def say(self, text: str) -> tuple[list[dict[str, Any]], str]:
        """The calls that a message leads to, and the text that ends the turn."""
        self.messages.append(ChatMessage.user(text))
        parts = self._model_says()
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        if calls:
            responses = [
                {
                    "functionResponse": {
                        "name": call["name"],
                        "id": call["id"],
                        "response": self.tools[call["name"]]["result"],
                    }
                }
                for call in calls
            ]
            self.messages.append(ChatMessage({"role": "user", "parts": responses}))
            parts = self._model_says()
            assert all("text" in part for part in parts), "a second round of calls"
        return calls, "".join(part.get("text", "") for part in parts)


def _plain_text(value: Any) -> str:
    text = (
        " ".join(str(value).split())
        .strip("\"'\u201c\u201d\u2018\u2019 ")
        .rstrip(".!? ")
        .strip("\"'\u201c\u201d\u2018\u2019 ")
        .lower()
    )
    return ARTICLES.sub("", text)


def same(expected: Any, given: Any) -> bool:
    if isinstance(expected, dict) and set(expected) == {"any"}:
        return any(same(one, given) for one in expected["any"])
    if expected == "*":
        return given is not None
    if isinstance(expected, list):
        return isinstance(given, list) and len(expected) == len(given) and all(map(same, expected, given))
    if isinstance(expected, bool) or isinstance(given, bool) or expected is None or given is None:
        return expected is given
    if isinstance(expected, (int, float)) and isinstance(given, (int, float)):
        return abs(expected - given) < 1e-9
    return _plain_text(expected) == _plain_text(given)


def _same_call(tool: dict[str, Any], expected: dict[str, Any], given: dict[str, Any]) -> bool:
    properties = tool["declaration"]["parametersJsonSchema"]["properties"]
    return all(
        same(expected.get(name, schema.get("default")), given.get(name, schema.get("default")))
        for name, schema in properties.items()
    )


def _calls_match(conversation: Conversation, expected: list[dict[str, Any]], given: list[dict[str, Any]]) -> bool:
    left = list(given)
    for name, args in (next(iter(call.items())) for call in expected):
        match = next(
            (
                call
                for call in left
                if call["name"] == name and _same_call(conversation.tools[name], args or {}, call["args"])
            ),
            None,
        )
        if match is None:
            return False
        left.remove(match)
    return not left


def _turn_is_right(conversation: Conversation, turn: dict[str, Any]) -> tuple[bool, str]:
    calls, text = conversation.say(str(turn["say"]))
    told = f"{turn['say']!r} -> {[{call['name']: call['args']} for call in calls] or text!r}"
    if "asks" in turn:
        wanted = turn["asks"] if isinstance(turn["asks"], list) else [turn["asks"]]
        asked = text.rstrip().endswith("?") and any(name.replace("_", " ") in text.lower() for name in wanted)
        return not calls and asked, told
    if not turn["calls"]:
        return not calls and not text.rstrip().endswith("?"), told
    return _calls_match(conversation, turn["calls"], calls), told


def wrong(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The cases of a file that come out wrong, with what was said and done."""
    for case in load(path):
        conversation, told = Conversation(case.get("tools")), []
        for turn in case.get("turns") or [case]:
            right, line = _turn_is_right(conversation, turn)
            told.append(line if right else f"{line}   WRONG, expected {turn.get('calls', turn.get('asks'))}")
            if not right:
                yield case["case"], told
                break


def score(path: Path) -> tuple[int, int]:
    """How many cases of a file are right, and how many there are."""
    total = len(load(path))
    return total - sum(1 for _ in wrong(path)), total


def main() -> None:
    names = [name for name in FILES if name in sys.argv[1:]] or list(FILES)
    for name in names:
        if not FILES[name].exists():
            print(f"{name}: {FILES[name].name} is not there")
            continue
        right, total = score(FILES[name])
        print(f"{name}: {right} of {total} right ({100 * right / total:.0f} %)")
        if "-v" in sys.argv[1:]:
            for case, told in wrong(FILES[name]):
                print(f"\n{case}:", *told, sep="\n  ")


if __name__ == "__main__":
    main()
