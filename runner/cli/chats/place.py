"""Which chats are meant: the options that every command of `agent-run chats` takes, and what they lead to."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.screen import visible_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from runner.manifest import AgentManifest
    from runner.messages import ChatMessage, Json
    from runner.storages.base import ChatStorage

_NEEDED = ("name", "storage", "extends", "include")
"""Keys of a manifest that must be right for its chats to be found; what else is wrong in it does not matter here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """`--agent`, `--storage` and `--name`, as given."""

    agent: str | None = None
    storage: str | None = None
    name: str | None = None


def with_place(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the parameter `where`."""

    @click.option("--agent", metavar="FILE", help="The agent of this manifest: its storage, its chats.")
    @click.option("--storage", metavar="URL", help="This storage; with --agent, instead of the manifest's.")
    @click.option("--name", metavar="AGENT", help="The chats of the agent of this name; all agents' if left out.")
    @wraps(command)
    def placed(*, agent: str | None, storage: str | None, name: str | None, **given: Any) -> Any:
        if agent is not None and name is not None:
            raise click.UsageError("--agent and --name exclude each other: a manifest has its own name")
        if "" in {agent, storage, name}:
            raise click.UsageError("--agent, --storage and --name need a value that is not empty")
        if name is not None and not name.isprintable():
            raise click.UsageError("--name is not an agent's name: it holds characters that do not print")
        return command(where=Where(agent=agent, storage=storage, name=name), **given)

    return placed


class Kept:
    """A storage, and those of its chats that are meant: of one agent, or of all.

    A chat of one agent is called by its id. Among those of all agents it is called AGENT/ID, as the storage has it.
    """

    def __init__(self, storage: ChatStorage, name: str | None, retention: float | None = None) -> None:
        from runner.chats import prefix_of

        self.storage, self.name, self.retention = storage, name, retention
        self.prefix = prefix_of(name or "")

    def key(self, chat: str) -> str:
        """The storage's key of a chat as the user calls it."""
        return self.prefix + chat

    def called(self, key: str) -> str:
        """What the user calls a chat."""
        return key.removeprefix(self.prefix)

    def shown(self, key: str) -> str:
        """The same, on one line of a terminal."""
        return visible_line(self.called(key))

    async def log(self, key: str) -> list[ChatMessage]:
        """The entries of a chat; click's error where there is no such chat."""
        found = await self.storage.read_after(key, 0)
        if not found:
            raise click.ClickException(f'there is no chat "{self.shown(key)}"; `agent-run chats list` shows which are')
        return found

    async def logs(self, chats: Sequence[str]) -> AsyncIterator[tuple[str, list[ChatMessage]]]:
        """The keys and entries of these chats; or of all where none is named, the one written to last at the end."""
        from runner.storages.base import every_chat

        for key in map(self.key, dict.fromkeys(chats)):
            yield key, await self.log(key)
        if not chats:
            found = [info async for info in every_chat(self.storage, self.prefix)]
            found.sort(key=lambda info: info.updated)
            for info in found:
                if log := await self.storage.read_after(info.chat_id, 0):  # else it was deleted just now
                    yield info.chat_id, log

    @staticmethod
    def form(key: str, **beside: object) -> Json:
        """A chat in JSON, with what there is to say of it."""
        from runner.chats import named

        agent, chat = named(key)
        return {"agent": agent, "chat": chat, **beside}


@asynccontextmanager
async def opened(where: Where) -> AsyncIterator[Kept]:
    """The storage that is meant; closed at the end."""
    from runner import registry
    from runner.choices import storage_spec
    from runner.loading import project_root
    from runner.manifest import AgentManifest
    from runner.modules import ModuleTable
    from runner.plugins import STORAGES
    from runner.settings import Settings

    path = Path(where.agent) if where.agent is not None else Path.cwd() / "agent.yaml"
    root, folder = project_root(path), path.absolute().parent
    manifest = _manifest(path) if where.agent is not None else AgentManifest()
    settings = Settings.of_project(root)
    if where.storage is not None:
        settings = settings.model_copy(update={"storage": where.storage})
    spec = storage_spec(manifest, settings)
    async with AsyncExitStack() as closing:
        modules = ModuleTable((root, folder))
        closing.callback(modules.close)
        storage: ChatStorage = STORAGES.make(spec, registry.Place(root, folder, modules, settings))
        closing.push_async_callback(storage.aclose)
        if where.agent is None and settings.storage is None:
            _refuse_to_begin(storage)
        name = where.name if where.agent is None else manifest.name or path.name.partition(".")[0]
        yield Kept(storage, name, spec.retention)


def _manifest(path: Path) -> AgentManifest:
    from runner.loading import InvalidManifestError, load_manifest

    try:
        return load_manifest(path).manifest
    except InvalidManifestError as error:
        keys = {re.split(r"[.\[]", each.key or "")[0] for each in error.diagnostics if each.severity == "error"}
        if error.manifest is None or keys & {"", *_NEEDED}:
            raise
        return error.manifest


def _refuse_to_begin(storage: ChatStorage) -> None:
    """The default database is not made by looking for it."""
    path: Path | None = getattr(storage, "path", None)
    if path is not None and not path.exists():
        raise click.UsageError(f"there are no chats in {visible_line(str(path))}: name --agent FILE or --storage URL")
