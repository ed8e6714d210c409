"""What every request to the Gemini API must have: a route, a key, a query and a body that are well formed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .refusals import Refusal, bad_field

if TYPE_CHECKING:
    from .gemini_requests import RecordedRequest, Verb
    from .http_framing import HttpRequest

JSON = dict[str, Any]
ENTERPRISE = re.compile(r"/(v1|v1beta1)/(?:projects/([^/]+)/locations/([^/]+)/)?publishers/google/(models/.+)")
ROUTE = re.compile(r"/(v1|v1beta)/(?:models/([^/:]+)(?::(\w+))?|cachedContents(?:/([^/:]+))?)")
FILE_ROUTE = re.compile(r"/(upload/)?(v1|v1beta)/files(?:/([^/:]+))?")
ACTIONS: dict[tuple[str, str], Verb] = {
    ("POST", "generateContent"): "generate",
    ("POST", "streamGenerateContent"): "stream",
    ("POST", "countTokens"): "count",
}
QUERIES: dict[Verb, frozenset[str]] = {
    "stream": frozenset({"alt"}),
    "cache_list": frozenset({"pageSize", "pageToken"}),
    "cache_update": frozenset({"updateMask"}),
    "file_list": frozenset({"pageSize", "pageToken"}),
    "file_upload": frozenset({"upload_id", "upload_protocol"}),
}


def route(request: RecordedRequest) -> None:
    """Set what the request asks of what. Raises Refusal where there is no such route."""
    if (stored := FILE_ROUTE.fullmatch(request.path)) is not None:
        _route_file(request, *stored.groups())
        return
    platform = ENTERPRISE.fullmatch(request.path)
    if platform is not None:
        request.is_enterprise, request.project = True, platform[2]
    found = ROUTE.fullmatch(request.path if platform is None else f"/v1/{platform[4]}")
    if found is None:
        raise Refusal(f"tests.servers: no route {request.method} {request.path}", code=404)
    version, model, action, cache = found.groups()
    request.version = version if platform is None else platform[1]
    verb: Verb | None
    if model:
        request.model = unquote(model)
        verb = ACTIONS.get((request.method, action)) if action else "model" if request.method == "GET" else None
    elif cache:
        verbs: dict[str, Verb] = {"GET": "cache_get", "PATCH": "cache_update", "DELETE": "cache_delete"}
        verb = verbs.get(request.method)
    else:
        verb = {"GET": "cache_list", "POST": "cache_create"}.get(request.method)  # type: ignore[assignment]
    if verb is None:
        raise Refusal(f"tests.servers: no route {request.method} {request.path}", code=404)
    request.verb = verb


def _route_file(request: RecordedRequest, upload: str | None, version: str, key: str | None) -> None:
    request.version = version
    verbs: dict[tuple[str, bool, bool], Verb] = {
        ("POST", True, False): "file_upload" if "upload_id" in request.query else "file_start",
        ("GET", False, False): "file_list",
        ("GET", False, True): "file_get",
        ("DELETE", False, True): "file_delete",
    }
    verb = verbs.get((request.method, upload is not None, key is not None))
    if verb is None:
        raise Refusal(f"tests.servers: no route {request.method} {request.path}", code=404)
    request.verb = verb


def check_key(request: RecordedRequest, key: str) -> None:
    if "key" in request.query:
        raise Refusal("tests.servers: the API key belongs in the header x-goog-api-key, not in the URL.")
    if request.project is not None and request.headers.get("authorization", "").startswith("Bearer "):
        return
    given = request.headers.get("x-goog-api-key")
    if not given:
        raise Refusal(
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key "
            "or other form of API consumer identity to call this API.",
            code=403,
        )
    if given != key:
        reason = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        }
        raise Refusal("API key not valid. Please pass a valid API key.", details=[reason])


def check_query(request: RecordedRequest) -> None:
    known = QUERIES.get(request.verb, frozenset())
    for name, value in request.query.items():
        if name not in known or (name == "alt" and value != "sse"):
            raise bad_field(
                name,
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. Field '
                f"'{name}' could not be found in request message.",
            )


def parsed_body(request: RecordedRequest, http: HttpRequest, *, surrogates: bool) -> JSON:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refusal("tests.servers: the content type of a request is application/json.")
    try:
        body = json.loads(http.body, parse_constant=_no_constant)
        if not surrogates and b"\\ud" in http.body.lower():
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as wrong:
        raise bad_field("", f"Invalid JSON payload received. {type(wrong).__name__}: {wrong}") from None
    if not isinstance(body, dict):
        raise bad_field("", "Invalid JSON payload received. Root element must be a message.")
    return body


def _no_constant(name: str) -> float:
    raise ValueError(f"Unexpected token {name}")
