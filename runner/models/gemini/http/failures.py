"""How a request fails before or while its reply arrives."""

from __future__ import annotations


class HttpError(Exception):
    """What went wrong on the way: `status` is the error's stable word, `str(error)` one line for people."""

    def __init__(self, status: str, words: str, *, retryable: bool = True) -> None:
        self.status, self.retryable = status, retryable
        super().__init__(words)


class EncodingError(HttpError):
    """The reply's content-encoding is not what the reply's bytes are."""

    def __init__(self, words: str) -> None:
        super().__init__("MALFORMED_REPLY", words, retryable=False)


def connection_failed(host: str, error: Exception) -> HttpError:
    """No connection, or no trust in the one that was made."""
    words = f"cannot connect to {host}: {said(error)}"
    if "CERTIFICATE_VERIFY_FAILED" in words:
        hint = " (SSL_CERT_FILE names the certificates to trust)"
        return HttpError("CONNECTION_FAILED", words + hint, retryable=False)
    return HttpError("CONNECTION_FAILED", words)


def connection_lost(host: str, why: Exception | str | None) -> HttpError:
    """A connection that ended in the middle of an exchange."""
    words = said(why) if isinstance(why, Exception) else why
    return HttpError("CONNECTION_LOST", f"the connection to {host} broke: {words or 'closed by the other side'}")


def said(error: Exception) -> str:
    """The error's own words, or its name."""
    return str(error) or type(error).__name__
