"""`StructuredModel`: a model whose answers have the form that was asked for."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from runner.answers.output import MisfitError
from runner.errors import GeminiResponseError
from runner.events import Notice
from runner.messages import ChatMessage
from runner.models.base import Model
from runner.models.catalog import catalog
from runner.models.finish import joined, refusal
from runner.requests import Finish, GenerateContentRequest, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.answers.output import Output
    from runner.errors import GeminiClientError
    from runner.messages import Part
    from runner.requests import ModelItem

REASON = "OUTPUT"
"""The reason of the error for an answer that does not have its form, also after it was asked for again."""
_UNCACHED = ""  # a request's `cached_content` that says: use none
_SHOWN = 300
_AS_JSON = "Now give your answer as JSON in the form that is asked for, and nothing else."
_AGAIN = "This does not have the form that is asked for:\n{problems}\nGive the whole answer again, as JSON alone."


class StructuredModel(Model):
    """Asks `model` for answers in the form of `output`, and passes on only those that have it.

    A reply is held back until it is complete and known to fit; its `Finish` then carries the value. One that does not
    fit is asked for once more, with what is wrong about it: that exchange is sent and never passed on, so the chat
    holds the answer alone. If that does not fit either, GeminiResponseError is raised, its reason OUTPUT. Replies with
    function calls, and those that are no answer at all, pass as they are.

    Where a model takes no tools beside a form, the form is asked for when it has answered: with a further request,
    unless the answer happens to have the form.
    """

    def __init__(self, model: Model, output: Output) -> None:
        self.model, self.output = model, output
        self.name, self.family = model.name, model.family

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """The inner model's reply, in one piece."""
        is_free, is_repaired = bool(request.tools) and not combines(request.model), False
        asked, reply = request if is_free else self._formed(request), _WholeReply()
        while True:
            async with contextlib.aclosing(self._asked(asked, reply)) as told:
                async for item in told:
                    yield item
            misfit = reply.misfit(self.output)
            if misfit is None:
                break
            if is_free:
                is_free, asked = False, self._formed(_without_tools(_answered(asked, reply, _AS_JSON)))
            elif not is_repaired:
                yield Notice("output_repair", f"the answer does not have its form ({misfit}); asking once more")
                is_repaired, asked = True, _answered(asked, reply, _again(misfit))
            else:
                raise _refused(misfit, reply.text)
            reply = _WholeReply(reply.usage)
        for item in reply.items():
            yield item

    def amended(
        self, request: GenerateContentRequest, error: GeminiClientError
    ) -> tuple[GenerateContentRequest, Notice] | None:
        """What the inner model would rather send after `error`."""
        return self.model.amended(request, error)

    async def for_turn(self) -> Model:
        """The same, of the model that the inner one chooses."""
        chosen = await self.model.for_turn()
        return self if chosen is self.model else StructuredModel(chosen, self.output)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.model.aclose()

    async def _asked(self, request: GenerateContentRequest, reply: _WholeReply) -> AsyncGenerator[ModelItem, None]:
        """Collect a reply; what is not a part of it passes through."""
        async with contextlib.aclosing(self.model.generate(request)) as items:
            async for item in items:
                if isinstance(item, dict):
                    reply.parts.append(item)
                elif isinstance(item, Finish):
                    reply.finish = item
                elif isinstance(item, Usage):
                    reply.usage = reply.before + item
                    yield reply.usage
                else:
                    yield item

    def _formed(self, request: GenerateContentRequest) -> GenerateContentRequest:
        """The request for an answer in the form."""
        form = {"responseMimeType": "application/json", "responseJsonSchema": self.output.schema}
        return replace(request, generation_config={**(request.generation_config or {}), **form})


@dataclass(slots=True)
class _WholeReply:
    """One reply. `usage` includes that of the requests `before` it."""

    before: Usage = field(default_factory=Usage)
    parts: list[Part] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    finish: Finish | None = None
    _value: Any = None

    @property
    def text(self) -> str:
        return "".join(part.get("text") or "" for part in self.parts if not part.get("thought"))

    def misfit(self, output: Output) -> MisfitError | None:
        """Why it is an answer that does not fit; None where it fits, or is none."""
        if (
            self.finish is None
            or refusal(self.finish, self.parts)
            or any("functionCall" in each for each in self.parts)
        ):
            return None
        try:
            self._value = output.read(self.text)
        except MisfitError as misfit:
            return misfit
        return None

    def items(self) -> list[ModelItem]:
        """All of it, to be passed on."""
        return [*self.parts, *([] if self.finish is None else [replace(self.finish, value=self._value)])]


def combines(model: str) -> bool:
    """Whether a model takes tools and a form of the answer in one request, as far as is known."""
    known = catalog().find(model)
    return getattr(known, "output_with_tools", True)


def _answered(request: GenerateContentRequest, reply: _WholeReply, words: str) -> GenerateContentRequest:
    """The request that goes on from a reply with the user's `words`."""
    said = ChatMessage({"role": "model", "parts": joined(reply.parts)})
    return replace(request, messages=(*request.messages, said, ChatMessage.user(words)))


def _without_tools(request: GenerateContentRequest) -> GenerateContentRequest:
    """The request with no tools, and so with no cache that holds some."""
    return replace(request, tools=(), tool_config=None, cached_content=_UNCACHED)


def _again(misfit: MisfitError) -> str:
    return _AGAIN.format(problems="\n".join(f"- {problem}" for problem in misfit.problems))


def _refused(misfit: MisfitError, text: str) -> GeminiResponseError:
    said = " ".join(text.split())
    shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."
    words = f"the answer does not have the form that was asked for, also when asked again: {misfit}; it was: {shown}"
    return GeminiResponseError(REASON, words)
