"""Why a case could not be judged: errors as stable words, what to do about them, and the exit codes they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.conversations.judging import JudgeError
from runner.conversations.matching import MatcherError
from runner.conversations.results import Trouble
from runner.errors import (
    CassetteError,
    CassetteMissError,
    ChatStorageError,
    GeminiAPIError,
    GeminiResponseError,
    ManifestError,
    MissingKeyError,
    ModelChoiceError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.conversations.results import CaseResult

_REASONS: dict[type[BaseException], str] = {
    MissingKeyError: "no_key",
    CassetteMissError: "replay_miss",
    CassetteError: "cassette",
    ManifestError: "manifest",
    ModelChoiceError: "manifest",
    MatcherError: "file",
    JudgeError: "judge",
    ChatStorageError: "storage",
    GeminiAPIError: "model",
    GeminiResponseError: "model",
    TimeoutError: "timeout",
    OSError: "file",
}
_EXITS = {
    "no_key": 2,
    "cassette": 2,
    "cassette_missing": 2,
    "replay_miss": 2,
    "manifest": 2,
    "file": 2,
    "script": 2,
    "model": 3,
    "judge": 3,
    "storage": 4,
    "timeout": 5,
    "budget": 5,
    "interrupted": 130,
}
_BUG, _FAILED = 70, 1
_GRAVEST_FIRST = (130, _BUG, 2, 3, 4, 5, _FAILED)
REPEATED = frozenset({"model", "judge", "storage", "timeout"})
"""Troubles that another attempt may not have; the others would come again."""


def is_of_service(error: BaseException) -> bool:
    """Whether the model's service failed or refused."""
    return isinstance(error, (GeminiAPIError, GeminiResponseError))


class NoCassetteError(CassetteError):
    """There is nothing to replay, and nothing else was allowed."""


class ScriptError(ValueError):
    """A scripted case whose script does not go all the way."""


def trouble_of(error: BaseException) -> Trouble:
    """The trouble that an error is."""
    if isinstance(error, ScriptError):
        return Trouble(reason="script", message=str(error))
    if isinstance(error, NoCassetteError):
        return Trouble(reason="cassette_missing", message=str(error))
    reason = next((_REASONS[kind] for kind in type(error).__mro__ if kind in _REASONS), "bug")
    if isinstance(error, CassetteMissError):
        difference = f"\n{error.difference}" if error.difference else ""
        return Trouble(reason=reason, message=f"{error.message}{difference}", hint=error.hint or None)
    if reason == "no_key":
        return Trouble(reason=reason, message="no API key for Gemini, no cassette, and no `replies` in its turns")
    return Trouble(reason=reason, message=str(error) if reason != "bug" else f"{type(error).__name__}: {error}")


def exit_code(cases: Iterable[CaseResult], stopped: str | None) -> int:
    """What a run's exit code says: the gravest of all that came of it."""
    codes = {_EXITS.get(stopped or "", 0)} | {_code_of(case) for case in cases}
    return next((code for code in _GRAVEST_FIRST if code in codes), 0)


def _code_of(case: CaseResult) -> int:
    if case.outcome == "failed":
        return _FAILED
    if case.outcome != "error":
        return 0
    reasons = {attempt.trouble.reason for attempt in case.attempts if attempt.trouble is not None}
    codes = {_EXITS.get(reason, _BUG) for reason in reasons}
    return next((code for code in _GRAVEST_FIRST if code in codes), _BUG)
