"""The API's own errors: `{"error": {...}}` in a reply, at its head or in the middle of a stream."""

from __future__ import annotations

import contextlib
import json
import re
import time
from typing import TYPE_CHECKING, Any

from runner.errors import GeminiAPIError
from runner.models.gemini.redaction import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.messages import Json
    from runner.models.gemini.transport import ByteStream

_MAX_ERROR_BODY = 1024 * 1024
_STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "REQUEST_TIMEOUT",
    409: "ABORTED",
    413: "PAYLOAD_TOO_LARGE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "BAD_GATEWAY",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_WHAT_TO_DO = {
    "UNAUTHENTICATED": "check GEMINI_API_KEY or GOOGLE_API_KEY, or sign in again",
    "API_KEY_INVALID": "check GEMINI_API_KEY or GOOGLE_API_KEY",
    "NOT_FOUND": "check the model's name",
}


def api_error(
    body: Json,
    *,
    code: int = 0,
    headers: Mapping[str, str] | None = None,
    redact: Callable[[str], str] = str,
) -> GeminiAPIError:
    """The error of an API reply's body, `{"error": {"code", "message", "status", "details"}}`."""
    error = body.get("error")
    fields: Json = error if isinstance(error, dict) else {"message": error}
    code = code or whole_number(fields.get("code")) or 500
    status = str(fields.get("status") or _STATUS_WORDS.get(code) or f"HTTP_{code}")
    details = [item for item in fields.get("details") or () if isinstance(item, dict)]
    hint = next((_WHAT_TO_DO[word] for word in [*_reasons(details), status] if word in _WHAT_TO_DO), None)
    exhausted = _is_used_up(details)
    if exhausted:
        hint = "the quota for this period is used up, so trying again now does not help"
    said = one_line(str(fields.get("message") or "no message"), redact)
    return GeminiAPIError(
        code,
        status,
        f"{said} ({hint})" if hint else said,
        retryable=(code in {408, 429} or code >= 500) and not exhausted,
        retry_after=_retry_after(details, headers or {}),
    )


async def refused(stream: ByteStream, redact: Callable[[str], str]) -> GeminiAPIError:
    """The error of a reply whose status is not 200; its body may be Gemini's JSON, or a proxy's page."""
    body = bytearray()
    async with contextlib.aclosing(aiter(stream)) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > _MAX_ERROR_BODY:
                break
    text = body.decode("utf-8", "replace")
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict) and found.get("error"):
            return api_error(found, code=stream.status, headers=stream.headers, redact=redact)
    page = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    message = page if page.strip() else "the reply has no text"
    if 300 <= stream.status < 400:
        message = f"the service redirects to {stream.headers.get('location', 'nowhere')}; check the base URL"
    return api_error({"error": {"message": message}}, code=stream.status, headers=stream.headers, redact=redact)


def _reasons(details: list[Json]) -> list[str]:
    return [str(item["reason"]) for item in details if item.get("reason")]


def _is_used_up(details: list[Json]) -> bool:
    """Whether a quota of a day, or one of 0, was exceeded: waiting a minute does not help."""
    quotas = [quota for item in details for quota in item.get("violations") or () if isinstance(quota, dict)]
    return any("PerDay" in str(quota.get("quotaId")) or str(quota.get("quotaValue")) == "0" for quota in quotas)


def _retry_after(details: list[Json], headers: Mapping[str, str]) -> float | None:
    """The longest wait the service asks for: RetryInfo's `retryDelay`, `Retry-After` in seconds or as a date."""
    asked = [_delay(item.get("retryDelay")) for item in details]
    header = headers.get("retry-after")
    if header:
        from email.utils import parsedate_to_datetime

        date = None
        with contextlib.suppress(ValueError):
            date = parsedate_to_datetime(header)
        asked.append(_delay(header) if date is None else max(0.0, date.timestamp() - time.time()))
    return max((seconds for seconds in asked if seconds is not None), default=None)


def _delay(value: Any) -> float | None:  # a value of foreign JSON
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s?", str(value).strip())
    return float(found[1]) if found else None


def whole_number(value: Any) -> int | None:
    """A value of foreign JSON as an int, if it is one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
