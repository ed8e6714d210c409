"""The template language: Jinja2's immutable sandbox, with what can grow without limit taken out or capped.

Instructions are written by the agent's author, but the values in them are not, and neither may run code, fill the
memory or take for ever. Attributes and filters are allowed by name. Every operation that makes a text, a number or a
list larger is capped, every loop counts its rounds, and lists that hold one another cannot grow beyond a size.
"""

from __future__ import annotations

import time
from datetime import date, timedelta, tzinfo
from datetime import time as clock_time
from typing import Any

from jinja2 import StrictUndefined, Undefined
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

OUTPUT_LIMIT = 1_000_000  # characters
TIME_LIMIT = 1.0  # seconds
ROUND_LIMIT = 20_000  # of all loops together
RANGE_LIMIT = 10_000
ITEM_LIMIT = 10_000  # of a list, those inside of its items included
_NUMBER_LIMIT = 10**300

_OF_TEXTS = """
    capitalize casefold count endswith find isalnum isalpha isascii isdigit islower isnumeric isspace istitle isupper
    lower lstrip partition removeprefix removesuffix rpartition rstrip split splitlines startswith strip swapcase title
    upper
"""
_OF_LOOPS = "index index0 revindex revindex0 first last length depth depth0 previtem nextitem cycle changed"
_ATTRIBUTES: dict[type, frozenset[str]] = {
    str: frozenset(_OF_TEXTS.split()),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
    LoopContext: frozenset(_OF_LOOPS.split()),
}
KINDS = {
    "str": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "dict": "a mapping",
    "list": "a list",
    "tuple": "a list",
    "ToolList": "the list of tools",
    "Moment": "a time",
    "date": "a date",
}
"""What messages call the values of templates, by their types."""
_OPEN = (date, clock_time, timedelta, tzinfo)  # a datetime is a date: all their public attributes are harmless
_OURS = (
    "abs capitalize count d default float first int items last length list lower map max min reject rejectattr reverse "
    "select selectattr sort sum title tojson trim truncate unique upper wordcount"
)


class RunawayError(SecurityError):
    """A template that grew or ran beyond a limit."""


class Facts:
    """Things a template may read: subclasses say what they are, and which of their attributes are `readable`."""

    label = "a thing"
    readable: frozenset[str] = frozenset()


class Budget:
    """What one rendering may take. Called once in every round of every loop."""

    def __init__(self) -> None:
        self._rounds = 0
        self._deadline = time.thread_time() + TIME_LIMIT  # a busy machine is not the template's fault

    def __call__(self) -> None:
        """Count one round; raises RunawayError at the limits."""
        self._rounds += 1
        if self._rounds > ROUND_LIMIT:
            raise RunawayError(f"the loops run more than {ROUND_LIMIT:,} rounds")
        if time.thread_time() > self._deadline:
            raise RunawayError(f"it takes longer than {TIME_LIMIT:g} s")


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment in which instructions are rendered; it loads nothing and knows no other template."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
        self.globals = {"range": _range}
        self.filters = {name: FILTERS[name] for name in _OURS.split()} | _FILTERS
        self.finalize = _shown

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may read this attribute: of known types, those listed above."""
        if attr.startswith("_"):
            return False
        if isinstance(obj, Facts):
            return attr in obj.readable
        return isinstance(obj, _OPEN) or attr in _ATTRIBUTES.get(type(obj), ())

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether a template may call it: what it could reach is a method allowed above, `range`, or our counter."""
        return isinstance(obj, (Budget, Undefined)) or obj is _range or hasattr(obj, "__self__")

    def wrap_str_format(self, value: Any) -> None:
        """Jinja's own `str.format` is not offered."""

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        """What stands for an attribute that may not be read: using it says so."""
        kind = obj.label if isinstance(obj, Facts) else KINDS.get(type(obj).__name__, "a value")
        message = f"{kind} has no {attribute!r} in templates here"
        return self.undefined(message, name=attribute, obj=obj, exc=SecurityError)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """The operators that make things larger, capped."""
        return _OPERATORS[operator](left, right)


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > RANGE_LIMIT:
        raise RunawayError(f"range() gives more than {RANGE_LIMIT:,} numbers")
    return numbers


