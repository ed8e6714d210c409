"""What the weather of large cities usually is, month by month: `weather_averages.csv`, for when no service answers.

The table holds mean daily highs and lows in °C and the number of days with about 1 mm of rain or snow or more: rounded,
approximate figures in the manner of the climate normals of 1991 to 2020, for orientation and not for records.
"""

import csv
import difflib
from calendar import month_name, monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tools._places import UnknownPlaceError, fits, folded, full_name, readings

SOURCE = "monthly averages (approximate, not measured)"


@dataclass(frozen=True)
class City:
    """One line of the table; the twelve numbers of a tuple are January to December."""

    name: str
    region: str
    country: str
    code: str
    utc_hours: float
    aliases: tuple[str, ...]
    highs: tuple[int, ...]
    lows: tuple[int, ...]
    wet_days: tuple[int, ...]

    @property
    def full_name(self) -> str:
        """The name with its region and country."""
        return full_name(self.name, self.region, self.country)

    def today(self, now: datetime | None = None) -> date:
        """The date there by standard time."""
        return ((now or datetime.now(UTC)) + timedelta(hours=self.utc_hours)).date()


@cache
def cities() -> tuple[City, ...]:
    """Return the table, read once."""
    with Path(__file__).with_name("weather_averages.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            City(
                name=row["city"],
                region=row["region"],
                country=row["country"],
                code=row["code"],
                utc_hours=float(row["utc"]),
                aliases=tuple(filter(None, row["aliases"].split("|"))),
                highs=tuple(map(int, row["highs"].split())),
                lows=tuple(map(int, row["lows"].split())),
                wet_days=tuple(map(int, row["wet_days"].split())),
            )
            for row in csv.DictReader(file)
        )


@cache
def _by_name() -> dict[str, City]:
    return {folded(name): city for city in cities() for name in (city.name, *city.aliases)}


def known_city(text: str) -> City | None:
    """Return the city of the table that is meant, if one is."""
    for name, qualifiers in readings(text):
        city = _by_name().get(folded(name))
        if city and fits(qualifiers, filter(None, (city.country, city.code, city.region))):
            return city
    return None


def usual_weather(city: str, unit: str, *, why: str, now: datetime | None = None) -> dict[str, Any]:
    """Return what the weather of `city` usually is at this time of the year, in the words of `current_weather`."""
    known = _known(city, why)
    today = known.today(now)
    high, low = known.highs[today.month - 1], known.lows[today.month - 1]
    return {
        "place": known.full_name,
        "temperature": _in(unit, (high + low) / 2),
        "high": _in(unit, high),
        "low": _in(unit, low),
        "unit": unit,
        "conditions": f"usual for {month_name[today.month]}: {_usual_conditions(known, today)}",
        "rain_chance_percent": _rain_chance(known, today),
        "date": today.isoformat(),
        "source": SOURCE,
        "note": _note(why),
    }


def usual_days(city: str, days: int, unit: str, *, why: str, now: datetime | None = None) -> dict[str, Any]:
    """Return the same for each day from today, in the words of `daily_forecast`."""
    known = _known(city, why)
    dates = [known.today(now) + timedelta(days=ahead) for ahead in range(days)]
    return {
        "place": known.full_name,
        "unit": unit,
        "days": [
            {
                "date": day.isoformat(),
                "weekday": f"{day:%A}",
                "high": _in(unit, known.highs[day.month - 1]),
                "low": _in(unit, known.lows[day.month - 1]),
                "conditions": f"usual for {month_name[day.month]}: {_usual_conditions(known, day)}",
                "rain_chance_percent": _rain_chance(known, day),
            }
            for day in dates
        ],
        "source": SOURCE,
        "note": _note(why),
    }


def _known(text: str, why: str) -> City:
    if city := known_city(text):
        return city
    name, _ = next(readings(text))
    near = difflib.get_close_matches(folded(name), list(_by_name()), n=3, cutoff=0.6)
    names = dict.fromkeys(_by_name()[name].full_name for name in near)
    hint = f"the nearest names are: {'; '.join(names)}" if names else "London, Tokyo and Nairobi are among them"
    raise UnknownPlaceError(
        f"the weather service cannot be reached ({why}), and without a network only the monthly averages of"
        f' {len(cities())} large cities are known, but not of "{text}"; {hint}'
    )


def _note(why: str) -> str:
    return f"open-meteo.com cannot be reached ({why}); these are long-term averages of the month, not a measurement"


def _in(unit: str, celsius: float) -> int:
    return round(celsius * 9 / 5 + 32 if unit == "fahrenheit" else celsius)


def _rain_chance(city: City, day: date) -> int:
    share = city.wet_days[day.month - 1] / monthrange(day.year, day.month)[1]
    return 5 * round(20 * share)


def _usual_conditions(city: City, day: date) -> str:
    wet, high, low = (numbers[day.month - 1] for numbers in (city.wet_days, city.highs, city.lows))
    what = "snow" if high <= 0 else "rain or snow" if high <= 6 and low <= 0 else "rain"
    if wet <= 1:
        return "mostly dry"
    if wet >= 18:
        return f"{what} on most days"
    return f"{what} on about 1 day in {round(30 / wet)}"
