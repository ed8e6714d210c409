"""Two requests have one fingerprint when they ask the same, whatever differs from run to run."""

from __future__ import annotations

from typing import Any

import pytest

from runner.messages import ChatMessage, Json
from runner.models.cassettes import Redactor, fingerprint
from runner.models.cassettes.fingerprints import Asked, Fingerprints
from runner.requests import GenerateContentRequest
from tests.models.asking import TOOLS, asking


def asked(request: GenerateContentRequest, *secrets: str) -> Asked:
    return Fingerprints(Redactor(secrets)).of(request)


def conversation(call_id: str = "c1", signature: str = "c2ln", **parts: Any) -> list[Json]:
    call = {"name": "f", "args": {"x": "1", "y": [1.5, None]}, "id": call_id}
    return [
        {"role": "user", "parts": [{"text": "Hi \N{SNOWMAN} \ud800"}]},
        {"role": "model", "parts": [{"functionCall": call, "thoughtSignature": signature}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": 1}, "id": call_id}}]},
        {"role": "model", "parts": [{"text": "Done"}, *parts.get("end", [])]},
        {"role": "user", "parts": [{"text": "Again"}]},
    ]


FULL: Json = {
    "system_instruction": {"parts": [{"text": "Be brief."}]},
    "tools": TOOLS,
    "tool_config": {"functionCallingConfig": {"mode": "ANY"}},
    "generation_config": {"temperature": 0.5},
    "settings": {"serviceTier": "flex"},
}


def test_the_values_are_the_same_in_every_release() -> None:
    """Written down once: a change of these makes all cassettes of all users useless."""
    assert fingerprint({}) == "#4ae4acf2f802f6f5210f"
    assert fingerprint({"b": [1, 2.0, "\N{SNOWMAN}"], "a": None}) == "#70c470f347df41773c2d"
    assert asked(asking("Hi")).fingerprint == "#8693c41ff5e6eecafecf"
    assert asked(asking(*conversation(), **FULL)).fingerprint == "#5c28c966f62f850f9822"


@pytest.mark.parametrize(
    "other",
    [
        conversation(call_id="another"),
        conversation(signature="b3RoZXI="),
        conversation(end=[{"text": "", "thoughtSignature": "bGFzdA=="}]),
        [dict(reversed(content.items())) for content in conversation()],
    ],
    ids=["ids", "signatures", "a signature in a part of its own", "the order of keys"],
)
def test_what_differs_from_run_to_run_does_not_count(other: list[Json]) -> None:
    assert asked(asking(*other, **FULL)).fingerprint == asked(asking(*conversation(), **FULL)).fingerprint


def test_neither_does_the_name_of_a_context_cache_or_what_is_known_about_a_message() -> None:
    plain, noted = asking("Hi"), ChatMessage.user("Hi", meta={"time": "2026-03-01T12:00:00Z", "turn": 1})
    request = GenerateContentRequest(model=plain.model, messages=[noted], cached_content="cachedContents/abc")
    assert asked(request).fingerprint == asked(plain).fingerprint


@pytest.mark.parametrize(
    "other",
    [
        asking(*conversation(), **FULL, model="gemini-4-hydrogen"),
        asking(*conversation()[:-1], **FULL),
        asking(*conversation()[:-1], "Once more", **FULL),
        asking(*conversation(end=[{"text": "."}]), **FULL),
        asking(*conversation(), **(FULL | {"system_instruction": {"parts": [{"text": "Be short."}]}})),
        asking(*conversation(), **(FULL | {"tools": []})),
        asking(*conversation(), **(FULL | {"tool_config": None})),
        asking(*conversation(), **(FULL | {"generation_config": {"temperature": 0.6}})),
        asking(*conversation(), **(FULL | {"settings": None})),
    ],
    ids=["model", "fewer", "text", "more parts", "instructions", "tools", "mode", "generation", "settings"],
)
def test_everything_else_that_is_sent_counts(other: GenerateContentRequest) -> None:
    assert asked(other).fingerprint != asked(asking(*conversation(), **FULL)).fingerprint


def test_a_secret_counts_as_hidden() -> None:
    """A recording made with a key at hand fits where there is none, or another."""
    here, there = asking("the key is hunter2-hunter2"), asking("the key is correct-horse")
    assert asked(here, "hunter2-hunter2").fingerprint == asked(there, "correct-horse").fingerprint
    assert asked(here).fingerprint != asked(there).fingerprint


def test_a_growing_chat_is_not_read_again() -> None:
    """Messages that were fingerprinted before are not even decoded."""
    known = [ChatMessage(content) for content in conversation()]
    prints = Fingerprints(Redactor())
    first = prints.of(GenerateContentRequest(model="m", messages=known))
    for message in known:
        message.compacted()
    more = prints.of(GenerateContentRequest(model="m", messages=[*known, ChatMessage.user("More")]))
    assert all(message._content is None for message in known)
    assert more.messages[:-1] == first.messages
    assert more.fingerprint == asked(asking(*conversation(), "More", model="m")).fingerprint


def test_another_history_in_between_changes_nothing() -> None:
    prints = Fingerprints(Redactor())
    known, other = ([ChatMessage(content) for content in conversation()] for _ in range(2))
    marks = [
        prints.of(GenerateContentRequest(model="m", messages=each)).fingerprint for each in (known, other[:2], known)
    ]
    assert marks[0] == marks[2] != marks[1]


@pytest.mark.parametrize(("count", "place"), [(1, (1, 1)), (2, (1, 2)), (3, (1, 2)), (5, (2, 1))])
def test_turn_and_step_are_read_off_the_history(count: int, place: tuple[int, int]) -> None:
    found = asked(asking(*conversation()[:count]))
    assert (found.turn, found.step) == place
