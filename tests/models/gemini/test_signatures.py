"""A history signed by another model is sent once more with the sentinel, and stays as it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import GeminiAPIError
from runner.messages import to_json
from runner.models.gemini.signatures import is_signature_refused, with_reset_signatures
from runner.models.retry import Retry
from tests.models.asking import TOOLS, NewModel, answer, asking
from tests.servers import SENTINEL, GeminiServer, calls, error, repeat, text

if TYPE_CHECKING:
    from runner.messages import Json, Part

FOREIGN = "Zm9yZWlnbg=="
OTHER = "gemini-4-hydrogen"


def called(name: str, signature: str | None = None) -> Part:
    made: Part = {"functionCall": {"name": name, "id": f"id-{name}", "args": {"x": "1"}}}
    return made if signature is None else {**made, "thoughtSignature": signature}


def returned(*names: str) -> Json:
    parts = [{"functionResponse": {"name": name, "id": f"id-{name}", "response": {"output": 1}}} for name in names]
    return {"role": "user", "parts": parts}


def said(*parts: Part) -> Json:
    return {"role": "model", "parts": list(parts)}


HISTORY: list[str | Json] = [
    "first",
    said(called("f", FOREIGN)),
    returned("f"),
    said({"text": "done"}, {"text": "", "thoughtSignature": FOREIGN}),
    "second",
    said({"text": "hm", "thought": True, "thoughtSignature": FOREIGN}, called("f", FOREIGN), called("g")),
    returned("f", "g"),
    said(called("g")),
    returned("g"),
]


def test_calls_of_the_current_turn_get_the_sentinel_and_all_other_signatures_go() -> None:
    request = asking(*HISTORY, tools=TOOLS)
    before = to_json(request.body())
    reset = with_reset_signatures(request)
    assert reset is not None
    assert to_json(request.body()) == before
    assert [content["parts"] for content in reset.contents if content["role"] == "model"] == [
        [called("f")],
        [{"text": "done"}],
        [{"text": "hm", "thought": True}, called("f", SENTINEL), called("g")],
        [called("g", SENTINEL)],
    ]
    assert [content for content in reset.contents if content["role"] == "user"] == [
        content for content in request.contents if content["role"] == "user"
    ]
    assert reset.tools == request.tools


def test_a_history_without_signatures_is_not_sent_again() -> None:
    assert with_reset_signatures(asking("a", said({"text": "b"}), "c")) is None


@pytest.mark.parametrize(
    ("code", "message", "refused"),
    [
        (400, "Corrupted thought signature.", True),
        (400, "Invalid thought_signature in functionCall part", True),
        (400, "thoughtSignature is invalid", True),
        (400, "Function call is missing a thought_signature in functionCall parts", False),
        (400, "Invalid value at contents", False),
        (500, "Corrupted thought signature.", False),
    ],
)
def test_only_a_refused_signature_is_a_reason(code: int, message: str, refused: bool) -> None:
    assert is_signature_refused(GeminiAPIError(code, "INVALID_ARGUMENT", message)) is refused


async def test_after_a_change_of_model_in_mid_turn_the_turn_goes_on(new_model: NewModel) -> None:
    with GeminiServer() as server:
        server.script(calls(("f", {"x": "1"}), ("g", {})), text("fine"))
        async with new_model(server) as model:
            first = await answer(model, asking("Hi", tools=TOOLS))
            names = [part["functionCall"] for part in first.parts]
            responses = {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": call["name"], "id": call["id"], "response": {}}} for call in names
                ],
            }
            request = asking("Hi", first.content, responses, model=OTHER, tools=TOOLS)
            stored = [message.content_json for message in request.messages]
            got = await answer(Retry(model), request)
    assert (got.text, got.codes) == ("fine", ["signatures_reset"])
    assert [each.status for each in server.requests] == [200, 400, 200]
    assert server.requests[1].body["contents"][1] == first.content
    sent = server.requests[2].body["contents"][1]["parts"]
    assert [part.get("thoughtSignature") for part in sent] == [SENTINEL, None]
    assert [message.content_json for message in request.messages] == stored


async def test_a_second_refusal_is_final_and_all_requests_count(new_model: NewModel) -> None:
    async def unwaited(_: float) -> None:
        """The wait before the second request."""

    request = asking("Hi", said(called("f", FOREIGN)), returned("f"), model=OTHER, tools=TOOLS)
    with GeminiServer(signatures=False) as server:
        server.script(error(503), repeat(error(400, "Corrupted thought signature."), 2))
        async with new_model(server) as model:
            with pytest.raises(GeminiAPIError, match="Corrupted thought signature"):
                await answer(Retry(model, sleep=unwaited), request)
        assert len(server.requests) == 3
