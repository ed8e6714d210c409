"""`agent-run cache`: the context caches of an agent at Gemini, made, looked at and deleted by hand."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from runner.cli.chats.running import tell, with_json
from runner.cli.door import Door, Loudness
from runner.cli.exits import Exit
from runner.cli.fitting import fitted
from runner.cli.jsonl import error_json, json_line
from runner.cli.lines import describe
from runner.cli.main import Entry, LazyGroup
from runner.cli.output import Output
from runner.cli.screen import visible_line
from runner.cli.variables import with_variables

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.agent import Agent
    from runner.agent_cache import AgentCache
    from runner.caches import Cache
    from runner.caching.own import Owned
    from runner.caching.wanted import Wanted
    from runner.loading import LoadedManifest
    from runner.messages import Json

    Work: TypeAlias = Callable[["Caches", Door], Awaitable[Exit]]

_HOUR = 3600.0

COMMANDS: dict[str, Entry] = {
    name: Entry(f"runner.cli.cache:{name}{'_' if name == 'list' else ''}", summary)
    for name, summary in {
        "list": "List the caches that the agent has made.",
        "show": "Show what the agent would cache, and its cache.",
        "create": "Make the cache that the next turn would make.",
        "refresh": "Let the cache live on from now.",
        "delete": "Delete the cache of the agent as it is now.",
        "prune": "Delete all other caches that the agent has made.",
    }.items()
}

cache = LazyGroup(
    table=COMMANDS,
    name="cache",
    help="Look at the context caches that an agent keeps at Gemini, make and delete them.\n\nFILE is the agent's "
    "manifest. Without a key for Gemini nothing is done.",
)


class Caches:
    """An agent, what it would cache now, and its caches."""

    def __init__(self, agent: Agent, own: AgentCache, wanted: Wanted) -> None:
        self.agent, self.keeper, self.wanted = agent, own.keeper, wanted

    async def owned(self) -> list[Owned]:
        """All caches of this agent; none where its model has none."""
        return await self.keeper.owned() if self.keeper.has_caches else []

    def is_current(self, owned: Owned) -> bool:
        """Whether the next turn would use it."""
        return owned.key == self.wanted.key

    async def current(self) -> Cache | None:
        """The cache that the next turn would use."""
        return next((each.cache for each in await self.owned() if self.is_current(each)), None)


def _command(name: str, *options: Callable[..., Any]) -> Callable[[Callable[..., Work]], click.Command]:
    """A subcommand on FILE: the function is given the options, and returns what to do."""

    def decorated(work_of: Callable[..., Work]) -> click.Command:
        @wraps(work_of)
        def run(file: str, variables: dict[str, str], model: str | None, as_json: bool, **given: Any) -> Exit:
            return _run(file, variables, model, work_of(as_json=as_json, **given), as_json=as_json)

        model = click.option("--model", metavar="NAME", help="Use this model instead of the manifest's.")
        command: Any = run
        for decorator in (with_json, with_variables, model, *options, click.argument("file")):
            command = decorator(command)
        return click.command(name)(command)

    return decorated


@_command("list", click.option("--all", "every", is_flag=True, help="All caches of the API key's project."))
def list_(*, every: bool, as_json: bool) -> Work:
    """List the caches that the agent of FILE has made, the newest first."""
    return partial(_list, every=every, as_json=as_json)


@_command("show")
def show(*, as_json: bool) -> Work:
    """Show what the agent of FILE would cache now, and the cache, if there is one."""
    return partial(_show, as_json=as_json)


@_command("create")
def create(*, as_json: bool) -> Work:
    """Make the cache that the next turn of FILE's agent would make, unless there is one."""
    return partial(_create, as_json=as_json)


@_command("refresh", click.option("--ttl", metavar="TIME", help="How long it lives from now; as the manifest says."))
def refresh(*, ttl: str | None, as_json: bool) -> Work:
    """Let the cache of FILE's agent live on from now."""
    return partial(_refresh, ttl=_seconds(ttl), as_json=as_json)


@_command("delete")
def delete(*, as_json: bool) -> Work:
    """Delete the cache that the next turn of FILE's agent would use. That turn makes another."""
    return partial(_delete, as_json=as_json, current=True)


@_command("prune")
def prune(*, as_json: bool) -> Work:
    """Delete the caches that FILE's agent has made and would not use now; those of others are left alone."""
    return partial(_delete, as_json=as_json, current=False)


async def _list(caches: Caches, door: Door, *, every: bool, as_json: bool) -> Exit:
    owned = {each.cache.name: each for each in await caches.owned()}
    every = every and caches.keeper.has_caches
    listed = await caches.keeper.caches.list_caches() if every else [each.cache for each in owned.values()]
    for each in listed:
        mine = owned.get(each.name)
        is_current = mine is not None and caches.is_current(mine)
        form = {**_form(each), "own": mine is not None, "current": is_current}
        note = ", in use" if is_current else "" if mine is not None else ", not of this agent"
        await _tell(door, form if as_json else None, f"{_line(each)}{note}")
    if not listed and not as_json:
        await door.aside("no caches")
    return Exit.DONE


