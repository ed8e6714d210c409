"""What looks like a secret: it is asked for from the environment instead, and never shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.loading.words import normal

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = (
    r"(?:api[_-]?keys?|pass(?:word|wd|phrase)s?|secrets?|(?:auth|access|refresh|bearer)?[_-]?tokens?"
    r"|credentials?|private[_-]?keys?)"
)
_NAME = re.compile(rf"(?:.*[_.\-])?{_WORDS}(?:[_.\-](?:id|value|text))?", re.IGNORECASE)
_KEY_VARIABLE = re.compile(r"[A-Z0-9_]+_KEY")
_HARMLESS = re.compile(r"(?:max|min|input|output|prompt|num|n|count|total)_(?:.*_)?tokens?", re.IGNORECASE)
_VALUE = re.compile(
    r"\bAIza[0-9A-Za-z_\-]{30,}|\bAQ\.[0-9A-Za-z_\-]{30,}|\bya29\.[0-9A-Za-z_\-]{20,}"  # Google
    r"|\bsk-[0-9A-Za-z_\-]{20,}"  # OpenAI, Anthropic
    r"|\bgh[pousr]_[0-9A-Za-z]{30,}|\bgithub_pat_[0-9A-Za-z_]{30,}"
    r"|\bxox[abprs]-[0-9A-Za-z\-]{10,}"  # Slack
    r"|\bAKIA[0-9A-Z]{16}\b"  # Amazon
    r"|\beyJ[0-9A-Za-z_\-]{10,}\.eyJ[0-9A-Za-z_\-]{10,}(?:\.[0-9A-Za-z_\-]*)?"  # a JSON web token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_IN_URL = re.compile(r"(?<=//)([^\s/@:]*):((?!\$\{)[^\s/@]+)(?=@)")
_WRITTEN = re.compile(
    rf"(?P<before>(?P<name>[\w.\-]*{_WORDS})[\"']?\s*:\s+)(?!\$\{{|[\"']\$\{{|[\[{{>|&*!])"
    r"(?P<value>\"[^\"]*\"?|'[^']*'?|[^\s,}\]#]+)",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Whether a variable or key of this name holds a secret: `DB_PASSWORD`, `api_key`, but not `max_output_tokens`."""
    if _HARMLESS.fullmatch(normal(name)):
        return False
    return _NAME.fullmatch(name) is not None or _KEY_VARIABLE.fullmatch(name) is not None


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """The values of the variables whose names say that they hold a secret."""
    return [value for name, value in environment.items() if value and is_secret_name(name)]


def holds_secret(text: str) -> bool:
    """Whether a text holds what looks like a key, a token, or a URL with a password."""
    return secret_in(text) is not None


def secret_in(text: str, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Where between `start` and `end` a key, a token, or the password of a URL stands."""
    last = len(text) if end is None else end
    if found := _VALUE.search(text, start, last):
        return found.span()
    found = _IN_URL.search(text, start, last)
    return None if found is None else found.span(2)


def masked(text: str) -> str:
    """A line of a file with everything that looks like a secret covered by asterisks, in the same places."""
    return _WRITTEN.sub(_covered, without_secrets(text))


def without_secrets(text: str) -> str:
    """A message with keys, tokens and the passwords of URLs covered."""
    text = _VALUE.sub(lambda found: "*" * len(found[0]), text)
    return _IN_URL.sub(lambda found: f"{found[1]}:{'*' * len(found[2])}", text)


def _covered(found: re.Match[str]) -> str:
    is_harmless = _HARMLESS.fullmatch(normal(found["name"])) or found["value"].isdigit()
    return found[0] if is_harmless else found["before"] + "*" * len(found["value"])
