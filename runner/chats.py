"""`ChatManager`: histories, and the requests made from them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote, unquote

from runner.known_logs import KnownLogs
from runner.messages import ChatMessage
from runner.recovery import closing, open_turn
from runner.rendering import history, said
from runner.requests import GenerateContentRequest
from runner.tools.toolbox import Toolbox
from runner.uninterrupted import uninterrupted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from runner.caches import CacheConfig
    from runner.known_logs import KnownLog
    from runner.messages import Content, Json, Part
    from runner.models.base import Model
    from runner.rendering import Rendering
    from runner.retention import Retention
    from runner.storages.base import ChatStorage
    from runner.storages.lease import Lease

ToolMode: TypeAlias = Literal["auto", "any", "none", "validated"]
"""Whether the model may call tools: it chooses; it must, on the first step of a turn; never; calls checked by schema.

Gemini's ANY forces a call in *every* reply, so a turn that keeps it can never end in an answer. `any` therefore holds
for the first model call of a turn only; from then on the model chooses.
"""
Instructions: TypeAlias = str | Callable[[datetime], str] | None
"""The system instructions: a text, or a function of the turn's time."""
Clock: TypeAlias = Callable[[], datetime]


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def new_chat_id() -> str:
    """A fresh chat id: the date and eight random hex digits."""
    return f"{utc_now():%Y%m%d}-{secrets.token_hex(4)}"


def prefix_of(namespace: str) -> str:
    """What the keys of a namespace's chats begin with: the escaped namespace and "/"; nothing where there is none."""
    return f"{quote(namespace, safe='')}/" if namespace else ""


def named(key: str) -> tuple[str, str]:
    """The namespace and the chat id of a storage's key; together they make the same key again."""
    escaped, slash, chat_id = key.partition("/")
    namespace = unquote(escaped, errors="replace")
    return (namespace, chat_id) if slash and prefix_of(namespace) == f"{escaped}/" else ("", key)


class OpenChat:
    """A chat held under its lease for one turn: its log, and the only way to add to it."""

    def __init__(self, storage: ChatStorage, key: str, lease: Lease, known: KnownLog, clock: Clock) -> None:
        self._storage, self._key, self._lease, self._clock = storage, key, lease, clock
        self._known = known
        self.closed: Sequence[ChatMessage] = ()  # what was appended at opening, to close an open turn
        self._writing = asyncio.Lock()

    @property
    def log(self) -> list[ChatMessage]:
        """All entries."""
        return self._known.log

    @property
    def rendering(self) -> Rendering:
        """What Gemini sees of the log."""
        return self._known.rendering

    @property
    def messages(self) -> list[ChatMessage]:
        """The messages Gemini sees, in order."""
        return self._known.rendering.messages

    @property
    def has_files(self) -> bool:
        """Whether any entry tells of files."""
        return self._known.files > 0

    @property
    def next_turn(self) -> int:
        """The number of the turn that the next user message begins."""
        for entry in reversed(self.log):
            if entry.kind == "user" and "turn" in entry.meta:
                return entry.meta["turn"] + 1
        return sum(entry.kind == "user" for entry in self.log) + 1

    @property
    def family(self) -> str | None:
        """The family of the model that answered last, if any did."""
        return next((e.meta.get("family") for e in reversed(self.log) if e.kind == "model"), None)

    @property
    def is_in_turn(self) -> bool:
        """Whether the log holds the beginning of a turn and not its end."""
        return bool(open_turn(self.log))

    @property
    def awaits_results(self) -> bool:
        """Whether the history ends in calls that nothing has answered."""
        return bool(self.messages) and bool(self.messages[-1].calls)

    @property
    def time(self) -> datetime:
        """The chat's clock."""
        return self._clock()

    def now(self) -> str:
        """The chat's clock as stored in entries."""
        return self.time.isoformat(timespec="milliseconds")

    async def append(self, *entries: ChatMessage, is_last: bool = False) -> None:
        """Store entries at the end of the log, all or none; raises ChatChangedError when someone else wrote.

        A cancellation that comes meanwhile takes effect when the write is over, so the log here is the log stored.
        With the last ones the chat is given free.
        """
        if self._storage.never_waits:
            await self._write(entries, is_last=is_last)
        else:
            await uninterrupted(self._write_in_turn(entries, is_last=is_last))

    async def _write_in_turn(self, entries: Sequence[ChatMessage], *, is_last: bool) -> None:
        async with self._writing:
            await self._write(entries, is_last=is_last)

    async def _write(self, entries: Sequence[ChatMessage], *, is_last: bool) -> None:
        await self._lease.check()
        if is_last:
            await self._storage.append_last(self._key, entries, len(self.log), self._lease)
        else:
            await self._storage.append(self._key, entries, len(self.log))
        self._known.extend(entries)

    async def check(self) -> None:
        """Raise ChatChangedError when the chat was taken over; called before every tool start."""
        await self._lease.check()


