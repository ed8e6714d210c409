"""Every way in which Gemini, the SDK or the network fails, as one of our errors, in one line and without secrets."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from runner.errors import GeminiAPIError, GeminiClientError, GeminiResponseError, MissingKeyError
from runner.models.gemini.api_errors import api_error, whole_number
from runner.models.gemini.redaction import one_line
from runner.models.gemini.wording import invalid_http, no_key, refused_request

if TYPE_CHECKING:
    from collections.abc import Callable


class worded:  # noqa: N801  # a block: `with worded(...)`
    """Raises what our HTTP client, google-genai, google-auth, httpx2, JSON and the system raise as one of our errors.

    `received` tells how many bytes of the reply had come. Anything else is a bug and passes unchanged.
    """

    __slots__ = ("_received", "_redact")

    def __init__(self, redact: Callable[[str], str], received: Callable[[], int] = int) -> None:
        self._redact, self._received = redact, received

    def __enter__(self) -> None:
        """Nothing is done before something is raised."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Say what was raised in our words."""
        if not isinstance(error, Exception) or isinstance(error, GeminiClientError):
            return
        redact, received = self._redact, self._received()
        told = _on_the_way(error, received) or _network(error, received) or _google(error, redact) or _local(error)
        if told is not None:
            safe = redact(str(error)) == str(error)
            raise _redacted(told, redact) from (error if safe else None)


def _loaded(module: str) -> Any:  # a module, whose classes are looked up in it
    """A library that is in use; one that was never imported has raised nothing."""
    return sys.modules.get(module)


def _on_the_way(error: Exception, received: int) -> GeminiClientError | None:
    http = _loaded("runner.models.gemini.http.failures")
    if http is not None and isinstance(error, http.EncodingError):
        return GeminiResponseError("MALFORMED_REPLY", str(error))
    if http is not None and isinstance(error, http.HttpError):
        return GeminiAPIError(0, error.status, f"{error}{_after(received)}", retryable=error.retryable)
    if isinstance(error, TimeoutError):
        return GeminiAPIError(0, "IDLE_TIMEOUT", f"Gemini was silent for too long{_after(received)}", retryable=True)
    if isinstance(error, ConnectionError):
        words = f"the connection to Gemini broke: {one_line(str(error)) or type(error).__name__}{_after(received)}"
        return GeminiAPIError(0, "CONNECTION_LOST", words, retryable=True)
    return None


def _after(received: int) -> str:
    return f", after {received} bytes of its reply" if received else ""


def _network(error: Exception, received: int) -> GeminiClientError | None:
    httpx2 = _loaded("httpx2")
    if httpx2 is None:
        return None
    if isinstance(error, httpx2.DecodingError):
        return GeminiResponseError("MALFORMED_REPLY", f"Gemini's reply cannot be decompressed: {error}")
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.InvalidURL):
        return GeminiClientError(f"the base URL of Gemini is not usable: {error}")
    if isinstance(error, httpx2.LocalProtocolError):
        return invalid_http()
    for kind, status, words in _network_kinds(httpx2):
        if isinstance(error, kind):
            why = one_line(str(error)) or type(error).__name__
            message = words.format(why=why, **_circumstances(error)) + _after(received)
            untrusted = "CERTIFICATE_VERIFY_FAILED" in why
            if untrusted:
                message += " (SSL_CERT_FILE names the certificates to trust)"
            return GeminiAPIError(0, status, message, retryable=not untrusted)
    return None


def _network_kinds(httpx2: Any) -> list[tuple[type[Exception], str, str]]:  # a module
    """Exceptions, special ones first; `status`; words."""
    return [
        (httpx2.ConnectTimeout, "CONNECT_TIMEOUT", "no connection to {host} within {connect} s"),
        (httpx2.PoolTimeout, "CONNECT_TIMEOUT", "no free connection to {host} within {connect} s"),
        (httpx2.WriteTimeout, "IDLE_TIMEOUT", "{host} did not take the request for {read} s"),
        (httpx2.TimeoutException, "IDLE_TIMEOUT", "{host} was silent for {read} s"),
        (httpx2.ConnectError, "CONNECTION_FAILED", "cannot connect to {host}: {why}"),
        (httpx2.ProxyError, "CONNECTION_FAILED", "the proxy on the way to {host} failed: {why}"),
        (httpx2.TransportError, "CONNECTION_LOST", "the connection to {host} broke: {why}"),
        (httpx2.RequestError, "CONNECTION_FAILED", "no reply from {host}: {why}"),
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


def _google(error: Exception, redact: Callable[[str], str]) -> GeminiClientError | None:
    genai, auth = _loaded("google.genai.errors"), _loaded("google.auth.exceptions")
    if genai is not None and isinstance(error, genai.APIError):
        body = error.details if isinstance(error.details, dict) else {}
        if not isinstance(body.get("error"), dict):
            body = {"error": {"message": error.message, "status": error.status}}
        headers = getattr(error.response, "headers", None)
        return api_error(body, code=whole_number(error.code) or 0, headers=headers, redact=redact)
    if genai is not None and isinstance(error, genai.UnknownApiResponseError):
        return GeminiResponseError("MALFORMED_REPLY", f"Gemini's reply cannot be read: {one_line(str(error), redact)}")
    return None if auth is None else _signing_in(error, auth, redact)


def _signing_in(error: Exception, auth: Any, redact: Callable[[str], str]) -> GeminiClientError | None:  # a module
    if isinstance(error, auth.DefaultCredentialsError):
        return MissingKeyError(f"no Google credentials were found: {one_line(str(error), redact)}")
    if isinstance(error, auth.TransportError | auth.TimeoutError):
        return GeminiAPIError(0, "CONNECTION_FAILED", "Google's sign-in service could not be reached", retryable=True)
    if isinstance(error, auth.GoogleAuthError):
        message = f"signing in to Google failed: {one_line(str(error), redact)}"
        return GeminiAPIError(401, "UNAUTHENTICATED", message, retryable=bool(error.retryable))
    return None


def _local(error: Exception) -> GeminiClientError | None:
    pydantic = _loaded("pydantic")
    if isinstance(error, ImportError) and "GOOGLE_GENAI_HTTP_CLIENT" in str(error):
        return GeminiClientError("GOOGLE_GENAI_HTTP_CLIENT names an HTTP client that is not installed: unset it")
    if isinstance(error, ImportError) and "socksio" in str(error):
        return GeminiClientError("the proxy of the environment speaks SOCKS: pip install socksio")
    if isinstance(error, json.JSONDecodeError):
        return GeminiResponseError("MALFORMED_REPLY", f"Gemini's reply cannot be read: invalid JSON: {error.msg}")
    if pydantic is not None and isinstance(error, pydantic.ValidationError):
        wrong = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(step) for step in wrong["loc"])
        return refused_request(f"{where}: {wrong['msg']}")
    if isinstance(error, ValueError) and "API key" in str(error):
        return no_key()
    if isinstance(error, ValueError):
        return refused_request(one_line(str(error)))
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
