"""`Summary`: what was said in the older part of a chat, told by the agent's own model."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.answers.structured import StructuredModel
from runner.chats import request_for
from runner.errors import GeminiResponseError
from runner.messages import ChatMessage
from runner.plan import Reply
from runner.requests import CacheUse, Finish, Usage
from runner.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from runner.events import Event
    from runner.messages import Content
    from runner.models.base import Model
    from runner.plan import Plan
    from runner.requests import GenerateContentRequest
    from runner.waiting import BoundedWait

_UNCACHED = ""  # a request's `cached_content` that says: use none
_INSTRUCTIONS = "You keep the notes of a conversation between a user and an assistant who can call tools."
_ASKED = (
    "The conversation goes on, but what was said so far will not be seen again. Summarise it for the assistant: what "
    "the user wants and prefers, what was decided, what is still open, and the facts, names, numbers, dates and ids, "
    "from either side or from tools, that may be needed. If it begins with a summary, keep what still matters of that. "
    "Use the language of the conversation and at most 500 words. Write the summary alone."
)
_INTRODUCED = "A summary of the earlier conversation, which is not shown any more:\n\n"


class Summary:
    """Asks a plan's model to summarise messages, without tools; `events()` may be iterated once."""

    def __init__(self, plan: Plan, messages: Sequence[ChatMessage], *, has_files: bool) -> None:
        self._plan, self._messages, self._has_files = plan, messages, has_files
        self.reply = Reply()

    @property
    def answering(self) -> str:
        """The model that answered."""
        return self.reply.answering(self._plan.model_name)

    async def events(self, wait: BoundedWait) -> AsyncGenerator[Event, None]:
        """What is told meanwhile. Raises GeminiClientError, and TurnOver where the turn ends."""
        reply = self.reply
        async with aclosing(_plain(self._plan.model).generate(self._request())) as stream:
            while (item := await wait.next(stream)) is not None:
                if isinstance(item, dict):
                    reply.parts.append(item)
                elif isinstance(item, Usage):
                    reply.usage = item
                elif isinstance(item, Finish):
                    reply.finish = item
                elif not isinstance(item, CacheUse):
                    yield item

    def content(self) -> Content:
        """The summary as what a chat begins with. Raises GeminiClientError where the reply is none."""
        parts, _ = self.reply.whole(self._plan.model_name)
        text = ChatMessage({"role": "model", "parts": parts}).text.strip()
        if not text:
            raise GeminiResponseError("EMPTY", "the summary has no text")
        return {"role": "user", "parts": [{"text": _INTRODUCED + text}]}

    def _request(self) -> GenerateContentRequest:
        request = request_for(
            self._plan.model_name,
            (*self._messages, ChatMessage.user(_ASKED)),
            system_instruction={"parts": [{"text": _INSTRUCTIONS}]},
            toolbox=Toolbox(()),
            tool_mode="none",
            step=1,
            settings=self._plan.settings,
            has_files=self._has_files,
        )
        return replace(request, cached_content=_UNCACHED)


def _plain(model: Model) -> Model:
    """The model without the form that its answers have."""
    return model.model if isinstance(model, StructuredModel) else model
