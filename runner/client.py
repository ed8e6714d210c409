"""`GeminiClient`: the public face of the loop."""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypedDict, TypeVar, Unpack

from runner.attachments.model import AttachedModel
from runner.attachments.uploads import FileNews
from runner.chats import ChatManager, ToolMode, new_chat_id
from runner.events import TextDelta, TurnEnded
from runner.executors.parallel import AsyncToolExecutor
from runner.files import check
from runner.history import History, HistoryPolicy
from runner.models.fallback import Fallback
from runner.models.limiting.model import RateLimit
from runner.models.retry import Retry
from runner.plan import Limits, Plan
from runner.tools.toolbox import Toolbox
from runner.turn_events import TurnEvents

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
    from pathlib import Path

    from google.genai import Client

    from runner.answers.output import Output
    from runner.caches import CacheConfig, CacheManager
    from runner.executors.base import ToolExecutor
    from runner.messages import Json, Part
    from runner.models.base import Model
    from runner.models.gemini.model import GeminiModel
    from runner.turn_events import Files

T = TypeVar("T", int, float)

DEFAULT_MODEL = "gemini-3.8-flash"


class RunOptions(TypedDict, total=False):
    """What is of one turn alone."""

    files: Sequence[str | Path | Part]  # paths, `gs://` and `https://` uris, or parts as the API has them
    context: object  # the caller's own object, handed to tools as `ToolContext.deps`
    max_tokens: int | None  # what the turn may cost, in tokens; the agent's own limit holds as well
    max_cost: float | None  # and in US dollars


class TurnOptions(RunOptions, total=False):
    """What a call may set for its turn; it wins over the client's own settings."""

    model: str | Model | None  # a Gemini model id, or any Model
    tools: Iterable[object]  # Tool objects, Tool classes, annotated functions
    tool_executor: ToolExecutor[Any] | None
    chat_id: str | None  # default: one chat per client
    tool_mode: ToolMode | None
    max_iterations: int | None  # model calls the turn may cost
    num_gemini_call_retries: int | None  # resends one model call may cost; a model that is a `Retry` has its own
    cache_config: CacheConfig | None  # what it holds is left out of the requests: instructions, tools, contents
    output: object  # the form of the answer: a JSON schema, a type that pydantic validates, or an Output


_MODEL = frozenset({"num_gemini_call_retries", "cache_config"})
_LIMITS = frozenset({"max_iterations", "max_tokens", "max_cost"})


