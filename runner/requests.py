"""What goes to a model and what comes back, in the wire's own JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from runner.events import Notice
from runner.messages import Part, joined_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.messages import ChatMessage, Content, Json


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call, or summed over several. `prompt_tokens` includes the cached ones."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    thoughts_tokens: int = 0
    tool_use_tokens: int = 0
    total_tokens: int = 0
    _context: int = field(default=0, compare=False, repr=False)  # of a sum: that of the last one

    @property
    def context_tokens(self) -> int:
        """The last prompt and the reply to it: what the next prompt begins with."""
        return self._context or self.prompt_tokens + self.output_tokens

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Usage:
        """From Gemini's `usageMetadata` object; what it does not count is 0."""
        return cls(
            prompt_tokens=metadata.get("promptTokenCount") or 0,
            cached_tokens=metadata.get("cachedContentTokenCount") or 0,
            output_tokens=metadata.get("candidatesTokenCount") or 0,
            thoughts_tokens=metadata.get("thoughtsTokenCount") or 0,
            tool_use_tokens=metadata.get("toolUsePromptTokenCount") or 0,
            total_tokens=metadata.get("totalTokenCount") or 0,
        )

    @classmethod
    def from_json(cls, counts: Mapping[str, Any]) -> Usage:
        """The inverse of `to_json`; counts of a later release are left out."""
        known = {name: count for name, count in counts.items() if name in _COUNTS and isinstance(count, int)}
        return cls(**known)

    def __add__(self, other: Usage) -> Usage:
        if self is NO_USAGE:
            return other
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.thoughts_tokens + other.thoughts_tokens,
            self.tool_use_tokens + other.tool_use_tokens,
            self.total_tokens + other.total_tokens,
            other.context_tokens or self.context_tokens,
        )

    def to_json(self) -> dict[str, int]:
        """The counts that are not 0, and the total."""
        return {name: count for name in _COUNTS if (count := getattr(self, name)) or name == "total_tokens"}


_COUNTS = tuple(name for name in Usage.__slots__ if not name.startswith("_"))
NO_USAGE = Usage()
"""What nothing has cost yet; made once, for it is needed at every turn."""


@dataclass(frozen=True, slots=True)
class ContextSize:
    """How much the chat sends: tokens of the last prompt and the reply, as counted, and what the model takes.

    `window` is None where that is not known.
    """

    tokens: int
    window: int | None = None

    def to_json(self) -> dict[str, int]:
        """The tokens, and the window where it is known."""
        return {"tokens": self.tokens} | ({} if self.window is None else {"window": self.window})


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars by kind of token, of one model call, or summed over several."""

    prompt: float = 0.0  # without what was cached
    cached: float = 0.0
    output: float = 0.0
    thoughts: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.prompt + self.cached + self.output + self.thoughts

    def __add__(self, other: Cost) -> Cost:
        if self is NO_COST:
            return other
        return Cost(
            self.prompt + other.prompt,
            self.cached + other.cached,
            self.output + other.output,
            self.thoughts + other.thoughts,
        )

    def to_json(self) -> float:
        """The total, to a millionth of a cent."""
        return round(self.total, 8)


NO_COST = Cost()


def summed(one: Cost | None, other: Cost | None) -> Cost | None:
    """The sum; None where one of them is not known."""
    return None if one is None or other is None else one + other


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a reply: Gemini's finish reason and what else the reply said about itself.

    `details` holds the raw candidate and response fields other than content and usage (`groundingMetadata`,
    `safetyRatings`, `promptFeedback`, ...), so nothing the service said is lost. `value` is what the answer was read
    as, where it was asked for in a form.
    """

    reason: str = "STOP"
    message: str | None = None
    model_version: str | None = None
    response_id: str | None = None
    details: Json = field(default_factory=dict)
    value: Any = None


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What became of the context cache in a model call, or in a turn: it was there, it was made now, or it is off.

    `reason` says why it is off. `saved` are the tokens of the prompts that the service took from it.
    """

    state: Literal["hit", "miss", "off"]
    reason: str | None = None
    saved: int = 0

    def __add__(self, other: CacheUse) -> CacheUse:
        """Of two calls: made now in one of them, else there in one of them, else off."""
        first, second = sorted((self, other), key=lambda use: ("miss", "hit", "off").index(use.state))
        return CacheUse(first.state, first.reason or second.reason, self.saved + other.saved)

    def to_json(self) -> Json:
        """The state, and what else there is to say."""
        form: Json = {"state": self.state}
        if self.reason is not None:
            form["reason"] = self.reason
        return form if self.state == "off" else {**form, "saved_tokens": self.saved}


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer is drawn from: a page of the web, a place on a map, a stored file.

    `spans` are the places of the answer's text that it supports: where each begins and ends, in characters.
    """

    uri: str
    title: str = ""
    kind: Literal["web", "maps", "file", "url"] = "web"
    spans: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> Json:
        """As the API's grounding chunks have it, and the spans."""
        form: Json = {"kind": self.kind, "uri": self.uri}
        if self.title:
            form["title"] = self.title
        return {**form, "spans": [list(span) for span in self.spans]} if self.spans else form


