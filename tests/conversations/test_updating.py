"""`--update`: new literals in the place of those that failed, and every other character as it was."""

from __future__ import annotations

import asyncio
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.conversations.literals import template
from runner.conversations.options import Options
from runner.conversations.session import run_conversations
from runner.conversations.updating import accept, proposals
from runner.errors import ManifestError
from runner.loading.suites import load_suite
from runner.loading.writing import line_of
from tests.conversations.test_exporting import TOOLS, texts, values

if TYPE_CHECKING:
    from tests.conversations.projects import Project

TURN = """\
# At the top.
agent: weather.yaml   # the agent
cases:
  - name: only
    vars: {city: Paris, warm: 18}
    turns:
      - user: go
        replies: [{call: get_weather, args: {city: Paris, unit: f}}, "It is 18 °C in Paris.\\nBye."]
        expect:
"""


def updated(project: Project, expect: str, *, head: str = TURN, code: int = 0) -> tuple[str, list[str]]:
    """What stands under `expect` when all was accepted, and the messages of what was not; the file's head stays."""
    project.suite.write_text(head + "".join(f"          {line}\n" for line in dedent(expect).strip().splitlines()))
    suites = [load_suite(project.suite)]
    result = asyncio.run(run_conversations(suites, Options(goes_on=True)))
    assert result.exit_code == 1, result.cases[0].attempts[0].trouble
    found = proposals(suites, result.cases)
    for proposal in found:
        accept(proposal)
    text = project.suite.read_text()
    assert text.startswith(head)
    left = [message for proposal in found for _, message in proposal.left]
    again = asyncio.run(run_conversations([project.suite]))
    assert again.exit_code == (1 if left else code)
    return dedent(text.removeprefix(head)), left


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("reply: 21 °C   # warm", 'reply: "18 °C"   # warm'),
        ('reply: "in Rome"', 'reply: "It is 18 °C in Paris.\\nBye."'),
        ("reply: ['21 °C', Paris]", "reply: ['18 °C', Paris]"),
        ("reply: {icontains: [paris, IS 21]}", "reply: {icontains: [paris, is 18]}"),
        (
            "reply:\n  - contains:   # two\n      - Paris\n      - '21'",
            "reply:\n  - contains:   # two\n      - Paris\n      - '18'",
        ),
        (
            "reply:\n  equals: |\n    It is 21.\n    Bye.\n\ncalls: any",
            "reply:\n  equals: |-\n    It is 18 °C in Paris.\n    Bye.\n\ncalls: any",
        ),
        ("reply: {equals: no}", 'reply: {equals: "It is 18 °C in Paris.\\nBye."}'),
        (
            "calls: [{tool: get_weather, args: {city: Rome, unit: f}}]",
            "calls: [{tool: get_weather, args: {city: Paris, unit: f}}]",
        ),
        (
            "calls:\n  - parallel:\n      - tool: get_weather\n        args: {city: Rome}  # where",
            "calls:\n  - parallel:\n      - tool: get_weather\n        args: {city: Paris}  # where",
        ),
        ("calls: [{tool: get_weather, times: 2}]", "calls: [{tool: get_weather, times: 1}]"),
        (
            "calls: [{tool: get_weather, result: {temp: 21, seen: [Rome]}}]",
            "calls: [{tool: get_weather, result: {temp: 18, seen: [Paris]}}]",
        ),
        (
            "calls: [{tool: get_weather, result: {temp: 18, wind: 3}}]",
            "calls: [{tool: get_weather, result: {temp: 18}}]",
        ),
        (
            "calls: [{tool: get_weather, result: {seen: [a, b], temp: {$gt: 3}}}]",
            "calls: [{tool: get_weather, result: {seen: [Paris], temp: {$gt: 3}}}]",
        ),
    ],
)
def test_a_literal_that_failed_says_what_came(before: str, after: str, project: Project) -> None:
    assert updated(project, before) == (f"{after}\n", [])


@pytest.mark.parametrize(
    ("expect", "left"),
    [
        ('reply: {regex: "2\\\\d"}', "reply: the reply is not: regex"),
        ("reply: {not_contains: Paris}", "reply: the reply is not: not contains"),
        ("reply: 'in ${city}, ${warm} K'", "reply: the reply is not: contains"),
        ("calls: [{tool: get_weather, args: {city: {$contains: Rome}}}]", "calls: get_weather: args.city"),
        ("calls: [{tool: get_weather, args: {city: '${city}!'}}]", "calls: get_weather: args.city"),
        ("calls: [{tool: get_weather, result: {seen: [{$regex: a}, b]}}]", "calls: get_weather: result.seen"),
        ("calls: [{tool: get_weather, result: {wind: {$gt: 3}}}]", "calls: get_weather: result.wind"),
        ("calls: none", "calls: 1 tool calls were made"),
        ("calls: [send_mail]", "calls: not called: send_mail(...)"),
        ("calls: [{tool: get_weather, status: error}]", "calls: get_weather: status"),
        ("max_steps: 1", "limit: max_steps"),
        ("calls: [{tool: get_weather, result: {seen: &x [Rome]}}]", "calls: get_weather: result.seen"),
        (
            "calls:\n  - tool: get_weather\n    result:\n      seen:\n        - Oslo  # why\n        - Rome",
            "calls: get_weather: result.seen",
        ),
    ],
)
def test_what_no_literal_says_is_left_and_told(expect: str, left: str, project: Project) -> None:
    text, (message,) = updated(project, expect)
    assert text == dedent(expect) + "\n"
    assert message.startswith(left)


