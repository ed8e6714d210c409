"""Everything that can go wrong, as a tree.

    AgentRunError
    ├── ManifestError                the YAML file, a plug-in name, a tool module: fix the text            (exit 2)
    ├── GeminiClientError            the conversation with the model
    │   ├── MissingKeyError          no way to reach Gemini was configured                                 (exit 2)
    │   ├── ModelChoiceError         the chosen model cannot be used for this chat or request              (exit 2)
    │   ├── GeminiAPIError           the service or the way to it failed: HTTP status or transport         (exit 3)
    │   │   └── PromptTooLongError   the chat has more tokens than the model takes                         (exit 3)
    │   ├── GeminiResponseError      the service answered, but not with a usable answer                    (exit 3)
    │   └── GeminiToolExecutionError an executor raised, or returned the wrong number of results           (exit 70)
    ├── ChatStorageError             the storage failed; nothing was acknowledged that is not stored       (exit 4)
    │   └── ChatBusyError            another process or task holds the chat                                (exit 6)
    │       └── ChatChangedError     another writer appended first: this turn stopped                      (exit 6)
    └── CassetteError                a recording of model calls is missing or cannot be read               (exit 2)
        └── CassetteMissError        a request is not the one that was recorded                            (exit 2)

`reason` is a stable word for programs, `str(error)` one line for people, `retryable` says whether the same request may
succeed later. The exit codes are chosen in `runner.cli` and listed in `docs/cli.md`.
"""

from __future__ import annotations

from typing import Any


class AgentRunError(Exception):
    """Base of every error this package raises on purpose."""

    reason: str = "ERROR"
    retryable: bool = False


class ManifestError(AgentRunError):
    """A manifest, a name in it, or a module it names is wrong. `path` is the file, `key` the dotted key when known.

    `where` is the line of a module that is wrong, as `file:line`.

    One that was found while loading holds all that is wrong in `diagnostics` (`runner.loading.Diagnostic`).
    """

    reason = "MANIFEST"
    diagnostics: tuple[Any, ...] = ()

    def __init__(
        self, message: str, *, path: str | None = None, key: str | None = None, where: str | None = None
    ) -> None:
        self.path, self.key, self.message, self.where = path, key, message, where
        super().__init__(": ".join(part for part in (path, key, where, message) if part))


class GeminiClientError(AgentRunError):
    """The conversation with the model could not go on."""

    reason = "CLIENT"


class MissingKeyError(GeminiClientError):
    """No credentials for Gemini were found in any of the places google-genai looks at."""

    reason = "MISSING_KEY"


class ModelChoiceError(GeminiClientError):
    """The chosen model cannot do what is asked of it: continue this chat, use a context cache, ..."""

    reason = "MODEL_CHOICE"


class GeminiAPIError(GeminiClientError):
    """The service refused or could not be reached.

    `code` is the HTTP status (0 where there was no reply: connection, timeout), `status` the API's own word
    ("RESOURCE_EXHAUSTED", "UNAVAILABLE", ...), `retry_after` the seconds the service asked to wait, if it did.
    """

    def __init__(
        self,
        code: int,
        status: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self.code, self.status, self.message = code, status, message
        self.reason, self.retryable, self.retry_after = status, retryable, retry_after
        super().__init__(f"{code} {status}: {message}" if code else f"{status}: {message}")

    def __reduce__(self) -> tuple[object, ...]:
        return (_api_error, (self.code, self.status, self.message, self.retryable, self.retry_after))


def _api_error(code: int, status: str, message: str, retryable: bool, retry_after: float | None) -> GeminiAPIError:
    return GeminiAPIError(code, status, message, retryable=retryable, retry_after=retry_after)


class PromptTooLongError(GeminiAPIError):
    """The service refused a prompt with more tokens than the model takes; `error` is what it said."""

    def __init__(self, error: GeminiAPIError, message: str) -> None:
        super().__init__(error.code, error.status, message)
        self.error, self.reason = error, "PROMPT_TOO_LONG"

    def __reduce__(self) -> tuple[object, ...]:
        return (PromptTooLongError, (self.error, self.message))


class GeminiResponseError(GeminiClientError):
    """The reply is no answer: blocked, cut short, empty or malformed; `reason` is Gemini's word for it."""

    def __init__(self, reason: str, message: str, *, retryable: bool = False) -> None:
        self.reason, self.message, self.retryable = reason, message, retryable
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        return (_response_error, (self.reason, self.message, self.retryable))


def _response_error(reason: str, message: str, retryable: bool) -> GeminiResponseError:
    return GeminiResponseError(reason, message, retryable=retryable)


class GeminiToolExecutionError(GeminiClientError):
    """A tool executor raised, or did not return exactly one result for each call."""

    reason = "TOOL_EXECUTOR"


class ChatStorageError(AgentRunError):
    """The storage could not do what was asked; what was acknowledged before stays stored."""

    reason = "STORAGE"


class ChatBusyError(ChatStorageError):
    """The chat is in use elsewhere; the message says by whom and since when."""

    reason = "BUSY"
    retryable = True


class ChatChangedError(ChatBusyError):
    """Someone else wrote to the chat since it was opened; nothing of this write was stored."""

    reason = "CHANGED"


class CassetteError(AgentRunError):
    """A recording of model calls is missing, torn, of a newer format or none at all; `path` and `line` say where."""

    reason = "CASSETTE"

    def __init__(self, message: str, *, path: str, line: int | None = None) -> None:
        self.message, self.path, self.line = message, path, line
        super().__init__(f"{path}{'' if line is None else f':{line}'}: {message}")

    def __reduce__(self) -> tuple[object, ...]:
        return (_cassette_error, (type(self), self.__dict__))


class CassetteMissError(CassetteError):
    """A request is not the one that was recorded at its place.

    `role`, `turn` and `step` say which request it was, `difference` is a text of several lines on what is another
    than recorded, and `hint` how to record anew; whoever knows the command sets it.
    """

    reason = "CASSETTE_MISS"

    def __init__(
        self,
        message: str,
        *,
        path: str,
        line: int | None = None,
        role: str = "agent",
        turn: int = 1,
        step: int = 1,
        difference: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, path=path, line=line)
        self.role, self.turn, self.step = role, turn, step
        self.difference, self.hint = difference, hint

    def __str__(self) -> str:
        return f"{super().__str__()}; {self.hint}" if self.hint else super().__str__()


def _cassette_error(kind: type[CassetteError], known: dict[str, Any]) -> CassetteError:
    error = kind(known["message"], path=known["path"], line=known["line"])
    error.__dict__.update(known)
    return error
