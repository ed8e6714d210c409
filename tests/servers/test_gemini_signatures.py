"""Thought signatures as Gemini 3 mints and demands them, and the verbatim mode."""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest

from tests.servers import SENTINEL, GeminiServer, calls, echo, ledger, part, text, thought
from tests.servers.conversation import Client, answered, model, streamed_content, user

MISSING = "Function call is missing a thought_signature in functionCall parts."
CORRUPTED = "Corrupted thought signature."


@pytest.fixture
def server() -> Any:
    with GeminiServer() as running:
        yield running


def two_steps(server: GeminiServer, client: Client) -> list[Any]:
    """Return a history in the middle of a turn: two parallel calls answered, then one more answered."""
    server.answer = ledger
    contents = [user("go")]
    for _ in range(2):
        content = client.content({"contents": contents})
        contents += [content, answered(content, ok=True)]
    return contents


def said(client: Client, contents: list[Any], model: str = "gemini-3.8-flash") -> str:
    """Return the refusal's message, or nothing."""
    status, body = client.post({"contents": contents}, model=model)
    return "" if status == 200 else body["error"]["message"]


def test_each_step_s_first_call_alone_bears_a_signature(server: GeminiServer, client: Client) -> None:
    contents = two_steps(server, client)
    signed = [["thoughtSignature" in each for each in contents[at]["parts"]] for at in (1, 3)]
    assert signed == [[True, False], [True]]
    signature = contents[1]["parts"][0]["thoughtSignature"]
    assert {"+", "/", "="} <= set(signature)
    assert said(client, contents) == ""


def test_a_missing_signature_names_the_call_and_its_place(server: GeminiServer, client: Client) -> None:
    contents = two_steps(server, client)
    del contents[3]["parts"][0]["thoughtSignature"]
    found = said(client, contents)
    assert found.startswith(MISSING)
    assert "function call `default_api:record` , position 4." in found


def test_earlier_turns_are_not_looked_at(server: GeminiServer, client: Client) -> None:
    contents = two_steps(server, client)
    for at in (1, 3):
        del contents[at]["parts"][0]["thoughtSignature"]
    assert said(client, contents) != ""
    assert said(client, [*contents, user("never mind")]) == ""


def test_both_alphabets_and_lost_padding_are_the_same_bytes(server: GeminiServer, client: Client) -> None:
    contents = two_steps(server, client)
    first = contents[1]["parts"][0]
    first["thoughtSignature"] = first["thoughtSignature"].replace("+", "-").replace("/", "_").rstrip("=")
    assert said(client, contents) == ""


def spoilt(part: dict[str, Any]) -> None:
    signature = bytearray(base64.b64decode(part["thoughtSignature"]))
    signature[-1] ^= 1
    part["thoughtSignature"] = base64.b64encode(signature).decode()


def other_args(part: dict[str, Any]) -> None:
    part["functionCall"]["args"]["entry"] += "!"


def another_byte(part: dict[str, Any]) -> None:
    part["thoughtSignature"] = base64.b64encode(base64.b64decode(part["thoughtSignature"]) + b"\0").decode()


@pytest.mark.parametrize("spoil", [spoilt, other_args, another_byte])
def test_a_spoilt_signature_or_call_is_corrupted(server: GeminiServer, client: Client, spoil: Any) -> None:
    contents = two_steps(server, client)
    spoil(contents[3]["parts"][0])
    assert said(client, contents) == CORRUPTED


def test_a_signature_on_another_part_is_corrupted(server: GeminiServer, client: Client) -> None:
    contents = two_steps(server, client)
    moved = copy.deepcopy(contents)
    moved[1]["parts"][1]["thoughtSignature"] = moved[1]["parts"][0]["thoughtSignature"]
    assert said(client, moved) == CORRUPTED
    swapped = copy.deepcopy(contents)
    swapped[3]["parts"][0]["thoughtSignature"] = contents[1]["parts"][0]["thoughtSignature"]
    assert said(client, swapped) == CORRUPTED


def test_another_model_cannot_read_it_but_the_sentinel_is_accepted(server: GeminiServer, client: Client) -> None:
    contents = two_steps(server, client)
    assert said(client, contents, "gemini-4-hydrogen") == CORRUPTED
    for sentinel in (SENTINEL, base64.b64encode(SENTINEL.encode()).decode()):
        for at in (1, 3):
            contents[at]["parts"][0]["thoughtSignature"] = sentinel
        assert said(client, contents, "gemini-4-hydrogen") == ""


def test_gemini_2_5_neither_mints_nor_demands(server: GeminiServer, client: Client) -> None:
    server.answer = ledger
    content = client.content({"contents": [user("go")]}, model="gemini-2.5-flash-lite")
    assert "thoughtSignature" not in content["parts"][0]
    contents = [user("go"), content, answered(content)]
    assert said(client, contents, "gemini-2.5-flash-lite") == ""
    assert said(client, contents).startswith(MISSING)


