"""Chats made into tests: they load, and pass where the replies come along."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.conversations.exporting import Wanted, as_case, as_file
from runner.conversations.session import run_conversations
from runner.errors import ManifestError
from runner.loading.known_tools import KnownTool
from runner.loading.suites import load_suite
from runner.messages import ChatMessage, responses_to

if TYPE_CHECKING:
    from runner.suite import SuiteFile
    from tests.conversations.projects import Project

TOOLS = '''
from runner import Tool


class Anything(Tool):
    """Takes any arguments."""

    function_definition = {
        "name": "anything",
        "description": "Anything.",
        "parametersJsonSchema": {"type": "object", "additionalProperties": True},
    }
    effects = "none"

    async def execute(self, tool_args):
        return {"really": "run"}


anything = Anything()
__all__ = ["anything"]
'''
ODD = [
    "${x}",
    "$$",
    "a $ b",
    "${env:HOME}",
    "yes",
    "null",
    "1e5",
    "- a: b",
    "#",
    "a: b",
    "\x00",
    "\ufeff",
    "\U0001f600",
]
texts = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.just("$regex"), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts | st.just("$eq"), values, max_size=3)


@st.composite
def turns(draw: st.DrawFn) -> list[ChatMessage]:
    """One turn: a message, steps of calls with their results, a text."""
    log = [said(draw(texts))]
    for _ in range(draw(st.integers(0, 2))):
        made = [("anything", draw(objects)) for _ in range(draw(st.integers(1, 2)))]
        kinds = [draw(st.sampled_from(["ok", "ok", "error", "timeout"])) for _ in made]
        results = [draw(objects) if kind == "ok" else {"error": draw(texts)} for kind in kinds]
        log += called(*made, results=results, kinds=kinds, text=draw(st.just("") | texts))
    return [*log, answered(draw(texts))]


def said(text: str, *files: Any) -> ChatMessage:
    return ChatMessage.user(text, files=files, meta={"kind": "user"})


def answered(text: str) -> ChatMessage:
    return ChatMessage.model(text, meta={"kind": "model", "status": "answered"})


def called(
    *calls: tuple[str, dict[str, Any]], results: list[Any] | None = None, kinds: list[str] | None = None, text: str = ""
) -> list[ChatMessage]:
    made = [{"name": name, "args": args} for name, args in calls]
    words = [{"text": text}] if text else []
    parts = [*words, *({"functionCall": call} for call in made)]
    content = responses_to(made, results or [{"n": 1}] * len(made))
    return [
        ChatMessage({"role": "model", "parts": parts}, {"kind": "model"}),
        ChatMessage(content, {"kind": "responses", "results": kinds or ["ok"] * len(made)}),
    ]


def closed(status: Any, message: str = "") -> ChatMessage:
    return ChatMessage(None, {"kind": "closed", "status": status, "message": message})


def wanted(**changes: Any) -> Wanted:
    return Wanted(agent="weather.yaml", **changes)


@pytest.fixture
def any_project(project: Project) -> Project:
    project.tools.write_text(TOOLS)
    return project


def loaded(project: Project, text: str) -> SuiteFile:
    project.suite.write_text(text)
    return load_suite(project.suite).suite


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(log=st.lists(turns(), min_size=1, max_size=3).map(lambda parts: [entry for part in parts for entry in part]))
def test_a_chat_of_any_texts_becomes_a_test_that_passes(any_project: Project, log: list[ChatMessage]) -> None:
    text = as_file(log, wanted(scripted=True, stubs=True))
    any_project.suite.write_text(text)
    result = asyncio.run(run_conversations([any_project.suite]))
    case = result.cases[0]
    assert result.exit_code == 0, (case.attempts[0].trouble, case.attempts[0].failures, text)
    held = case.attempts[0].turns
    assert [turn.user for turn in held] == [entry.text for entry in log if entry.kind == "user"]
    assert [turn.reply for turn in held] == [entry.text for entry in log if entry.meta.get("status")]


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(log=turns())
def test_a_test_without_replies_loads_too(any_project: Project, log: list[ChatMessage]) -> None:
    suite = loaded(any_project, as_file(log, wanted(stubs=True)))
    assert not suite.cases[0].is_scripted


def test_calls_stand_in_it_with_their_arguments_and_replies_as_remarks() -> None:
    log = [said("Is it warm?"), *called(("get_weather", {"city": "Paris"})), answered("Yes:\n18 °C")]
    assert as_case(log, wanted()) == (
        "  - name: Is it warm?\n"
        "    turns:\n"
        "      - user: Is it warm?\n"
        "        expect:\n"
        "          calls:\n"
        "            - {tool: get_weather, args: {city: Paris}}\n"
        "          # review: Yes:\n"
        "          #   18 °C\n"
    )


def test_a_scripted_one_has_the_replies_and_says_no_calls_where_there_were_none() -> None:
    log = [said("Hello"), answered("Hi"), said("Bye"), *called(("a", {}), ("b", {"x": 1})), answered("Bye!")]
    assert as_case(log, wanted(scripted=True)).splitlines()[3:] == [
        "        replies:",
        "          - Hi",
        "        expect:",
        "          calls: none",
        "      - user: Bye",
        "        replies:",
        "          - {calls: [{call: a, args: {}}, {call: b, args: {x: 1}}]}",
        "          - Bye!",
        "        expect:",
        "          calls:",
        "            - a",
        "            - {tool: b, args: {x: 1}}",
    ]


def test_of_two_answers_to_the_same_call_the_first_is_the_stub_and_the_narrower_stands_first(
    any_project: Project,
) -> None:
    log = [
        said("go"),
        *called(("anything", {"a": 1}), results=[{"n": 1}]),
        *called(("anything", {"a": 1, "b": 2}), results=[{"n": 2}]),
        *called(("anything", {"a": 1}), results=[{"n": 3}]),
        *called(("anything", {"c": 1}), results=[{"error": "no"}], kinds=["error"]),
        answered("done"),
    ]
    stubs = loaded(any_project, as_file(log, wanted(stubs=True))).cases[0].stubs["anything"]
    assert [(stub.when, stub.returns, stub.error) for stub in stubs] == [
        ({"a": 1, "b": 2}, {"n": 2}, None),
        ({"a": 1}, {"n": 1}, None),
        ({"c": 1}, None, "no"),
    ]


def test_a_turn_that_no_test_can_expect_is_left_out_and_told(any_project: Project) -> None:
    log = [
        said("one"),
        closed("failed", "503 UNAVAILABLE\x1b[31m"),
        said("two"),
        *called(("anything", {})),
        closed("interrupted"),
        said("three"),
        *called(("anything", {}), kinds=["not_started"]),
        closed("limit"),
        said("four"),
    ]
    text = as_file(log, wanted())
    (turn,) = loaded(any_project, text).cases[0].turns
    assert (turn.user, turn.expect.status) == ("three", "limit")
    assert "# left out: turn 1 ended failed: 503 UNAVAILABLE\N{REPLACEMENT CHARACTER}[31m\n" in text
    assert "# left out: turn 2 ended interrupted\n" in text
    assert "# left out: turn 4 was never finished\n" in text


def test_a_call_that_the_tool_refused_is_left_out_of_replies_and_calls() -> None:
    tools = {"get_weather": KnownTool("get_weather", "", {"type": "object", "required": ["city"]})}
    log = [
        said("go"),
        *called(("get_weather", {"town": "x"}), ("gone", {}), results=[{"error": "a"}] * 2, kinds=["error"] * 2),
        *called(("get_weather", {"city": "x"})),
        answered("done"),
    ]
    text = as_case(log, wanted(scripted=True, tools=tools))
    assert text.count("call: get_weather") == 1
    assert '# left out: get_weather({"town":"x"}), which the tools refuse\n' in text
    assert "# left out: gone({}), which the tools refuse\n" in text


def test_files_that_were_sent_are_told_of(any_project: Project) -> None:
    log = [said("", {"inlineData": {"mimeType": "image/png", "data": ""}}), answered("A cat.")]
    text = as_file(log, wanted())
    assert "        # sent with [image/png]: save it in the project, and name it under `files:`\n" in text
    assert loaded(any_project, text).cases[0].turns[0].user == "(a file)"


def test_a_history_that_another_program_wrote_is_a_chat_too(any_project: Project) -> None:
    log = [ChatMessage.user("Hi"), *called(("anything", {"a": 1})), ChatMessage.model("Hello")]
    bare = [ChatMessage(entry.content, {}) for entry in log]
    (turn,) = loaded(any_project, as_file(bare, wanted(scripted=True))).cases[0].turns
    assert turn.expect.calls is not None
    assert len(turn.replies or ()) == 2


@pytest.mark.parametrize(
    ("log", "why"),
    [
        ([], "nothing was said"),
        ([said("Hi"), closed("failed", "no")], "turn 1 ended failed: no"),
        ([said("Hi"), answered("")], "turn 1 was answered without a text"),
    ],
)
def test_a_chat_without_a_turn_to_test_is_refused(log: list[ChatMessage], why: str) -> None:
    with pytest.raises(ManifestError, match=why):
        as_file(log, wanted(scripted=True))


def test_a_long_message_names_the_case_by_its_first_words() -> None:
    name = as_case([said("${tell} me: " + "word " * 40), answered("ok")], wanted()).splitlines()[0]
    assert name == "  - name: tell me word word word word word word word word word word"