class ChatManager:
    """Keeps chats in a storage and renders them as requests. `instructions` are rendered once a turn.

    `namespace` separates the chats of several agents in one storage: each key is the escaped namespace, "/", the id.
    Old chats are deleted as `retention` says, looked for when a turn has ended.
    """

    def __init__(
        self,
        storage: ChatStorage | None = None,
        instructions: Instructions = None,
        *,
        namespace: str = "",
        clock: Clock = utc_now,
        retention: Retention | None = None,
    ) -> None:
        if storage is None:
            from runner.storages.memory import LocalChatStorage

            storage = LocalChatStorage()
        self.storage, self.instructions, self.clock = storage, instructions, clock
        self.retention = retention
        self._known = KnownLogs()
        self._prefix = prefix_of(namespace)

    def key(self, chat_id: str) -> str:
        """The storage's key of a chat: different (namespace, id) pairs have different keys."""
        return self._prefix + chat_id

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        """The messages of a chat, in order; also those that are not sent any more, but no summaries of them."""
        return said(await self.storage.read_after(self.key(chat_id), 0))

    async def latest_chat(self) -> str | None:
        """The id of the chat written to last, or None."""
        chats = await self.storage.list_chats(self._prefix, limit=1)
        return chats[0].chat_id.removeprefix(self._prefix) if chats else None

    @asynccontextmanager
    async def open(self, chat_id: str, *, timeout: float = 30.0) -> AsyncIterator[OpenChat]:  # noqa: ASYNC109  # the storage's own bounded wait
        """Hold a chat for a turn; what an earlier turn left open is closed first. Raises ChatBusyError."""
        key = self.key(chat_id)
        n = self._known.length(key)
        lease, newer = await self.storage.open_log(key, n, timeout=timeout)
        async with lease:
            known = self._known.take(key, lease.incarnation)
            is_next = (
                len(known.log) == n
            )  # not where the chat was replaced, or grew here while its lease was waited for
            known.extend(newer.entries if is_next else await self.storage.read_after(key, len(known.log)))
            chat = OpenChat(self.storage, key, lease, known, self.clock)
            if entries := closing(chat.log, chat.now()):
                await chat.append(*entries)
                chat.closed = entries
            yield chat
            self._known.keep(key, known)
        if self.retention is not None:
            self.retention.begin()

    def system_instruction(self) -> Content | None:
        """The instructions rendered now, as Gemini's content."""
        text = self.instructions(self.clock()) if callable(self.instructions) else self.instructions
        return {"parts": [{"text": text}]} if text else None

    async def generate_content_request(
        self,
        *,
        chat_id: str,
        query: str,
        model: str | Model,
        client: object = None,  # part of the signature callers use; requests are made without it
        tools: Iterable[object] = (),
        tool_mode: ToolMode = "auto",
        cache_config: CacheConfig | None = None,  # caches are used inside a turn, by resource name
        files: Sequence[Part] = (),
    ) -> GenerateContentRequest:
        """The request that this query would begin a turn with. The history is read; nothing is changed."""
        past = history(await self.storage.read_after(self.key(chat_id), 0))
        return request_for(
            model if isinstance(model, str) else model.name,
            [*past, ChatMessage.user(query, files=files)],
            system_instruction=self.system_instruction(),
            toolbox=Toolbox(tools),
            tool_mode=tool_mode,
            step=1,
        )


def request_for(
    model: str,
    messages: Sequence[ChatMessage],
    *,
    system_instruction: Content | None,
    toolbox: Toolbox,
    tool_mode: ToolMode,
    step: int,
    generation_config: Json | None = None,
    settings: Json | None = None,
    has_files: bool = False,
) -> GenerateContentRequest:
    """The request of one step of a turn."""
    return GenerateContentRequest(
        model=model,
        messages=messages,
        system_instruction=system_instruction,
        tools=toolbox.declared,
        tool_config=tool_config(tool_mode, step, toolbox),
        generation_config=generation_config,
        settings=settings,
        has_files=has_files,
    )


def tool_config(mode: ToolMode, step: int, toolbox: Toolbox) -> dict[str, Any] | None:
    """Gemini's `toolConfig` for a step; None where its default (AUTO) is meant.

    Beside functions, what built-in tools did comes as parts of the reply, which go back with it.
    """
    if not len(toolbox):
        return None
    config: dict[str, Any] = {}
    if mode != "auto" and not (mode == "any" and step > 1):
        config["functionCallingConfig"] = {"mode": mode.upper()}
    if toolbox.built_in:
        config["includeServerSideToolInvocations"] = True
    return config or None
