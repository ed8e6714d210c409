"""Days and times as people write them: `tomorrow`, `next friday`, `December 1st`, `in 3 days`, `3pm`, `noon`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_DAY = r"(?P<day>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
_PART = "(?: (?:morning|afternoon|evening|night))?"
_FULL_DAY = rf"(?P<day>{'|'.join(_DAYS)})"
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_COUNT = r"(?P<count>[0-9]{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|twelve)"
_COUNTS = {
    word: value
    for value, word in enumerate(["_", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"])
} | {
    "a": 1,
    "an": 1,
    "twelve": 12,
}
_NTH = r"(?P<nth>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,?\s+(?P<year>(?:19|20)[0-9]{2}))?"


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, a time of day, or both, at `start` to `end`; `relative` to today, `loose` when it may be a bare number."""

    start: int
    end: int
    day: date | None = None
    time: str | None = None
    relative: bool = False
    loose: bool = False


def moments(text: str, now: datetime) -> list[Moment]:
    """The days and times of `text`, in order; of two that overlap the longer one."""
    found: list[Moment] = []
    part_of_day = _part_of_day(text)
    everything = [*_days(text, now), *_times(text, now, part_of_day)]
    for moment in sorted(everything, key=lambda moment: (moment.start - moment.end, moment.start)):
        if all(moment.end <= other.start or other.end <= moment.start for other in found):
            found.append(moment)
    return sorted(found, key=lambda moment: moment.start)


def _days(text: str, now: datetime) -> Iterator[Moment]:
    for pattern, read in _DAY_FORMS:
        for match in pattern.finditer(text):
            try:
                day = read(match, now.date())
            except (ValueError, OverflowError):
                continue
            yield Moment(match.start(), match.end(), day=day, relative=pattern in _RELATIVE)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w@]){text}(?![\w@])", re.IGNORECASE)


def _named_day(match: re.Match[str], today: date) -> date:
    word = re.sub(r"\s+", " ", match[0].lower())
    word = re.sub(r"^(tom\w+|tmrw|yesterday) \w+$", r"\1", word)
    near = {
        "today": 0,
        "tonight": 0,
        "tomorrow": 1,
        "yesterday": -1,
        "the day after tomorrow": 2,
        "day after tomorrow": 2,
    }
    near |= {"this morning": 0, "this afternoon": 0, "this evening": 0, "tomorow": 1, "tommorow": 1, "tommorrow": 1}
    near |= {"tmrw": 1, "last night": -1, "the day before yesterday": -2}
    return today + timedelta(days=near[word])


def _weekday(match: re.Match[str], today: date) -> date:
    wanted = next(index for index, name in enumerate(_DAYS) if name.startswith(match["day"].lower()[:3]))
    which = (match["which"] or "").lower()
    if which == "next":
        return today + timedelta(days=7 - today.weekday() + wanted)
    if which == "last":
        return today - timedelta(days=(today.weekday() - wanted - 1) % 7 + 1)
    ahead = (wanted - today.weekday() - 1) % 7 + 1
    return today + timedelta(days=ahead + (7 if (match["later"] or "") else 0))


def _ahead(match: re.Match[str], today: date) -> date:
    count = _COUNTS.get(match["count"].lower()) or int(match["count"])
    unit = match["unit"].lower()
    sign = -1 if match[0].lower().endswith("ago") else 1
    if unit.startswith("month"):
        return _months_later(today, sign * count)
    return today + timedelta(days=sign * count * (7 if unit.startswith("week") else 1))