def test_calls_that_are_missing_or_too_many_are_left(project: Project) -> None:
    text, (message,) = updated(project, "calls: [{tool: get_weather, args: {city: Rome}}, send_mail]")
    assert text == "calls: [{tool: get_weather, args: {city: Paris}}, send_mail]\n"
    assert message.startswith("calls: ")
    assert "not called: send_mail(...)" in message


def test_turns_after_one_that_failed_are_updated_too(project: Project) -> None:
    head = """\
agent: weather.yaml
cases:
  - name: only
    turns:
      - {user: one, replies: [It is 18.], save: {degrees: "(\\\\d+)"}}
      - {user: two, replies: ["Still 18."], expect: {reply: "still ${degrees}"}}
      - user: three
        replies: [Good bye.]
        expect:
"""
    assert updated(project, "reply: Hello", head=head) == (
        "reply: Good bye.\n",
        ['reply: the reply is not: contains "still 18"'],
    )


def test_what_the_whole_conversation_is_expected_to_hold_is_updated(project: Project) -> None:
    head = TURN.replace("        expect:\n", "    finally:\n")
    text, left = updated(project, "reply: '21 °C'\ncalls: [{tool: get_weather, args: {unit: c}}]", head=head)
    assert (text, left) == ("reply: '18 °C'\ncalls: [{tool: get_weather, args: {unit: f}}]\n", [])


def test_what_differs_from_run_to_run_is_left(project: Project) -> None:
    project.tools.write_text(
        project.tools.read_text().replace('{"temp": 18,', '{"temp": __import__("random").random(),')
    )
    head = TURN.replace("name: only\n", "name: only\n    repeat: 2\n    pass_rate: 0.5\n")
    text, left = updated(project, "calls: [{tool: get_weather, args: {city: Rome}, result: {temp: 1}}]", head=head)
    assert text == "calls: [{tool: get_weather, args: {city: Paris}, result: {temp: 1}}]\n"
    assert left == ["cases[0].turns[0].expect.calls[0].result.temp: not the same in all runs"]


@pytest.mark.parametrize("change", [lambda text: text + "# later\n", lambda text: "\ufeff" + text])
def test_a_file_that_changed_meanwhile_is_not_touched(change: object, project: Project) -> None:
    project.turn("reply: no", "yes indeed")
    suites = [load_suite(project.suite)]
    result = asyncio.run(run_conversations(suites))
    changed = change(project.suite.read_text())  # type: ignore[operator]  # a function, as pytest hands it over
    project.suite.write_text(changed, encoding="utf-8")
    (proposal,) = proposals(suites, result.cases)
    with pytest.raises(ManifestError, match="it changed while the tests ran, and was not updated: run them again"):
        accept(proposal)
    assert project.suite.read_text() == changed
    project.suite.unlink()
    with pytest.raises(ManifestError, match="no such file"):
        accept(proposal)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_the_mark_and_the_permissions_of_the_file_stay(line_end: str, mark: bytes, project: Project) -> None:
    project.turn("reply:\n  equals: |\n    one\n    two\nmax_tokens: 99", '"a\\nb"')
    content = mark + project.suite.read_text().replace("\n", line_end).encode()
    project.suite.write_bytes(content)
    project.suite.chmod(0o640)
    suites = [load_suite(project.suite)]
    (proposal,) = proposals(suites, asyncio.run(run_conversations(suites)).cases)
    accept(proposal)
    old, new = (
        f"|{line_end}              one{line_end}              two",
        f"|-{line_end}              a{line_end}              b",
    )
    assert project.suite.read_bytes() == content.replace(old.encode(), new.encode())
    assert project.suite.stat().st_mode & 0o777 == 0o640


STYLES = ["old", "'old'", '"old"', "|-\n                  old\n                  text", "[old]", "{old: [text]}"]


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(value=values, reply=texts.filter(str.strip), style=st.sampled_from(STYLES))
def test_any_value_replaces_any_other_and_then_the_test_passes(
    project: Project, value: object, reply: str, style: str
) -> None:
    project.tools.write_text(TOOLS)
    script = line_of(template([{"call": "anything", "args": {"key": value}}, reply]))
    project.suite.write_text(f"""\
agent: weather.yaml
cases:
  - name: only
    turns:
      - user: go
        replies: {script}
        expect:
          calls:
            - tool: anything
              args:
                key: {style}
                # between
          reply:
            - equals: old
""")
    suites = [load_suite(project.suite)]
    result = asyncio.run(run_conversations(suites))
    (proposal,) = proposals(suites, result.cases)
    assert proposal.left == []
    accept(proposal)
    assert "# between\n" in project.suite.read_text()
    assert asyncio.run(run_conversations([project.suite])).exit_code == 0
