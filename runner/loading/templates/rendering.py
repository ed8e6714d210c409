"""A manifest's instructions as a chat manager takes them: a text, or what makes one for each turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.loading.templates.tags import is_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import tzinfo

    from runner.loading.manifests import LoadedManifest
    from runner.loading.substitution import Piece
    from runner.tools.base import Tool


@dataclass(frozen=True, slots=True)
class InstructionText:
    """Instructions as they are written; `pieces` tell what of them came from the environment."""

    text: str
    pieces: tuple[Piece, ...] = ()


def turn_instructions(
    loaded: LoadedManifest, tools: Iterable[Tool], model: str, zone: tzinfo | None = None
) -> str | Callable[[datetime], str] | None:
    """The instructions for an agent of this manifest; what makes them raises ManifestError where it cannot.

    They tell the time in `zone`, or in this machine's.

    They are made once here, so that what is wrong with them is told before a chat begins, with the agent's own tools.
    """
    source = loaded.instructions
    if source is None:
        return None
    if not is_template(source.text):
        return "".join(piece.text for piece in source.pieces) or source.text
    from runner.loading.templates.language import Parsed
    from runner.loading.templates.template import AgentFacts, Template, ToolFacts, turn_values

    template = Template(Parsed(source.text, source.pieces))
    agent = AgentFacts(loaded.name, loaded.manifest.description, model)
    facts = [ToolFacts(tool.name, str(tool.declaration().get("description") or "")) for tool in tools]

    def rendered(moment: datetime) -> str:
        return template.render(turn_values(moment, agent, facts, loaded.variables, zone))

    rendered(datetime.now(UTC))
    return rendered
