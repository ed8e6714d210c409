"""`TurnEntries`: what one turn writes to the log of its chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.answers.sources import grounds_of
from runner.files import meta_of
from runner.media import media_in
from runner.messages import ChatMessage, Meta, responses_to
from runner.recovery import closed
from runner.rendering import counts_of
from runner.requests import Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.chats import OpenChat
    from runner.executors.batch import Batch
    from runner.messages import EntryKind, Part, TurnReason
    from runner.plan import Plan, Reply
    from runner.requests import Finish


class TurnEntries:
    """Makes the entries of a turn of an open chat. `step` is the model call that they are of."""

    def __init__(self, chat: OpenChat, plan: Plan, number: int) -> None:
        self._chat, self._plan, self.number = chat, plan, number
        self.step = 0

    def meta(self, kind: EntryKind) -> Meta:
        """What every entry says of itself."""
        meta: Meta = {"kind": kind, "turn": self.number, "time": self._chat.now()}
        if self.step:
            meta["step"] = self.step
        return meta

    def reply(self, parts: Sequence[Part], finish: Finish, usage: Usage) -> ChatMessage:
        """The model's content, as it came."""
        meta = self.meta("model")
        meta["model"], meta["family"] = self._plan.model_name, self._plan.model.family
        if finish.model_version:
            meta["model_version"] = finish.model_version
        if finish.response_id:
            meta["response_id"] = finish.response_id
        meta |= counts_of(usage)
        if grounds := grounds_of(finish):
            meta["grounds"] = grounds
        return ChatMessage({"role": "model", "parts": list(parts)}, meta)

    def started(self, indices: list[int]) -> ChatMessage:
        """That these calls may have begun."""
        return ChatMessage(None, {**self.meta("started"), "calls": indices})

    def answers(self, batch: Batch, status: TurnReason | None = None) -> ChatMessage:
        """The results of all calls of the step; `status` where the turn ends with them."""
        meta: Meta = {**self.meta("responses"), "results": batch.kinds()}
        if status is not None:
            meta["status"] = status
        content = responses_to(batch.calls, batch.results())
        if media := [meta_of(part) for part in media_in(content)]:
            meta["files"] = media
        return ChatMessage(content, meta)

    def ending(self, status: TurnReason, code: str, message: str, reply: Reply) -> ChatMessage:
        """How the turn ended without an answer; the text of `reply` that was shown is kept for display only."""
        partial = "".join(part.get("text", "") for part in reply.parts if not part.get("thought"))
        ending = closed(status, self._chat.now(), turn=self.number, reason=code, message=message, partial=partial)
        if reply.usage != Usage():  # of a reply that is not stored
            ending.meta["usage"], ending.meta["model"] = reply.usage.to_json(), reply.answering(self._plan.model_name)
        return ending
