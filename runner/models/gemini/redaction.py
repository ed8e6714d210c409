"""Texts without the secrets that may have got into them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MAX_LINE = 600
_HIDDEN = "[hidden]"
_SECRET_SHAPES = re.compile(
    r"AIza[0-9A-Za-z_\-]{20,}|\bAQ\.[0-9A-Za-z_\-]{20,}"  # an API key
    r"|ya29\.[0-9A-Za-z_\-.]+"  # an access token
    r"|(?<=key=)[^&\s\"']+"  # in a URL
    r"|(?<=//)[^/@\s]+(?=@)"  # a URL's user and password
)


def environment_secrets() -> list[str]:
    """The API keys google-genai would take from the environment, and the password of its base URL."""
    keys = [os.environ.get(name, "") for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY")]
    return [*keys, url_password(os.environ.get("GOOGLE_GEMINI_BASE_URL", ""))]


def url_password(url: str) -> str:
    """The password of `https://user:password@host`; empty where there is none."""
    found = re.search(r"//[^/@\s:]*:([^/@\s]*)@", url)
    return found[1] if found else ""


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that hides these secrets, and whatever looks like a key or a password, in a text."""
    hidden = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)

    def redact(text: str) -> str:
        for secret in hidden:
            text = text.replace(secret, _HIDDEN)
        return _SECRET_SHAPES.sub(_HIDDEN, text)

    return redact


def one_line(text: str, redact: Callable[[str], str] = str) -> str:
    """The text redacted, on one line and not too long."""
    line = " ".join(redact(text).split())
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}..."
