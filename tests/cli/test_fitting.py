"""Diagnostics in a narrow terminal: broken between words, and the caret stays under what it means."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest

from runner.cli.fitting import fitted, painted, reflowed
from runner.cli.output import Output
from runner.loading.codes import codes
from runner.widths import width_of
from tests.cli.tty import Terminal

if TYPE_CHECKING:
    from pathlib import Path

LONG = """\
agents/weather.yaml:14:3: error[E102]: unknown key "batch_siz" in executor (rate_limiting)
  12 | executor:
  13 |   type: rate_limiting
  14 |   batch_siz: 5
     |   ^^^^^^^^^ did you mean "batch_size"?
   = note: keys here: type, batch_size, and many others that are of no interest here
agents/weather.yaml:15:10: error[E172]: 東京の天気東京の天気東京の天気 is wrong
  15 | storage: ${CHATS_URL}
     |          ^^^^^^^^^^^^ set it, or give a default: ${CHATS_URL:-...}"""
FITTED = """\
agents/weather.yaml:14:3: error[E102]: unknown key
    "batch_siz" in executor (rate_limiting)
  12 | executor:
  13 |   type: rate_limiting
  14 |   batch_siz: 5
     |   ^^^^^^^^^ did you mean "batch_size"?
   = note: keys here: type, batch_size, and many others that
    are of no interest here
agents/weather.yaml:15:10: error[E172]:
    東京の天気東京の天気東京の天気 is wrong
  15 | storage: ${CHATS_URL}
     |          ^^^^^^^^^^^^
     |          set it, or give a default: ${CHATS_URL:-...}"""


PAINTED = """\
<bold>a.yaml:3:7:<plain> <red>error[E102]:<plain> unknown key "x"
<dim>   2 |<plain> y: 1
<dim>   3 |<plain> x: | 3
<dim>     |<plain><red> ^ did you mean "z"?<plain>
<dim>   = note: keys here: y, z<plain>
<bold>a.yaml:4:1:<plain> <yellow>warning[W201]:<plain> on
<dim>     |<plain><yellow> ^<plain>
1 error in 1 file"""
COLOURS = {"bold": "\x1b[1m", "dim": "\x1b[2m", "red": "\x1b[31m", "yellow": "\x1b[33m", "plain": "\x1b[0m"}


class Narrow(Output):
    """A terminal of some width."""

    def __init__(self, columns: int) -> None:
        super().__init__(io.StringIO())
        self.is_terminal, self._columns = True, columns

    @property
    def columns(self) -> int:
        return self._columns


def test_lines_are_broken_between_words_and_hints_move_below_their_carets() -> None:
    assert fitted(LONG, Narrow(60)) == FITTED
    assert fitted(LONG, Narrow(120)) == LONG
    assert fitted("x" * 50, Narrow(40)) == f"{'x' * 40}\n    {'x' * 10}"


@pytest.mark.parametrize("columns", [40, 47, 53, 79])
def test_nothing_is_wider_than_the_terminal_and_no_word_is_lost(columns: int) -> None:
    told = fitted(LONG, Narrow(columns))
    assert max(map(width_of, told.splitlines())) <= columns
    assert [word for word in told.split() if word != "|"] == [word for word in LONG.split() if word != "|"]


def test_a_pipe_gets_the_lines_as_they_are() -> None:
    assert fitted(LONG, Output(io.StringIO())) == LONG


def test_severities_have_colours_where_the_terminal_shows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain = re.sub(r"<\w+>", "", PAINTED)
    assert painted(plain, Narrow(80)) == re.sub(r"<(\w+)>", lambda found: COLOURS[found[1]], PAINTED)
    assert painted(plain, Output(io.StringIO())) == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert painted(plain, Narrow(80)) == plain


def test_explanations_are_broken_anew_and_their_examples_are_not() -> None:
    text = "Some words of\na paragraph.\n\n    an: example   # as it is\n\n- one item\n  goes on\n- two"
    assert reflowed(text, 60) == (
        "Some words of a paragraph.\n\n    an: example   # as it is\n\n- one item goes on\n- two"
    )
    assert reflowed(text, 14) == (
        "Some words of\na paragraph.\n\n    an: example   # as it is\n\n- one item\n  goes on\n- two"
    )


@pytest.mark.parametrize("code", codes())
def test_every_explanation_fits_eighty_columns(code: str) -> None:
    assert max(map(width_of, reflowed(codes()[code].text, 80).splitlines())) <= 80


def test_a_chat_and_a_check_fit_a_terminal_of_eighty_columns(project: Path, env: dict[str, str]) -> None:
    (project / "agent.yaml").write_text(
        "model: {type: 'actor:Actor'}\ntools: [deeds]\nstorage: ${CHATS_URL_OF_THIS_VERY_LONG_NAME}\n"
        "instructions: You answer {{ subject }} at length, and {{ other }} too, in a line that is wider than that.\n"
    )
    for arguments in (["validate"], ["agent.yaml"]):
        with Terminal(arguments, cwd=project, env=env) as terminal:
            assert terminal.wait() == 2
        lines = terminal.text.splitlines()
        at = max(number for number, line in enumerate(lines) if "{{ other }}" in line)
        assert lines[at + 1].index("^^^^^") == lines[at].index("other")
        assert "declare it: `variables: {other: ...}`\n" in terminal.text
        assert "set it, or give a default: ${CHATS_URL_OF_THIS_VERY_LONG_NAME:-...}\n" in terminal.text
