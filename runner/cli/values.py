"""Answers that have a form, in a terminal: their JSON indented; a pipe gets them as they came."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner.cli.door import OuterView
from runner.events import TextDelta, ToolCalled, TurnEnded

if TYPE_CHECKING:
    from runner.cli.door import Door, View
    from runner.events import Event


class ValueView(OuterView):
    """Shows a turn in `view`, its text when what it is has become clear: an answer's value, or what comes before."""

    def __init__(self, view: View, *, fenced: bool) -> None:
        super().__init__(view)
        self._fenced = fenced
        self._held: list[TextDelta] = []

    async def show(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, TextDelta):
            self._held.append(event)
            return
        if isinstance(event, TurnEnded) and event.value is not None:
            self._held = [TextDelta(self._shown(event.to_json()["value"]))]
        if isinstance(event, ToolCalled | TurnEnded):  # what was said before a call is no answer
            held, self._held = self._held, []
            for text in held:
                await self._view.show(text)
        await self._view.show(event)

    def _shown(self, value: object) -> str:
        text = json.dumps(value, indent=2, ensure_ascii=False)
        return f"```json\n{text}\n```\n" if self._fenced else text


def with_values(view: View, door: Door, *, has_form: bool) -> View:
    """The view of an agent whose answers have a form, where a person reads them."""
    return ValueView(view, fenced=door.out.can_draw) if has_form and door.out.is_terminal else view
