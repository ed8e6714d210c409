"""What a tool returned or raised, as the JSON the model reads."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from runner.errors import AgentRunError
from runner.files import INLINE_LIMIT, size_words
from runner.media import Media, MediaFound, MediaResult, carrying, parts_of

if TYPE_CHECKING:
    from runner.messages import Json

MAX_RESULT = 1_000_000
"""The most characters of JSON a tool's result may have."""
_MAX_ERROR = 2_000

_ROOT = r"(?:file://)?(?:/|[A-Za-z]:[\\/])"
_QUOTED_PATH = re.compile(rf"""(?P<quote>['"`]){_ROOT}[^'"`\n]*[\\/](?P<last>[^'"`\\/\n]*)(?P=quote)""")
_PATH = re.compile(rf"""(?<![\w:/.\\~-]){_ROOT}(?:[^\s/\\'"`:,;()<>]+[\\/]+)+(?P<last>[^\s/\\'"`:,;()<>]*)""")
_PYDANTIC_LINK = re.compile(r"\s*For further information visit https://errors\.pydantic\.dev/\S*")


_PLAIN_JSON = json.JSONEncoder(allow_nan=False)


class ToolResultError(AgentRunError, ValueError):
    """A tool returned what cannot be told to the model: not JSON, or too much of it."""

    reason = "TOOL_RESULT"


def json_result(value: Any, max_chars: int = MAX_RESULT) -> Json:
    """What a tool returned as a new JSON object: a dict, model or dataclass as such, all else as `{"result": ...}`.

    Dates, decimals, enums, sets, paths and text bytes become JSON as pydantic writes them; `Media` become references,
    and the result a `MediaResult`. Raises ToolResultError for what is no JSON (NaN, other bytes, cycles, unknown
    objects) or longer than `max_chars`, and for media over 8 MiB.
    """
    if isinstance(value, (str, bytes)) and len(value) > max_chars:
        raise _too_long(len(value), max_chars)
    media = MediaFound()
    text = _json_text(value, media)
    if len(text) > max_chars:
        raise _too_long(len(text), max_chars)
    if media.size > INLINE_LIMIT:
        most = size_words(INLINE_LIMIT)
        raise ToolResultError(f"the result's media are too large: {size_words(media.size)}, at most {most} are allowed")
    plain = json.loads(text)
    result = plain if isinstance(plain, dict) and not isinstance(value, Media) else {"result": plain}
    if isinstance(value, MediaResult):
        return carrying(result, parts_of(value))
    return MediaResult(result, media.parts) if media.parts else result


def _too_long(length: int, most: int) -> ToolResultError:
    return ToolResultError(f"the result is too long: {length:,} characters of JSON, at most {most:,} are allowed")


def _json_text(value: Any, media: MediaFound) -> str:
    try:
        return _PLAIN_JSON.encode(value)  # as most results are
    except (TypeError, ValueError, RecursionError):
        return _written(value, media)


def _written(value: Any, media: MediaFound) -> str:
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        try:
            return json.dumps(value, default=partial(_jsonable, media), allow_nan=False)
        except TypeError:  # a key that is no string: a date, an enum, a tuple
            media.clear()
            return json.dumps(to_jsonable_python(value, fallback=partial(_fallback, media)), allow_nan=False)
    except (PydanticSerializationError, TypeError, ValueError, RecursionError) as error:
        raise ToolResultError(f"the result cannot be written as JSON: {_reason(error)}") from None


def _jsonable(media: MediaFound, value: Any) -> Any:
    from pydantic_core import to_jsonable_python

    if isinstance(value, (set, frozenset)):
        try:
            return sorted(value)  # the same order in every process
        except TypeError:
            return list(value)
    return to_jsonable_python(value, fallback=partial(_fallback, media))


def _fallback(media: MediaFound, value: Any) -> Any:
    if isinstance(value, Media):
        return media.reference(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__qualname__} is no JSON value")


def _reason(error: Exception) -> str:
    text = str(error)
    if isinstance(error, RecursionError) or "ircular reference" in text:
        return "it contains itself or is nested too deep"
    if "Out of range float" in text:
        return "NaN and Infinity are not JSON numbers"
    if "utf-8" in text:
        return "bytes that are not UTF-8 text"
    return text


def error_text(error: BaseException) -> str:
    """What went wrong, for the model: the exception's class and message, at most 2,000 characters.

    No traceback, and of an absolute path only the last part.
    """
    text = _hidden_paths(_worded(error)).strip().encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _MAX_ERROR else f"{text[: _MAX_ERROR - 3]}..."


def _worded(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_worded(inner) for inner in error.exceptions)
    try:
        message = str(error)
    except Exception:  # noqa: BLE001  # the tool's exception may have a broken __str__
        message = ""
    if isinstance(error, AgentRunError):
        return message
    name = type(error).__name__
    message = _PYDANTIC_LINK.sub("", message)
    return f"{name}: {message}" if message.strip() else name


def _hidden_paths(text: str) -> str:
    text = _QUOTED_PATH.sub(lambda match: f"{match['quote']}{match['last'] or '...'}{match['quote']}", text)
    return _PATH.sub(lambda match: match["last"] or "...", text)
