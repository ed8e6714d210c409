"""Whatever is done to a manifest or a conversations file, it is read or told what is wrong: no traceback, no wait."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.loading import InvalidManifestError, check_manifest
from runner.loading.diagnostics import errors_of
from runner.loading.formats import as_github, as_json, as_text
from runner.loading.sarif import as_sarif
from tests.loading.projects import MANIFESTS, SUITES, Case, Kind, cases, write_project

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

MORE = int(os.environ.get("AGENT_RUN_TEST_EXAMPLES", "1"))  # times as many, for a long run

GOOD = """\
# An agent.
$schema: .agent-run/agent.schema.json
version: 1
extends: _base.yaml
name: weather
description: "Tells the weather: today's and tomorrow's."
model: {name: gemini-3.8-flash}
instructions: |
  You are {{ agent.name }} in {{ city }}; think in °{{ unit }}, {{ days + 1 }} days ahead.
  {% for tool in tools %}
  - {{ tool.name }}: {{ tool.description | upper }}
  {% endfor %}
  It is {{ today }}, {{ now.hour }} o'clock. ${GREETING:-Be kind.} $${NOT}
variables:
  city: &city Paris
  unit: {type: string, choices: [c, f], default: c}
  days: 3
tools:
  - tools.weather:get_weather
  - tools/clock.py
  - tools.mail
tool_mode: any
executor:
  type: rate_limiting
  batch_size: 5
storage: sqlite:///.agent-run/chats.db
limits: {max_iterations: 5, turn_timeout: 1h30m, tool_timeout: 10, max_output_chars: 200kB}
retries: 2
generation:
  thinking: {level: low, include_thoughts: true}
  stop_sequences: ['END', "\\n\\n"]
welcome: >-
  Hello
  there!
examples: [How warm is it?, *city]
"""
GOOD_SUITE = """\
$schema: .agent-run/conversations.schema.json
agent: planner.yaml
defaults: {repeat: 2, pass_rate: 0.5, timeout: 60s, now: 2026-03-01T12:00, judge: {model: gemini-4-argon, votes: 3}}
stubs:
  get_weather:
    - when: {city: {$regex: "^par"}, unit: {$in: [celsius, '${unit}']}}
      return: {temp_c: 18, sky: "${env:SKY:-clear}"}
    - error: "unknown city: $${x}"
      delay: 200ms
cases:
  - name: asks, then books
    tags: [smoke]
    vars: {city: Paris, unit: celsius, days: 3}
    turns:
      - user: What's the weather in ${city}?
        files: ticket.txt
        expect:
          calls:
            - tool: get_weather
              args: {city: {$icontains: par}, unit: {$all: [{$ne: kelvin}, celsius]}}
              times: {min: 1, max: 2}
            - parallel:
                - send_mail
                - {tool: book_trip, args: {$exact: {city: "${city}", days: "${days}"}}, status: error}
          order: any_order
          no_calls: get_time
          reply: [clear, {regex: '\\d+', json: {$schema: {type: object}}, judge: {rubric: Polite., threshold: 0.7}}]
          max_tokens: 400
          max_latency: 8s
        save: {temp: '(\\d+)'}
      - user: And ${temp} days?
        assistant: Good.
  - name: scripted
    variables: {}
    stubs: {send_mail: {return: null}}
    turns:
      - user: Write
        replies: [{call: send_mail, args: {to: a@b.c}}, {say: Done, calls: [{call: send_mail, args: {to: d}}]}, Done.]
    finally: {calls: any, judge: Polite., max_cost: 0.01}
