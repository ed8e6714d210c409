"""The file form of chats: JSON Lines, each entry's two texts in it exactly as they are stored.

    {"format":"agent-run-chats","version":1,"agent":"weather","chat":"20261122-736a1eab","entries":2}
    {"content":{...},"meta":{...}}
    {"content":{...},"meta":{...}}
    {"format":"agent-run-chats","version":1,"end":{"chats":1}}

So a file that was cut off anywhere, also between two chats, is told from a whole one. Whole files may be joined.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from runner.messages import ChatMessage, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.messages import Json

FORMAT, VERSION = "agent-run-chats", 1
_CONTENT, _META = '{"content":', ',"meta":'
_DIGITS = 4000  # of a whole number; Python reads and writes no more than 4,300
_FOREIGN = "this is no export of chats: `agent-run chats export` writes them"


class FiledChat(NamedTuple):
    """One chat of a file, and the line it begins at."""

    agent: str
    chat: str
    entries: list[ChatMessage]
    line: int


def head_line(agent: str, chat: str, entries: int) -> str:
    """The line that begins a chat."""
    return _line(agent=agent, chat=chat, entries=entries)


def entry_line(entry: ChatMessage) -> str:
    """The line of an entry."""
    texts = (entry.content_json, entry.meta_json)
    if any("\n" in text or "\r" in text for text in texts):  # JSON that another program laid out in rows
        entry = ChatMessage(entry.content, entry.meta)
    return f"{entry.to_json()}\n"


def end_line(chats: int) -> str:
    """The line that ends a file."""
    return _line(end={"chats": chats})


def filed_chats(lines: Iterable[bytes], name: str) -> Iterator[FiledChat]:
    """The chats of the file called `name`, one after the other; click's error tells the line where it is not right."""
    reader = _Reader(lines, name)
    count, is_open = 0, True
    while (text := reader.next()) is not None:
        head = reader.head(text)
        if "end" in head:
            if head["end"] != {"chats": count}:
                raise reader.wrong(f"the end of a file of other chats: {count} came before it")
            count, is_open = 0, False
        else:
            count, is_open = count + 1, True
            yield reader.chat(head)
    if is_open:
        raise reader.wrong("the file is empty" if reader.line == 1 else "the file ends too early: it was cut off")


class _Reader:
    def __init__(self, lines: Iterable[bytes], name: str) -> None:
        self._lines, self._name = iter(lines), name
        self.line = 0

    def next(self) -> str | None:
        """The next line; None behind the last one."""
        self.line += 1
        line = next(self._lines, None)
        try:
            return None if line is None else line.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise self.wrong("not text in UTF-8") from error

    def head(self, text: str) -> Json:
        """A line that begins a chat or ends the file."""
        head = self._decoded(text)
        if head.get("format") != FORMAT:
            raise self.wrong(_FOREIGN if self.line == 1 else "a chat should begin here, or the file end")
        if head.get("version") != VERSION:
            raise self.wrong(f"written by a newer agent-run: its form is {head.get('version')}, not {VERSION}; upgrade")
        if "end" not in head and not _is_head(head):
            raise self.wrong("the beginning of a chat lacks its agent, its id or the number of its entries")
        return head

    def chat(self, head: Json) -> FiledChat:
        """The chat that begins with `head`."""
        line, entries = self.line, []
        for number in range(head["entries"]):
            text = self.next()
            if text is None:
                raise self.wrong(f"the file ends too early: {number} of {head['entries']} entries of a chat are there")
            entries.append(self._entry(text))
        return FiledChat(head["agent"], head["chat"], entries, line)

    def wrong(self, why: str) -> click.ClickException:
        """The error that tells where the file is not right."""
        return click.ClickException(f"{self._name}:{self.line}: {why}; nothing was stored")

    def _entry(self, text: str) -> ChatMessage:
        entry = self._decoded(text)
        content, meta = entry.get("content", ""), entry.get("meta")
        if not (content is None or _is_content(content)) or not isinstance(meta, dict):
            raise self.wrong("an entry with its content and meta should be here")
        return _exactly(text) or ChatMessage(content, meta)  # type: ignore[arg-type]  # any keys are kept

    def _decoded(self, text: str) -> Json:
        try:
            value = _DECODER.decode(text)
        except (ValueError, RecursionError) as error:
            raise self.wrong(_FOREIGN if self.line == 1 else _why(error)) from error
        if not isinstance(value, dict):
            raise self.wrong(_FOREIGN if self.line == 1 else "not an entry of a chat")
        return value


def _exactly(text: str) -> ChatMessage | None:
    """The entry of a line as `entry_line` writes it, its texts not written anew; None for any other line."""
    if not text.startswith(_CONTENT) or not text.isascii():
        return None
    try:
        _, end = _DECODER.raw_decode(text, len(_CONTENT))
        if not text.startswith(_META, end):
            return None
        _, stop = _DECODER.raw_decode(text, end + len(_META))
    except ValueError:
        return None
    return (
        ChatMessage.from_stored(text[len(_CONTENT) : end], text[end + len(_META) : stop])
        if text[stop:] == "}"
        else None
    )


def _is_content(content: object) -> bool:
    """Whether it has the form of Gemini's content, whatever its parts are."""
    if not isinstance(content, dict) or content.get("role") not in {"user", "model"}:
        return False
    parts = content.get("parts")
    return isinstance(parts, list) and all(
        isinstance(part, dict)
        and isinstance(part.get("text", ""), str)
        and isinstance(part.get("functionCall", {}), dict)
        and isinstance(part.get("functionResponse", {}), dict)
        for part in parts
    )


def _is_head(head: Json) -> bool:
    agent, chat, entries = head.get("agent"), head.get("chat"), head.get("entries")
    is_named = isinstance(agent, str) and (agent.isprintable() or not agent) and isinstance(chat, str)
    return is_named and isinstance(entries, int) and entries > 0


def _line(**values: object) -> str:
    return f"{to_json({'format': FORMAT, 'version': VERSION, **values})}\n"


def _why(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return "a line that was cut off, or is no JSON"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _whole(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"the number {text[:20]}... is too long")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_finite, parse_constant=_no_constant)
