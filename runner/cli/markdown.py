"""Markdown that streams to a terminal: finished blocks are printed once, the unfinished one is drawn as it grows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from runner.cli.blocks import Block, Blocks, CodeEnd, CodeLine, CodeStart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from markdown_it.token import Token
    from rich.console import Console, RenderableType
    from rich.markdown import Markdown
    from rich.segment import Segment
    from rich.text import Text

    from runner.cli.blocks import Piece
    from runner.cli.live import Line
    from runner.cli.output import Output

_CODE_CONTEXT = 200  # lines of code before a line that its colours may depend on
_THEME = {
    "markdown.h1": "bold underline",
    "markdown.h2": "bold",
    "markdown.h3": "bold",
    "markdown.h4": "bold dim",
    "markdown.code": "cyan",
    "markdown.code_block": "none",
    "markdown.block_quote": "italic",
    "markdown.link": "none",
    "markdown.link_url": "dim underline",
    "markdown.hr": "dim",
    "markdown.item.bullet": "dim",
    "markdown.item.number": "dim",
    "markdown.table.border": "dim",
    "markdown.table.header": "bold",
}


def terminal_console(out: Output) -> Console:
    """A console that renders for the terminal behind `out`; it is asked for text, it writes nothing itself."""
    import sys

    from rich.console import Console
    from rich.theme import Theme

    return Console(
        file=sys.stdout,
        force_terminal=True,
        no_color=not out.has_style,
        color_system="auto" if out.has_style else None,
        highlight=False,
        markup=False,
        emoji=False,
        theme=Theme(_THEME),
    )


class MarkdownStream:
    """One text that arrives in pieces, already safe for a terminal (`screen.visible`)."""

    def __init__(self, console: Console, style: str = "none") -> None:
        self._console, self._style = console, style
        self._blocks = Blocks()
        self._code: list[str] = []
        self._language = ""
        self._is_first = True

    def feed(self, text: str) -> None:
        """Add text."""
        self._blocks.feed(text)

    def finished(self) -> str:
        """What is to be printed for good since the last time; complete lines."""
        return "".join(self._printed(self._blocks.finished()))

    def close(self) -> str:
        """The rest, for good."""
        return "".join(self._printed(self._blocks.close()))

    def unfinished(self, rows: int) -> list[Line]:
        """The last `rows` lines of what may still change, no wider than the terminal."""
        rest = self._blocks.unfinished
        if not rest or (isinstance(rest, str) and not rest.strip()):
            return []
        lines = self._lines(self._code_text(rest) if isinstance(rest, str) else self._markdown(rest))
        blank = [] if self._is_first or isinstance(rest, str) else [("", 0)]
        return [*blank, *(self._line(line) for line in lines)][-rows:]

    # rendering

    def _printed(self, pieces: Iterable[Piece]) -> Iterator[str]:
        """The pieces as terminal text, with a blank line between blocks."""
        for piece in pieces:
            if isinstance(piece, Block | CodeStart):
                if not self._is_first:
                    yield "\n"
                self._is_first = False
            yield from self._piece(piece)

    def _piece(self, piece: Piece) -> Iterator[str]:
        match piece:
            case Block(tokens):
                for line in self._lines(self._markdown(tokens)):
                    yield f"{self._line(line)[0]}\n"
            case CodeStart(fence, info):
                self._code, self._language = [], info.partition(" ")[0]
                yield self._dim(fence + info)
            case CodeEnd(fence):
                yield self._dim(fence)
            case CodeLine(text):
                yield self._text_line(self._code_text(text))
                self._code = [*self._code[-_CODE_CONTEXT:], text]

    def _code_text(self, line: str) -> Text:
        """The line in the colours it has after the lines before it."""
        from rich.syntax import Syntax

        if not line.strip() or not self._language:
            return self._plain(line)
        syntax = Syntax("", self._language, theme="ansi_dark", background_color="default")
        highlighted = syntax.highlight("\n".join([*self._code, line])).split("\n", allow_blank=True)
        index = len(self._code)
        return highlighted[index] if index < len(highlighted) else self._plain(line)

    def _plain(self, text: str) -> Text:
        from rich.text import Text

        return Text(text)

    def _dim(self, text: str) -> str:
        from rich.text import Text

        return self._text_line(Text(text, style="dim"))

    def _text_line(self, text: Text) -> str:
        """A line that the terminal itself wraps, so that it can be copied as one."""
        with self._console.capture() as capture:
            self._console.print(text, soft_wrap=True, style=self._style)
        return capture.get()

    def _markdown(self, tokens: list[Token]) -> Markdown:
        markdown = _markdown_class()("", hyperlinks=False, style=self._style)
        markdown.parsed = tokens
        return markdown

    def _lines(self, renderable: RenderableType) -> list[list[Segment]]:
        """Rendered lines, without blank ones at either end and without trailing blanks."""
        options = self._console.options.update(highlight=False, height=None)
        lines = [_trimmed(line) for line in self._console.render_lines(renderable, options, pad=False)]
        while lines and not lines[-1]:
            lines.pop()
        first = next((index for index, line in enumerate(lines) if line), 0)
        return lines[first:]

    def _line(self, segments: Sequence[Segment]) -> Line:
        from rich.segment import Segment, Segments

        with self._console.capture() as capture:
            self._console.print(Segments(segments), end="")
        return capture.get(), Segment.get_line_length(list(segments))


def _trimmed(line: list[Segment]) -> list[Segment]:
    kept = list(line)
    while kept and not kept[-1].text.strip():
        kept.pop()
    if kept:
        last = kept[-1]
        kept[-1] = last._replace(text=last.text.rstrip())
    return kept


@cache
def _markdown_class() -> type[Markdown]:
    """rich's Markdown with plain headings and rules, and code in the terminal's own colours."""
    from rich import markdown
    from rich.syntax import Syntax

    class Heading(markdown.Heading):
        LEVEL_ALIGN = {}  # noqa: RUF012  # rich declares it as a class variable

    class CodeBlock(markdown.CodeBlock):
        def __rich_console__(self, console: Console, options: object) -> Iterator[RenderableType]:
            code = str(self.text).rstrip()
            yield Syntax(code, self.lexer_name, theme="ansi_dark", background_color="default", word_wrap=True)

    class Rule(markdown.HorizontalRule):
        new_line = True

        def __rich_console__(self, console: Console, options: object) -> Iterator[RenderableType]:
            from rich.text import Text

            yield Text("─" * min(console.width, 40), style="markdown.hr")

    class TerminalMarkdown(markdown.Markdown):
        elements = {  # noqa: RUF012  # rich declares it as a class variable
            **markdown.Markdown.elements,
            "heading_open": Heading,
            "fence": CodeBlock,
            "code_block": CodeBlock,
            "hr": Rule,
        }

    return TerminalMarkdown
