"""`Instructions`: a text that is rendered anew for every turn."""

from __future__ import annotations

import re
import traceback
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from runner.errors import ManifestError
from runner.loading.templates.sandbox import KINDS, Budget, Facts, RunawayError, check_length

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

    from runner.loading.templates.language import Parsed

_CLASS = re.compile(r"'(?:[\w.]+\.)?(\w+) object'|\b(\w+) object(?= has no element)")


class RenderingError(ManifestError):
    """Instructions that cannot be rendered; `line` is the template's line, counted from 1, when known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(message, key="instructions")


class AgentFacts(Facts):
    """What instructions can say about their agent."""

    label = "the agent"
    readable = frozenset({"name", "description", "model"})

    def __init__(self, name: str, description: str | None, model: str) -> None:
        self.name, self.description, self.model = name, description or "", model

    def __str__(self) -> str:
        return self.name


class ToolFacts(Facts):
    """What instructions can say about a tool."""

    label = "a tool"
    readable = frozenset({"name", "description"})

    def __init__(self, name: str, description: str) -> None:
        self.name, self.description = name, description

    def __str__(self) -> str:
        return self.name


_KINDS = {**KINDS, "AgentFacts": AgentFacts.label, "ToolFacts": ToolFacts.label}


class ToolList(tuple[ToolFacts, ...]):
    """The tools; as text, their names."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(tool.name for tool in self)


class Moment(datetime):
    """A time that reads well: `2026-11-22 08:30`."""

    def __str__(self) -> str:
        return f"{self:%Y-%m-%d %H:%M}"


class Template:
    """A parsed template without mistakes, ready to be rendered."""

    def __init__(self, parsed: Parsed) -> None:
        from jinja2 import Template as JinjaTemplate

        sandbox = parsed.sandbox
        self._template = JinjaTemplate.from_code(sandbox, parsed.compiled(), dict(sandbox.globals))

    def render(self, values: Mapping[str, Any]) -> str:
        """The text. Raises RenderingError where it fails, grows beyond 1,000,000 characters or takes over a second."""
        pieces: list[str] = []
        length = 0
        budget = Budget()
        try:
            for piece in self._template.generate({**values, "_budget": budget}):
                length += len(piece)
                check_length(length)
                pieces.append(piece)
        except Exception as error:  # noqa: BLE001  # whatever a template runs into is told as its author's mistake
            raise RenderingError(_said(error), _line(error)) from None
        return "".join(pieces)


def _said(error: Exception) -> str:
    if isinstance(error, RunawayError):
        return f"the instructions cannot be rendered: {error}"
    text = _CLASS.sub(lambda found: _KINDS.get(found[1] or found[2], "a value"), str(error).partition("\n")[0])
    return f"the instructions cannot be rendered: {text[:200] or type(error).__name__}"


def _line(error: Exception) -> int | None:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<instructions>"]
    return frames[-1].lineno if frames else None


def turn_values(
    moment: datetime,
    agent: AgentFacts,
    tools: Iterable[ToolFacts],
    variables: Mapping[str, Any],
    zone: tzinfo | None = None,
) -> dict[str, Any]:
    """What a template knows in a turn that begins at `moment`, which is told in `zone`, or in this machine's."""
    local = moment.astimezone(zone)
    now = Moment(
        local.year, local.month, local.day, local.hour, local.minute, local.second, tzinfo=local.tzinfo, fold=local.fold
    )
    return {
        **variables,
        "now": now,
        "today": date(local.year, local.month, local.day),
        "agent": agent,
        "tools": ToolList(tools),
    }
