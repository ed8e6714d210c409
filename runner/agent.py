"""`Agent`: the engine graph a manifest builds."""

from __future__ import annotations

from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

from runner.chats import ChatManager
from runner.client import GeminiClient, TurnEvents
from runner.digests import digest_of
from runner.errors import ManifestError, MissingKeyError
from runner.events import Notice
from runner.loading import LoadedManifest, load_manifest
from runner.loading.placing import placed
from runner.loading.templates.rendering import turn_instructions
from runner.manifest import Spec
from runner.modules import ModuleTable
from runner.plugins import EXECUTORS, MODELS, STORAGES
from runner.registry import Place
from runner.settings import Settings
from runner.shared import Parts
from runner.tools.toolbox import Toolbox
from runner.toolsource import tools_of
from runner.turn import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.executors.base import ToolExecutor
    from runner.manifest import AgentManifest
    from runner.messages import ChatMessage, Part
    from runner.models.base import Model
    from runner.storages.base import ChatStorage
    from runner.tools.base import Tool

NO_KEY = (
    "no API key for Gemini was found: set GEMINI_API_KEY (https://aistudio.google.com/apikey), "
    "or choose the embedded rules with --model offline"
)
OFFLINE = Notice(
    "offline_model",
    "no API key: answering with the embedded offline model (simple rules, not a language model); "
    "set GEMINI_API_KEY for Gemini",
)


