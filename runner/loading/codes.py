"""The stable codes of diagnostics, with what `agent-run explain` says about each; the texts are in `codes.md`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADING = re.compile(r"^## ([EW]\d{3}) (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Code:
    """One code: its title, a line, and its text, some paragraphs."""

    code: str
    title: str
    text: str

    @property
    def severity(self) -> Literal["error", "warning"]:
        """`error` or `warning`."""
        return "error" if self.code.startswith("E") else "warning"


@cache
def codes() -> Mapping[str, Code]:
    """All codes, in order."""
    text = Path(__file__).with_name("codes.md").read_text("utf-8")
    parts = _HEADING.split(text)[1:]
    return {code: Code(code, title, body.strip()) for code, title, body in zip(*[iter(parts)] * 3, strict=True)}