ModelItem: TypeAlias = Part | Usage | Notice | CacheUse | Finish
"""What `Model.generate` yields: raw parts as they arrive, `Usage` (cumulative: the last wins), `Notice`, a `Finish`.

A model that uses a context cache also yields what became of it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateContentRequest:
    """A request to a model: pure data, camelCase keys, contents as they were stored.

    `tools` is `[{"functionDeclarations": [...]}]` and the like; `tool_config` and `generation_config` are the API's,
    and `settings` other fields of the body: `safetySettings`, `serviceTier`. `cached_content` is a context cache's
    resource name; an empty one says that none is to be used. `extra_body` is merged into the body, objects key by key.
    `has_files` says that some of the messages may tell of files.
    """

    model: str
    messages: Sequence[ChatMessage]
    system_instruction: Content | None = None
    tools: Sequence[Json] = ()
    tool_config: Json | None = None
    generation_config: Json | None = None
    settings: Json | None = None
    cached_content: str | None = None
    extra_body: Json | None = None
    has_files: bool = False

    @property
    def contents(self) -> list[Content]:
        """The history Gemini sees, the newest message last."""
        return [message.content for message in self.messages if message.content is not None]

    @property
    def declarations(self) -> list[Json]:
        """All function declarations of `tools`."""
        return [declaration for tool in self.tools for declaration in tool.get("functionDeclarations", ())]

    def options(self) -> Json:
        """The body of the API's `generateContent` but for `contents`; absent options are left out."""
        body: Json = {}
        if self.system_instruction is not None:
            body["systemInstruction"] = self.system_instruction
        if self.tools:
            body["tools"] = list(self.tools)
        if self.tool_config:
            body["toolConfig"] = self.tool_config
        if self.generation_config:
            body["generationConfig"] = self.generation_config
        body |= self.settings or {}
        if self.cached_content:
            body["cachedContent"] = self.cached_content
        return merged(body, self.extra_body) if self.extra_body else body

    def body(self) -> Json:
        """The whole JSON body of the API's `generateContent`."""
        return {"contents": self.contents, **self.options()}

    def encoded(self) -> str:
        """`body()` as JSON text, joined from the messages' stored texts without decoding them."""
        contents, options = joined_json(self.messages), to_json(self.options())[1:-1]
        return f'{{"contents":[{contents}]{"," if options else ""}{options}}}'


def merged(body: Json, extra: Json) -> Json:
    """Two JSON objects as one: objects key by key, all else as the second has it."""
    both = {name: merged(body[name], value) for name, value in extra.items() if _are_objects(body.get(name), value)}
    return {**body, **extra, **both}


def _are_objects(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)
