"""Times and sizes as people write them: `90s`, `1h30m`, `10MB`."""

from __future__ import annotations

import math
import re
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from runner.durations import seconds

DURATION = r"^\s*(?=.*[1-9])(?:[0-9]+(?:\.[0-9]+)?\s*(?:[mM][sS]|[sSmMhHdD])\s*)+$"
"""A time above 0 as text; it is written into the JSON schema, so both accept the same."""
SIZE = r"^\s*(?=.*[1-9])[0-9]+(?:\.[0-9]+)?\s*(?:[kKMG]i?)?B?\s*$"

_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_DURATION, _SIZE = re.compile(DURATION), re.compile(SIZE)
_SIZE_PARTS = re.compile(r"([0-9.]+)\s*([kmg]i?)?b?", re.IGNORECASE)


def _seconds(value: object) -> float:
    if isinstance(value, str) and _DURATION.match(value):
        return seconds(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf:
        return float(value)
    raise PydanticCustomError("duration", "not a duration")


def _count(value: object) -> int:
    if isinstance(value, str) and _SIZE.match(value) and (parts := _SIZE_PARTS.fullmatch(value.strip())):
        return max(1, round(float(parts[1]) * _FACTORS[(parts[2] or "").lower()]))
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and 1 <= value < math.inf
        and value == int(value)
    ):
        return int(value)
    raise PydanticCustomError("size", "not a size")


Seconds: TypeAlias = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": DURATION}, {"type": "number", "exclusiveMinimum": 0}]}),
]
"""A time above 0, in seconds."""
Size: TypeAlias = Annotated[
    int,
    BeforeValidator(_count),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": SIZE}, {"type": "integer", "minimum": 1}]}),
]
"""A number of characters or bytes above 0."""
