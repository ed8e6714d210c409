"""`Agent`: the engine graph a manifest builds."""

from __future__ import annotations

from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, Unpack

from runner.asked import AskedModel
from runner.chats import ChatManager, prefix_of, utc_now
from runner.choices import OFFLINE, missing_key, model_spec, storage_spec
from runner.client import GeminiClient
from runner.digests import digest_of
from runner.errors import ManifestError, MissingKeyError
from runner.history import HistoryPolicy
from runner.loading import LoadedManifest, load_manifest
from runner.loading.placing import placed
from runner.loading.templates.rendering import turn_instructions
from runner.manifest import ModelSpec
from runner.modules import ModuleTable
from runner.plan import Limits
from runner.plugins import EXECUTORS, MODELS, STORAGES
from runner.registry import Place
from runner.settings import Settings
from runner.shared import Parts
from runner.tools.built_in import BuiltInTool
from runner.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from runner.agent_cache import AgentCache
    from runner.answers.output import Output
    from runner.client import RunOptions
    from runner.events import Notice
    from runner.executors.base import ToolExecutor
    from runner.manifest import AgentManifest, Spec
    from runner.manifest.output import OutputPart
    from runner.manifest.tools import ToolLine
    from runner.messages import ChatMessage
    from runner.models.base import Model
    from runner.storages.base import ChatStorage
    from runner.tools.base import Tool
    from runner.turn_events import TurnEvents


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitutes:
    """What stands in for parts of an agent, as in a test; what is None is as the manifest says.

    `model` is given what the manifest's would be made from, the tools, and a function that makes it (raising
    MissingKeyError without a key). `tool_lines` are the tools of each line of the manifest's `tools`; no module is
    loaded for them. `clock` says what time it is, in the zone in which the instructions tell it.
    """

    model: Callable[[Spec, Toolbox, Callable[[], Model]], Model] | None = None
    tool_lines: list[tuple[str, list[Tool]]] | None = None
    storage: ChatStorage | None = None
    clock: Callable[[], datetime] | None = None


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
        model: str | Spec | None = None,
        settings: Settings | None = None,
        offline_without_key: bool = False,
        previous: Agent | None = None,
        substitutes: Substitutes | None = None,
    ) -> None:
        self.manifest: AgentManifest = loaded.manifest
        self.name, self.path, self.root = loaded.name, loaded.path, loaded.root
        self.notices: list[Notice] = []
        self.warnings = tuple(each for each in loaded.warnings if each.code != "W235")  # no cache: a turn tells it
        self.parts = Parts()
        self._closing = AsyncExitStack()
        self._closing.push_async_callback(self.parts.let_go)
        settings = settings or Settings.of_project(self.root)
        self._substitutes = substitutes or Substitutes()
        with _located(loaded), self.parts.let_go_on_error():
            self.modules = self._module_table(previous)
            place = self._place = Place(self.root, self.path.parent, self.modules, settings)
            self.model_spec = self._model_spec(model, settings, offline_without_key)
            self.tool_lines = self._substitutes.tool_lines or self._named_tools(loaded)
            self.toolbox = self._toolbox(loaded)
            with _located(loaded, "output"):
                self.output = None if self.manifest.output is None else _output_of(self.manifest.output, place)
            self.model = self._model(loaded, previous)
            self.executor: ToolExecutor[Any] = EXECUTORS.make(self.manifest.executor, place)
            self._closing.callback(self.executor.shutdown)
            self.storage_spec = storage_spec(self.manifest, settings)
            self.storage = self._storage(place, previous)
            clock = self._substitutes.clock
            zone = None if clock is None else clock().tzinfo
            instructions = turn_instructions(loaded, self.toolbox, self.model.name, zone)
        self.chat_manager = ChatManager(self.storage, instructions, namespace=self.name, clock=clock or utc_now)
        self._retain()
        self.cache = self._cache(loaded)
        self.client = self._client(loaded, previous)
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

    def run(self, query: str, *, chat_id: str, **options: Unpack[RunOptions]) -> TurnEvents:
        """One turn of a chat, as events; iterate it to run it."""
        return self.client.events(
            query=query, chat_id=chat_id, tools=self.toolbox, tool_executor=self.executor, **options
        )

    async def get_history(self, chat_id: str) -> list[ChatMessage]:
        """The messages of a chat, in order; also those that are not sent any more."""
        return await self.chat_manager.get_history(chat_id)

    async def latest_chat(self) -> str | None:
        """The id of this agent's chat written to last, or None."""
        return await self.chat_manager.latest_chat()

    def _named_tools(self, loaded: LoadedManifest) -> list[tuple[str, list[Tool]]]:
        """The tools of each line of the manifest's `tools`; a built-in one is run by Gemini and has none here."""
        lines = enumerate(self.manifest.tools)
        return [
            (line.name, [] if line.is_built_in else _tools_of(index, line, self._place, loaded))
            for index, line in lines
        ]

    def _toolbox(self, loaded: LoadedManifest) -> Toolbox:
        """All tools that the model is told of."""
        with _located(loaded, "tools"):
            built_in = [BuiltInTool(line.name, line.options) for line in self.manifest.tools if line.is_built_in]
            toolbox = Toolbox([*(tool for _, tools in self.tool_lines for tool in tools), *built_in])
        if self.manifest.tool_mode == "any" and not len(toolbox):
            raise ManifestError("`any` forces a tool call, but there are no tools", key="tool_mode")
        return toolbox

    def _client(self, loaded: LoadedManifest, previous: Agent | None) -> GeminiClient:
        """What runs the turns."""
        manifest = self.manifest
        with _located(loaded, "model"), self.parts.let_go_on_error():
            asked = self._asked(loaded, previous)
        return GeminiClient(
            chat_manager=self.chat_manager,
            model=asked,
            tool_mode=manifest.tool_mode,
            num_gemini_call_retries=manifest.retries,
            limits=Limits(**manifest.limits.given()),
            generation_config=manifest.generation.config(),
            settings=manifest.generation.settings(),
            output=self.output,
            first_files=self._first_files if manifest.files else (),
            history=HistoryPolicy(**manifest.history.given()),
        )

    def _first_files(self) -> list[str | Path]:
        from runner.named_files import files_named

        return files_named(self.manifest.files or (), self.path.parent, self.root)

    def _module_table(self, previous: Agent | None) -> ModuleTable:
        roots = (self.root, self.path.parent)
        before = previous.parts if previous is not None and previous.modules.is_current else None
        return self.parts.take("modules", lambda: ModuleTable(roots), ModuleTable.close, key=roots, previous=before)

    def made_tools(self, line: str) -> list[Tool]:
        """The tools that a line of the manifest's `tools` names, of this agent's own modules. Raises ManifestError."""
        from runner.toolsource import tools_of

        return tools_of(line, self._place)

    def made_model(self, spec: Spec) -> Model:
        """A new model as the manifest could name it; who asked closes it. Raises MissingKeyError."""
        if (missing := missing_key(spec, self._place.settings)) is not None:
            raise MissingKeyError(missing)
        model: Model = MODELS.make(spec, self._place)
        return model

    def _model_spec(self, override: str | Spec | None, settings: Settings, offline_without_key: bool) -> ModelSpec:
        spec = model_spec(self.manifest, override, settings)
        if self._substitutes.model is not None or not offline_without_key or settings.is_ci:
            return spec
        if missing_key(spec, settings) is None:
            return spec
        self.notices.append(OFFLINE)
        return ModelSpec(type="offline")

    def _model(self, loaded: LoadedManifest, previous: Agent | None) -> Model:
        """The model that `model_spec` names; one of a project's own class is made anew, its code may have changed."""
        spec, substitute = self.model_spec, self._substitutes.model

        def make() -> Model:
            return self.made_model(spec)

        def make_with_content() -> Model:  # a test makes no context caches
            if loaded.manifest.cache is None:
                return make()
            from runner.agent_cache import with_content

            return with_content(loaded, make())

        def close(model: Model) -> object:
            return model.aclose()

        if substitute is not None:
            return self.parts.take("model", lambda: substitute(spec, self.toolbox, make_with_content), close)
        key = None if ":" in spec.type else (spec, self._place.settings)
        before = previous.parts if previous is not None else None
        return self.parts.take("model", make, close, key=key, previous=before)

    def _asked(self, loaded: LoadedManifest, previous: Agent | None) -> Model:
        """The model that turns ask: with its limits, its cache, and the models that answer in its place."""
        if self._substitutes.model is not None:
            return self.model
        asked = AskedModel(loaded, self.model_spec, self.storage.shared)
        self._closing.callback(asked.leave)
        before = previous.parts if previous is not None else None
        others = asked.others(self.parts, self.made_model, self._place.settings, before)
        return asked.around(self.model, self.cache, others)

    def _cache(self, loaded: LoadedManifest) -> AgentCache | None:
        """The context cache that the manifest asks for; a test makes none."""
        if loaded.manifest.cache is None or self._substitutes.model is not None:
            return None
        from runner.agent_cache import AgentCache

        return AgentCache.of(loaded, self.model_spec, self.model, self.storage)

    def _retain(self) -> None:
        """Delete old chats as the manifest says; a test's storage keeps all."""
        if (rules := self.storage_spec.retention) is not None and self._substitutes.storage is None:
            from runner.retention import Retention

            retention = self.chat_manager.retention = Retention(self.storage, prefix_of(self.name), rules)
            self._closing.push_async_callback(retention.aclose)

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
        if (given := self._substitutes.storage) is not None:
            return self.parts.take("storage", lambda: given, lambda storage: storage.aclose())
        key: tuple[object, ...] = (spec.type, spec.options, self.root)
        if file is None:
            return self.parts.take("storage", make, lambda storage: storage.aclose(), key=key, previous=before)
        key = (*key, digest_of(file))
        return self.parts.take("storage", make_with_modules, close_with_modules, key=key, previous=before)


@contextmanager
def _located(loaded: LoadedManifest, key: str | None = None) -> Iterator[None]:
    """Name the manifest's file, and the place of the key, in errors that do not name them yet."""
    try:
        yield
    except ManifestError as error:
        if error.path is not None:
            raise
        raise placed(error, loaded, key) from error.__cause__


def _tools_of(index: int, line: ToolLine, place: Place, loaded: LoadedManifest) -> list[Tool]:
    from runner.tools.cached import CachedTool
    from runner.toolsource import tools_of

    with _located(loaded, f"tools[{index}]"):
        tools = tools_of(line.name, place)
        return tools if line.cache is None else [CachedTool(tool, line.cache) for tool in tools]


def _output_of(part: OutputPart, place: Place) -> Output:
    from runner.outputsource import output_of

    return output_of(part, place)
