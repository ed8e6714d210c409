"""A miss says which message, option or order is another than recorded, line by line and without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import CassetteMissError
from runner.models.cassettes import Cassette, Player, Redactor, ReplayModel
from runner.models.scripted import ScriptedModel, say
from tests.models.asking import NAME, answer, asking
from tests.models.cassettes.making import missed, record, recorded

if TYPE_CHECKING:
    from pathlib import Path

    from runner.requests import GenerateContentRequest


async def test_the_first_message_that_differs_is_shown_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    text = "Compare the weather.\n" + "In this place and in that one, " * 8 + "please."
    await record(path, asking("Hi", {"role": "model", "parts": [{"text": "Hello"}]}, text))
    other = text.replace("that one, please", "that one, at once")
    error = await missed(path, asking("Hi", {"role": "model", "parts": [{"text": "Hello"}]}, other, "and more"))
    assert str(error) == f"{path}:3: turn 3, step 1 (agent) does not ask what was recorded: message 3 differs"
    assert (error.role, error.turn, error.step, error.line, error.path) == ("agent", 3, 1, 3, str(path))
    shown = error.difference.splitlines()
    assert shown[:3] == ["message 3:", "--- recorded", "+++ asked now"]
    assert shown[-2:] == [
        "-and in that one, In this place and in that one, please.",
        "+and in that one, In this place and in that one, at once.",
    ]
    assert max(map(len, shown)) <= 101


@pytest.mark.parametrize(
    ("contents", "words", "shown"),
    [
        (["Hi", {"role": "model", "parts": [{"text": "a"}]}], "message 3 is missing", "-user: more"),
        (
            ["Hi", {"role": "model", "parts": [{"text": "a"}]}, "more", "still more"],
            "message 4 is one more than recorded",
            "+user: still more",
        ),
        (
            ["Hi", {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"b": 1, "a": 2}}}]}, "more"],
            "message 2 differs",
            '+model: f({"a": 2, "b": 1})',
        ),
        (
            [{"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"x": "y" * 99}}}]}],
            "message 1 differs",
            '+  "x": "yyyy',
        ),
    ],
)
async def test_the_miss_says_which_message_it_is(tmp_path: Path, contents: list[Any], words: str, shown: str) -> None:
    path = tmp_path / "c.jsonl"
    await record(path, asking("Hi", {"role": "model", "parts": [{"text": "a"}]}, "more"))
    error = await missed(path, asking(*contents))
    assert words in str(error)
    assert any(line.startswith(shown) for line in error.difference.splitlines()), error.difference


async def test_other_instructions_tools_and_settings_are_named_too(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"

    def with_options(words: str, temperature: float, *tools: str) -> GenerateContentRequest:
        declared = [{"name": tool[0], "description": tool} for tool in tools]
        return asking(
            "Hi",
            model=f"model-{words}",
            system_instruction={"parts": [{"text": f"Be brief.\nBe {words}."}]},
            tools=[{"functionDeclarations": declared}, {"googleSearch": {}}],
            generation_config={"temperature": temperature},
        )

    await record(path, with_options("kind", 1, "f", "g", "h"))
    error = await missed(path, with_options("stern", 2, "f", "gg", "i"))
    assert str(error).endswith("model model-kind -> model-stern; other instructions, tools or settings")
    assert error.difference.splitlines() == [
        "the generationConfig are others:",
        "--- recorded",
        "+++ asked now",
        '-{"temperature": 1}',
        '+{"temperature": 2}',
        "the instructions are others:",
        "--- recorded",
        "+++ asked now",
        " Be brief.",
        "-Be kind.",
        "+Be stern.",
        "tool g changed",
        "tool h gone",
        "tool i new",
    ]


async def test_a_difference_is_shown_in_part_when_it_is_long(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    await record(path, asking("\n".join(map(str, range(200)))), asking("x" * 9000 + "y"))
    error = await missed(path, asking("\n".join(f"line {number}" for number in range(200))))
    assert len(error.difference.splitlines()) < 50
    assert error.difference.endswith("more lines")


async def test_a_difference_beyond_what_is_kept_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    await record(path, asking("x" * 9000 + "y"))
    error = await missed(path, asking("x" * 9000 + "z"))
    assert "differ beyond what the cassette keeps" in error.difference


async def test_a_secret_of_the_recording_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    async with recorded(path, ScriptedModel(say("ok")), redactor=Redactor(["postgres"])) as model:
        await answer(model, asking("Which postgres?"))
    error = await missed(path, asking("Which postgres?"))
    assert error.difference.splitlines()[-3:] == [
        "-user: Which [hidden]?",
        "+user: Which postgres?",
        "([hidden] stands for a secret of the time of recording)",
    ]


async def test_no_secret_is_shown_in_a_difference(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    await record(path, asking("Hi"))
    player = Player(Cassette.read(path), Redactor(["correct-horse"]))
    with pytest.raises(CassetteMissError) as caught:
        await answer(ReplayModel(player, NAME), asking("the correct-horse battery"))
    assert "correct-horse" not in caught.value.difference
    assert "the [hidden] battery" in caught.value.difference


async def test_a_request_out_of_its_order_is_a_miss_that_says_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    await record(path, asking("one"), asking("two"))
    error = await missed(path, asking("two"))
    assert str(error).endswith("message 1 differs (line 4 has this request)")
