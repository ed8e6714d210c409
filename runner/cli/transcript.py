"""What was said and done in a chat, as the terminal told it: messages, tool calls with their ends, how turns ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from runner.answers.parts import event_of
from runner.answers.sources import marked, sources_in
from runner.cli.footnotes import code_block, footnotes
from runner.cli.lines import call_line, ended_line, media_line, result_line
from runner.cli.screen import visible, visible_line
from runner.events import BuiltInCalled, CodeRan, CodeWritten, MediaReturned, TextDelta, ThoughtDelta, TurnEnded
from runner.files import shown_files
from runner.requests import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.cli.output import Output
    from runner.messages import ChatMessage, Json, Part
    from runner.requests import Source

_FILE_LIMIT = 120  # characters of a file in words
_END: tuple[Part, ...] = ({},)  # behind the last part
_CUT = {True: "summed up", False: "left out"}
Kind: TypeAlias = Literal["asked", "text", "source", "call", "end"]


def transcript(log: Iterable[ChatMessage]) -> Iterator[tuple[Kind, str]]:
    """What a chat's entries tell, in order: messages, the model's texts, their sources, calls, how turns ended.

    All but the texts is safe for a terminal.
    """
    kinds: list[str] = []
    calls: list[Json] = []
    seen: list[ChatMessage] = []
    for entry in log:
        seen.append(entry)
        if entry.kind == "user":
            kinds = []
            yield "asked", "\n".join(f"> {row}" for row in _asked(entry))
        elif entry.kind == "responses":
            ends = _ends(calls, entry)
            kinds += [kind for _, kind in ends]
            yield from (("call", told) for told, _ in ends)
            calls = []
        elif entry.kind == "summary":
            yield from _left_out(entry, seen[:-1])
        else:
            sources = sources_in(seen, entry.meta.get("turn", 0)) if "status" in entry.meta else ()
            yield from _said(entry, sources)
            yield from (("source", note) for note in footnotes(sources))
            calls = calls or entry.calls
            if (ended := _ended(entry, kinds)) is not None:
                yield "end", ended
    yield from (("call", f"{_called(call)} has no result yet") for call in calls)


def _left_out(entry: ChatMessage, seen: Sequence[ChatMessage]) -> Iterator[tuple[Kind, str]]:
    """What a cut of the history says, and the summary in place of what it leaves out, where that is a new one."""
    last = next((other.text for other in reversed(seen) if other.kind == "summary"), "")
    is_summed_up = entry.text not in {"", last}
    yield "end", f"[from here on turns before {entry.meta.get('before', 0)} are {_CUT[is_summed_up]}]"
    if is_summed_up:
        yield "text", entry.text


def _said(entry: ChatMessage, sources: Sequence[Source]) -> Iterator[tuple[Kind, str]]:
    """The texts of an entry, and what the service did between them."""
    if partial := entry.meta.get("partial"):
        yield "text", partial
    said, start = "", 0
    for part in [*entry.parts, *_END]:
        event = event_of(part)
        if isinstance(event, TextDelta):
            said += event.text
        elif said and not isinstance(event, ThoughtDelta):
            yield "text", marked(said, sources, start)
            said, start = "", start + len(said)
        if isinstance(event, BuiltInCalled):
            yield "call", call_line(event.name, event.args)
        elif isinstance(event, CodeWritten | CodeRan):
            yield "text", code_block(event)
        elif isinstance(event, MediaReturned):
            yield "call", media_line(event)


async def show_text(out: Output, text: str) -> None:
    """Print a text of the model that is complete: rendered in a terminal, else as it is."""
    if not out.can_draw:
        await out.write((visible(text) if out.is_terminal else text).rstrip("\n") + "\n")
        return
    from runner.cli.markdown import MarkdownStream, terminal_console

    stream = MarkdownStream(terminal_console(out))
    stream.feed(visible(text))
    await out.write(stream.close())


def _asked(entry: ChatMessage) -> list[str]:
    files = [visible_line(file, _FILE_LIMIT) for file in shown_files(entry)]
    return [*visible(entry.text).splitlines(), *files]


def _called(call: Json) -> str:
    return call_line(str(call.get("name")), call.get("args") or {})


def _ends(calls: list[Json], entry: ChatMessage) -> list[tuple[str, str]]:
    """A line for each call that was answered, and its result's kind."""
    kinds = entry.meta.get("results") or ["ok"] * len(calls)
    results = [response.get("response") or {} for response in entry.responses]
    return [
        (result_line(_called(call), kind, result), kind)
        for call, kind, result in zip(calls, kinds, results, strict=False)
    ]


def _ended(entry: ChatMessage, kinds: list[str]) -> str | None:
    meta = entry.meta
    if entry.kind != "closed" or "status" not in meta:
        return None
    return ended_line(TurnEnded(meta["status"], "", Usage(), meta.get("reason"), meta.get("message")), kinds)
