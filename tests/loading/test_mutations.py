"""Whatever is done to a manifest, it is either read or told what is wrong: never a traceback, never a long wait."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.loading import InvalidManifestError, check_manifest, load_manifest
from runner.loading.diagnostics import errors_of
from runner.loading.formats import as_github, as_json, as_text
from runner.loading.sarif import as_sarif
from tests.loading.projects import cases, write_project

if TYPE_CHECKING:
    from pathlib import Path

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
PIECES = [GOOD[start : start + 7] for start in range(0, len(GOOD), 7)]
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


def judge(project: Path, text: str) -> None:
    path = project / "agent.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    began = time.monotonic()
    found = check_manifest(path)
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
        load_manifest(path)
    except InvalidManifestError as error:
        assert errors_of(found) or any(each.code == "W230" for each in found) or "[E152]" in str(error)  # noqa: PT017  # some of them are good
    else:
        assert not errors_of(found)
    assert time.monotonic() - began < 10


def test_the_good_one_is_good(project: Path) -> None:
    (project / "agent.yaml").write_text(GOOD)
    assert check_manifest(project / "agent.yaml") == []


edits = st.lists(
    st.tuples(
        st.integers(0, len(GOOD)),
        st.integers(0, 12),
        st.one_of(st.sampled_from(ODD), st.sampled_from(PIECES), st.text(max_size=3)),
    ),
    min_size=1,
    max_size=6,
)


@given(edits)
@settings(max_examples=300 * MORE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutated_manifest_is_read_or_told(project: Path, edits: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    judge(project, text.encode("utf-8", "ignore").decode())


@given(st.text(max_size=200))
@settings(max_examples=100 * MORE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_at_all_is_read_or_told(project: Path, text: str) -> None:
    judge(project, text.encode("utf-8", "ignore").decode())


@given(st.sampled_from(cases()), st.sampled_from(cases()), st.randoms(use_true_random=False))
@settings(max_examples=150 * MORE, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mistakes_come_together(project: Path, one: object, other: object, chance: object) -> None:
    """Lines of two bad manifests in one."""
    lines = (one.given + other.given).splitlines(keepends=True)  # type: ignore[attr-defined]  # two cases
    chance.shuffle(lines)  # type: ignore[attr-defined]  # a source of chance
    judge(project, "".join(lines))
