"""Open-Meteo over HTTP: https://open-meteo.com/en/docs and https://open-meteo.com/en/docs/geocoding-api."""

import asyncio
import os
import unicodedata
from contextlib import asynccontextmanager
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from tools._averages import known_city
from tools._places import UnknownPlaceError, fits, folded, full_name, readings

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    import httpx2

SOURCE = "open-meteo.com"
SECONDS = 8.0
SECONDS_TO_CONNECT = 3.0

# Every `weather_code` that Open-Meteo gives: a choice from table 4677 of the World Meteorological Organization.
CONDITIONS = {
    0: "clear sky",
    1: "mainly clear",
    2: "partly cloudy",
    3: "overcast",
    45: "fog",
    48: "freezing fog",
    51: "light drizzle",
    53: "drizzle",
    55: "heavy drizzle",
    56: "light freezing drizzle",
    57: "heavy freezing drizzle",
    61: "light rain",
    63: "rain",
    65: "heavy rain",
    66: "light freezing rain",
    67: "heavy freezing rain",
    71: "light snow",
    73: "snow",
    75: "heavy snow",
    77: "snow grains",
    80: "light rain showers",
    81: "rain showers",
    82: "violent rain showers",
    85: "light snow showers",
    86: "heavy snow showers",
    95: "thunderstorm",
    96: "thunderstorm with light hail",
    99: "thunderstorm with heavy hail",
}

# The language whose place names are searched, by the script of the first letter; English otherwise.
_LANGUAGES = {
    "CYRILLIC": "ru",
    "GREEK": "el",
    "ARABIC": "ar",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "THAI": "th",
    "CJK": "zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
}


class UnreachableError(Exception):
    """Open-Meteo cannot be asked now; the text says why."""


Number = int | float


class _Reply(BaseModel):
    error: Literal[False] = False


class Place(BaseModel):
    """One candidate of the geocoding; the service leaves out what is empty or zero."""

    name: str
    latitude: float = 0.0
    longitude: float = 0.0
    country: str = ""
    country_code: str = ""
    admin1: str = ""
    admin2: str = ""
    admin3: str = ""
    admin4: str = ""

    @property
    def full_name(self) -> str:
        """The name with its region and country."""
        return full_name(self.name, self.admin1, self.country)

    def is_in(self, qualifiers: list[str]) -> bool:
        """Tell whether the place lies in all of these countries and regions."""
        names = (self.country, self.country_code, self.admin1, self.admin2, self.admin3, self.admin4)
        return fits(qualifiers, filter(None, names))


class _Places(_Reply):
    results: list[Place] = []


class _Current(BaseModel):
    time: str
    temperature_2m: Number
    apparent_temperature: Number | None = None
    relative_humidity_2m: Number | None = None
    precipitation: Number | None = None
    weather_code: int | None = None
    wind_speed_10m: Number | None = None


class _CurrentReply(_Reply):
    timezone: str
    current: _Current


class _Daily(BaseModel):
    time: list[date]
    weather_code: list[int | None]
    temperature_2m_max: list[Number | None]
    temperature_2m_min: list[Number | None]
    precipitation_probability_max: list[Number | None]
    precipitation_sum: list[Number | None]
    wind_speed_10m_max: list[Number | None]


class _DailyReply(_Reply):
    timezone: str
    daily: _Daily


Reply = TypeVar("Reply", bound=_Reply)


async def current_weather(city: str, unit: str) -> dict[str, Any]:
    """Return what is measured in `city` now; `UnreachableError` and `UnknownPlaceError` say why not."""
    async with _client() as client:
        place = await _place(client, city)
        reply = await _forecast(client, place, unit, _CurrentReply, current=_Current)
    now = reply.current
    return _present(
        place=place.full_name,
        temperature=now.temperature_2m,
        feels_like=now.apparent_temperature,
        unit=unit,
        conditions=conditions(now.weather_code),
        humidity_percent=now.relative_humidity_2m,
        wind_kmh=now.wind_speed_10m,
        precipitation_mm=now.precipitation,
        observed_at=now.time,
        timezone=reply.timezone,
        source=SOURCE,
    )


