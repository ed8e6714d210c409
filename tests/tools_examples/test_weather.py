"""The example tools in `tools/weather.py`, against a local server that answers as Open-Meteo does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.servers.open_meteo import OpenMeteoServer
from tools import _open_meteo
from tools._places import UnknownPlaceError
from tools.weather import get_forecast, get_weather

if TYPE_CHECKING:
    from collections.abc import Iterator

AVERAGES = "monthly averages (approximate, not measured)"
# The codes that https://open-meteo.com/en/docs lists.
CODES = [0, 1, 2, 3, 45, 48, 51, 53, 55, 56, 57, 61, 63, 65, 66, 67, 71, 73, 75, 77, 80, 81, 82, 85, 86, 95, 96, 99]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenMeteoServer]:
    with OpenMeteoServer() as server:
        monkeypatch.setenv("OPEN_METEO_URL", server.url)
        monkeypatch.setenv("OPEN_METEO_GEOCODING_URL", server.url + "/")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


async def test_the_weather_now_is_what_the_service_measured(service: OpenMeteoServer) -> None:
    assert await get_weather("Paris") == {
        "place": "Paris, Île-de-France, France",
        "temperature": 18.4,
        "feels_like": 17.9,
        "unit": "celsius",
        "conditions": "light rain",
        "humidity_percent": 62,
        "wind_kmh": 12.2,
        "precipitation_mm": 0.3,
        "observed_at": "2026-05-01T14:15",
        "timezone": "Europe/Paris",
        "source": "open-meteo.com",
    }
    assert [path for path, _ in service.requests] == ["/v1/search", "/v1/forecast"]


async def test_a_forecast_names_each_day(service: OpenMeteoServer) -> None:
    forecast = await get_forecast("Paris", days=2)
    assert forecast == {
        "place": "Paris, Île-de-France, France",
        "unit": "celsius",
        "days": [
            {
                "date": date,
                "weekday": weekday,
                "high": 20.5,
                "low": 11.0,
                "conditions": "light rain",
                "rain_chance_percent": 55,
                "precipitation_mm": 2.4,
                "wind_kmh": 21.6,
            }
            for date, weekday in (("2026-05-01", "Friday"), ("2026-05-02", "Saturday"))
        ],
        "timezone": "Europe/Paris",
        "source": "open-meteo.com",
    }


@pytest.mark.usefixtures("service")
async def test_fahrenheit_is_asked_of_the_service() -> None:
    weather = await get_weather("Paris", unit="fahrenheit")
    assert (weather["temperature"], weather["unit"]) == (65.1, "fahrenheit")
    forecast = await get_forecast("Paris", unit="fahrenheit")
    assert (forecast["days"][0]["high"], forecast["unit"], len(forecast["days"])) == (68.9, "fahrenheit", 3)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("days", [1, 7])
async def test_a_forecast_covers_one_to_seven_days(days: int) -> None:
    forecast = await get_forecast("Paris", days=days)
    assert len(forecast["days"]) == days


@pytest.mark.parametrize(
    "args",
    [{"city": "Paris", "days": 0}, {"city": "Paris", "days": 8}, {"city": "Paris", "unit": "kelvin"}, {}],
    ids=str,
)
async def test_a_call_outside_the_declaration_does_not_reach_the_service(
    service: OpenMeteoServer, args: dict[str, object]
) -> None:
    with pytest.raises(Exception, match=r'^argument "(days|unit|city)" ') as caught:
        await get_forecast.execute(args)
    assert getattr(caught.value, "reason", None) == "TOOL_ARGUMENTS"
    assert not service.requests


def test_the_model_is_told_when_to_call_and_what_each_argument_is() -> None:
    declared = get_forecast.declaration()
    assert declared["description"] == "Tell what the weather in a city will be on each of the coming days."
    properties = declared["parametersJsonSchema"]["properties"]
    assert list(properties) == ["city", "days", "unit"]
    assert all(described["description"] for described in properties.values())
    assert (properties["days"]["minimum"], properties["days"]["maximum"], properties["days"]["default"]) == (1, 7, 3)
    assert properties["unit"]["enum"] == ["celsius", "fahrenheit"]
    assert (get_weather.effects, get_forecast.effects) == ("none", "none")


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    ("city", "place"),
    [
        ("paris", "Paris, Île-de-France, France"),
        ("  PARIS ", "Paris, Île-de-France, France"),
        ("Paris, France", "Paris, Île-de-France, France"),
        ("Paris (FR)", "Paris, Île-de-France, France"),
        ("paris, texas", "Paris, Texas, United States"),
        ("Paris TX", "Paris, Texas, United States"),
        ("Paris, TX, U.S.A.", "Paris, Texas, United States"),
        ("Paris, Kentucky", "Paris, Kentucky, United States"),
        ("London", "London, England, United Kingdom"),
        ("London, UK", "London, England, United Kingdom"),
        ("London, ON", "London, Ontario, Canada"),
        ("London, CA", "London, Ontario, Canada"),
        ("new york", "New York, United States"),
        ("NYC", "New York, United States"),
        ("New York, NY", "New York, United States"),
        ("White Plains NY", "White Plains, New York, United States"),
        ("White Plains, Alabama", "White Plains, Alabama, United States"),
        ("Springfield, MO", "Springfield, Missouri, United States"),
        ("München", "Munich, Bavaria, Germany"),
        ("MUENCHEN, Deutschland", "Munich, Bavaria, Germany"),
        ("Sao Paulo, Brasil", "São Paulo, Brazil"),
        ("Reykjavik", "Reykjavík, Capital Region, Iceland"),
        ("Amsterdam, Netherlands", "Amsterdam, North Holland, The Netherlands"),
        ("東京", "Tokyo, Japan"),
        ("札幌, 日本", "Sapporo, Hokkaido, Japan"),
    ],
)
async def test_a_place_is_found_as_people_write_it(city: str, place: str) -> None:
    weather = await get_weather(city)
    assert (weather["place"], weather["source"]) == (place, "open-meteo.com")


async def test_a_name_in_another_script_is_searched_in_its_language(service: OpenMeteoServer) -> None:
    await get_weather("札幌")
    with pytest.raises(UnknownPlaceError):
        await get_weather("Ярославль")
    assert [params["language"] for path, params in service.requests if path == "/v1/search"] == ["zh", "ru"]


async def test_a_coordinate_that_is_zero_is_left_out_by_the_service_but_known(service: OpenMeteoServer) -> None:
    await get_weather("São Tomé")
    _, params = service.requests[-1]
    assert (params["latitude"], params["longitude"]) == ("0.0", "6.72732")


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    ("city", "message"),
    [
        ("Xyzzy", r'^no place called "Xyzzy" was found; ask for a city, optionally with its country$'),
        ("Y", r'^no place called "Y" was found'),
        ("Paris, Narnia", r"did you mean one of these\? Paris, Île-de-France, France; Paris, Texas, United States; "),
        ("", r"no name of a city"),
        (" , ", r"no name of a city"),
        ("?!", r"no name of a city"),
        ("Paris " * 50, r"no name of a city"),
    ],
)
async def test_an_unknown_place_is_an_error_that_says_what_to_ask_instead(city: str, message: str) -> None:
    with pytest.raises(UnknownPlaceError, match=message):
        await get_weather(city)
    with pytest.raises(UnknownPlaceError, match=message):
        await get_forecast(city)


@pytest.mark.parametrize("code", CODES)
async def test_every_weather_code_has_words(service: OpenMeteoServer, code: int) -> None:
    service.weather = {"weather_code": code}
    words = (await get_weather("Paris"))["conditions"]
    assert words
    assert "unknown" not in words
    assert (await get_forecast("Paris", days=1))["days"][0]["conditions"] == words


def test_no_two_weather_codes_share_their_words() -> None:
    assert sorted(_open_meteo.CONDITIONS) == CODES
    assert len(set(_open_meteo.CONDITIONS.values())) == len(_open_meteo.CONDITIONS)


async def test_a_code_of_the_future_is_told_as_a_number(service: OpenMeteoServer) -> None:
    service.weather = {"weather_code": 42}
    assert (await get_weather("Paris"))["conditions"] == "unknown (WMO weather code 42)"


async def test_what_the_service_does_not_know_is_left_out(service: OpenMeteoServer) -> None:
    service.weather = {"weather_code": None, "precipitation": None, "precipitation_probability_max": None}
    weather = await get_weather("Paris")
    assert not {"conditions", "precipitation_mm"} & set(weather)
    day = (await get_forecast("Paris", days=1))["days"][0]
    assert not {"conditions", "rain_chance_percent"} & set(day)


class TestWithoutTheService:
    """Whatever keeps Open-Meteo from answering, both tools fall back to averages and say so."""

    @pytest.fixture(
        params=[
            {"fail": 500},
            {"fail": 503, "only": "/v1/forecast"},
            {"fail": 429},
            {"fail": 404},
            {"close": True},
            {"close": True, "only": "/v1/forecast"},
            {"silent": True},
            {"silent": True, "only": "/v1/forecast"},
            {"delay": 0.2},
            {"body": b"<html>Welcome to the hotel. Please log in.</html>"},
            {"body": b""},
            {"body": b"[]", "only": "/v1/forecast"},
            {"body": b'{"error": true, "reason": "told with status 200"}'},
        ],
        ids=str,
    )
    def trouble(
        self, request: pytest.FixtureRequest, service: OpenMeteoServer, monkeypatch: pytest.MonkeyPatch
    ) -> OpenMeteoServer:
        for name, value in request.param.items():
            setattr(service, name, value)
        monkeypatch.setattr(_open_meteo, "SECONDS", 0.3)
        return service

    @pytest.mark.usefixtures("trouble")
    async def test_the_weather_is_the_average_of_the_month(self) -> None:
        weather = await get_weather("München")
        assert weather["source"] == AVERAGES
        assert weather["place"] == "Munich, Bavaria, Germany"
        assert weather["low"] <= weather["temperature"] <= weather["high"]
        assert weather["conditions"].startswith("usual for ")
        assert weather["note"].startswith("open-meteo.com cannot be reached (")
        json.dumps(weather)

    @pytest.mark.usefixtures("trouble")
    async def test_so_is_a_forecast(self) -> None:
        forecast = await get_forecast("NYC", days=7, unit="fahrenheit")
        assert forecast["source"] == AVERAGES
        assert forecast["place"] == "New York, United States"
        assert len({day["date"] for day in forecast["days"]}) == 7
        assert forecast["note"].endswith("long-term averages of the month, not a measurement")
        json.dumps(forecast)

    async def test_a_refused_connection_is_no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with OpenMeteoServer() as server:
            url = server.url
        monkeypatch.setenv("OPEN_METEO_GEOCODING_URL", url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        weather = await get_weather("Paris")
        assert weather["source"] == AVERAGES
        assert "no network" in weather["note"]

    @pytest.mark.parametrize(
        ("city", "hint"),
        [
            ("Parris", "the nearest names are: Paris, Île-de-France, France"),
            ("Paris, Texas", "the nearest names are: Paris, Île-de-France, France"),
            ("Sidny", "Sydney, New South Wales, Australia"),
            ("Xyzzy", "London, Tokyo and Nairobi are among them"),
        ],
    )
    async def test_a_city_without_averages_is_an_error_that_says_why(
        self, service: OpenMeteoServer, city: str, hint: str
    ) -> None:
        service.fail = 500
        with pytest.raises(UnknownPlaceError) as caught:
            await get_weather(city)
        assert "cannot be reached (it answered HTTP 500)" in str(caught.value)
        assert f'large cities are known, but not of "{city}"; ' in str(caught.value)
        assert hint in str(caught.value)


async def test_both_requests_share_one_deadline(service: OpenMeteoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    service.delay = 0.4  # each alone is in time
    monkeypatch.setattr(_open_meteo, "SECONDS", 0.7)
    assert "(no answer in time)" in (await get_weather("Paris"))["note"]


async def test_a_refused_request_is_not_hidden_behind_averages(service: OpenMeteoServer) -> None:
    service.fail = 400
    with pytest.raises(RuntimeError, match=r'refused the request: \{"error": true, "reason": "Something went wrong"\}'):
        await get_weather("Paris")
