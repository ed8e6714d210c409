"""Answers by rule instead of by list: `server.answer = weather`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from .gemini_replies import Repeat, Reply, calls, error, text, words
from .gemini_requests import RecordedRequest

JSON = dict[str, Any]
Behaviour = Callable[[RecordedRequest], Reply]
Item = Reply | Repeat | Behaviour
CITY = re.compile(r"\b(?:[Ii]n|[Ff]or|[Aa]t|and|or|vs|,) ?((?:[A-Z][\w'-]+)(?: [A-Z][\w'-]+)*)")


def results_text(request: RecordedRequest) -> str:
    """Return the current turn's results as `name: json; name: json`."""
    return "; ".join(
        f"{each['name']}: {json.dumps(each['response'], ensure_ascii=False)}" for each in request.turn_responses
    )


def echo(request: RecordedRequest) -> Reply:
    """Answer "echo: <the user's text>" in words."""
    return words(f"echo: {request.user_text}")


def weather(request: RecordedRequest) -> Reply:
    """Call `get_weather` for each city of the user's text, then answer with the results."""
    if request.step:
        return words(f"Weather: {results_text(request)}")
    cities = CITY.findall(request.user_text)
    if not cities:
        return words("Which city?")
    key = first_parameter(request, "get_weather", "city")
    return calls(*[("get_weather", {key: city}) for city in cities])


def ledger(request: RecordedRequest) -> Reply:
    """Call `record` twice in parallel, then once, each entry unique in the chat, then answer."""
    key = first_parameter(request, "record", "entry")
    turn = request.turns
    if request.step == 0:
        return calls(("record", {key: f"t{turn}-a"}), ("record", {key: f"t{turn}-b"}))
    if request.step == 1:
        return calls(("record", {key: f"t{turn}-c"}))
    return words(f"Recorded: {results_text(request)}")


def parallel(count: int, name: str | None = None) -> Behaviour:
    """Return a behaviour that calls one tool `count` times at once with `{"i": n}`, then answers with the results.

    The tool is `name`, else the first declared one, else "work".
    """

    def answer(request: RecordedRequest) -> Reply:
        if request.step:
            return words(f"Done: {results_text(request)}")
        tool = name or next(iter(request.declarations), "work")
        key = first_parameter(request, tool, "i")
        return calls(*[(tool, {key: index}) for index in range(count)])

    return answer


def looping(name: str, args: JSON | None = None) -> Behaviour:
    """Return a behaviour that calls a tool in every step and never answers."""
    return lambda request: calls((name, args or {}))


def obedient(tools: Mapping[str, tuple[str, JSON]]) -> Behaviour:
    """Return a model that does what it is told: a word found in the user's text *or in a tool's result* calls its tool.

    `tools` maps a word to (name, args). Each is called once a turn; then the answer embeds all results.
    """

    def answer(request: RecordedRequest) -> Reply:
        called = {each["name"] for each in request.turn_responses}
        heard = request.user_text + json.dumps([each["response"] for each in request.turn_responses])
        wanted = [call for word, call in tools.items() if word in heard and call[0] not in called]
        if wanted:
            return calls(*wanted)
        return words(f"Done: {results_text(request)}" if called else f"You said: {request.user_text}")

    return answer


def by_message(replies: Mapping[str, Reply], default: Reply | None = None) -> Behaviour:
    """Return a behaviour that chooses the reply by a text found in the current turn's user message."""

    def answer(request: RecordedRequest) -> Reply:
        said = request.user_text
        for needle, reply in replies.items():
            if needle in said:
                return reply
        return default or words(f"echo: {said}")

    return answer


def limited(rate: float, answer: Behaviour, *, retry_delay: str = "1s", burst: float | None = None) -> Behaviour:
    """Return a behaviour that answers so many requests a second, `burst` at once, and refuses the rest with a 429."""
    most = rate if burst is None else burst
    level, looked = most, time.monotonic()

    def reply(request: RecordedRequest) -> Reply:
        nonlocal level, looked
        now = time.monotonic()
        level, looked = min(most, level + (now - looked) * rate), now
        if level < 1:
            return error(429, retry_delay=retry_delay)
        level -= 1
        return answer(request)

    return reply


def per_chat(*items: Item, key: Callable[[RecordedRequest], str] = lambda request: request.first_text) -> Behaviour:
    """Return a behaviour that plays the same script to every conversation (told apart by its first text)."""
    scripts: dict[str, Script] = {}

    def answer(request: RecordedRequest) -> Reply:
        script = scripts.setdefault(key(request), Script(items))
        return script.next(request) or text("per_chat: the script is over")

    return answer


class Script:
    """Replies in order; an item may be a behaviour, asked once, or a `Repeat`."""

    def __init__(self, items: tuple[Item, ...] = ()) -> None:
        self._items: list[Item] = list(items)
        self._used = 0

    def add(self, items: tuple[Item, ...]) -> None:
        self._items.extend(items)

    def __len__(self) -> int:
        return len(self._items)

    def next(self, request: RecordedRequest) -> Reply | None:
        """Return the next reply, or None when nothing is left."""
        if not self._items:
            return None
        item = self._items[0]
        if isinstance(item, Repeat):
            self._used += 1
            if item.times is not None and self._used >= item.times:
                self._items.pop(0)
                self._used = 0
            return item.reply
        self._items.pop(0)
        return item if isinstance(item, Reply) else item(request)


def first_parameter(request: RecordedRequest, tool: str, default: str) -> str:
    """Return the name of the declared tool's first parameter (the tools of a cache are not seen)."""
    declared = request.declarations.get(tool, {})
    schema = declared.get("parametersJsonSchema") or declared.get("parameters") or {}
    return next(iter(schema.get("required") or schema.get("properties") or ()), default)


BEHAVIOURS: dict[str, Behaviour] = {"echo": echo, "weather": weather, "ledger": ledger}


def behaviour_named(name: str) -> Behaviour:
    """Return a behaviour by name; `parallel:8` calls a tool eight times at once."""
    kind, _, argument = name.partition(":")
    if kind == "parallel":
        return parallel(int(argument or 2))
    if kind == "looping":
        return looping(argument)
    if name not in BEHAVIOURS:
        raise ValueError(f"unknown behaviour {name!r}: {', '.join([*BEHAVIOURS, 'parallel:N', 'looping:TOOL'])}")
    return BEHAVIOURS[name]
