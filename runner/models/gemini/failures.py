"""Every way in which Gemini, the SDK or the network fails, as one of our errors, in one line and without secrets."""

from __future__ import annotations

import contextlib
import email.utils
import json
import os
import re
import time
from typing import TYPE_CHECKING, Any

from runner.errors import GeminiAPIError, GeminiClientError, GeminiResponseError, MissingKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from runner.messages import Json
    from runner.models.gemini.transport import ByteStream

_MAX_ERROR_BODY = 1024 * 1024
_MAX_MESSAGE = 600
_HIDDEN = "[hidden]"
_SECRET_SHAPES = re.compile(
    r"AIza[0-9A-Za-z_\-]{20,}|\bAQ\.[0-9A-Za-z_\-]{20,}"  # an API key
    r"|ya29\.[0-9A-Za-z_\-.]+"  # an access token
    r"|(?<=key=)[^&\s\"']+"  # in a URL
    r"|(?<=//)[^/@\s]+(?=@)"  # a URL's user and password
)
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


def environment_secrets() -> list[str]:
    """The API keys google-genai would take from the environment."""
    return [os.environ.get(name, "") for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY")]


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that hides these secrets, and whatever looks like a key or a password, in a text."""
    hidden = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)

    def redact(text: str) -> str:
        for secret in hidden:
            text = text.replace(secret, _HIDDEN)
        return _SECRET_SHAPES.sub(_HIDDEN, text)

    return redact


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
    code = code or _whole(fields.get("code")) or 500
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
    async for chunk in stream:
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


@contextlib.contextmanager
def worded(redact: Callable[[str], str], received: Callable[[], int] = int) -> Iterator[None]:
    """Raises what google-genai, google-auth, httpx2, pydantic, JSON and the system raise as one of our errors.

    `received` tells how many bytes of the reply had come. Anything else is a bug and passes unchanged.
    """
    try:
        yield
    except GeminiClientError:
        raise
    except Exception as error:
        told = _network(error, received()) or _sdk(error, redact) or _local(error)
        if told is None:
            raise
        safe = redact(str(error)) == str(error)
        raise _redacted(told, redact) from (error if safe else None)


def one_line(text: str, redact: Callable[[str], str] = str) -> str:
    """The text redacted, on one line and not too long."""
    line = " ".join(redact(text).split())
    return line if len(line) <= _MAX_MESSAGE else f"{line[:_MAX_MESSAGE]}..."


def _network(error: Exception, received: int) -> GeminiClientError | None:
    import httpx2

    if isinstance(error, httpx2.DecodingError):
        return GeminiResponseError("MALFORMED_REPLY", f"Gemini's reply cannot be decompressed: {error}")
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return GeminiClientError(f"the base URL of Gemini is not usable: {error}")
    if isinstance(error, httpx2.LocalProtocolError):
        return GeminiClientError(
            "the request to Gemini is not valid HTTP: check the key and the headers for odd characters"
        )
    kinds: list[tuple[type[Exception], str, str]] = [
        (httpx2.ConnectTimeout, "CONNECT_TIMEOUT", "no connection to {host} in time"),
        (httpx2.PoolTimeout, "CONNECT_TIMEOUT", "no free connection to {host} in time"),
        (httpx2.WriteTimeout, "IDLE_TIMEOUT", "{host} did not take the request in time"),
        (httpx2.TimeoutException, "IDLE_TIMEOUT", "{host} was silent for too long"),
        (httpx2.ConnectError, "CONNECTION_FAILED", "cannot connect to {host}: {why}"),
        (httpx2.ProxyError, "CONNECTION_FAILED", "the proxy on the way to {host} failed: {why}"),
        (httpx2.TransportError, "CONNECTION_LOST", "the connection to {host} broke: {why}"),
        (httpx2.RequestError, "CONNECTION_FAILED", "no reply from {host}: {why}"),
        (TimeoutError, "IDLE_TIMEOUT", "{host} was silent for too long"),
        (ConnectionError, "CONNECTION_LOST", "the connection to {host} broke: {why}"),
    ]
    for kind, status, words in kinds:
        if isinstance(error, kind):
            why = one_line(str(error)) or type(error).__name__
            message = words.format(host=_host(error), why=why)
            if received:
                message += f", after {received} bytes of its reply"
            untrusted = "CERTIFICATE_VERIFY_FAILED" in why
            if untrusted:
                message += " (SSL_CERT_FILE names the certificates to trust)"
            return GeminiAPIError(0, status, message, retryable=not untrusted)
    return None


def _sdk(error: Exception, redact: Callable[[str], str]) -> GeminiClientError | None:
    import google.auth.exceptions as auth
    from google.genai import errors

    if isinstance(error, errors.APIError):
        body = error.details if isinstance(error.details, dict) else {}
        if not isinstance(body.get("error"), dict):
            body = {"error": {"message": error.message, "status": error.status}}
        headers = getattr(error.response, "headers", None)
        return api_error(body, code=_whole(error.code) or 0, headers=headers, redact=redact)
    if isinstance(error, errors.UnknownApiResponseError):
        return GeminiResponseError("MALFORMED_REPLY", f"Gemini's reply cannot be read: {one_line(str(error), redact)}")
    if isinstance(error, auth.DefaultCredentialsError):
        return MissingKeyError(f"no Google credentials were found: {one_line(str(error), redact)}")
    if isinstance(error, auth.TransportError | auth.TimeoutError):
        return GeminiAPIError(0, "CONNECTION_FAILED", "Google's sign-in service could not be reached", retryable=True)
    if isinstance(error, auth.GoogleAuthError):
        message = f"signing in to Google failed: {one_line(str(error), redact)}"
        return GeminiAPIError(401, "UNAUTHENTICATED", message, retryable=bool(error.retryable))
    return None


def _local(error: Exception) -> GeminiClientError | None:
    import pydantic

    if isinstance(error, ImportError) and "GOOGLE_GENAI_HTTP_CLIENT" in str(error):
        return GeminiClientError("GOOGLE_GENAI_HTTP_CLIENT names an HTTP client that is not installed: unset it")
    if isinstance(error, json.JSONDecodeError):
        return GeminiResponseError("MALFORMED_REPLY", f"Gemini's reply cannot be read: invalid JSON: {error.msg}")
    if isinstance(error, pydantic.ValidationError):
        wrong = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(step) for step in wrong["loc"])
        return GeminiClientError(f"google-genai refuses the request: {where}: {wrong['msg']}")
    if isinstance(error, ValueError) and "API key" in str(error):
        return MissingKeyError("no API key for Gemini: set GEMINI_API_KEY (https://aistudio.google.com/apikey)")
    if isinstance(error, ValueError):
        return GeminiClientError(f"google-genai refuses the request: {one_line(str(error))}")
    return None


def _redacted(error: GeminiClientError, redact: Callable[[str], str]) -> GeminiClientError:
    """The same error with its text redacted."""
    if isinstance(error, GeminiAPIError):
        return GeminiAPIError(
            error.code,
            error.status,
            redact(error.message),
            retryable=error.retryable,
            retry_after=error.retry_after,
        )
    if isinstance(error, GeminiResponseError):
        return GeminiResponseError(error.reason, redact(error.message), retryable=error.retryable)
    return type(error)(redact(str(error)))


def _host(error: Exception) -> str:
    try:
        request = getattr(error, "request", None)  # httpx2 raises RuntimeError where it is not set
    except RuntimeError:
        request = None
    return str(request.url.host) if request is not None else "Gemini"


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
        date = None
        with contextlib.suppress(ValueError):
            date = email.utils.parsedate_to_datetime(header)
        asked.append(_delay(header) if date is None else max(0.0, date.timestamp() - time.time()))
    return max((seconds for seconds in asked if seconds is not None), default=None)


def _delay(value: Any) -> float | None:  # a value of foreign JSON
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s?", str(value).strip())
    return float(found[1]) if found else None


def _whole(value: Any) -> int | None:  # a value of foreign JSON
    return value if isinstance(value, int) and not isinstance(value, bool) else None
