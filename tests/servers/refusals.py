"""The shape in which the Gemini API refuses a request."""

from __future__ import annotations

from typing import Any

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error_body(code: int, message: str, *, status: str | None = None, details: Any = None) -> dict[str, Any]:
    """Return `{"error": {"code", "message", "status", "details"?}}`."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status or STATUS_NAMES.get(code, "UNKNOWN")}
    if details:
        error["details"] = details
    return {"error": error}


class Refusal(Exception):  # noqa: N818 - a verdict, returned as often as it is raised
    """A request that the API would not accept: `code`, `message` and `body` are what the client receives."""

    def __init__(self, message: str, *, code: int = 400, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.body = error_body(code, message, details=details)


def bad_field(path: str, message: str) -> Refusal:
    """Return the refusal of one field, with its `BadRequest` detail; `path` is like `contents[0].parts[1].text`."""
    violation = {"field": path, "description": message} if path else {"description": message}
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return Refusal(message, details=[detail])