async def daily_forecast(city: str, days: int, unit: str) -> dict[str, Any]:
    """Return what is expected in `city` on each day from today; raises as `current_weather` does."""
    async with _client() as client:
        place = await _place(client, city)
        reply = await _forecast(client, place, unit, _DailyReply, daily=_Daily, forecast_days=days)
    daily = reply.daily
    return {
        "place": place.full_name,
        "unit": unit,
        "days": [
            _present(
                date=day.isoformat(),
                weekday=f"{day:%A}",
                high=daily.temperature_2m_max[index],
                low=daily.temperature_2m_min[index],
                conditions=conditions(daily.weather_code[index]),
                rain_chance_percent=daily.precipitation_probability_max[index],
                precipitation_mm=daily.precipitation_sum[index],
                wind_kmh=daily.wind_speed_10m_max[index],
            )
            for index, day in enumerate(daily.time)
        ],
        "timezone": reply.timezone,
        "source": SOURCE,
    }


def conditions(code: int | None) -> str | None:
    """Return the words for a WMO weather code."""
    return None if code is None else CONDITIONS.get(code, f"unknown (WMO weather code {code})")


def _present(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@asynccontextmanager
async def _client() -> "AsyncIterator[httpx2.AsyncClient]":
    """Open a client for the two requests of one answer, which share one deadline."""
    import httpx2  # here, for it takes a while to import and not every run asks for the weather

    waits = httpx2.Timeout(SECONDS, connect=SECONDS_TO_CONNECT)
    try:
        async with asyncio.timeout(SECONDS), httpx2.AsyncClient(verify=_trust(), timeout=waits) as client:
            yield client
    except httpx2.ConnectTimeout:
        raise UnreachableError("no connection in time") from None
    except (httpx2.TimeoutException, TimeoutError):
        raise UnreachableError("no answer in time") from None
    except httpx2.ConnectError as error:
        raise UnreachableError("no network") from error
    except httpx2.RequestError as error:
        raise UnreachableError("the connection broke") from error


@cache
def _trust() -> "ssl.SSLContext":
    """Read the certificates once: each client would read them again, for 30 ms in which nothing else runs."""
    import httpx2

    return httpx2.create_ssl_context()


async def _get(client: "httpx2.AsyncClient", url: str, params: dict[str, Any], shape: type[Reply]) -> Reply:
    reply = await client.get(url, params=params)
    if reply.status_code == 400:
        raise RuntimeError(f"Open-Meteo refused the request: {reply.text[:500]}")
    if reply.status_code != 200:
        raise UnreachableError(f"it answered HTTP {reply.status_code}")
    try:
        return shape.model_validate_json(reply.content)
    except ValidationError as error:
        raise UnreachableError("its answer is not what its documentation says") from error


async def _place(client: "httpx2.AsyncClient", city: str) -> Place:
    ways = list(readings(city))
    known = known_city(city)
    if known and folded(known.name) != folded(city):  # "NYC", or "München", which is not among the English names
        ways.insert(0, (known.name, [known.code]))
    seen: dict[str, Place] = {}
    for name, qualifiers in ways:
        candidates = await _search(client, name, 100 if qualifiers else 10)
        for place in candidates:
            if place.is_in(qualifiers):
                return place
        seen |= {place.full_name: place for place in candidates}
    if not seen:
        raise UnknownPlaceError(f'no place called "{city}" was found; ask for a city, optionally with its country')
    places = "; ".join(list(seen)[:5])
    raise UnknownPlaceError(f'no place fits "{city}"; did you mean one of these? {places}')


async def _search(client: "httpx2.AsyncClient", name: str, count: int) -> list[Place]:
    script = unicodedata.name(name[0], "").split()[:1]
    language = _LANGUAGES.get("".join(script).partition("-")[0], "en")
    base = os.environ.get("OPEN_METEO_GEOCODING_URL") or "https://geocoding-api.open-meteo.com"
    params = {"name": name, "count": count, "language": language, "format": "json"}
    return (await _get(client, f"{base.rstrip('/')}/v1/search", params, _Places)).results


async def _forecast(
    client: "httpx2.AsyncClient", place: Place, unit: str, shape: type[Reply], **more: type[BaseModel] | int
) -> Reply:
    """Ask for the variables that are the fields of a model, but for the time, which always comes."""
    base = os.environ.get("OPEN_METEO_URL") or "https://api.open-meteo.com"
    params: dict[str, Any] = {"latitude": place.latitude, "longitude": place.longitude}
    for name, value in more.items():
        params[name] = value if isinstance(value, int) else ",".join(f for f in value.model_fields if f != "time")
    params |= {"temperature_unit": unit, "timezone": "auto"}
    return await _get(client, f"{base.rstrip('/')}/v1/forecast", params, shape)