"""
ODD = [
    *(
        "{{",
        "}}",
        "{%",
        "${",
        "$$",
        "${A:-",
        "*",
        "&a",
        "*a",
        "!!python/name:os.system",
        "|",
        ">",
        "- ",
        ": ",
        "? ",
        "#",
        "%",
    ),
    *(
        "'",
        '"',
        "\\",
        "\t",
        "\r",
        "\n",
        "\x00",
        "\x07",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ud7ff",
        "\ue000",
        "\U0001f600",
        "e\u0301",
    ),
    *(
        "[",
        "]",
        "{",
        "}",
        ",",
        "<<",
        "---\n",
        "...\n",
        "null",
        "true",
        "1e999",
        "0x",
        ".nan",
        "9" * 50,
        "a" * 300,
        "../",
        "~/",
    ),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write_project(folder)
    return folder


def judge(project: Path, text: str, kind: Kind = MANIFESTS) -> None:
    path = project / kind.name
    path.write_text(text, encoding="utf-8", newline="")
    began = time.process_time()
    found = kind.check(str(path))
    for each in found:
        assert each.line >= 1
        assert each.column >= 1
        assert "\n" not in each.message
        if each.span is not None:
            assert 0 <= each.span.start <= each.span.end
            assert each.line <= each.span.source.text.count("\n") + each.span.source.text.count("\r") + 1
    for form in (as_text(found), as_json(found, 1, 0), as_github(found), as_sarif(found)):
        assert "Traceback" not in form
    try:
        kind.load(str(path), {})
    except InvalidManifestError as error:
        assert errors_of(found) or any(each.code == "W230" for each in found) or "[E152]" in str(error)  # noqa: PT017  # some of them are good
    else:
        assert not errors_of(found)
    assert time.process_time() - began < 10


def test_the_good_one_is_good(project: Path) -> None:
    (project / "agent.yaml").write_text(GOOD)
    assert check_manifest(project / "agent.yaml") == []


def test_the_good_conversations_are_good(project: Path) -> None:
    (project / SUITES.name).write_text(GOOD_SUITE)
    assert as_text(SUITES.check(str(project / SUITES.name))) == "0 errors in 0 files"


def edits_of(text: str) -> st.SearchStrategy[list[tuple[int, int, str]]]:
    pieces = [text[start : start + 7] for start in range(0, len(text), 7)]
    piece = st.one_of(st.sampled_from(ODD), st.sampled_from(pieces), st.text(max_size=3))
    return st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, 12), piece), min_size=1, max_size=6)


def edited(text: str, edits: list[tuple[int, int, str]]) -> str:
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    return text.encode("utf-8", "ignore").decode()


@given(edits_of(GOOD))
@settings(max_examples=300 * MORE, deadline=None)
def test_a_mutated_manifest_is_read_or_told(project: Path, edits: list[tuple[int, int, str]]) -> None:
    judge(project, edited(GOOD, edits))


@given(edits_of(GOOD_SUITE))
@settings(max_examples=300 * MORE, deadline=None)
def test_mutated_conversations_are_read_or_told(project: Path, edits: list[tuple[int, int, str]]) -> None:
    judge(project, edited(GOOD_SUITE, edits), SUITES)


@given(st.text(max_size=200))
@settings(max_examples=100 * MORE, deadline=None)
def test_any_text_at_all_is_read_or_told(project: Path, text: str) -> None:
    judge(project, text.encode("utf-8", "ignore").decode())


@given(st.sampled_from(cases()), st.sampled_from(cases()), st.randoms(use_true_random=False))
@settings(max_examples=150 * MORE, deadline=None)
def test_mistakes_come_together(project: Path, one: Case, other: Case, chance: Random) -> None:
    """Lines of two bad manifests in one."""
    judge(project, shuffled(one, other, chance))


@given(st.sampled_from(cases(SUITES)), st.sampled_from(cases(SUITES)), st.randoms(use_true_random=False))
@settings(max_examples=150 * MORE, deadline=None)
def test_mistakes_in_conversations_come_together(project: Path, one: Case, other: Case, chance: Random) -> None:
    judge(project, shuffled(one, other, chance), SUITES)


def shuffled(one: Case, other: Case, chance: Random) -> str:
    lines = (one.given + other.given).splitlines(keepends=True)
    chance.shuffle(lines)
    return "".join(lines)
