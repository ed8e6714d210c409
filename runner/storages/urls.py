"""URLs of storages on servers: shown without their secrets, and checked before anything is contacted."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from runner.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Collection

_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]*\]|[^:,\[\]]*)(?::[0-9]*)?")


def without_password(url: str) -> str:
    """The URL's scheme, host and path: without user, password, and options, which may hold passwords too.

    Where it is unclear which part is the host (a password was not percent-encoded), only the scheme is left.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return f"{url.partition(':')[0]}:..."
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    beyond = rest[len(authority) :]
    hosts = authority.rpartition("@")[2]
    if "@" in beyond or not all(map(_HOST.fullmatch, hosts.split(","))):
        return f"{scheme}://..."
    return f"{scheme}://{hosts}{re.split('[?#]', beyond, maxsplit=1)[0]}"


def check_url(url: str, schemes: Collection[str], form: str) -> None:
    """Raise ManifestError unless the URL has one of the schemes and readable hosts; `form` says how it should look."""
    scheme, separator, _ = url.partition("://")
    shown = without_password(url)
    if scheme not in schemes or not separator:
        raise ManifestError(f'storage "{shown}" is not {form}')
    if shown == f"{scheme}://...":
        raise ManifestError(
            f'storage "{shown}" cannot be read as {form}; in the user, the password and the options write / ? # @ % as '
            "%2F %3F %23 %40 %25"
        )


def query_options(url: str, known: Collection[str]) -> dict[str, str]:
    """The options behind the URL's question mark; ManifestError for one that is not known, with the nearest that is."""
    try:
        given = parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=bool(urlsplit(url).query))
    except ValueError:
        raise ManifestError(f'storage "{without_password(url)}": write its options as ?name=value&name=value') from None
    for name, _ in given:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, 1, 0.6)
            hint = f'did you mean "{nearest[0]}"?' if nearest else f"its options are: {', '.join(sorted(known))}"
            raise ManifestError(f'storage "{without_password(url)}" has no option "{name}"; {hint}')
    return dict(given)
