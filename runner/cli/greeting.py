"""What is said before the first message: what is odd about the manifest, its welcome, and messages to try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.screen import visible_line

if TYPE_CHECKING:
    from runner.agent import Agent
    from runner.cli.door import Door


async def tell_warnings(agent: Agent, door: Door) -> None:
    """Print the manifest's warnings as `validate` does, unless quiet was asked for."""
    if agent.warnings and not door.loudness.quiet:
        from runner.loading.formats import as_text

        await door.tell(as_text(agent.warnings))


async def greet(agent: Agent, door: Door) -> None:
    """Print the manifest's welcome and its examples, unless quiet was asked for."""
    if door.loudness.quiet:
        return
    for line in (agent.welcome or "").strip().splitlines():
        await door.aside(visible_line(line))
    for example in agent.examples:
        await door.aside(f"try: {visible_line(example)}")