class GeminiClient:
    """Talks to Gemini in chats, with tools.

        async with GeminiClient() as client:
            async for text in client.chat(query="Will it rain in Paris?", tools=[get_weather]):
                print(text, end="")

    `api_key` defaults to what google-genai finds in the environment. A call's own settings win over those given here.
    Without `chat_manager`, chats live in memory; without `chat_id`, all calls of one client share one chat.
    `generation_config` is Gemini's `generationConfig` as the wire has it (`{"maxOutputTokens": 500}`), `settings` are
    other fields of a request's body (`safetySettings`, `serviceTier`). `output` is the form of the answers, a JSON
    schema or a type: `TurnEnded.value` is then the answer read as that. `history` is what is sent of a long chat.
    `first_files` are sent with the first message of each chat, before its text.
    """

    def __init__(
        self,
        api_key: str | None = None,
        chat_manager: ChatManager | None = None,
        *,
        tool_mode: ToolMode | None = None,
        max_iterations: int = 10,
        num_gemini_call_retries: int = 3,
        limits: Limits | None = None,
        generation_config: Json | None = None,
        settings: Json | None = None,
        output: object = None,
        model: str | Model = DEFAULT_MODEL,
        history: HistoryPolicy | None = None,
        first_files: Files | Callable[[], Files] = (),
    ) -> None:
        self.chat_manager = chat_manager or ChatManager()
        self._api_key, self._default_model = api_key, model
        self._tool_mode: ToolMode = tool_mode or "auto"
        if limits is not None and max_iterations not in {10, limits.max_iterations}:
            raise ValueError("max_iterations is given twice: set it in `limits`")
        self._limits = limits or Limits(max_iterations=max_iterations)
        self._retries = num_gemini_call_retries
        self._generation_config, self._settings = generation_config, settings
        self._output = None if output is None else _output_of(output)
        self.first_files: Callable[[], Files] = first_files if callable(first_files) else partial(tuple, first_files)
        self._history = History(history or HistoryPolicy())
        self._chat_id = new_chat_id()
        self._executor: ToolExecutor[Any] = AsyncToolExecutor()
        self._closing = AsyncExitStack()
        self._gemini: GeminiModel | None = None
        self._usual: Retry | Fallback | None = None  # the Gemini model that is asked where a call says nothing else
        self._caches: CacheManager | None = None
        self._file_news = FileNews()
        if chat_manager is None:
            self._closing.push_async_callback(self.chat_manager.storage.aclose)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close what this client opened: connections, and the storage if it was made here."""
        await self._closing.aclose()
        self._gemini = self._usual = None

    @property
    def limits(self) -> Limits:
        """What a turn may cost, where its call does not say otherwise."""
        return self._limits

    @property
    def cache_manager(self) -> CacheManager:
        """Context caches, bound to this client."""
        if self._caches is None:
            from runner.caches import CacheManager

            self._caches = CacheManager(self)
        return self._caches

    async def sdk_client(self) -> Client:
        """The google-genai client this client talks through."""
        return await self._gemini_model().sdk_client()

    async def chat(self, *, query: str, **options: Unpack[TurnOptions]) -> AsyncGenerator[str, None]:
        """Run one turn and yield the answer's text as it streams. A failed turn raises its error.

        A turn that a limit or an executor ended just ends: `events()` tells the reason. Raises GeminiAPIError,
        GeminiResponseError, GeminiToolExecutionError, MissingKeyError, ChatStorageError or ChatBusyError.
        """
        async with aclosing(self.events(query=query, **options)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    yield event.text
                elif isinstance(event, TurnEnded) and event.error is not None:
                    raise event.error

    def events(self, *, query: str, **options: Unpack[TurnOptions]) -> TurnEvents:
        """The same turn as typed events, the last one TurnEnded, which tells a failure instead of raising it.

        Wrong arguments raise at once: ManifestError for tools, ValueError for the rest.
        """
        files = list(options.get("files") or ())
        for file in files:
            check(file)
        if not query and not files:
            raise ValueError("the query is empty")
        return TurnEvents(self.chat_manager, options.get("chat_id") or self._chat_id, self._plan(options), query, files)

    def _plan(self, options: TurnOptions) -> Plan:
        model = options.get("model") or self._default_model
        tools = options.get("tools")
        toolbox = Toolbox.of(() if tools is None else tools)
        tool_mode = options.get("tool_mode") or self._tool_mode
        if tool_mode == "any" and not len(toolbox):
            raise ValueError('tool_mode "any" forces a tool call, but there are no tools')
        if isinstance(model, str) and options.keys().isdisjoint(_MODEL):
            asked = self._usual = self._usual or self._asked(model, options)
        else:
            asked = self._asked(model, options)
        output = self._output if options.get("output") is None else _output_of(options["output"])
        return Plan(
            model=asked if output is None else _with_output(asked, output),
            model_name=model if isinstance(model, str) else model.name,
            toolbox=toolbox,
            executor=options.get("tool_executor") or self._executor,
            tool_mode=tool_mode,
            limits=self._limits_of(options),
            system_instruction=self.chat_manager.system_instruction(),
            generation_config=self._generation_config,
            settings=self._settings,
            deps=options.get("context"),
            history=self._history,
            first_files=self.first_files,
        )

    def _asked(self, model: str | Model, options: TurnOptions) -> Retry | Fallback:
        """The model within its wrappers."""
        retries, cache = options.get("num_gemini_call_retries"), options.get("cache_config")
        asked = _retrying(
            self._gemini_model() if isinstance(model, str) else model,
            self._retries if retries is None else retries,
        )
        asked = asked if cache is None else asked.around(partial(self._cached, cache))
        return asked.each_around(self._attached) if isinstance(asked, Fallback) else asked.around(self._attached)

    def _limits_of(self, options: TurnOptions) -> Limits:
        """The client's own limits and those of a call: of tokens and of cost the lower ones hold."""
        own, iterations = self._limits, options.get("max_iterations")
        if options.keys().isdisjoint(_LIMITS):
            return own
        return replace(
            own,
            max_iterations=own.max_iterations if iterations is None else iterations,
            max_tokens=_at_most(own.max_tokens, options.get("max_tokens")),
            max_cost=_at_most(own.max_cost, options.get("max_cost")),
        )

    def _cached(self, config: CacheConfig, model: Model) -> Model:
        """The model, asked with the cache of that name."""
        from runner.caching.model import CachedModel, caches_of
        from runner.caching.named import NamedCache

        return CachedModel(model, NamedCache(config, caches_of(model), self.chat_manager.storage.shared))

    def _attached(self, model: Model) -> Model:
        """The model, asked with files that its service has."""
        return AttachedModel(model, self.chat_manager.storage.shared, self._file_news)

    def _gemini_model(self) -> GeminiModel:
        if self._gemini is None:
            from runner.models.gemini.model import GeminiModel

            self._gemini = GeminiModel(api_key=self._api_key)
            self._closing.push_async_callback(self._gemini.aclose)
        return self._gemini


def _output_of(given: object) -> Output:
    """The form of the answers, as it may be given."""
    from runner.answers.output import Output

    return Output.of(given)


def _with_output(model: Model, output: Output) -> Model:
    """The model, asked for answers of a form."""
    from runner.answers.structured import StructuredModel

    return StructuredModel(model, output)


def _at_most(limit: T | None, other: T | None) -> T | None:
    """The lower of two limits, of which either may be missing."""
    given = [each for each in (limit, other) if each is not None]
    return min(given, default=None)


def _retrying(model: Model, retries: int) -> Retry | Fallback:
    """`model` with so many resends; one that has its own keeps to them, or their numbers would be multiplied.

    What has a quota that others may share is asked in turn with them.
    """
    return model if isinstance(model, Retry | Fallback) else Retry(limited(model), retries)


def limited(model: Model) -> Model:
    """The model, asked as often as its account may ask; one that is limited already, or has no quota, as it is."""
    return model if model.quota is None or isinstance(model, RateLimit) else RateLimit(model)
