"""Times, tokens, money and shares as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.requests import Usage

_SECOND, _MINUTE = 1000.0, 60_000.0
_CENT = 0.01


def duration(ms: float) -> str:
    """`85 ms`, `1.2 s`, `2 min 05 s`."""
    if ms < _SECOND:
        return f"{ms:.0f} ms"
    if ms < _MINUTE:
        return f"{ms / _SECOND:.1f} s"
    minutes, seconds = divmod(round(ms / _SECOND), 60)
    return f"{minutes} min {seconds:02} s"


def money(cost: float) -> str:
    """US dollars, small ones too: `$12.50`, `$0.0031`."""
    if 0 < cost < _CENT / 100:
        return "<$0.0001"
    return f"${cost:,.2f}" if cost >= 1 else f"${cost:.4f}" if cost else "$0"


def tokens(usage: Usage) -> str:
    """`1,234 tokens`."""
    return f"{usage.total_tokens:,} {'token' if usage.total_tokens == 1 else 'tokens'}"


def share(part: float) -> str:
    """`80%`, `66.7%`."""
    return f"{100 * part:.3g}%"
