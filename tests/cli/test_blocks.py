from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.cli.blocks import Block, Blocks, CodeEnd, CodeLine, CodeStart

if TYPE_CHECKING:
    from collections.abc import Iterable

    from markdown_it.token import Token

    from runner.cli.blocks import Piece

DOCUMENT = """\
# Title
A paragraph
of two lines.

A heading below
---

- one
- two
  - nested

  ```python
  in_a_list = True
  ```
- three

1. first

2. second

| a | b |
|---|--:|
| 1 | 2 |

> quoted
lazily

```python
def f():

    return "```"
```
    indented code

~~~
no language
~~~
Last *words*, a [link](https://example.org "title") and ![image](x.png).
"""
LINES = ["", "text", "- item", "1. item", "2. item", "  more", "```", "```py", "~~~~", "~~~", "| a | b |", "|---|---|"]
LINES += ["---", "===", "> quote", "# head", "    code", "\ttab", "[x]: http://x.example", "[x]", "***", "* star", "+"]


def texts(tokens: Iterable[Token]) -> list[str]:
    found: list[str] = []
    for token in tokens:
        found += texts(token.children) if token.children else [token.content] if token.content else []
    return found


def written(pieces: Iterable[Piece]) -> list[object]:
    """The pieces in a form that can be compared."""
    return [
        [(token.type, token.tag, token.level, token.content, str(token.attrs)) for token in piece.tokens]
        if isinstance(piece, Block)
        else piece
        for piece in pieces
    ]


def pieces_of(*chunks: str) -> list[Piece]:
    blocks = Blocks()
    pieces: list[Piece] = []
    for chunk in chunks:
        blocks.feed(chunk)
        pieces += blocks.finished()
        assert blocks.unfinished is not None
    return [*pieces, *blocks.close()]


def test_a_document_is_the_same_pieces_wherever_the_stream_cuts_it() -> None:
    whole = written(pieces_of(DOCUMENT))
    assert written(pieces_of(*DOCUMENT)) == whole
    for cut in range(len(DOCUMENT)):
        assert written(pieces_of(DOCUMENT[:cut], DOCUMENT[cut:])) == whole


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=12), st.lists(st.integers(0, 60), max_size=5))
def test_lines_in_any_order_are_the_same_pieces_wherever_the_stream_cuts_them(lines: list[str], at: list[int]) -> None:
    text = "\n".join(lines)
    cuts = sorted({0, len(text), *(cut for cut in at if cut < len(text))})
    chunks = [text[start:end] for start, end in pairwise(cuts)]
    assert written(pieces_of(*chunks)) == written(pieces_of(text))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="ab`~-*#>|1.[](): \n", max_size=8), max_size=12))
def test_no_letter_is_lost_or_doubled(chunks: list[str]) -> None:
    shown = ""
    for piece in pieces_of(*chunks):
        if isinstance(piece, Block):
            shown += "".join(texts(piece.tokens))
        elif isinstance(piece, CodeLine):
            shown += piece.text
        elif isinstance(piece, CodeStart):
            shown += piece.info
    plain = "".join(chunks)
    if "[" not in plain and "|" not in plain:  # links keep their address elsewhere; a table's delimiters are no text
        assert shown.count("a") == plain.count("a")
        assert shown.count("b") == plain.count("b")


def test_a_block_is_finished_when_another_one_has_begun() -> None:
    blocks = Blocks()
    blocks.feed("First.\n\nSec")
    assert not list(blocks.finished())
    blocks.feed("ond.\n")
    (first,) = blocks.finished()
    assert isinstance(first, Block)
    assert texts(first.tokens) == ["First."]


def test_lines_of_code_are_finished_one_by_one() -> None:
    blocks = Blocks()
    blocks.feed("```python\nx = 1\ny")
    assert list(blocks.finished()) == [CodeStart("```", "python"), CodeLine("x = 1")]
    assert blocks.unfinished == "y"
    blocks.feed(" = 2\n```\n")
    assert list(blocks.finished()) == [CodeLine("y = 2"), CodeEnd("```")]


def test_code_that_never_ends_is_shown_to_its_last_line() -> None:
    assert pieces_of("```\na") == [CodeStart("```", ""), CodeLine("a"), CodeEnd("```")]


def test_a_line_that_may_become_anything_is_not_shown_yet() -> None:
    blocks = Blocks()
    blocks.feed("A list:\n-")
    unfinished = blocks.unfinished
    assert not isinstance(unfinished, str)
    assert [token.type for token in unfinished] == ["paragraph_open", "inline", "paragraph_close"]


@pytest.mark.parametrize("entity", ["&#x202e;", "&rlm;", "&#13;", "&ZeroWidthSpace;", "&#x9b;", "&#27;"])
def test_an_entity_cannot_smuggle_a_control_character(entity: str) -> None:
    (block,) = pieces_of(f"a{entity}b [x](http://e.example/{entity} '{entity}') `{entity}`")
    assert isinstance(block, Block)
    for text in texts(block.tokens):
        assert text.isprintable()


def test_markup_of_pages_is_shown_as_it_was_written() -> None:
    (block,) = pieces_of("<b>bold</b> <script>x</script>")
    assert isinstance(block, Block)
    assert "".join(texts(block.tokens)) == "<b>bold</b> <script>x</script>"
