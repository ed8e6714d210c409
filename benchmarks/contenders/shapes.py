"""The tools of the rows, as hand-written loops declare them."""

from __future__ import annotations

from typing import Any

from benchmarks.work import slow_async, slow_blocking, weather

FUNCTIONS: dict[str, Any] = {"weather": weather, "async": slow_async, "blocking": slow_blocking}


def _declared(name: str, argument: str, kind: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {argument: {"type": kind}}, "required": [argument]}
    return {"name": name, "description": "A tool.", "parametersJsonSchema": schema}


DECLARATIONS = {
    "weather": _declared("get_weather", "city", "string"),
    "async": _declared("work", "index", "integer"),
    "blocking": _declared("work", "index", "integer"),
}
