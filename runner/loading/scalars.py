"""Plain scalars as YAML 1.2 reads them (its core schema), and what YAML 1.1 would have made of them."""

from __future__ import annotations

import math
import re

_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NAN = {".nan", ".NaN", ".NAN"}
_LONGEST_INT = 400  # digits; Python refuses to read thousands

_OLD_TRUE = {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
_OLD_FALSE = {"n", "N", "no", "No", "NO", "off", "Off", "OFF"}
_OLD_BASE_60 = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_OLD_GROUPED = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?")


def resolved(text: str) -> object:
    """The value of a plain scalar: None, a bool, a number, or the text itself."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if text[0] not in "-+.0123456789":
        return text
    return _number(text)


def _number(text: str) -> object:
    if len(text) > _LONGEST_INT:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    if _HEX.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if infinite := _INFINITE.fullmatch(text):
        return -math.inf if infinite[1] == "-" else math.inf
    return math.nan if text in _NAN else text


def old_bool(text: str) -> bool | None:
    """What YAML 1.1 reads `yes`, `no`, `on`, `off`, `y`, `n` as; they are text in YAML 1.2."""
    return True if text in _OLD_TRUE else False if text in _OLD_FALSE else None


def old_number(text: str) -> str | None:
    """How to write today what only YAML 1.1 reads as a number: 90 for `1:30`, 100000 for `100_000`."""
    if _OLD_BASE_60.fullmatch(text):
        whole = 0
        for digits in text.partition(".")[0].lstrip("+-").replace("_", "").split(":"):
            whole = whole * 60 + int(digits)
        return f"-{whole}" if text.startswith("-") else str(whole)
    if _OLD_GROUPED.fullmatch(text):
        return text.replace("_", "")
    return None


def is_old_octal(text: str) -> bool:
    """Whether YAML 1.1 reads these digits in base 8, YAML 1.2 in base 10."""
    return len(text) > 1 and text[0] == "0" and text.isdigit() and not set(text) & {"8", "9"} and int(text) > 7
