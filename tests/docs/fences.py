"""The fenced blocks of the documents, with where they stand and what belongs together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"```(\w*)\s*")


@dataclass(frozen=True, slots=True)
class Fence:
    """One block: its language, its text, and the number of the line its text begins at."""

    path: Path
    line: int
    language: str
    text: str
    output: str | None = None  # of a ```python block: the ```text block that follows it before any other or a heading

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def documents() -> list[Path]:
    """The page and all that it links to."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def fences(language: str) -> list[Fence]:
    """All blocks of one language, in all documents."""
    return [fence for path in documents() for fence in fences_of(path) if fence.language == language]


def fences_of(path: Path) -> list[Fence]:
    """The blocks of one document, in order."""
    found: list[Fence] = []
    lines = iter(enumerate(path.read_text("utf-8").splitlines(), 1))
    heading = 0
    for number, line in lines:
        if line.startswith("#"):
            heading = number
        if opening := _FENCE.fullmatch(line):
            body = _until_closed(lines, path, number)
            fence = Fence(path, number + 1, opening[1], "".join(f"{inner}\n" for inner in body))
            if fence.language == "text" and found and found[-1].language == "python" and found[-1].line > heading:
                fence = _with_output(found.pop(), fence.text)
            found.append(fence)
    return found


def _until_closed(lines: Iterator[tuple[int, str]], path: Path, opened: int) -> list[str]:
    body: list[str] = []
    for _, line in lines:
        if line == "```":
            return body
        body.append(line)
    raise ValueError(f"{path}:{opened}: the block is never closed")


def _with_output(fence: Fence, output: str) -> Fence:
    return Fence(fence.path, fence.line, fence.language, fence.text, output)
