"""What of a value may be shown: passwords in URLs and values under secret-looking names are replaced by `***`."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from runner.loading.secrets import is_secret_name

_STARS = "***"
_SHORT_NAMES = {"key", "pwd", "pw"}
_URL_PASSWORD = re.compile(r"^([a-z][a-z0-9+.-]*://[^:/@?#]*):.*@", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r"([?&;])([^=&;?#]+)=([^&;#]*)")


def is_secret(name: str) -> bool:
    """Whether a value under this name is not for showing."""
    return is_secret_name(name) or name.lower() in _SHORT_NAMES


def shown(value: str) -> str:
    """`value`, and if it is a URL, without its password and secret parameters."""
    if "://" not in value:
        return value
    return _PARAMETER.sub(_parameter, _URL_PASSWORD.sub(rf"\1:{_STARS}@", value))


def shown_under(name: str, value: str) -> str:
    """`value`, or stars where its name says that it is secret."""
    return _STARS if is_secret(name) else shown(value)


def _parameter(found: re.Match[str]) -> str:
    value = _STARS if is_secret(found[2]) else found[3]
    if "://" in (url := unquote(value)):  # such as the database of a hybrid storage
        value = quote(shown(url), safe="*")
    return f"{found[1]}{found[2]}={value}"