def check_length(length: int) -> None:
    """Raise RunawayError where a text has become too long."""
    if length > OUTPUT_LIMIT:
        raise RunawayError(f"a text grows beyond {OUTPUT_LIMIT:,} characters")


def _capped(text: str) -> str:
    check_length(len(text))
    return text


def _bounded(value: Any) -> Any:
    """A list or mapping as it is, if what it holds, all the way down, is within the limit."""
    left, waiting = ITEM_LIMIT, [value]
    while waiting:
        item = waiting.pop()
        left -= 1
        if left < 0:
            raise RunawayError(f"a list holds more than {ITEM_LIMIT:,} things")
        if isinstance(item, (list, tuple, set, frozenset)):
            waiting.extend(
                item[:left] if isinstance(item, (list, tuple)) and len(item) <= left else _too_many(item, left)
            )
        elif isinstance(item, Undefined):
            str(item)  # raises, as it would anywhere else
        elif isinstance(item, dict):
            waiting.extend(_too_many(item, left))
            waiting.extend(item.values())
    return value


def _too_many(items: Any, left: int) -> Any:
    if len(items) > left:
        raise RunawayError(f"a list holds more than {ITEM_LIMIT:,} things")
    return items


def _number(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > _NUMBER_LIMIT:
        raise RunawayError("a number grows beyond 300 digits")
    return value


def _plus(left: Any, right: Any) -> Any:
    check_length(isinstance(left, str) and isinstance(right, str) and len(left) + len(right))
    result = left + right
    return _bounded(result) if isinstance(result, (list, tuple)) else _number(result)


def _times(left: Any, right: Any) -> Any:
    for thing, number in ((left, right), (right, left)):
        if isinstance(thing, str) and isinstance(number, int) and len(thing) * number > OUTPUT_LIMIT:
            raise RunawayError(f"a text grows beyond {OUTPUT_LIMIT:,} characters")
        if isinstance(thing, (list, tuple)):
            raise RunawayError("a list cannot be multiplied")
    return _number(left * right)


def _power(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int) and abs(left).bit_length() * abs(right) > 1000:
        raise RunawayError("a number grows beyond 300 digits")
    return left**right


def _remainder(left: Any, right: Any) -> Any:
    if isinstance(left, str):
        raise SecurityError("% does not format texts here; use ~ to join them")
    return left % right


_OPERATORS = {"+": _plus, "*": _times, "**": _power, "%": _remainder}


def _shown(value: Any) -> Any:
    """A value as it is put into the text."""
    return value if isinstance(value, str) else _capped(str(_bounded(value)))


def _concat(first: Any, *others: Any) -> str:
    return _joined([first, *others])


def _joined(values: Any, between: str = "", attribute: str | None = None) -> str:
    length, parts = 0, []
    for value in values:
        part = _shown(value if attribute is None else _attribute(value, attribute))
        length += len(part) + len(between)
        check_length(length)
        parts.append(part)
    return str(between).join(parts)


def _attribute(value: Any, name: str) -> Any:
    if not isinstance(value, Facts) or name not in value.readable:
        raise SecurityError(f"{KINDS.get(type(value).__name__, 'a value')} has no {name!r} in templates here")
    return getattr(value, name)


def _replaced(text: Any, old: str, new: str, count: int = -1) -> str:
    whole = str(_shown(text))
    check_length(len(whole) + whole.count(old) * max(0, len(new) - len(old)))
    return whole.replace(old, new, count)


def _indented(text: Any, width: int = 4, first: bool = False) -> str:
    margin = " " * min(max(width, 0), 80)
    lines = _shown(text).splitlines(keepends=True)
    check_length(len(margin) * len(lines))
    return "".join(
        line if (number == 0 and not first) or not line.strip() else margin + line for number, line in enumerate(lines)
    )


def _rounded(value: float, precision: int = 0) -> float:
    return round(value, max(-15, min(precision, 15)))


_FILTERS: dict[str, Any] = {
    "_bounded": _bounded,
    "_concat": _concat,
    "indent": _indented,
    "join": _joined,
    "replace": _replaced,
    "round": _rounded,
    "string": _shown,
}
