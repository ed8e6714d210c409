"""Exceptions of the SDK and its libraries become our errors, and bugs stay bugs."""

from __future__ import annotations

import json

import google.auth.exceptions
import pydantic
import pytest
from google.genai import errors

from runner.errors import GeminiAPIError, GeminiClientError, GeminiResponseError, MissingKeyError
from runner.models.gemini.failures import worded
from runner.models.gemini.redaction import one_line, redactor

KEY = "canary-key-123"


def told(error: Exception) -> GeminiClientError:
    with pytest.raises(GeminiClientError) as raised, worded(redactor([KEY])):
        raise error
    assert KEY not in str(raised.value)
    return raised.value


def invalid() -> pydantic.ValidationError:
    class Strict(pydantic.BaseModel):
        name: int

    with pytest.raises(pydantic.ValidationError) as raised:
        Strict.model_validate({"name": KEY})
    return raised.value


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (google.auth.exceptions.DefaultCredentialsError(f"none {KEY}"), MissingKeyError, "no Google credentials"),
        (google.auth.exceptions.RefreshError("expired"), GeminiAPIError, "signing in to Google failed: expired"),
        (google.auth.exceptions.TransportError("x"), GeminiAPIError, "could not be reached"),
        (errors.UnknownApiResponseError(f"Raw {KEY}"), GeminiResponseError, r"cannot be read: Raw \[hidden\]"),
        (
            errors.ClientError(400, {"error": {"message": f"bad {KEY}"}}),
            GeminiAPIError,
            r"400 INVALID_ARGUMENT: bad \[",
        ),
        (
            errors.ServerError(503, {"message": "page", "status": "Unavailable"}),
            GeminiAPIError,
            "503 Unavailable: page",
        ),
        (json.JSONDecodeError("Extra data", KEY, 1), GeminiResponseError, "invalid JSON: Extra data"),
        (ValueError("No API key was provided."), MissingKeyError, "GEMINI_API_KEY"),
        (ValueError("invalid model parameter."), GeminiClientError, "cannot be made: invalid model"),
        (invalid(), GeminiClientError, "cannot be made: name: Input should be a valid integer"),
        (TimeoutError(), GeminiAPIError, "IDLE_TIMEOUT"),
        (ConnectionResetError("reset"), GeminiAPIError, "CONNECTION_LOST: the connection to Gemini broke: reset"),
        (ImportError("GOOGLE_GENAI_HTTP_CLIENT=httpx"), GeminiClientError, "unset it"),
    ],
)
def test_what_is_not_an_api_error_is_worded_too(error: Exception, kind: type[Exception], words: str) -> None:
    found = told(error)
    assert type(found) is kind
    with pytest.raises(kind, match=words):
        raise found


def test_a_text_with_a_secret_is_not_chained_into_the_traceback() -> None:
    assert told(errors.UnknownApiResponseError(f"Raw {KEY}")).__cause__ is None
    assert told(ValueError("harmless")).__cause__ is not None


def test_a_bug_passes_unchanged() -> None:
    with pytest.raises(KeyError), worded(str):
        raise KeyError("x")


def test_our_own_errors_pass_unchanged() -> None:
    ours = GeminiResponseError("NO_FINISH", "x")
    with pytest.raises(GeminiResponseError) as raised, worded(str):
        raise ours
    assert raised.value is ours


def test_shapes_of_secrets_are_hidden_even_when_unknown() -> None:
    text = "AIzaSyD0123456789abcdefghij ya29.a0Af_x-1 https://u:p@h/x?key=abc&y=1 AQ.Ab8RN6J0123456789abcd"
    assert redactor([])(text) == "[hidden] [hidden] https://[hidden]@h/x?key=[hidden]&y=1 [hidden]"
    assert one_line("a\n\t b" + "c" * 700).startswith("a bccc")
