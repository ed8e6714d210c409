"""`agent-run usage`: what stored chats have cost, by day, chat and model."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from runner.cli.chats.place import Where
from runner.cli.chats.running import run_on, tell, with_json
from runner.cli.exits import Exit
from runner.widths import width_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.cli.chats.place import Kept
    from runner.cli.door import Door
    from runner.cli.output import Output
    from runner.messages import ChatMessage, Json
    from runner.requests import Cost, Usage

_LONGEST = 48  # characters of a chat's name in the table
_LEAVES_FIRST = ("THINKING", "CACHED", "CALLS", "TURNS")  # columns that a narrow terminal does without


@click.command("usage")
@click.argument("file", required=False)
@click.option("--storage", metavar="URL", help="All chats in this storage; with FILE, instead of the manifest's.")
@click.option("--since", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="From this day on, in UTC.")
@with_json
def usage(file: str | None, storage: str | None, since: datetime | None, as_json: bool) -> Exit:
    """Sum up the tokens and the cost of stored chats: a line for each day, chat and model.

    Which chats: those of the agent in FILE, or all in --storage URL, or all in this project's own database. Prices are
    those of the day of each model call; what is not known is not counted, and said to be so.
    """
    first = date.min if since is None else since.date()
    where = Where(agent=file, storage=storage)
    return run_on(where, partial(_usage, first=first, as_json=as_json), as_json=as_json)


@dataclass(slots=True)
class _Line:
    """What is summed up in one line of the table."""

    calls: int
    usage: Usage
    cost: Cost | None
    turns: set[int] = field(default_factory=set)

    def add(self, usage: Usage, cost: Cost | None, turn: int) -> None:
        from runner.requests import summed

        self.calls += 1
        self.usage += usage
        self.cost = summed(self.cost, cost)
        self.turns.add(turn)


async def _usage(kept: Kept, door: Door, *, first: date, as_json: bool) -> Exit:
    lines: dict[tuple[str, str, str], _Line] = {}
    async for key, log in kept.logs([]):
        for day, model, usage, cost, turn in _calls(log, first):
            line = lines.setdefault((day.isoformat(), key, model), _new())
            line.add(usage, cost, turn)
    told = sorted(lines.items())
    if as_json:
        for (on, chat, model), line in told:
            await tell(door, _form(kept, on, chat, model, line), "")
    elif told:
        await door.out.write(_table(kept, told, door.out))
    else:
        await door.aside("no model was asked in these chats")
    return Exit.DONE


def _new() -> _Line:
    from runner.requests import Cost, Usage

    return _Line(0, Usage(), Cost())


def _calls(log: list[ChatMessage], first: date) -> Iterator[tuple[date, str, Usage, Cost | None, int]]:
    """The model calls of a chat: day, the model that answered, tokens, cost, and the number of the turn."""
    from runner.models.prices import cost_by_kind
    from runner.requests import Usage

    for entry in log:
        meta = entry.meta
        counted, moment = meta.get("usage"), _moment(meta.get("time"))
        if not counted or moment is None or moment.date() < first:
            continue
        usage = Usage.from_json(counted)
        model = meta.get("model_version") or meta.get("model") or "unknown"
        yield moment.date(), model, usage, cost_by_kind(model, usage, moment), meta.get("turn", 0)


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _form(kept: Kept, day: str, key: str, model: str, line: _Line) -> Json:
    return {
        "day": day,
        **kept.form(key),
        "model": model,
        "turns": len(line.turns),
        "calls": line.calls,
        "usage": line.usage.to_json(),
        "cost": None if line.cost is None else line.cost.to_json(),
    }


def _table(kept: Kept, told: list[tuple[tuple[str, str, str], _Line]], out: Output) -> str:
    """The lines, and their sum; a terminal that is too narrow for all columns is shown the others."""
    from runner.cli.lines import price
    from runner.cli.screen import visible_line

    rows: list[tuple[str, ...]] = [
        ("DAY", "CHAT", "MODEL", "TURNS", "CALLS", "IN", "CACHED", "OUT", "THINKING", "COST")
    ]
    whole = _new()
    unknown, turns = False, 0
    for (day, key, model), line in told:
        chat = visible_line(kept.called(key), _LONGEST)
        rows.append((day, chat, visible_line(model), *_counts(line, len(line.turns)), price(line.cost)))
        whole.calls, whole.usage, turns = whole.calls + line.calls, whole.usage + line.usage, turns + len(line.turns)
        unknown = unknown or line.cost is None
        if line.cost is not None and whole.cost is not None:
            whole.cost += line.cost
    total = price(whole.cost) + (" and unknown" if unknown else "")
    rows.append(("total", "", "", *_counts(whole, turns), total))
    return "".join(f"{line}\n" for line in _fitting(rows, out))


def _fitting(rows: list[tuple[str, ...]], out: Output) -> list[str]:
    lines = list(_aligned(rows))
    for name in _LEAVES_FIRST if out.is_terminal else ():
        if max(map(width_of, lines)) > out.columns:
            at = rows[0].index(name)
            rows = [(*row[:at], *row[at + 1 :]) for row in rows]
            lines = list(_aligned(rows))
    return lines


def _counts(line: _Line, turns: int) -> tuple[str, ...]:
    usage = line.usage
    tokens = (usage.prompt_tokens + usage.tool_use_tokens, usage.cached_tokens, usage.output_tokens)
    return tuple(f"{count:,}" for count in (turns, line.calls, *tokens, usage.thoughts_tokens))


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Each row as a line: names to the left, numbers to the right."""
    widths = [max(width_of(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = []
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - width_of(cell))
            cells.append(cell + space if column < 3 else space + cell)
        yield "  ".join(cells[:-1]) + f"  {row[-1]}"
