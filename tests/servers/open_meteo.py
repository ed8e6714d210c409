"""A local server that answers as Open-Meteo does: `/v1/search` knows a few places, `/v1/forecast` has fixed weather.

    with OpenMeteoServer() as server:
        monkeypatch.setenv("OPEN_METEO_URL", server.url)
        monkeypatch.setenv("OPEN_METEO_GEOCODING_URL", server.url)

It is stricter than the real one, which ignores parameters that it does not know. By hand:
`python -m tests.servers.open_meteo --port 0 [--fail 500] [--delay 2] [--silent] [--close]`; its first line is the URL.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = ("id", "name", "latitude", "longitude", "elevation", "feature_code", "country_code", "timezone", "population",
          "country", "admin1")  # fmt: skip
# The values of these fields, then another name that the place is found by, if any.
TABLE = """
2988507|Paris|48.85341|2.3488|42|PPLC|FR|Europe/Paris|2138551|France|Île-de-France|
4717560|Paris|33.66094|-95.55551|183|PPLA2|US|America/Chicago|24782|United States|Texas|
4303602|Paris|38.2098|-84.25299|258|PPLA2|US|America/New_York|9846|United States|Kentucky|
2643743|London|51.50853|-0.12574|25|PPLC|GB|Europe/London|8961989|United Kingdom|England|
6058560|London|42.98339|-81.23304|251|PPL|CA|America/Toronto|422324|Canada|Ontario|
2867714|Munich|48.13743|11.57549|524|PPLA|DE|Europe/Berlin|1260391|Germany|Bavaria|
5128581|New York|40.71427|-74.00597|10|PPL|US|America/New_York|8804190|United States|New York|New York City
5144336|White Plains|41.03399|-73.76291|65|PPLA2|US|America/New_York|58035|United States|New York|
4115412|White Plains|33.47|-85.69|200|PPL|US|America/Chicago|811|United States|Alabama|
4250542|Springfield|39.80172|-89.64371|182|PPLA|US|America/Chicago|116565|United States|Illinois|
4409896|Springfield|37.21533|-93.29824|399|PPLA2|US|America/Chicago|166810|United States|Missouri|
1850147|Tokyo|35.6895|139.69171|44|PPLC|JP|Asia/Tokyo|9733276|Japan|Tokyo|東京
2128295|Sapporo|43.06667|141.35|26|PPLA|JP|Asia/Tokyo|1883027|Japan|Hokkaido|札幌
3448439|São Paulo|-23.5475|-46.63611|769|PPLA|BR|America/Sao_Paulo|12400232|Brazil|São Paulo|
3413829|Reykjavík|64.13548|-21.89541|37|PPLC|IS|Atlantic/Reykjavik|118918|Iceland|Capital Region|
2759794|Amsterdam|52.37403|4.88969|13|PPLC|NL|Europe/Amsterdam|741636|The Netherlands|North Holland|
2410763|São Tomé|0.0|6.72732|0|PPLC|ST|Africa/Sao_Tome|53300|Sao Tome and Principe|Água Grande|
"""


def _places() -> list[dict[str, Any]]:
    kinds = {"id": int, "latitude": float, "longitude": float, "elevation": float, "population": int}
    places: list[dict[str, Any]] = []
    for line in TABLE.strip().splitlines():
        *values, other = (value.strip() for value in line.split("|"))
        place = {name: kinds.get(name, str)(value) for name, value in zip(FIELDS, values, strict=True)}
        places.append({**place, "other": other})
    return sorted(places, key=lambda place: -place["population"])


PLACES = _places()

CURRENT = {
    "temperature_2m": (18.4, "°C"),
    "apparent_temperature": (17.9, "°C"),
    "relative_humidity_2m": (62, "%"),
    "precipitation": (0.3, "mm"),
    "weather_code": (61, "wmo code"),
    "wind_speed_10m": (12.2, "km/h"),
}
DAILY = {
    "weather_code": (61, "wmo code"),
    "temperature_2m_max": (20.5, "°C"),
    "temperature_2m_min": (11.0, "°C"),
    "precipitation_probability_max": (55, "%"),
    "precipitation_sum": (2.4, "mm"),
    "wind_speed_10m_max": (21.6, "km/h"),
}


class RefusedError(Exception):
    """A request that Open-Meteo answers with status 400 and this reason."""


@dataclass
class OpenMeteoServer:
    """Serve on a free port of the loopback while entered.

    Set `fail` to a status, `delay` to seconds, `silent` to take requests and never answer, `close` to hang up on them,
    `body` to answer with those bytes; `only` confines that to one path. `weather` overrides the values of variables;
    None is a value that the service does not have. `requests` holds what was asked: path and parameters.
    """

    port: int = 0
    fail: int | None = None
    delay: float = 0.0
    silent: bool = False
    close: bool = False
    body: bytes | None = None
    only: str | None = None
    weather: dict[str, float | None] = field(default_factory=dict)
    now: datetime = datetime(2026, 5, 1, 12, 15, tzinfo=UTC)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.told = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="open-meteo")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """What to set both base URLs to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def reply(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        """Return what Open-Meteo answers; `RefusedError` and `KeyError` are its 400 and 404."""
        match path:
            case "/v1/search":
                return _search(params)
            case "/v1/forecast":
                return self._forecast(params)
        raise KeyError(path)

    def _forecast(self, params: Mapping[str, str]) -> dict[str, Any]:
        known = {"latitude", "longitude", "current", "daily", "timezone", "temperature_unit", "forecast_days"}
        _check_names(params, known)
        latitude, longitude = (_number(params, name) for name in ("latitude", "longitude"))
        if not -90 <= latitude <= 90:
            raise RefusedError(f"Latitude must be in range of -90 to 90°. Given: {latitude}.")
        if not -180 <= longitude <= 180:
            raise RefusedError(f"Longitude must be in range of -180 to 180°. Given: {longitude}.")
        unit = params.get("temperature_unit", "celsius")
        if unit not in {"celsius", "fahrenheit"}:
            raise RefusedError(
                f"Data corrupted at path ''. Cannot initialize TemperatureUnit from invalid value {unit}."
            )
        if params.get("timezone") != "auto":
            raise RefusedError("Invalid timezone")
        days = int(params.get("forecast_days", "7"))
        if not 0 <= days <= 16:
            raise RefusedError(f"Forecast days is invalid. Allowed range 0 to 16. Given {days}.")
        place = min(PLACES, key=lambda each: abs(each["latitude"] - latitude) + abs(each["longitude"] - longitude))
        reply: dict[str, Any] = {
            "latitude": round(latitude, 2),
            "longitude": round(longitude, 2) + 0.000001,
            "generationtime_ms": 0.0847,
            "utc_offset_seconds": 7200,
            "timezone": place["timezone"],
            "timezone_abbreviation": "GMT+2",
            "elevation": place["elevation"],
        }
        local = self.now + timedelta(hours=2)
        if "current" in params:
            reply["current_units"] = {"time": "iso8601", "interval": "seconds"}
            reply["current"] = {"time": f"{local:%Y-%m-%dT%H:%M}", "interval": 900}
            for name in _variables(params, "current", CURRENT):
                reply["current"][name], reply["current_units"][name] = self._value(name, CURRENT, unit)
        if "daily" in params:
            reply["daily_units"] = {"time": "iso8601"}
            reply["daily"] = {"time": [(local + timedelta(days=day)).date().isoformat() for day in range(days)]}
            for name in _variables(params, "daily", DAILY):
                value, reply["daily_units"][name] = self._value(name, DAILY, unit)
                reply["daily"][name] = [value] * days
        return reply

    def _value(self, name: str, table: Mapping[str, tuple[float, str]], unit: str) -> tuple[float | None, str]:
        value, written = table[name]
        chosen = self.weather.get(name, value)
        if written == "°C" and unit == "fahrenheit":
            return None if chosen is None else round(chosen * 9 / 5 + 32, 1), "°F"
        return chosen, written


def _search(params: Mapping[str, str]) -> dict[str, Any]:
    _check_names(params, {"name", "count", "language", "format", "countryCode"})
    if "name" not in params:
        raise RefusedError("Value was not found at path 'name'.")
    count = int(params.get("count", "10"))
    if not 1 <= count <= 100:
        raise RefusedError("Parameter count must be between 1 and 100.")
    if params.get("format", "json") != "json":
        raise RefusedError(
            "Data corrupted at path ''. Cannot initialize ProtobufSerializationFormat from invalid value."
        )
    asked = _folded(params["name"].partition(",")[0])
    exact = len(asked) <= 2
    found = []
    for place in PLACES:
        names = [_folded(place[name]) for name in ("name", "other") if place[name]]
        if len(asked) > 1 and any(name == asked or (not exact and name.startswith(asked)) for name in names):
            found.append({name: place[name] for name in FIELDS if place[name] not in ("", 0)})
    reply: dict[str, Any] = {"generationtime_ms": 0.6}  # as there, `results` is missing when there are none
    return {"results": found[:count], **reply} if found else reply


def _folded(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _check_names(params: Mapping[str, str], known: set[str]) -> None:
    if unknown := set(params) - known:
        raise RefusedError(f"Unknown parameter {', '.join(sorted(unknown))}")


def _number(params: Mapping[str, str], name: str) -> float:
    if name not in params:
        raise RefusedError("Parameter 'latitude' and 'longitude' must have the same number of elements")
    try:
        return float(params[name])
    except ValueError:
        raise RefusedError(f"Value of type 'Float' required for key '{name}'.") from None


def _variables(params: Mapping[str, str], key: str, table: Mapping[str, object]) -> list[str]:
    names = params[key].split(",")
    for name in names:
        if name not in table:
            raise RefusedError(f"Cannot initialize WeatherVariable from invalid String value {name} for key {key}")
    return names


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    told: OpenMeteoServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # the client may have gone, as its deadline tells it to
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        told = self.server.told
        parts = urlsplit(self.path)
        params = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        told.requests.append((parts.path, params))
        meant = told.only in (None, parts.path)
        if meant and told.silent:
            told.stopping.wait()
            return
        if meant and told.delay and told.stopping.wait(told.delay):
            return
        if meant and told.close:
            return
        if meant and told.body is not None:
            self._send(200, told.body, "text/html")
        elif meant and told.fail:
            self._send_json(told.fail, {"error": True, "reason": "Something went wrong"})
        else:
            self._answer(parts.path, params)

    def _answer(self, path: str, params: dict[str, str]) -> None:
        try:
            self._send_json(200, self.server.told.reply(path, params))
        except RefusedError as refusal:
            self._send_json(400, {"error": True, "reason": str(refusal)})
        except KeyError:
            self._send_json(404, {"error": True, "reason": "Not Found"})

    def _send_json(self, status: int, reply: dict[str, Any]) -> None:
        self._send(status, json.dumps(reply, ensure_ascii=False).encode(), "application/json; charset=utf-8")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test output clean."""


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.open_meteo", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fail", type=int, metavar="STATUS")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--close", action="store_true")
    options = parser.parse_args()
    with OpenMeteoServer(**vars(options)) as server:
        print(server.url, flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
