"""The table of monthly averages behind `tools/weather.py`."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime

import pytest

from tools._averages import City, cities, known_city, usual_days, usual_weather
from tools._places import folded

CITIES = pytest.mark.parametrize("city", cities(), ids=lambda city: city.name)
SOUTHERN = {"AR", "AU", "BR", "CL", "NZ", "UY", "ZA"}


def test_the_table_has_large_cities_of_every_inhabited_continent() -> None:
    assert len(cities()) >= 48
    assert {"FR", "CN", "US", "BR", "NG", "AU"} <= {city.code for city in cities()}


def test_no_name_means_two_cities() -> None:
    names = [{folded(name) for name in (city.name, *city.aliases)} for city in cities()]
    assert sum(map(len, names)) == len(set().union(*names))


@CITIES
def test_a_city_has_twelve_plausible_months(city: City) -> None:
    assert len(city.highs) == len(city.lows) == len(city.wet_days) == 12
    assert len(city.code) == 2
    assert -10 <= city.utc_hours <= 12
    for month, (high, low, wet) in enumerate(zip(city.highs, city.lows, city.wet_days, strict=True), 1):
        assert -20 <= low < high <= 45
        assert 3 <= high - low <= 17
        assert 0 <= wet <= monthrange(2026, month)[1]


@CITIES
def test_a_year_has_no_jumps(city: City) -> None:
    for numbers, most in ((city.highs, 9), (city.lows, 9), (city.wet_days, 15)):
        assert all(abs(numbers[month] - numbers[month - 1]) <= most for month in range(12))


@CITIES
def test_summer_is_where_it_belongs(city: City) -> None:
    warmth = [high + low for high, low in zip(city.highs, city.lows, strict=True)]
    if max(warmth) - min(warmth) > 20:  # elsewhere the year has rains, not summers
        warmest = warmth.index(max(warmth)) + 1
        assert warmest in ({12, 1, 2} if city.code in SOUTHERN else {4, 5, 6, 7, 8, 9})


@CITIES
def test_a_city_is_found_by_each_of_its_names(city: City) -> None:
    for name in (city.name, *city.aliases):
        assert known_city(name) is city
        assert known_city(f"{folded(name)}, {city.country}") is city
        assert known_city(f"{name} ({city.code})") is city
    assert known_city(city.full_name) is city
    assert known_city(f"{city.name}, Narnia") is None


@pytest.mark.parametrize("text", ["Paris, Texas", "London, Ontario", "Sydney, Nova Scotia", "Springfield", "Xyzzy"])
def test_a_namesake_is_not_mistaken_for_the_large_city(text: str) -> None:
    assert known_city(text) is None


def test_the_answer_is_in_the_words_of_a_measurement_and_says_that_it_is_none() -> None:
    assert usual_weather("Rome", "celsius", why="no network", now=datetime(2026, 7, 15, tzinfo=UTC)) == {
        "place": "Rome, Lazio, Italy",
        "temperature": 25,
        "high": 31,
        "low": 19,
        "unit": "celsius",
        "conditions": "usual for July: rain on about 1 day in 15",
        "rain_chance_percent": 5,
        "date": "2026-07-15",
        "source": "monthly averages (approximate, not measured)",
        "note": "open-meteo.com cannot be reached (no network); these are long-term averages of the month, not a"
        " measurement",
    }


@pytest.mark.parametrize(
    ("city", "month", "words"),
    [
        ("Moscow", 1, "usual for January: snow on about 1 day in 3"),
        ("Stockholm", 12, "usual for December: rain or snow on about 1 day in 3"),
        ("Dubai", 7, "usual for July: mostly dry"),
        ("Mumbai", 7, "usual for July: rain on most days"),
    ],
)
def test_usual_conditions_tell_rain_from_snow(city: str, month: int, words: str) -> None:
    now = datetime(2026, month, 15, tzinfo=UTC)
    assert usual_weather(city, "celsius", why="", now=now)["conditions"] == words


def test_fahrenheit_is_converted() -> None:
    weather = usual_weather("Rome", "fahrenheit", why="", now=datetime(2026, 7, 15, tzinfo=UTC))
    assert (weather["high"], weather["low"], weather["unit"]) == (88, 66, "fahrenheit")


def test_days_are_those_of_the_city_and_may_cross_into_the_next_month() -> None:
    now = datetime(2026, 1, 30, 20, tzinfo=UTC)  # already the 31st in Auckland, where it is summer
    days = usual_days("Auckland", 2, "celsius", why="", now=now)["days"]
    assert [(day["date"], day["weekday"], day["high"]) for day in days] == [
        ("2026-01-31", "Saturday", 24),
        ("2026-02-01", "Sunday", 24),
    ]
    assert usual_days("Los Angeles", 1, "celsius", why="", now=now)["days"][0]["date"] == "2026-01-30"
