"""The two URLs in one of a hybrid storage."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from runner.errors import ManifestError
from runner.storages.urls import without_password

SCHEME = "hybrid+"
_FORM = "hybrid+redis://host:6379/0?database=URL, with the database's URL percent-encoded"


def split_url(url: str) -> tuple[str, str]:
    """The cache's URL and the database's, of `hybrid+redis://host/0?database=URL`; ManifestError if it is none."""
    parts = urlsplit(url.removeprefix(SCHEME))
    options = parse_qsl(parts.query, keep_blank_values=True)
    databases = [value for name, value in options if name == "database" and value]
    if not url.startswith(SCHEME) or len(databases) != 1:
        raise ManifestError(f'storage "{without_password(url)}" is not {_FORM}')
    rest = urlencode([(name, value) for name, value in options if name != "database"], quote_via=quote)
    return parts._replace(query=rest).geturl(), databases[0]
