"""The weather as two tools, from https://open-meteo.com: no key is needed.

A manifest names this file, `tools: [tools/weather.py]`, and its agent can call both functions below. What the model is
told about them is their signature and their docstring: the types become a schema that every call is checked against,
the first paragraph says when to call, and each line of `Args` describes one argument. What a function returns, the
model reads as JSON; what it raises, the model reads as an error it may react to.

Without a network both answer from monthly averages kept beside this file, and `source` says so. `OPEN_METEO_URL` and
`OPEN_METEO_GEOCODING_URL` name another server, such as one of your own.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from runner import tool
from tools._averages import usual_days, usual_weather
from tools._open_meteo import UnreachableError, current_weather, daily_forecast

__all__ = ["get_forecast", "get_weather"]


@tool(effects="none", timeout=20)
async def get_weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius") -> dict[str, Any]:
    """Tell what the weather in a city is right now.

    Args:
        city: The name of the city; add the country or state where several have that name, as in "Paris, Texas".
        unit: The unit of the temperatures.
    """
    try:
        return await current_weather(city, unit)
    except UnreachableError as error:
        return usual_weather(city, unit, why=str(error))


@tool(effects="none", timeout=20)
async def get_forecast(
    city: str,
    days: Annotated[int, Field(ge=1, le=7)] = 3,
    unit: Literal["celsius", "fahrenheit"] = "celsius",
) -> dict[str, Any]:
    """Tell what the weather in a city will be on each of the coming days.

    Args:
        city: The name of the city; add the country or state where several have that name, as in "Paris, Texas".
        days: How many days, from 1 to 7; today is the first.
        unit: The unit of the temperatures.
    """
    try:
        return await daily_forecast(city, days, unit)
    except UnreachableError as error:
        return usual_days(city, days, unit, why=str(error))
