"""Durations as people write them: `90m`, `1h30m`, `300s`, a number of seconds, a timedelta."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TypeAlias

Duration: TypeAlias = str | int | float | timedelta
"""Text such as `1h30m`, seconds, or a timedelta."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TERM = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhd])")
_WHOLE = re.compile(rf"(?:{_TERM.pattern}\s*)+")


def seconds(duration: Duration) -> float:
    """The duration in seconds: `5400.0` for `1h30m`. A bare number is seconds. Raises ValueError for anything else.

    pydantic reads ISO 8601 (`PT1H30M`) and `1:30:00`, but not these.
    """
    if isinstance(duration, timedelta):
        total = duration.total_seconds()
    elif isinstance(duration, str):
        total = _parsed(duration)
    elif isinstance(duration, bool):
        raise _not_a_duration(duration)
    else:
        total = float(duration)
    if not math.isfinite(total) or total < 0:
        raise _not_a_duration(duration)
    return total


def wire(duration: Duration) -> str:
    """The duration as the API's JSON has it: `3600s` for `1h`, `1.5s`."""
    return f"{seconds(duration):.9f}".rstrip("0").rstrip(".") + "s"


def _parsed(text: str) -> float:
    stripped = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", stripped):
        return float(stripped)
    if not _WHOLE.fullmatch(stripped):
        raise _not_a_duration(text)
    return sum(float(number) * _UNITS[unit] for number, unit in _TERM.findall(stripped))


def _not_a_duration(value: object) -> ValueError:
    return ValueError(f'{value!r} is not a duration; write it as "1h", "90m", "1h30m", "300s" or a number of seconds')
