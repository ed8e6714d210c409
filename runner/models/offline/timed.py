"""Slots that hold days and times."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from runner.models.offline.sharing import FROM_WORDS, Candidate, assign

if TYPE_CHECKING:
    from runner.models.offline.filling import Filling
    from runner.models.offline.schema import Slot


def fill_days(filling: Filling, slots: list[Slot]) -> None:
    """Fill slots that hold a day."""
    pieces = [(one.day.isoformat(), one.start, one.end) for one in filling.message.moments if one.day]
    if (
        len(slots) == 1
        and len(pieces) > 1
        and pieces[-1][2] >= len(filling.message.text.rstrip(" .!?"))
        and not filling.are_joined(pieces[-2][2], pieces[-1][1])
    ):
        pieces = pieces[-1:]
    plain = [
        Candidate(value, start, end, "from" if filling.word_before(start) in FROM_WORDS else _until(filling, start))
        for value, start, end in pieces
    ]
    assign(filling, slots, plain, 0.5)


def _until(filling: Filling, start: int) -> str:
    return "to" if filling.word_before(start) in {"to", "until", "till", "-"} else ""


def fill_hours(filling: Filling, slots: list[Slot]) -> None:
    """Fill slots that hold a time of day."""
    with_time = [one for one in filling.message.moments if one.time]
    candidates = [Candidate(one.time, one.start, one.end, _until(filling, one.start)) for one in with_time]
    assign(filling, slots, candidates, 0.5)
    for slot in slots:  # "in 20 minutes" fills a day and a time at once
        if not filling.is_filled(slot):
            both = [one.time for one in with_time if one.day]
            filling.put(slot, both[:1], 0.3)


def fill_moments(filling: Filling, slots: list[Slot]) -> None:
    """Fill slots that hold a day with its time."""
    found = filling.message.moments
    times = [one for one in found if one.time]
    days = [one for one in found if one.day and not one.time]
    for slot in slots:
        if not times:
            return
        time, day = times.pop(0), days.pop(0) if days else None
        value = _stamp(time.day or (day.day if day else None), str(time.time), filling.message.now)
        if filling.put(slot, [value], 0.7):
            for one in (time, day):
                if one:
                    filling.claim(slot, one.start, one.end)


def _stamp(day: date | None, time: str, now: datetime) -> str:
    hour, minute = int(time[:2]), int(time[3:])
    when = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if day is None:
        when += timedelta(days=1 if when <= now else 0)
    else:
        when = when.replace(year=day.year, month=day.month, day=day.day)
    return when.isoformat()
