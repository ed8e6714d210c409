"""One turn of a case: held with the agent, or pinned, and told as a record."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.attachments.sending import sent
from runner.chats import new_chat_id
from runner.conversations.stubs import StubLog
from runner.conversations.transcript import TurnListener, turn_cost
from runner.conversations.troubles import ScriptError, is_of_service, trouble_of
from runner.conversations.variables import filled_text
from runner.events import Notice, ToolReturned
from runner.files import check, is_remote, shown
from runner.messages import ChatMessage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.agent import Agent
    from runner.conversations.results import TurnRecord
    from runner.conversations.sources import Replies
    from runner.messages import Meta
    from runner.suite import TurnPart


@dataclass(slots=True)
class Chat:
    """The chat of one attempt: its turns so far, what its stubs did, and the variables as they are now."""

    folder: Path  # of the conversations file
    variables: dict[str, Any]
    stubs: StubLog = field(default_factory=StubLog)
    turns: list[TurnRecord] = field(default_factory=list)
    id: str = field(default_factory=new_chat_id)

    def files(self, part: TurnPart) -> list[str | Path]:
        """The files sent with a message."""
        names = [filled_text(name, self.variables) for name in part.files or ()]
        return [name if is_remote(name) else self.folder / name for name in names]


async def pin_turn(chat: Chat, record: TurnRecord, part: TurnPart, agent: Agent) -> None:
    """Put a turn with the file's answer into the chat, as if it had been held."""
    files = chat.files(part)
    record.files = [shown(check(file)) for file in files]
    record.reply, record.status = filled_text(part.assistant or "", chat.variables), "pinned"
    async with agent.chat_manager.open(chat.id) as opened:
        turn, now = opened.next_turn, opened.now()
        first = agent.client.first_files() if turn == 1 else ()
        meta: Meta = {"kind": "user", "turn": turn, "time": now}
        said = [each async for each in sent(record.user, files, meta, agent.model, first)]
        await opened.append(
            *(each for each in said if isinstance(each, ChatMessage)),
            ChatMessage.model(
                record.reply,
                meta={
                    "kind": "model",
                    "turn": turn,
                    "step": 1,
                    "time": now,
                    "status": "answered",
                    "model": agent.model.name,
                    "family": agent.model.family,
                },
            ),
        )


async def hold_turn(
    chat: Chat, record: TurnRecord, part: TurnPart, agent: Agent, replies: Replies, told: Callable[[Notice], None]
) -> None:
    """Run a turn and fill its record. Raises what ended it, where that says nothing of the agent."""
    chat.stubs.variables = chat.variables
    if replies.script is not None:
        if part.replies is None:
            raise ScriptError(f"turn {record.number} has no `replies`, and other turns of the case have")
        replies.script.begin_turn(part.replies, chat.variables)
    files = chat.files(part)
    record.files = [shown(check(file)) for file in files]
    listener = TurnListener(record, chat.stubs.answered)
    record.status = "interrupted"  # until its end is told
    length = len(await _entries(chat, agent))
    async with aclosing(agent.run(record.user, chat_id=chat.id, files=files)) as events:
        async for event in events:
            listener.hear(event)
            if isinstance(event, Notice):
                told(event)
            elif isinstance(event, ToolReturned) and record.calls[-1].stub is None:
                replies.heard_tool(record.calls[-1], chat.stubs.media.pop(listener.key(event), None))
    answers = [entry for entry in (await _entries(chat, agent))[length:] if entry.kind == "model"]
    listener.complete(answers)
    is_free = replies.source in {"scripted", "offline"}
    record.cost = 0.0 if is_free else turn_cost(listener.usages, answers, agent.model.name, replies.clock)
    _raise_trouble(listener, part, replies)


async def _entries(chat: Chat, agent: Agent) -> list[ChatMessage]:
    manager = agent.chat_manager
    return await manager.storage.read_after(manager.key(chat.id), 0)


def _raise_trouble(listener: TurnListener, part: TurnPart, replies: Replies) -> None:
    """A service that failed is trouble, but for a failure that was expected or written into a script."""
    error = listener.ended.error if listener.ended is not None else None
    if error is None or (is_of_service(error) and (replies.script is not None or part.expect.status == "failed")):
        return
    if trouble_of(error).reason != "bug":
        raise error
