"""Making an agent anew, wholly or not at all."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from runner.agent import Agent
from runner.digests import digests_of
from runner.errors import ChatStorageError, ManifestError
from runner.loading import InvalidManifestError, LoadedManifest, load_manifest, project_root
from runner.loading.placing import placed
from runner.modules import ModuleTable
from runner.reload.checker import Question
from runner.reload.foresight import classes_of, foresee, named_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from runner.digests import Digests
    from runner.manifest import AgentManifest
    from runner.reload.checker import Checker
    from runner.reload.touches import Touches
    from runner.settings import Settings

STORAGE_SECONDS = 10.0
"""How long a storage that is new to an agent may take to show that it can be read."""
_READINGS = 5  # of a manifest whose files change while they are read
_ANOTHER = "another"  # like no digest


class AgentOptions(TypedDict, total=False):
    """What `Agent` takes beside its manifest, the same for every generation."""

    model: str | None
    settings: Settings | None
    offline_without_key: bool


class SupersededError(Exception):
    """A file changed while an agent was made from it: what was made is not to be used."""


class Maker:
    """Makes the agents of one manifest. `looked_at` is what the last attempt was made from, as far as it came."""

    def __init__(self, path: str | Path, variables: Mapping[str, Any] | None, options: AgentOptions) -> None:
        self.path = Path(path).absolute()
        self.looked_at: Digests = {}
        self._options, self._variables = options, variables

    def first(self) -> Agent:
        """The first agent, made as `Agent.from_file` makes it: nothing waits for checks. Raises its errors."""
        loaded = self._load()
        self.looked_at = digests_of(_files_of(loaded))
        return Agent(loaded, **self._options)

    def files_of_first(self, agent: Agent) -> Digests:
        """What the first agent was made from; a digest that no file has where that cannot be told any more."""
        files = self._all_files(agent, self.looked_at)
        try:
            is_same = self._read({})[0].manifest == agent.manifest
        except (ManifestError, SupersededError):
            is_same = False
        if not is_same and digests_of(files) == files:  # changed between being read and being looked at
            files[self.path] = _ANOTHER
        return files

    async def make(
        self,
        previous: Agent,
        known: Digests,
        checker: Checker,
        touches: Touches,
        watch: Callable[[Iterable[Path]], None],
    ) -> tuple[Agent, Digests]:
        """An agent from what the files say now, and what they say. `known` is what they said a moment ago.

        Raises SupersededError when they change meanwhile, else what keeps the agent from being made.
        """
        self.looked_at = {}
        loaded, files = self._read(known)
        self.looked_at = self._with_environment(files, loaded.root)
        if _has_new_code(previous, loaded):
            self.looked_at |= foreseen(loaded.manifest, loaded.root, self.path.parent)
            watch(known.keys() | self.looked_at.keys())
            await self._check(loaded, checker, touches)
        agent = Agent(loaded, previous=previous, **self._options)
        try:
            await agent.__aenter__()
            files = self._all_files(agent, files)
            await _open(agent, previous)
            _refuse_if_changed(files)
        except BaseException:
            await agent.aclose()
            raise
        return agent, files

    def _read(self, known: Digests) -> tuple[LoadedManifest, Digests]:
        """The manifest, and the contents that it was read from."""
        for _ in range(_READINGS):
            try:
                loaded = self._load()
            except InvalidManifestError as error:
                self.looked_at = digests_of(error.files)
                if error.manifest is not None:
                    self.looked_at |= foreseen(error.manifest, project_root(self.path), self.path.parent)
                raise
            files = digests_of(_files_of(loaded))
            if files.items() <= known.items():
                return loaded, files
            known = files
        raise SupersededError

    def _all_files(self, agent: Agent, files: Digests) -> Digests:
        foresee(agent.modules, agent.manifest, self.path.parent)
        named = digests_of(named_files(agent.manifest, self.path.parent))
        return {**self._with_environment(files, agent.root), **named, **agent.modules.seen}

    def _with_environment(self, files: Digests, root: Path) -> Digests:
        if self._options.get("settings") is not None:
            return files
        return {**files, **digests_of([root / ".env"])}

    async def _check(self, loaded: LoadedManifest, checker: Checker, touches: Touches) -> None:
        """Let the agent be made elsewhere first; given up as soon as a file says something else."""
        question = Question(self.shown, self._variables or {}, self._options.get("model"))
        check = asyncio.create_task(checker.check(question))
        try:
            while not check.done():
                touch = asyncio.create_task(touches.wait())
                await asyncio.wait({check, touch}, return_when=asyncio.FIRST_COMPLETED)
                touch.cancel()
                if not check.done():
                    _refuse_if_changed(self.looked_at)
                    touches.forget()
        finally:
            check.cancel()
            await asyncio.wait({check})
        refusal = check.result()
        if refusal is not None and refusal.is_whole:
            raise ManifestError(refusal.text)
        if refusal is not None:
            raise placed(ManifestError(refusal.text, key="tools", where=refusal.where), loaded)

    def _load(self) -> LoadedManifest:
        return load_manifest(self.shown, variables=self._variables)

    @property
    def shown(self) -> str:
        """The path as a person in this folder would write it."""
        with suppress(OSError, ValueError):
            return str(self.path.relative_to(Path.cwd()))
        return str(self.path)


def _refuse_if_changed(files: Digests) -> None:
    if digests_of(files) != files:
        raise SupersededError


def _has_new_code(previous: Agent, loaded: LoadedManifest) -> bool:
    """Whether the agent will run a module that the previous one did not, or not with this content."""
    if not loaded.manifest.tools and not list(classes_of(loaded.manifest)):
        return False
    return not previous.modules.is_current or _code_of(loaded) != _code_of(previous)


def _code_of(source: LoadedManifest | Agent) -> tuple[Any, ...]:
    manifest = source.manifest
    return source.root, source.path.parent, manifest.tools, list(classes_of(manifest))


def foreseen(manifest: AgentManifest, root: Path, folder: Path) -> Digests:
    """The files that a manifest's modules lead to, and their contents."""
    table = ModuleTable([root, folder])
    try:
        foresee(table, manifest, folder)
        return {**digests_of(named_files(manifest, folder)), **table.seen}
    finally:
        table.close()


def _files_of(loaded: LoadedManifest) -> set[Path]:
    return {loaded.path, *loaded.files}


async def _open(agent: Agent, previous: Agent) -> None:
    """Read something from a storage that the previous agent did not have: it opens when it is first used."""
    if agent.storage is previous.storage:
        return
    try:
        async with asyncio.timeout(STORAGE_SECONDS):
            await agent.get_history("reload")
    except TimeoutError:
        text = f'"{agent.storage_spec.type}" does not answer within {STORAGE_SECONDS:g} s'
        raise ManifestError(text, key="storage") from None
    except ChatStorageError as error:
        raise ManifestError(str(error), key="storage") from error
