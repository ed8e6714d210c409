"""`Cassette`: one case's recording, read from its file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.errors import CassetteError
from runner.files import write_whole
from runner.models.cassettes.form import FORMAT, Exchange, Header, SentOptions, ToolResult, lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from runner.messages import Json


@dataclass(slots=True)
class Cassette:
    """A header and, in the order in which they began, exchanges with models and results of tools."""

    path: Path
    header: Header
    entries: list[Exchange | ToolResult] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Cassette:
        """The cassette in a file. Raises CassetteError, which names the line, where it is none or cannot be read."""
        try:
            told = path.read_text("utf-8").split("\n")
        except FileNotFoundError as error:
            raise CassetteError("there is no such cassette", path=str(path)) from error
        except UnicodeDecodeError as error:
            raise CassetteError("the cassette cannot be read: it is not UTF-8", path=str(path)) from error
        except OSError as error:
            raise CassetteError(f"the cassette cannot be read: {error.strerror or error}", path=str(path)) from error
        reader = _Reader(path)
        cassette = cls(path, reader.header(told[0]))
        if told[-1].strip():
            raise reader.torn(len(told), "its last line is not whole")
        cassette.entries += [
            entry for line, text in enumerate(told[1:], 2) if text.strip() and (entry := reader.entry(line, text))
        ]
        return cassette

    def exchanges(self, role: str | None = None) -> list[Exchange]:
        """The exchanges, or those of one role."""
        return [each for each in self.entries if isinstance(each, Exchange) and role in {None, each.role}]

    def tool_results(self) -> list[ToolResult]:
        """The results of tools."""
        return [each for each in self.entries if isinstance(each, ToolResult)]


def write_cassette(path: Path, header: Header, entries: Iterable[Exchange | ToolResult]) -> None:
    """Write a cassette whole, in place of the one that was there, or not at all. Raises CassetteError."""
    try:
        write_whole(path, "".join(lines(header, entries)).encode("ascii"))
    except OSError as error:
        raise CassetteError(f"the cassette cannot be written: {error.strerror or error}", path=str(path)) from error


class _Reader:
    """Reads the lines of a cassette in order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._options: dict[str, SentOptions] = {}
        self._before: dict[str, Sequence[tuple[str, str]]] = {}

    def header(self, text: str) -> Header:
        """The first line, which also says whether the rest can be read."""
        told = self._object(1, text)
        number = told.get("cassette")
        if not isinstance(number, int):
            raise self._error(1, "this is not a cassette: its first line is no header")
        if number > FORMAT:
            newer = f"agent-run {told['version']}" if "version" in told else "a newer agent-run"
            raise self._error(1, f"the cassette was written by {newer}, in format {number}; this one reads {FORMAT}")
        try:
            return Header.from_json(told)
        except (KeyError, TypeError, ValueError) as error:
            raise self._wrong(1, "header", error) from error

    def entry(self, line: int, text: str) -> Exchange | ToolResult | None:
        """What a line holds; None for options, which are remembered."""
        told = self._object(line, text)
        try:
            if "options" in told:
                mark = told.pop("options")
                self._options[mark] = SentOptions(mark, told)
                return None
            if "request" in told:
                exchange = Exchange.from_json(told, self._before.get(str(told.get("role")), ()), self._options, line)
                self._before[exchange.role] = exchange.messages
                return exchange
            if "tool" in told:
                return ToolResult.from_json(told)
        except (KeyError, TypeError, ValueError) as error:
            raise self._wrong(line, "line", error) from error
        raise self._error(line, f"a cassette has no such line: {text[:60]}")

    def torn(self, line: int, why: str) -> CassetteError:
        """Something cut the file, or put two versions of it into one."""
        return self._error(line, f"the cassette is torn: {why}")

    def _object(self, line: int, text: str) -> Json:
        try:
            told = json.loads(text)
        except ValueError as error:
            if line == 1:
                raise self._error(1, "this is not a cassette: its first line is no JSON") from error
            raise self.torn(line, f"no JSON, {error}") from error
        if not isinstance(told, dict):
            raise self._error(line, "a line of a cassette is a JSON object")
        return told

    def _wrong(self, line: int, what: str, error: Exception) -> CassetteError:
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        return self._error(line, f"not a {what} that agent-run wrote: {why}")

    def _error(self, line: int, message: str) -> CassetteError:
        return CassetteError(message, path=str(self._path), line=line)
