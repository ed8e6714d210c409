from __future__ import annotations

import io
import random
import re

import pyte
import pytest

from runner.cli.live import Live
from runner.cli.markdown import MarkdownStream, terminal_console
from runner.cli.output import Output
from runner.cli.screen import visible
from tests.cli.test_blocks import DOCUMENT
from tests.cli.test_screen import PAYLOADS

OWN_SEQUENCES = re.compile(r"\x1b\[[\d;]*m")
LONG_CODE = "```python\n" + "".join(f"line_{n} = {n}  # {'long ' * (n % 30)}\n" for n in range(40)) + "```\n"
LONG_LIST = "".join(f"{n}. item {n} with *some* words in it\n" for n in range(1, 31))
LONG_TABLE = "| n | square |\n|---|---:|\n" + "".join(f"| {n} | {n * n} |\n" for n in range(30))
LONG_PARAGRAPH = " ".join(f"word{n}" for n in range(150)) + "\n"
DOCUMENTS = {
    "mixed": DOCUMENT,
    "code": f"Before.\n\n{LONG_CODE}\nAfter.\n",
    "list": f"Before:\n\n{LONG_LIST}\nAfter.\n",
    "table": f"{LONG_TABLE}\nAfter.\n",
    "paragraph": f"{LONG_PARAGRAPH}\n{LONG_PARAGRAPH}",
    "wide": "漢字かな" * 30 + "\n\n" + "👩‍👩‍👧 ❤️ " * 20 + "\n",
}


class Paper:
    """A screen with everything that scrolled off it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.screen = pyte.HistoryScreen(columns, rows, history=100_000, ratio=1.0)
        self.stream = pyte.Stream(self.screen)

    def write(self, text: str) -> None:
        self.stream.feed(text.replace("\n", "\r\n"))

    @property
    def lines(self) -> list[str]:
        gone = ["".join(line[x].data for x in range(self.columns)).rstrip() for line in self.screen.history.top]
        lines = [*gone, *(line.rstrip() for line in self.screen.display)]
        while lines and not lines[-1]:
            lines.pop()
        return lines


@pytest.fixture
def styled(monkeypatch: pytest.MonkeyPatch) -> Output:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Output(io.StringIO())
    out.is_terminal = True
    return out


def stream(out: Output, columns: int, monkeypatch: pytest.MonkeyPatch) -> MarkdownStream:
    monkeypatch.setenv("COLUMNS", str(columns))
    return MarkdownStream(terminal_console(out))


def drawn(paper: Paper, text: MarkdownStream, chunks: list[str]) -> list[str]:
    live, rows = Live(), paper.screen.lines
    for chunk in chunks:
        text.feed(chunk)
        printed = text.finished()
        paper.write(live.redrawn(printed, text.unfinished(rows - 2), paper.columns))
    paper.write(live.redrawn(text.close(), [], paper.columns))
    return paper.lines


def cut(document: str) -> list[str]:
    choice, chunks = random.Random(1), []  # noqa: S311  # cuts, not secrets
    while document:
        size = choice.randint(1, 60)
        chunks.append(document[:size])
        document = document[size:]
    return chunks


@pytest.mark.parametrize("columns", [30, 80])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_streamed_document_looks_as_if_printed_at_once(
    name: str, columns: int, styled: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = DOCUMENTS[name]
    whole = drawn(Paper(columns, 12), stream(styled, columns, monkeypatch), [document])
    paper = Paper(columns, 12)
    assert drawn(paper, stream(styled, columns, monkeypatch), cut(document)) == whole


def test_everything_in_a_document_is_shown(styled: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = drawn(Paper(80, 24), stream(styled, 80, monkeypatch), [DOCUMENT])
    assert "\n".join(lines) == (
        """\
Title

A paragraph
of two lines.

A heading below

 • one
 • two
    • nested
   in_a_list = True
 • three

 1 first
 2 second

 a  b
 ────
 1  2

▌ quoted
▌ lazily

```python
def f():

    return "```"
```

indented code

~~~
no language
~~~

Last words, a link (https://example.org) and [image: image] (x.png)."""
    )


def test_a_long_block_of_code_is_printed_line_by_line_and_can_be_copied(
    styled: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = stream(styled, 40, monkeypatch)
    text.feed(LONG_CODE)
    printed = OWN_SEQUENCES.sub("", text.finished())
    assert printed == LONG_CODE


def test_the_lines_that_may_change_never_fill_the_screen(styled: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    text = stream(styled, 40, monkeypatch)
    text.feed(LONG_LIST)
    assert len(text.unfinished(10)) == 10
    assert all(width <= 40 for _, width in text.unfinished(100))


@pytest.mark.parametrize("place", ["{}", "`{}`", "```\n{}\n```", "- {}", "[x]({})", "| a |\n|---|\n| {} |", "# {}"])
def test_no_payload_reaches_the_terminal(place: str, styled: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    for payload in PAYLOADS:
        text = stream(styled, 80, monkeypatch)
        text.feed(visible(place.format(payload)))
        printed = OWN_SEQUENCES.sub("", text.close())
        assert all(char.isprintable() or char in "\n\ue0b0" for char in printed), ascii(printed)


def test_without_colours_there_is_no_sequence_at_all(styled: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = stream(styled, 80, monkeypatch)
    text.feed(DOCUMENT)
    assert "\x1b" not in text.close()


def test_a_terminal_made_narrower_is_cleared_of_the_rows_it_wrapped() -> None:
    live = Live()
    live.redrawn("", [("x" * 50, 50), ("y" * 10, 10)], 80)
    assert live.redrawn("", [], 20).startswith("\r\x1b[3A\x1b[J")


def test_nothing_is_written_when_nothing_changed() -> None:
    live = Live()
    assert live.redrawn("", [("…", 1)], 80)
    assert live.redrawn("", [("…", 1)], 80) == ""
