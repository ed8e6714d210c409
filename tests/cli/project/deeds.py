"""Tools for the tests of the command."""

import asyncio

from runner.tools.function import tool


@tool(effects="none")
def get_weather(city: str) -> dict:
    """The weather now.

    Args:
        city: The city's name.
    """
    if city == "Atlantis":
        raise LookupError("unknown city: Atlantis")
    return {"city": city, "celsius": 18}


@tool(effects="none")
async def quick() -> dict:
    """At once."""
    return {"ok": True}


@tool(effects="once")
async def hold() -> dict:
    """For a minute; running it twice would do harm."""
    await asyncio.sleep(60)
    return {"ok": True}


@tool(effects="none")
async def wait() -> dict:
    """For a minute, harmlessly."""
    await asyncio.sleep(60)
    return {"ok": True}
