"""`load_suite`: a conversations file with its agent seen to be right, and where everything in it stands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ManifestError
from runner.loading import InvalidManifestError
from runner.loading.fixing import apply_fixes
from runner.loading.substitution import pieces_of
from runner.loading.suites import SYNTAX, check_suite, load_suite
from tests.loading.projects import write_project

if TYPE_CHECKING:
    from pathlib import Path

    from runner.loading.suites import LoadedSuite

TALK = """\
agent: trips.yaml
stubs:
  send_mail: {return: null}
cases:
  - name: asks
    vars: {city: Paris}
    turns:
      - user: Hello ${city}, that is $$5 for ${env:NAME_OF_THE_TEST:-nobody}
        expect:
          calls:
            - get_weather
            - {tool: send_mail, result: null, times: 2}
            - parallel: [get_weather, send_mail]
          reply: Paris
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_project(tmp_path, {"talks/a.conversations.yaml": TALK.replace("trips", "../trips")})
    monkeypatch.chdir(tmp_path)
    return tmp_path.resolve()


def loaded(project: Path, text: str = TALK) -> LoadedSuite:
    (project / "a.conversations.yaml").write_text(text)
    return load_suite("a.conversations.yaml")


def case(project: Path, text: str) -> Any:
    """The one case that a piece of YAML is."""
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    return loaded(project, f"agent: trips.yaml\ncases:\n  - name: a\n{lines}").suite.cases[0]


def test_it_knows_its_agent_its_root_and_the_files_that_were_read(project: Path) -> None:
    suite = load_suite("talks/a.conversations.yaml")
    assert (suite.path, suite.root) == (project / "talks" / "a.conversations.yaml", project)
    assert suite.agent_path == project / "trips.yaml"
    assert suite.files == (suite.path, suite.agent_path)


def test_every_value_has_its_place_and_what_is_not_written_that_of_what_is_above(project: Path) -> None:
    suite = loaded(project)
    position = suite.positions["cases[0].turns[0].expect.calls[1].tool"]
    assert (position.path.name, position.line, position.column) == ("a.conversations.yaml", 12, 16)
    assert suite.line("cases[0].turns[0].expect.calls[2].parallel[1]") == 13
    assert suite.line("cases[0].turns[0].expect.reply[0].contains") == 14
    assert suite.line("cases[0].timeout") == 5
    assert suite.line("defaults.repeat") == 1


def test_short_forms_are_the_long_ones(project: Path) -> None:
    expect = loaded(project).suite.cases[0].turns[0].expect
    assert isinstance(expect.calls, list)
    first, second, third = expect.calls
    assert first.model_dump(exclude_unset=True) == {"tool": "get_weather"}  # type: ignore[union-attr]  # a call
    assert (second.times.min, second.times.max) == (2, 2)  # type: ignore[union-attr]  # a call
    assert [call.tool for call in third.parallel] == ["get_weather", "send_mail"]  # type: ignore[union-attr]  # several
    assert expect.reply is not None
    assert [part.contains for part in expect.reply] == [["Paris"]]
    assert (expect.status, expect.order, expect.allow_extra) == ("answered", "ordered", False)


def test_null_is_a_value_that_may_be_returned_and_expected(project: Path) -> None:
    suite = loaded(project).suite
    (stub,) = suite.stubs["send_mail"]
    assert (stub.returns, "returns" in stub.model_fields_set) == (None, True)
    calls: Any = suite.cases[0].turns[0].expect.calls
    assert [("result" in call.model_fields_set) for call in calls[:2]] == [False, True]


def test_variables_of_the_case_are_left_for_the_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(project).suite.cases[0].turns[0].user == "Hello ${city}, that is $$5 for nobody"
    monkeypatch.setenv("NAME_OF_THE_TEST", "${city} $$")
    assert loaded(project).suite.cases[0].turns[0].user == "Hello ${city}, that is $$5 for $${city} $$$$"


@given(value=st.text("ab${}:", max_size=8), text=st.text("ab ", max_size=4))
def test_whatever_the_environment_holds_is_never_read_again(value: str, text: str) -> None:
    """What is left for the run has `$$` for each of its dollar signs."""
    pieces = pieces_of(f"{text}${{env:V}}${{name}}", {"V": value}, SYNTAX, keeps=True)
    left = "".join(piece.text for piece in pieces)
    assert left == f"{text}{value.replace('$', '$$')}${{name}}"


def test_elsewhere_the_text_is_what_it_will_be(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPEAT_OF_THE_TEST", "3")
    text = TALK.replace(
        "name: asks", "name: costs $$5 ${env:REPEAT_OF_THE_TEST}\n    repeat: ${env:REPEAT_OF_THE_TEST}"
    )
    found = loaded(project, text).suite.cases[0]
    assert (found.name, found.repeat) == ("costs $5 3", 3)


@pytest.mark.parametrize(
    ("text", "offset"),
    [("2026-03-01", None), ("2026-03-01T12:30", None), ("2026-03-01 12:30Z", 0), ("2026-03-01T12:30:15+01:00", 1)],
)
def test_a_moment_may_have_a_zone(text: str, offset: int | None, project: Path) -> None:
    now: datetime = case(project, f"now: {text}\nturns: [{{user: x}}]").now
    assert (now.year, now.month, now.day) == (2026, 3, 1)
    assert now.utcoffset() == (None if offset is None else timedelta(hours=offset))


def test_a_case_with_replies_is_scripted(project: Path) -> None:
    assert case(project, "turns: [{user: x, replies: [y]}]").is_scripted
    assert not case(project, "turns: [{user: x}]").is_scripted


def test_what_is_wrong_is_raised_as_one_error_with_all_of_it(project: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        loaded(project, TALK.replace("get_weather", "get_wether").replace("times: 2", "times: 0.5"))
    error = caught.value
    assert isinstance(error, InvalidManifestError)
    assert [each.code for each in error.diagnostics] == ["E181", "E104", "E181"]
    assert "did you mean" in str(error)
    assert error.files[0] == project / "a.conversations.yaml"


def test_warnings_alone_load(project: Path) -> None:
    suite = loaded(project, TALK.replace("vars: {", "vars: {day: Monday, "))
    assert [each.code for each in suite.warnings] == ["W240"]


def test_names_of_tools_and_arguments_are_mended(project: Path) -> None:
    text = TALK.replace("- get_weather", "- {tool: get_wether, args: {citty: {$regx: x}}}")
    (project / "a.conversations.yaml").write_text(text)
    apply_fixes(check_suite("a.conversations.yaml"))
    apply_fixes(check_suite("a.conversations.yaml"))
    assert "- {tool: get_weather, args: {city: {$regex: x}}}" in (project / "a.conversations.yaml").read_text()


def test_a_file_that_is_not_there_is_told(project: Path) -> None:
    (told,) = check_suite("b.conversations.yaml")
    assert (told.code, told.message) == ("E100", "no such file")
