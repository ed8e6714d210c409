"""The tools of the rows as plain annotated functions, which every framework takes."""

from __future__ import annotations

from typing import Any

from benchmarks.work import slow_async, slow_blocking, weather


async def get_weather(city: str) -> dict[str, Any]:
    """Tell the weather in a city."""
    return await weather(city)


async def work(index: int) -> dict[str, Any]:
    """Wait without blocking."""
    return await slow_async(index)


def blocking(index: int) -> dict[str, Any]:
    """Wait, blocking its thread."""
    return slow_blocking(index)


blocking.__name__ = "work"
TOOLS: dict[str, list[Any]] = {"": [], "weather": [get_weather], "async": [work], "blocking": [blocking]}
