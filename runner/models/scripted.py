"""`ScriptedModel`: says, calls and fails as it was told to; for tests and demonstrations."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.errors import GeminiAPIError, GeminiResponseError
from runner.models.base import Model
from runner.requests import Finish, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence

    from runner.messages import Json, Part
    from runner.requests import GenerateContentRequest, ModelItem

_DEFAULT_USAGE = Usage(prompt_tokens=10, output_tokens=5, total_tokens=15)


@dataclass(frozen=True, slots=True)
class Reply:
    """What one model call brings: the parts in order, then a finish or a failure."""

    parts: Sequence[Part] = ()
    usage: Usage | None = None
    finish: Finish = Finish()  # noqa: RUF009  # frozen, and its details are never written
    failure: Exception | None = None


Scripted: TypeAlias = Reply | Callable[["GenerateContentRequest"], "Reply"]
"""A reply, or a function that makes it from the request."""


def say(
    text: str,
    *,
    pieces: int | Sequence[str] | None = None,
    thought: str | None = None,
    usage: Usage | None = None,
) -> Reply:
    """A text, streamed word by word, in `pieces` equal pieces, or in just these; after `thought`, if given."""
    thoughts: list[Part] = [{"text": thought, "thought": True}] if thought else []
    return Reply([*thoughts, *({"text": piece} for piece in _pieces(text, pieces))], usage)


def call(name: str, args: Json | None = None, *, id: str | None = None, signature: str | None = None) -> Reply:  # noqa: A002  # Gemini's word
    """One tool call. Without `id` it gets `call-1`, `call-2`, ... in the order in which the model makes them."""
    made: Json = {"name": name, "args": {} if args is None else args}
    if id is not None:
        made["id"] = id
    part: Part = {"functionCall": made}
    if signature is not None:
        part["thoughtSignature"] = signature
    return Reply([part])


def calls(*several: Reply) -> Reply:
    """Several replies of `call` (or `say`) as one: parallel calls."""
    return Reply([part for reply in several for part in reply.parts])


def error(
    failure: Exception | int, status: str = "UNAVAILABLE", message: str = "scripted", *, after: Reply | None = None
) -> Reply:
    """A failure: an exception, or an HTTP status with the API's word; `after` is what streams before it."""
    if isinstance(failure, int):
        failure = GeminiAPIError(failure, status, message, retryable=failure in {0, 408, 429} or failure >= 500)
    return Reply(() if after is None else after.parts, failure=failure)


def finish(
    reason: str, *, after: Reply | None = None, message: str | None = None, details: Json | None = None
) -> Reply:
    """A reply that ends with another finish reason than STOP; `after` is what streams before it."""
    return Reply(() if after is None else after.parts, finish=Finish(reason, message, details=details or {}))


class ScriptedModel(Model):
    """Answers the n-th call with the n-th reply, and keeps what it was asked in `requests`.

    When the replies are used up, a further call fails at once, so that a loop that should have ended is seen.
    """

    family = "scripted"

    def __init__(self, *replies: Scripted, name: str = "scripted") -> None:
        self.name = name
        self.requests: list[GenerateContentRequest] = []
        self._replies: Iterator[Scripted]
        self.rescript(replies, len(replies))
        self._ids = itertools.count(1)

    @classmethod
    def repeating(cls, reply: Scripted, *, name: str = "scripted") -> ScriptedModel:
        """A model that answers every call alike."""
        model = cls(name=name)
        model.rescript(itertools.repeat(reply))
        return model

    def rescript(self, replies: Iterable[Scripted], count: int = 0) -> None:
        """Go on with these replies instead of those that are left; `count` is how many, for the error at their end."""
        self._replies, self._count, self._asked_before = iter(replies), count, len(self.requests)

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """The next reply, part by part."""
        self.requests.append(request)
        reply = self._next(request)
        for part in reply.parts:
            yield self._with_id(part)
        if reply.failure is not None:
            raise reply.failure
        yield _DEFAULT_USAGE if reply.usage is None else reply.usage
        yield reply.finish

    def _next(self, request: GenerateContentRequest) -> Reply:
        for reply in self._replies:
            return reply(request) if callable(reply) else reply
        raise GeminiResponseError(
            "SCRIPT_ENDED",
            f"the scripted model has no reply left: it was given {self._count}, "
            f"this is call {len(self.requests) - self._asked_before}",
        )

    def _with_id(self, part: Part) -> Part:
        made: Any = part.get("functionCall")
        if not isinstance(made, dict) or "id" in made:
            return dict(part)
        return {**part, "functionCall": {**made, "id": f"call-{next(self._ids)}"}}


def _pieces(text: str, pieces: int | Sequence[str] | None) -> Sequence[str]:
    if pieces is None:
        words = text.split(" ")
        return [word if index == 0 else f" {word}" for index, word in enumerate(words)]
    if isinstance(pieces, int):
        size = max(1, -(-len(text) // pieces))
        return [text[at : at + size] for at in range(0, len(text), size)] or [""]
    if "".join(pieces) != text:
        raise ValueError("the pieces are not the text")
    return pieces