def test_signatures_can_be_switched_off() -> None:
    with GeminiServer(signatures=False, answer=ledger) as server, Client(server.url) as client:
        content = client.content({"contents": [user("go")]})
        assert "thoughtSignature" not in content["parts"][0]
        assert said(client, [user("go"), content, answered(content)]) == ""


def test_a_signature_outlives_its_server(server: GeminiServer, client: Client) -> None:
    contents = two_steps(server, client)
    with GeminiServer(answer=ledger) as other, Client(other.url) as second:
        assert said(second, contents) == ""


def test_a_script_may_give_its_own_signature_or_none(server: GeminiServer, client: Client) -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    server.script(part({**call, "thoughtSignature": "AAAA"}), calls(("f", {"x": 1}), sign=False), text("ok"))
    contents: list[Any] = [user("go")]
    for _ in range(2):
        content = client.content({"contents": contents})
        contents += [content, answered(content)]
    assert contents[1]["parts"][0]["thoughtSignature"] == "AAAA"
    assert "thoughtSignature" not in contents[3]["parts"][0]
    assert said(client, contents) == ""
    contents[1]["parts"][0]["thoughtSignature"] = "AAAB"
    assert said(client, contents) == CORRUPTED


def test_whole_numbers_are_the_same_as_floats(server: GeminiServer, client: Client) -> None:
    server.script(calls(("f", {"x": 1.0, "deep": [{"y": 2.0}]})), text("ok"))
    content = client.content({"contents": [user("go")]})
    content["parts"][0]["functionCall"]["args"] = {"x": 1, "deep": [{"y": 2}]}
    assert said(client, [user("go"), content, answered(content)]) == ""


def test_a_text_bears_it_on_an_empty_part_or_on_the_last(server: GeminiServer, client: Client) -> None:
    server.script(text("a", "b"), text("a", "b", sign="last"), text("a", "b", sign=False), thought("hm") + text("a"))
    found = [streamed_content(client.stream({"contents": [user("hi")]}))["parts"] for _ in range(4)]
    shapes = [[(each["text"], "thoughtSignature" in each) for each in parts] for parts in found]
    assert shapes == [
        [("a", False), ("b", False), ("", True)],
        [("a", False), ("b", True)],
        [("a", False), ("b", False)],
        [("hm", False), ("a", False), ("", True)],
    ]
    server.script(text("a", "b"))
    (whole,) = client.content({"contents": [user("hi")]})["parts"]
    assert (whole["text"], "thoughtSignature" in whole) == ("ab", True)


def test_verbatim_mode_demands_every_content_as_it_was_sent() -> None:
    with GeminiServer(verbatim=True) as server, Client(server.url) as client:
        server.script(thought("h", "m") + text("a", "b"))
        sent = streamed_content(client.stream({"contents": [user("hi")]}))["parts"]
        server.answer = echo
        signature = sent[-1]["thoughtSignature"]
        hm = {"text": "hm", "thought": True}
        accepted: list[list[dict[str, Any]]] = [
            sent,
            [hm, {"text": "ab", "thought": False}, {"text": "", "thought_signature": signature}],
            [hm, {"text": "ab"}, {"text": "", "thoughtSignature": signature.replace("+", "-").replace("/", "_")}],
        ]
        refused: list[list[dict[str, Any]]] = [
            [hm, {"text": "ab"}],
            [{"text": "ab"}, {"text": "", "thoughtSignature": signature}],
            [hm, {"text": "ab", "thoughtSignature": signature}],
            [hm, {"text": "a"}, {"text": "", "thoughtSignature": signature}],
        ]
        for parts in accepted:
            assert said(client, [user("hi"), model(*parts), user("more")]) == ""
        for parts in refused:
            assert "contents[1] is not a content" in said(client, [user("hi"), model(*parts), user("more")])


def test_verbatim_mode_knows_no_partial_answer() -> None:
    with GeminiServer(verbatim=True) as server, Client(server.url) as client:
        server.script(text("half", sign=False).cut_after(10_000, "end").but(finish=""), text("ok"))
        sent = streamed_content(client.stream({"contents": [user("hi")]}))
        assert sent["parts"] == [{"text": "half"}]
        assert "not a content" in said(client, [user("hi"), sent, user("more")])


def test_part_kinds_of_the_future_may_come_back(server: GeminiServer, client: Client) -> None:
    new = {"hologram": {"depth": 3}}
    server.script(part(new) + text("look"), text("ok"))
    content = client.content({"contents": [user("go")]})
    assert content["parts"][0] == new
    assert said(client, [user("go"), content, user("again")]) == ""
    assert 'Unknown name "telegram"' in said(client, [user("go"), model({"telegram": 1}), user("again")])