async def _show(caches: Caches, door: Door, *, as_json: bool) -> Exit:
    wanted, found = caches.wanted, await caches.current()
    reason, tokens = caches.keeper.never(wanted), wanted.tokens
    form: Json = {"key": wanted.key, "model": wanted.model, "estimated_tokens": tokens, "reason": reason}
    form |= {"cache": None if found is None else _form(found)}
    if as_json:
        await _tell(door, form, "")
        return Exit.DONE
    size = "" if tokens is None else f", about {tokens:,} tokens at most"
    await _tell(door, None, visible_line(f"would be cached: for {wanted.model}{size}, key {wanted.key}"))
    none = "none yet" if reason is None else f"none: {visible_line(reason)}"
    await _tell(door, None, none if found is None else _line(found))
    return Exit.DONE


async def _create(caches: Caches, door: Door, *, as_json: bool) -> Exit:
    made, is_new = await caches.keeper.ensured(caches.wanted)
    form = {**_form(made), "made": is_new}
    await _tell(door, form if as_json else None, f"{'made' if is_new else 'there is'} {_line(made)}")
    return Exit.DONE


async def _refresh(caches: Caches, door: Door, *, ttl: float | None, as_json: bool) -> Exit:
    found, settings = await caches.current(), caches.keeper.settings
    if found is None:
        raise click.UsageError("there is no cache to refresh: agent-run cache create FILE makes one")
    life = ttl or settings.auto_refresh_ttl or settings.ttl or _HOUR
    refreshed = await caches.keeper.refreshed(caches.wanted, found, life)
    await _tell(door, _form(refreshed) if as_json else None, f"refreshed {_line(refreshed)}")
    return Exit.DONE


async def _delete(caches: Caches, door: Door, *, as_json: bool, current: bool) -> Exit:
    chosen = [each.cache for each in await caches.owned() if caches.is_current(each) is current]
    for each in chosen:
        await caches.keeper.delete(each)
        await _tell(door, _form(each) if as_json else None, f"deleted {each.name}")
    if not chosen and not as_json:
        await door.aside("there was nothing to delete")
    return Exit.DONE


def _run(file: str, variables: dict[str, str], model: str | None, work: Work, *, as_json: bool) -> Exit:
    from runner.cli.loop import run_to_end
    from runner.cli.reports import reports_on_stderr
    from runner.loading import load_manifest

    with reports_on_stderr(Loudness()):
        try:
            return run_to_end(_obeyed(load_manifest(file, variables=variables), model, work))
        except Exception as error:
            if as_json and not isinstance(error, click.ClickException):
                Output(sys.stdout).write_now(json_line(error_json(error, describe(error))))
            raise


async def _obeyed(loaded: LoadedManifest, model: str | None, work: Work) -> Exit:
    from runner.agent import Agent
    from runner.agent_cache import AgentCache
    from runner.cli.signals import Signals

    with Signals() as signals:
        door = Door(out=Output(sys.stdout), err=Output(sys.stderr), signals=signals, loudness=Loudness())

        async def run() -> Exit:
            async with Agent(loaded, model=model) as agent:
                own = agent.cache or AgentCache.of(loaded, agent.model_spec, agent.model, agent.storage)
                return await work(Caches(agent, own, await own.wanted(agent)), door)

        return door.exit(await signals.obeyed(run()))


async def _tell(door: Door, form: Json | None, line: str) -> None:
    """Print a result; a line is broken between words where the terminal is too narrow for it."""
    await tell(door, form, fitted(line, door.out))


def _seconds(text: str | None) -> float | None:
    from runner.durations import seconds

    try:
        found = None if text is None else seconds(text)
    except ValueError as error:
        raise click.UsageError(f"--ttl: {error}") from error
    if found == 0:
        raise click.UsageError("--ttl: a cache cannot live for 0 seconds")
    return found


def _form(found: Cache) -> Json:
    return {
        "name": found.name,
        "display_name": found.display_name,
        "model": found.model,
        "tokens": found.tokens,
        "created": _moment(found.create_time),
        "expires": _moment(found.expire_time),
    }


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.astimezone(UTC).isoformat(timespec="seconds")


def _line(found: Cache) -> str:
    from runner.caching.own import label_of

    size = "" if found.tokens is None else f", {found.tokens:,} tokens"
    until = "" if found.expire_time is None else f", until {found.expire_time.astimezone():%Y-%m-%d %H:%M}"
    return visible_line(f'{found.name} "{label_of(found)}": {found.model}{size}{until}')
