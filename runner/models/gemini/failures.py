"""Every way in which Gemini, the SDK or the network fails, as one of our errors, in one line and without secrets."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from runner.errors import GeminiAPIError, GeminiClientError, GeminiResponseError, MissingKeyError
from runner.models.gemini.api_errors import api_error, whole_number
from runner.models.gemini.redaction import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
    for kind, status, words in _network_kinds():
        if isinstance(error, kind):
            why = one_line(str(error)) or type(error).__name__
            message = words.format(why=why, **_circumstances(error))
            if received:
                message += f", after {received} bytes of its reply"
            untrusted = "CERTIFICATE_VERIFY_FAILED" in why
            if untrusted:
                message += " (SSL_CERT_FILE names the certificates to trust)"
            return GeminiAPIError(0, status, message, retryable=not untrusted)
    return None


def _network_kinds() -> list[tuple[type[Exception], str, str]]:
    """Exceptions, special ones first; `status`; words."""
    import httpx2

    return [
        (httpx2.ConnectTimeout, "CONNECT_TIMEOUT", "no connection to {host} within {connect} s"),
        (httpx2.PoolTimeout, "CONNECT_TIMEOUT", "no free connection to {host} within {connect} s"),
        (httpx2.WriteTimeout, "IDLE_TIMEOUT", "{host} did not take the request for {read} s"),
        (httpx2.TimeoutException, "IDLE_TIMEOUT", "{host} was silent for {read} s"),
        (httpx2.ConnectError, "CONNECTION_FAILED", "cannot connect to {host}: {why}"),
        (httpx2.ProxyError, "CONNECTION_FAILED", "the proxy on the way to {host} failed: {why}"),
        (httpx2.TransportError, "CONNECTION_LOST", "the connection to {host} broke: {why}"),
        (httpx2.RequestError, "CONNECTION_FAILED", "no reply from {host}: {why}"),
        (TimeoutError, "IDLE_TIMEOUT", "{host} was silent for too long"),
        (ConnectionError, "CONNECTION_LOST", "the connection to {host} broke: {why}"),
    ]


def _circumstances(error: Exception) -> dict[str, str]:
    """The host and the timeouts of the request that failed, where the exception knows it."""
    try:
        request = getattr(error, "request", None)
    except RuntimeError:  # httpx2's way of saying that it was not set
        request = None
    if request is None:
        return {"host": "Gemini", "connect": "some", "read": "some"}
    limits = request.extensions.get("timeout") or {}
    return {"host": request.url.host, "connect": f"{limits.get('connect')}", "read": f"{limits.get('read')}"}


def _sdk(error: Exception, redact: Callable[[str], str]) -> GeminiClientError | None:
    import google.auth.exceptions as auth
    from google.genai import errors

    if isinstance(error, errors.APIError):
        body = error.details if isinstance(error.details, dict) else {}
        if not isinstance(body.get("error"), dict):
            body = {"error": {"message": error.message, "status": error.status}}
        headers = getattr(error.response, "headers", None)
        return api_error(body, code=whole_number(error.code) or 0, headers=headers, redact=redact)
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
