from datetime import UTC, datetime

import pytest

from runner.models.offline.dates import moments
from runner.models.offline.message import Message
from runner.models.offline.words import is_typo, name_words, stem

NOW = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "day", "time"),
    [
        ("today", "2026-11-18", None),
        ("the day after tomorrow", "2026-11-20", None),
        ("friday", "2026-11-20", None),
        ("this Friday", "2026-11-20", None),
        ("next friday", "2026-11-27", None),
        ("on wednesday", "2026-11-25", None),
        ("last monday", "2026-11-16", None),
        ("in 3 days", "2026-11-21", None),
        ("in two weeks", "2026-12-02", None),
        ("next week", "2026-11-25", None),
        ("this weekend", "2026-11-21", None),
        ("December 1st", "2026-12-01", None),
        ("1 March", "2027-03-01", None),
        ("the 5th", "2026-12-05", None),
        ("Friday, 4 December 2026", "2026-12-04", None),
        ("2027-01-31", "2027-01-31", None),
        ("24.12.2026", "2026-12-24", None),
        ("12/24/2026", "2026-12-24", None),
        ("3pm", None, "15:00"),
        ("at 18:30", None, "18:30"),
        ("noon", None, "12:00"),
        ("half past 4", None, "16:30"),
        ("quarter to 8 pm", None, "19:45"),
        ("at 8 in the evening", None, "20:00"),
        ("in 20 minutes", "2026-11-18", "09:20"),
    ],
)
def test_days_and_times_are_read(text, day, time):
    [found] = moments(text, NOW)
    assert (found.day and found.day.isoformat(), found.time) == (day, time)


@pytest.mark.parametrize(
    "text", ["February 30", "99.99.2026", "25:00", "2026-13-01", "is there sun?", "I may go", "room 12"]
)
def test_what_is_no_day_or_time_is_not_read_as_one(text):
    assert moments(text, NOW) == []


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("5 km", 5, "km"),
        ("10kg", 10, "kg"),
        ("72 °F", 72, "fahrenheit"),
        ("$40", 40, ""),
        ("1,250.50 pounds", 1250.5, "pound"),
        ("-40 celsius", -40, "celsius"),
        ("one and a half miles", 1.5, "mile"),
        ("two hundred and five grams", 205, "g"),
        ("twenty-five percent", 25, "percent"),
        ("half an hour", 0.5, "hour"),
        ("a dozen", 12, ""),
        ("3½ cups", 3.5, "cup"),
        ("1/2 cup", 0.5, "cup"),
        ("5k", 5000, ""),
        ("2 million", 2_000_000, ""),
    ],
)
def test_numbers_are_read_with_their_units(text, value, unit):
    [found] = Message(text, NOW).numbers
    assert (found.value, found.unit) == (value, unit)


@pytest.mark.parametrize("text", ["the 1st", "at 3pm", "that one", "B12", "2026-11-19"])
def test_what_is_no_number_is_not_read_as_one(text):
    assert Message(text, NOW).numbers == []


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("what is 12*17?", "12*17"),
        ("15% of 80", "15 / 100 * 80"),
        ("7 times 8", "7 * 8"),
        ("2 + (3 - 1)", "2 + (3 - 1)"),
    ],
)
def test_arithmetic_is_read(text, expression):
    assert [found.value for found in Message(text, NOW).expressions] == [expression]


def test_words_of_one_family_have_one_stem():
    assert stem("raining") == stem("rains") == stem("rained")
    assert stem("translation") == stem("translate") == stem("translating")
    assert stem("cities") == stem("city")


def test_identifiers_are_read_as_words():
    assert name_words("getUserName") == name_words("get_user-name") == ["get", "user", "name"]


def test_a_typing_error_is_one_letter_beyond_the_first():
    assert is_typo("wether", "weather")
    assert is_typo("wetaher", "weather")
    assert not is_typo("whether", "weather")
    assert not is_typo("flight", "light")