def _months_later(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return day


def _week(match: re.Match[str], today: date) -> date:
    word = re.sub(r"\s+", " ", match[0].lower())
    if "weekend" in word:
        return today + timedelta(days=(5 - today.weekday()) % 7 + (7 if "next" in word and today.weekday() < 6 else 0))
    return _months_later(today, 1) if "month" in word else today + timedelta(days=7)


def _calendar_day(match: re.Match[str], today: date) -> date:
    wanted = next(index for index, name in enumerate(_MONTHS, 1) if name.startswith(match["month"].lower()[:3]))
    if match["year"]:
        return date(int(match["year"]), wanted, int(match["nth"]))
    day = date(today.year, wanted, int(match["nth"]))
    return day if day >= today else date(today.year + 1, wanted, int(match["nth"]))


def _day_of_month(match: re.Match[str], today: date) -> date:
    start = today if int(match["nth"]) >= today.day else _months_later(today.replace(day=1), 1)
    return start.replace(day=int(match["nth"]))


def _in_signs(match: re.Match[str], _today: date) -> date:
    first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
    dotted = match["sign"] == "."
    day, month = (first, second) if dotted or first > 12 else (second, first)
    return date(year, month, day)


_NEAR = _pattern(
    r"(?:(?:the )?day after tomorrow|the day before yesterday|today|tonight|last night"
    rf"|(?:tomorrow|tomorow|tommorr?ow|tmrw|yesterday){_PART}|this (?:morning|afternoon|evening))"
)
_NEXT = _pattern(r"(?:(?:the |this |next |on the )weekend|next (?:week|month))")
_IN_DAYS = _pattern(rf"(?:in {_COUNT} (?P<unit>days?|weeks?|months?)(?: from now)?)")
_FROM_NOW = _pattern(rf"{_COUNT} (?P<unit>days?|weeks?|months?) (?:from now|from today|ago)")
_RELATIVE = {_NEAR, _NEXT, _IN_DAYS, _FROM_NOW}
_DAY_FORMS: list[tuple[re.Pattern[str], Callable[[re.Match[str], date], date]]] = [
    (
        re.compile(r"(?<![\w-])(?P<iso>[0-9]{4}-[0-9]{2}-[0-9]{2})(?=T[0-9]|\b(?!-))"),
        lambda match, _: date.fromisoformat(match["iso"]),
    ),
    (_NEAR, _named_day),
    (_NEXT, _week),
    (_IN_DAYS, _ahead),
    (_FROM_NOW, _ahead),
    (
        _pattern(
            rf"(?:(?P<which>this coming|this|next|last|coming)\s+)?{_FULL_DAY}(?P<later> week| after next)?s?{_PART}"
        ),
        _weekday,
    ),
    (_pattern(rf"(?:(?P<which>this|next|last)\s+|(?<=on )){_DAY}(?P<later>)"), _weekday),
    (_pattern(rf"(?:{_DAY},?\s+)?{_MONTH}\s+(?:the )?{_NTH}{_YEAR}"), _calendar_day),
    (_pattern(rf"(?:{_DAY},?\s+)?(?:the )?{_NTH}\s+(?:of\s+)?{_MONTH}{_YEAR}"), _calendar_day),
    (_pattern(r"the (?P<nth>[0-9]{1,2})(?:st|nd|rd|th)"), _day_of_month),
    (_pattern(r"(?P<first>[0-9]{1,2})(?P<sign>[./])(?P<second>[0-9]{1,2})[./](?P<year>(?:19|20)[0-9]{2})"), _in_signs),
]

_CLOCK = re.compile(
    r"(?<![\w:.,$€£-])(?:(?P<at>at|by|around|@)\s*)?(?P<hour>[0-9]{1,2})"
    r"(?:[:.h](?P<minute>[0-5][0-9])(?::[0-5][0-9])?)?\s*(?P<half>[ap]\.?\s?m\b\.?|o'clock)?(?![\w%]|[.,:][0-9])",
    re.IGNORECASE,
)
_ISO_TIME = re.compile(r"(?<=[0-9]T)(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::[0-9]{2})?Z?")
_SPOKEN = _pattern(
    r"(?:(?P<name>noon|midday|midnight)|(?P<past>half|quarter|[0-9]{1,2}) (?P<side>past|to|after)"
    r" (?P<hour>[0-9]{1,2}|one|two|three|four"
    r"|five|six|seven|eight|nine|ten|eleven|twelve)\s*(?P<half>[ap]\.?m\b\.?)?)"
)
_SOON = _pattern(rf"in (?:{_COUNT}|(?P<part>half an)) (?P<unit>minutes?|mins?|hours?|hrs?)")


def _part_of_day(text: str) -> str:
    match = re.search(r"\b(morning|afternoon|evening|tonight|night)\b", text, re.IGNORECASE)
    return "" if not match else "am" if match[0].lower() == "morning" else "pm"


def _times(text: str, now: datetime, part: str) -> Iterator[Moment]:
    for match in _CLOCK.finditer(text):
        if match["at"] or match["minute"] or match["half"]:
            time = _time(int(match["hour"]), int(match["minute"] or 0), match["half"] or "", part)
            if time and ("." not in match[0] or match["at"] or match["half"]):
                yield Moment(match.start("hour"), match.end(), time=time, loose=not (match["minute"] or match["half"]))
    for match in _ISO_TIME.finditer(text):
        if time := _time(int(match["hour"]), int(match["minute"]), "exact", ""):
            yield Moment(match.start() - 1, match.end(), time=time)
    for match in _SPOKEN.finditer(text):
        if time := _spoken(match, part):
            yield Moment(match.start(), match.end(), time=time)
    for match in _SOON.finditer(text):
        count = 0.5 if match["part"] else _COUNTS.get(match["count"].lower()) or int(match["count"])
        later = now + timedelta(minutes=count * (60 if match["unit"].lower().startswith("h") else 1))
        yield Moment(match.start(), match.end(), day=later.date(), time=f"{later:%H:%M}", relative=True)


def _time(hour: int, minute: int, half: str, part: str) -> str | None:
    half = half.lower().replace(".", "").replace(" ", "")
    if half in {"am", "pm"}:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif part == "pm" and 1 <= hour < 12 and half != "exact":
        hour += 12
    elif not part and not minute and 1 <= hour <= 6 and half != "exact":
        hour += 12  # "at 5" without more is the afternoon
    return f"{hour:02}:{minute:02}" if hour < 24 else None


def _spoken(match: re.Match[str], part: str) -> str | None:
    if match["name"]:
        return "00:00" if match["name"].lower() == "midnight" else "12:00"
    word = match["hour"].lower()
    hour = int(word) if word.isdigit() else {**_COUNTS, "eleven": 11}[word]
    past = {"half": 30, "quarter": 15}.get(match["past"].lower()) or int(match["past"])
    time = _time(hour, 0, match["half"] or "", part)
    if time is None or past > 59:
        return None
    minutes = int(time[:2]) * 60 + (-past if match["side"].lower() == "to" else past)
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"
