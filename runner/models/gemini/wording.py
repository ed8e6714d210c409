"""Errors that both transports word alike."""

from __future__ import annotations

from runner.errors import GeminiClientError, MissingKeyError


def no_key() -> MissingKeyError:
    """Nothing to sign in with was found."""
    return MissingKeyError("no API key for Gemini: set GEMINI_API_KEY (https://aistudio.google.com/apikey)")


def refused_request(why: str) -> GeminiClientError:
    """Settings or a model's name with which no request can be made."""
    return GeminiClientError(f"the request to Gemini cannot be made: {why}")


def invalid_http() -> GeminiClientError:
    """A key, a header or an address with characters that would change the request's meaning."""
    return GeminiClientError(
        "the request to Gemini is not valid HTTP: check the key and the headers for odd characters"
    )
