"""What to say when a request is not the one that was recorded."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from runner.models.cassettes.telling import difference, different_options, told_message, told_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.models.cassettes.fingerprints import Asked, Fingerprints
    from runner.models.cassettes.form import Exchange
    from runner.requests import GenerateContentRequest


def explained(
    exchange: Exchange, asked: Asked, request: GenerateContentRequest, fingerprints: Fingerprints
) -> tuple[str, str]:
    """One line on what differs first, and all that differs up to the first message that does, line by line."""
    heads: list[str] = []
    told: list[str] = []
    if exchange.model != asked.model:
        heads.append(f"model {exchange.model} -> {asked.model}")
    if exchange.options.mark != asked.options.mark:
        heads.append("other instructions, tools or settings")
        told += different_options(exchange.options.told, told_options(asked.options.body))
    sent = [message for message in request.messages if message.is_sent]
    index = _first_difference(exchange, asked)
    if index is not None:
        recorded = exchange.messages[index][1] if index < len(exchange.messages) else None
        now = told_message(sent[index], fingerprints) if index < len(asked.messages) else None
        heads.append(_head(index, recorded, now))
        told += [f"message {index + 1}:", *difference(recorded or "", now or "")]
    place = f"turn {asked.turn}, step {asked.step} ({exchange.role})"
    words = f"{place} does not ask what was recorded: {'; '.join(heads)}"
    return words, "\n".join(told or heads)


def out_of_exchanges(exchanges: int, role: str, asked: Asked) -> str:
    """One line on a request for which nothing is left."""
    place = f"turn {asked.turn}, step {asked.step} ({role})"
    if not exchanges:
        return f'{place} was not recorded: the cassette has nothing of "{role}"'
    return f"{place} was not recorded: the cassette's {exchanges} answers are used up"


def _first_difference(exchange: Exchange, asked: Asked) -> int | None:
    marks: Iterator[tuple[str | None, str | None]] = itertools.zip_longest(
        (mark for mark, _ in exchange.messages), asked.messages
    )
    return next((index for index, (old, new) in enumerate(marks) if old != new), None)


def _head(index: int, recorded: str | None, now: str | None) -> str:
    if recorded is None:
        return f"message {index + 1} is one more than recorded"
    if now is None:
        return f"message {index + 1} is missing"
    return f"message {index + 1} differs"
