"""What was said and done in a chat, as the terminal told it: messages, tool calls with their ends, how turns ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from runner.cli.lines import call_line, ended_line, result_line
from runner.cli.screen import visible, visible_line
from runner.events import TurnEnded
from runner.requests import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.cli.output import Output
    from runner.messages import ChatMessage, Json, Part

Kind: TypeAlias = Literal["asked", "text", "call", "end"]


def transcript(log: Iterable[ChatMessage]) -> Iterator[tuple[Kind, str]]:
    """What a chat's entries tell, in order: messages, the model's texts as they are, calls, how turns ended.

    All but the texts is safe for a terminal.
    """
    kinds: list[str] = []
    calls: list[Json] = []
    for entry in log:
        if entry.kind == "user":
            kinds = []
            yield "asked", "\n".join(f"> {row}" for row in _asked(entry))
        elif entry.kind == "responses":
            ends = _ends(calls, entry)
            kinds += [kind for _, kind in ends]
            yield from (("call", told) for told, _ in ends)
            calls = []
        else:
            if said := entry.text or entry.meta.get("partial", ""):
                yield "text", said
            calls = calls or entry.calls
            if (ended := _ended(entry, kinds)) is not None:
                yield "end", ended
    yield from (("call", f"{_called(call)} has no result yet") for call in calls)


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
    files = [f"[{_file(part)}]" for part in entry.parts if "text" not in part]
    return [*visible(entry.text).splitlines(), *files]


def _file(part: Part) -> str:
    kind, held = next(iter(part.items()), ("part", None))
    about = held.get("displayName") or held.get("fileUri") or held.get("mimeType") if isinstance(held, dict) else None
    return visible_line(str(about or kind), 80)


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
