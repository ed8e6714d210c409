"""What can be done about a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from runner.messages import Json
    from runner.models.offline.schema import OfferedTool, Path, Slot


@dataclass(frozen=True, slots=True)
class Calls:
    """Call these tools, with these arguments."""

    calls: tuple[tuple[str, Json], ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for `slot`, without which `tool` cannot be called; `found` is what is known of the others."""

    tool: OfferedTool
    slot: Slot
    found: dict[Path, list[Any]]
    text: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Say something that needs no tool: one of the kinds in `remarks`."""

    kind: str


Decision: TypeAlias = Calls | Ask | Remark
"""Call, ask, or say something."""
