"""How much of a chat is sent to the model, as a manifest names it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from runner.manifest.base import Given, Part, Whole

SUMMARIZE: Literal["summarize"] = "summarize"
TURNS = r"^\s*[1-9][0-9]{0,8}\s*turns?\s*$"
PERCENT = r"^\s*(?=.*[1-9])(?:100(?:\.0+)?|[0-9]{1,2}(?:\.[0-9]+)?)\s*%\s*$"
KEEP = rf"{TURNS}|{PERCENT}|^{SUMMARIZE}$"
"""What is kept, as text; it is written into the JSON schema, so both accept the same."""


def _share_of(value: object) -> float | None:
    """`60%` and 0.6 as 0.6; None for what is no share above 0 and, as a number, below 1."""
    if isinstance(value, str) and re.match(PERCENT, value):
        return float(value.strip().rstrip("%")) / 100
    return value if isinstance(value, float) and 0 < value < 1 else None


def kept(value: object) -> int | float | str | None:
    """A number of turns, a share of the window, or `summarize`; None for anything else."""
    if value == SUMMARIZE:
        return SUMMARIZE
    if isinstance(value, str) and re.match(TURNS, value):
        return int(value.strip().rstrip("turns"))
    return _share_of(value)


def _keep(value: object) -> int | float | str:
    if (keep := kept(value)) is None:
        raise PydanticCustomError("history_keep", "neither turns, nor a share, nor summarize")
    return keep


def _share(value: object) -> float:
    if (share := _share_of(value)) is None:
        raise PydanticCustomError("share", "not a share")
    return share


_FRACTION = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
Keep: TypeAlias = Annotated[
    Any,
    BeforeValidator(_keep),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": KEEP}, _FRACTION]}),
]
"""Turns as a whole number, a share of the model's window as a fraction, or `summarize`."""
Share: TypeAlias = Annotated[
    float, BeforeValidator(_share), WithJsonSchema({"anyOf": [{"type": "string", "pattern": PERCENT}, _FRACTION]})
]
"""A share of the model's window."""


class HistoryPart(Part):
    """What is sent of a long chat; all of it is kept."""

    keep: Given[Keep] = Field(
        default=None,
        description="What is sent: `200 turns`, `60%` of the model's window, or `summarize`; all if left out.",
    )
    warn_at: Given[Share] = Field(
        default=None, description="At which share of the window a notice is told, or a summary made; 80% if left out."
    )
    window: Given[Annotated[Whole, Field(ge=1)]] = Field(
        default=None, description="Tokens that the model takes; known for Gemini models."
    )

    def given(self) -> dict[str, Any]:
        """What is set, as a HistoryPolicy takes it."""
        kinds = {int: "turns", float: "share", str: "summarize"}
        kept = {} if self.keep is None else {kinds[type(self.keep)]: self.keep == SUMMARIZE or self.keep}
        others = {"warn_at": self.warn_at, "window": self.window}
        return kept | {name: value for name, value in others.items() if value is not None}


def _long_form(value: object) -> object:
    return {"keep": value} if isinstance(value, str | int | float) and not isinstance(value, bool) else value


History: TypeAlias = Annotated[HistoryPart, BeforeValidator(_long_form, json_schema_input_type=Keep | HistoryPart)]
"""Written as `200 turns`, `60%`, `summarize`, or as a mapping."""
