"""What holds after every turn, however it went: checkers that raise AssertionError and share no code with the loop.

    assert_sound(log)                        # a stored log: valid history, one result per call, every turn ended
    assert_recoverable(log)                  # so is what a crash after any of its entries leaves behind
    assert_told_as_stored(events, log)       # TurnEnded, the stored status and the answer's text agree
    assert_at_most_once(lines)               # a ledger: no idempotency key twice
    assert_results_match(log, lines)         # what the model was told agrees with what the tools did
    assert_absent(secret, places)            # a canary
    async with nothing_left_behind(): ...    # tasks, threads and file descriptors return to their level

The strict server is the second, independent judge of a history: `tests.servers.history_fault`.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.events import TextDelta, TurnEnded
from runner.recovery import closing
from runner.rendering import history, said
from runner.tools.threads import abandoned
from tests.servers import history_fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from runner.events import Event
    from runner.messages import ChatMessage

JSON = dict[str, Any]
KINDS = {"ok", "error", "timeout", "cancelled", "not_started", "interrupted", "outcome_unknown"}
STATUSES = {"answered", "stopped", "limit", "failed", "interrupted"}
UNSETTLED = {"not_started", "interrupted", "outcome_unknown"}
NO_PAYLOADS = {"thought", "thoughtSignature", "partMetadata", "videoMetadata"}


# The history


def assert_valid_history(contents: Sequence[JSON]) -> None:
    """Raise unless Gemini accepts these contents followed by a user's text; both judges are asked."""
    waiting: list[JSON] = []
    before = ""
    for position, content in enumerate(contents):
        where = f"contents[{position}]"
        role, parts = content.get("role"), content.get("parts")
        assert role in ("user", "model"), f"{where}: role {role!r}"
        assert parts, f"{where}: no parts"
        for part in parts:
            _assert_one_payload(where, part)
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        responses = [part["functionResponse"] for part in parts if "functionResponse" in part]
        if role == "user":
            assert not calls, f"{where}: a user content with calls"
            _assert_answers(where, parts, responses, waiting)
            waiting = []
        else:
            assert before == "user", f"{where}: a model content does not follow a user content"
            assert not responses, f"{where}: a model content with responses"
            waiting = calls
        before = role
    assert not waiting, f"the last content has {len(waiting)} unanswered calls"
    fault = history_fault({"contents": [*contents, {"role": "user", "parts": [{"text": "and now?"}]}]})
    assert fault is None, f"the server's own judge: {fault}"


def _assert_one_payload(where: str, part: JSON) -> None:
    assert len(part.keys() - NO_PAYLOADS) == 1, f"{where}: not one payload: {sorted(part)}"
    assert part.get("text") != "" or "thoughtSignature" in part, f"{where}: an empty text without signature"
    call, response = part.get("functionCall"), part.get("functionResponse")
    if call is not None:
        assert call.get("name"), f"{where}: a call without name"
        assert isinstance(call.get("args", {}), dict), f"{where}: args are not an object"
    if response is not None:
        assert response.get("name"), f"{where}: a response without name"
        assert isinstance(response.get("response"), dict), f"{where}: a response is not an object"


def _assert_answers(where: str, parts: Sequence[JSON], responses: Sequence[JSON], calls: Sequence[JSON]) -> None:
    assert len(responses) == len(calls), f"{where}: {len(responses)} responses to {len(calls)} calls"
    assert not responses or len(parts) == len(responses), f"{where}: something between the responses"
    for call, response in zip(calls, responses, strict=True):
        assert response["name"] == call["name"], f"{where}: the responses are not in call order"
        assert response.get("id") == call.get("id"), f"{where}: a response has another id than its call"


# The log


def assert_sound(log: Sequence[ChatMessage]) -> None:
    """Raise unless a stored log that nobody writes to is valid, answered call by call, and every turn has one end."""
    for sent in (said(log), history(log)):
        assert_valid_history([entry.content for entry in sent if entry.content is not None])
    for position, entry in enumerate(log):
        after = log[position + 1] if position + 1 < len(log) else None
        if entry.kind == "model" and entry.calls:
            _assert_counted(entry)
            answers = next(each for each in log[position + 1 :] if each.kind != "started")
            assert answers.kind == "responses", f"calls are followed by {answers.kind}"
            kinds = answers.meta.get("results", [])
            assert len(kinds) == len(entry.calls), f"{len(kinds)} result kinds for {len(entry.calls)} calls"
            assert set(kinds) <= KINDS, f"unknown result kinds in {kinds}"
        if entry.kind == "closed":
            assert entry.content is None
            assert "status" in entry.meta
        if "status" in entry.meta:
            assert after is None or after.kind == "user", f"{after.kind} follows the end of a turn"
    _assert_turns(log)


def _assert_counted(entry: ChatMessage) -> None:
    effects = entry.meta.get("effects", [])
    assert len(effects) == len(entry.calls), f"{len(effects)} effects for {len(entry.calls)} calls"


