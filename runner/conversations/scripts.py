"""The scripted model of a case: what its turns' `replies` say, one after the other."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Self

from runner.conversations.variables import filled_part
from runner.models import scripted
from runner.models.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.models.scripted import Reply
    from runner.suite import ScriptedPart

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""Gemini's words for the HTTP statuses that it fails with."""


class Script:
    """A model that says what the turns' replies say; `model` has the manifest's retries, which do not wait."""

    def __init__(self, name: str, retries: int) -> None:
        self._model = scripted.ScriptedModel(name=name)
        self.model = Retry(self._model, retries, sleep=_at_once, chance=lambda: 0.0)
        self._replies = _Replies([])

    def begin_turn(self, replies: Sequence[ScriptedPart], variables: Mapping[str, Any]) -> None:
        """The next turn's replies; those that the last one left are dropped."""
        self._replies = _Replies([_reply(filled_part(part, variables)) for part in replies])
        self._model.rescript(self._replies, len(replies))

    @property
    def left(self) -> int:
        """How many replies of this turn were not asked for."""
        return self._replies.left


class _Replies:
    """Replies in order. A failure that is the last one lasts: a service that is down stays down."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self._waiting = deque(replies)
        self._lasting = replies[-1] if replies and replies[-1].failure is not None else None

    @property
    def left(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Reply:
        if self._waiting:
            return self._waiting.popleft()
        if self._lasting is None:
            raise StopIteration
        return self._lasting


async def _at_once(_seconds: float) -> None:
    """No wait: nobody is at the other end."""


def _reply(part: ScriptedPart) -> Reply:
    if part.fail is not None:
        return scripted.error(part.fail, _STATUS.get(part.fail, "UNAVAILABLE"), "the script says so")
    replies = [scripted.say(part.say)] if part.say is not None else []
    if part.call is not None:
        replies.append(scripted.call(part.call, part.args))
    replies += [scripted.call(each.call, each.args) for each in part.calls or ()]
    return scripted.calls(*replies)