class Agent:
    """A manifest's model, tools, executor and storage, ready to run turns. Use it as `async with`.

    `offline_without_key` lets the embedded offline model answer where no credentials for Gemini are found; otherwise
    that raises MissingKeyError. `model` and the environment's AGENT_RUN_MODEL win over the manifest's. What would only
    be made the same again is shared with `previous`: storage, model and, while no file of theirs changed, modules.
    """

    def __init__(
        self,
        loaded: LoadedManifest,
        *,
        model: str | None = None,
        settings: Settings | None = None,
        offline_without_key: bool = False,
        previous: Agent | None = None,
    ) -> None:
        self.manifest: AgentManifest = loaded.manifest
        self.name, self.path, self.root = loaded.name, loaded.path, loaded.root
        self.notices: list[Notice] = []
        self.warnings = loaded.warnings
        self.parts = Parts()
        self._closing = AsyncExitStack()
        self._closing.push_async_callback(self.parts.let_go)
        settings = settings or Settings.of_project(self.root)
        with _located(loaded), self.parts.let_go_on_error():
            self.modules = self._module_table(previous)
            place = Place(self.root, self.path.parent, self.modules, settings)
            self.model_spec = self._model_spec(
                model or settings.model, settings, offline_without_key=offline_without_key
            )
            self.model = self._model(place, previous)
            self.tool_lines = [
                (line, _tools_of(index, line, place, loaded)) for index, line in enumerate(self.manifest.tools)
            ]
            with _located(loaded, "tools"):
                self.toolbox = Toolbox(tool for _, tools in self.tool_lines for tool in tools)
            if self.manifest.tool_mode == "any" and not len(self.toolbox):
                raise ManifestError("`any` forces a tool call, but there are no tools", key="tool_mode")
            self.executor: ToolExecutor[Any] = EXECUTORS.make(self.manifest.executor, place)
            self._closing.callback(self.executor.shutdown)
            self.storage_spec = self._storage_spec(settings)
            self.storage = self._storage(place, previous)
            instructions = turn_instructions(loaded, self.toolbox, self.model.name)
        self.chat_manager = ChatManager(self.storage, instructions, namespace=self.name)
        generation = self.manifest.generation
        self.client = GeminiClient(
            chat_manager=self.chat_manager,
            model=self.model,
            tool_mode=self.manifest.tool_mode,
            num_gemini_call_retries=self.manifest.retries,
            limits=Limits(**self.manifest.limits.given()),
            generation_config=generation.config(),
            settings=generation.settings(),
        )
        self._closing.push_async_callback(self.client.aclose)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        *,
        model: str | None = None,
        settings: Settings | None = None,
        offline_without_key: bool = False,
        variables: Mapping[str, Any] | None = None,
    ) -> Agent:
        """The agent of a manifest's file, with values for its variables. Raises ManifestError and MissingKeyError."""
        loaded = load_manifest(path, variables=variables)
        return cls(loaded, model=model, settings=settings, offline_without_key=offline_without_key)

    @property
    def description(self) -> str | None:
        """The manifest's sentence on what the agent is for."""
        return self.manifest.description

    @property
    def welcome(self) -> str | None:
        """What to show when a chat begins."""
        return self.manifest.welcome

    @property
    def examples(self) -> list[str]:
        """Messages to try, to be shown when a chat begins."""
        return self.manifest.examples

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the model, the executor, the storage and forget the tool modules, but for what other agents share."""
        await self._closing.aclose()

    def run(
        self, query: str, *, chat_id: str, files: Sequence[str | Path | Part] = (), context: object = None
    ) -> TurnEvents:
        """One turn of a chat, as events; iterate it to run it."""
        return self.client.events(
            query=query,
            chat_id=chat_id,
            files=files,
            context=context,
            tools=self.toolbox,
            tool_executor=self.executor,
        )

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        """The messages of a chat, as Gemini sees them."""
        return await self.chat_manager.get_history(chat_id)

    async def latest_chat(self) -> str | None:
        """The id of this agent's chat written to last, or None."""
        return await self.chat_manager.latest_chat()

    def _module_table(self, previous: Agent | None) -> ModuleTable:
        roots = (self.root, self.path.parent)
        before = previous.parts if previous is not None and previous.modules.is_current else None
        return self.parts.take("modules", lambda: ModuleTable(roots), ModuleTable.close, key=roots, previous=before)

    def _model(self, place: Place, previous: Agent | None) -> Model:
        """The model that `model_spec` names; one of a project's own class is made anew, its code may have changed."""
        spec = self.model_spec

        def make() -> Model:
            model: Model = MODELS.make(spec, place)
            return model

        key = None if ":" in spec.type else (spec, place.settings)
        before = previous.parts if previous is not None else None
        return self.parts.take("model", make, lambda model: model.aclose(), key=key, previous=before)

    def _storage(self, place: Place, previous: Agent | None) -> ChatStorage:
        """The storage `storage_spec` names; one of a project's own class is made anew when its file has changed."""
        spec, modules = self.storage_spec, self.parts["modules"]
        module, colon, _ = spec.type.partition(":")
        file = place.modules.find(module) if colon and place.modules.owns(module) else None

        def make() -> ChatStorage:
            storage: ChatStorage = STORAGES.make(spec, place)
            return storage

        def make_with_modules() -> ChatStorage:  # which it keeps for as long as it lives
            storage = make()
            modules.taken()
            return storage

        async def close_with_modules(storage: ChatStorage) -> None:
            await storage.aclose()
            await modules.let_go()

        before = previous.parts if previous is not None else None
        if file is None:
            key: object = (spec, self.root)
            return self.parts.take("storage", make, lambda storage: storage.aclose(), key=key, previous=before)
        key = (spec, self.root, digest_of(file))
        return self.parts.take("storage", make_with_modules, close_with_modules, key=key, previous=before)

    def _model_spec(self, override: str | None, settings: Settings, *, offline_without_key: bool) -> Spec:
        from runner.models.gemini.credentials import find_credentials

        spec = self.manifest.model
        if override is not None:
            spec = type(self.manifest).model_validate({"model": override}).model
        if spec.type != "gemini" or settings.api_key or find_credentials():
            return spec
        if settings.is_ci or not offline_without_key:
            raise MissingKeyError(NO_KEY)
        self.notices.append(OFFLINE)
        return Spec(type="offline")

    def _storage_spec(self, settings: Settings) -> Spec:
        if settings.storage is None:
            return self.manifest.storage
        return type(self.manifest).model_validate({"storage": settings.storage}).storage


@contextmanager
def _located(loaded: LoadedManifest, key: str | None = None) -> Iterator[None]:
    """Name the manifest's file, and the place of the key, in errors that do not name them yet."""
    try:
        yield
    except ManifestError as error:
        if error.path is not None:
            raise
        raise placed(error, loaded, key) from error.__cause__


def _tools_of(index: int, line: str, place: Place, loaded: LoadedManifest) -> list[Tool]:
    with _located(loaded, f"tools[{index}]"):
        return tools_of(line, place)