def _assert_turns(log: Sequence[ChatMessage]) -> None:
    turns = [entry.meta.get("turn") for entry in log if entry.kind == "user"]
    assert turns == list(range(1, len(turns) + 1)), f"turns are numbered {turns}"
    endings = [(entry.meta.get("turn"), entry.meta["status"]) for entry in log if "status" in entry.meta]
    assert [turn for turn, _ in endings] == turns, f"turns {turns} have the endings {endings}"
    assert {status for _, status in endings} <= STATUSES


def assert_recoverable(log: Sequence[ChatMessage]) -> None:
    """Raise unless what a crash leaves, any beginning of the log, is sound once closed, and then stays as it is."""
    for length in range(len(log) + 1):
        left = list(log[:length])
        closed = [*left, *closing(left, "2026-01-01T00:00:00.000+00:00")]
        assert_sound(closed)
        assert closing(closed, "") == [], "closing a closed log added to it"


# What is told


def ending(events: Iterable[Event]) -> TurnEnded:
    """The one TurnEnded, which is the last event."""
    told = list(events)
    ended = [event for event in told if isinstance(event, TurnEnded)]
    assert len(ended) == 1, f"{len(ended)} TurnEnded"
    assert told[-1] is ended[0], f"{told[-1]} after TurnEnded"
    return ended[0]


def assert_told_as_stored(events: Sequence[Event], log: Sequence[ChatMessage]) -> None:
    """Raise unless the end that was told is the one that is stored, and success means a whole answer."""
    ended = ending(events)
    last = log[-1]
    assert last.meta.get("status") == ended.reason, f"told {ended.reason}, stored {last.meta.get('status')}"
    assert (ended.error is not None) == (ended.reason == "failed"), f"{ended.reason} with error {ended.error!r}"
    if ended.reason == "answered":
        assert last.kind == "model"
        assert not last.calls
        assert last.text == ended.text
        shown = "".join(event.text for event in events if isinstance(event, TextDelta))
        assert shown.endswith(ended.text), "the answer is not what was shown"
    if ended.reason in ("failed", "limit", "interrupted"):
        assert last.kind == "closed"
        assert ended.code
        assert ended.message
        assert last.meta.get("reason") == ended.code


# Effects


def assert_at_most_once(lines: Iterable[str]) -> None:
    """Raise when a ledger has two lines with one idempotency key, its first word."""
    counts = Counter(line.split()[0] for line in lines)
    twice = {key: count for key, count in counts.items() if count > 1}
    assert not twice, f"run more than once: {twice}"


def result_kinds(log: Sequence[ChatMessage], chat_id: str) -> dict[str, str]:
    """The stored result kind of every call, by its idempotency key."""
    kinds: dict[str, str] = {}
    for entry in log:
        if entry.kind == "responses":
            turn, step = entry.meta.get("turn"), entry.meta.get("step")
            kinds |= {f"{chat_id}:{turn}:{step}:{i}": kind for i, kind in enumerate(entry.meta.get("results", []))}
    return kinds


def assert_results_match(log: Sequence[ChatMessage], chat_id: str, lines: Iterable[str]) -> None:
    """Raise when a call that "did not start" is in the ledger, or one that went well is not."""
    done = {line.split()[0] for line in lines}
    for key, kind in result_kinds(log, chat_id).items():
        assert kind != "not_started" or key not in done, f"{key} is said not to have started and did"
        assert kind != "ok" or key in done, f"{key} is said to have gone well and is not in the ledger"


# Leftovers


async def level() -> tuple[list[str], list[str], int]:
    """The tasks, threads and the number of descriptors now; idle tool threads and asyncio's own are nobody's work."""
    gc.collect()
    tasks = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    threads = [thread.name for thread in threading.enumerate()]
    threads = [name for name in threads if not name.startswith(("asyncio_", "agent-run-tool-"))]
    return sorted(tasks), sorted([*threads, *abandoned()]), len(list(Path("/proc/self/fd").iterdir()))


@asynccontextmanager
async def nothing_left_behind(patience: float = 60.0) -> AsyncIterator[None]:
    """Raise when the block leaves a task, a thread or a descriptor that is not gone within `patience` seconds."""
    before = await level()
    yield
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while (after := await level()) != before and not _is_less(after, before):
        assert loop.time() < deadline, f"left behind: {before} became {after}"
        await asyncio.sleep(0.01)


def _is_less(after: tuple[list[str], list[str], int], before: tuple[list[str], list[str], int]) -> bool:
    """Whether there is nothing more than before: something of an earlier test may have ended meanwhile."""
    more_tasks, more_threads = Counter(after[0]) - Counter(before[0]), Counter(after[1]) - Counter(before[1])
    return not more_tasks and not more_threads and after[2] <= before[2]


# Secrets


def assert_absent(secret: str, places: Mapping[str, str | bytes]) -> None:
    """Raise, naming the places, where the secret is found as text or bytes."""
    found = [
        name
        for name, text in places.items()
        if (secret.encode() in text if isinstance(text, bytes) else secret in text)
    ]
    assert not found, f"the secret is in: {', '.join(found)}"
