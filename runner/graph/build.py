"""From an agent to its graph: every box is an object that the agent holds, told with the key that chose it."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Literal

from runner.graph.code import Code
from runner.graph.hidden import shown, shown_under
from runner.graph.parts import Origin, Part, Place, Setting
from runner.history import HistoryPolicy
from runner.loading.words import counted
from runner.manifest.specs import MODEL_KEYS
from runner.tools.cached import CachedTool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.agent import Agent
    from runner.loading import LoadedManifest
    from runner.manifest import Spec
    from runner.settings import Settings
    from runner.tools.base import Tool

_TIMES = ("_timeout", "ttl", "retention")
_LONG = 10_000


def graph_of(agent: Agent, loaded: LoadedManifest, settings: Settings, given: Iterable[str] = ()) -> Part:
    """The graph of an agent made from `loaded` and `settings`; nothing is opened or asked for it.

    `given` are the names of the variables whose values came from outside.
    """
    return _Builder(agent, loaded, settings, frozenset(given)).agent_part()


class _Builder:
    def __init__(self, agent: Agent, loaded: LoadedManifest, settings: Settings, given: frozenset[str]) -> None:
        self._agent, self._loaded, self._settings, self._given = agent, loaded, settings, given
        self._manifest = agent.manifest
        self._code = Code()

    def agent_part(self) -> Part:
        agent = self._agent
        return Part(
            kind="agent",
            name=agent.name,
            origin=Origin("", Place(agent.path, 1)),
            built=type(agent).__name__,
            text=agent.description or "",
            settings=(
                Setting("tool_mode", self._manifest.tool_mode, self._origin("tool_mode")),
                *self._files(),
                *self._history(),
            ),
            parts=(
                self._model(),
                *self._instructions(),
                *self._tools(),
                self._plugin("executor", agent.executor, self._manifest.executor),
                self._plugin("storage", agent.storage, agent.storage_spec, self._settings.storage),
                self._cache(),
                self._limits(),
            ),
        )

    def _history(self) -> Iterator[Setting]:
        """What is sent of a long chat, where the manifest says it."""
        part = self._manifest.history
        if part.keep is not None:
            key = next(key for key in ("history.keep", "history") if key in self._loaded.positions)
            yield Setting("history", str(HistoryPolicy(**part.given())), self._origin(key))
        for each in self._values("history", part.model_dump(exclude_none=True, exclude={"keep"})):
            yield Setting(f"history.{each.name}", each.value, each.origin)

    def _origin(self, key: str, source: str | None = None) -> Origin:
        """Where a key's value was chosen; `source` is what won over the manifest, if anything did."""
        position = None if source else self._loaded.positions.get(key)
        return Origin(key, position and Place(position.path, position.line), source)

    def _values(self, key: str, values: Mapping[str, object]) -> Iterator[Setting]:
        for name, value in values.items():
            origin = self._origin(f"{key}.{name}" if key else name)
            yield Setting(name, shown_under(name, _written(name, value)), origin)

    def _plugin(
        self, kind: Literal["model", "executor", "storage"], item: object, spec: Spec, override: str | None = None
    ) -> Part:
        """A model, executor or storage: its name as the manifest writes it, its class, its options."""
        options = {name: value for name, value in spec.options.items() if name not in {"name", "url"}}
        if (retention := getattr(spec, "retention", None)) is not None:
            options["retention"] = retention
        return Part(
            kind=kind,
            name=shown(str(spec.options.get("name") or spec)),
            origin=self._origin(kind, f"AGENT_RUN_{kind.upper()}" if override else None),
            built=type(item).__name__,
            code=self._code.of(item),
            settings=tuple(self._values(kind, options)),
        )

    def _model(self) -> Part:
        part = self._plugin("model", self._agent.model, self._agent.model_spec, self._settings.model)
        generation = _flat(self._manifest.generation.model_dump(exclude_none=True))
        given = {name: getattr(self._agent.model_spec, name, None) for name in MODEL_KEYS}
        own = [
            *self._values("model", {name: value for name, value in given.items() if value is not None}),
            *self._values("", {"retries": self._manifest.retries}),
            *self._values("generation", generation),
        ]
        return part.with_settings(own)

    def _instructions(self) -> Iterator[Part]:
        """The instructions, with the variables that fill them."""
        text = self._loaded.instructions
        if text is None:
            return
        file = self._manifest.instructions_file
        key = "instructions" if file is None else "instructions_file"
        path = None if file is None else (self._agent.path.parent / file).resolve()
        origin = self._origin(key)
        size = {"lines": len(text.text.strip().splitlines()), "characters": len(text.text)}
        yield Part(
            kind="instructions",
            name="",
            origin=origin,
            code=None if path is None else Place(path),
            settings=(*(Setting(name, str(count), origin) for name, count in size.items()), *self._variables()),
        )

    def _variables(self) -> Iterator[Setting]:
        for name, value in self._loaded.variables.items():
            origin = self._origin(f"variables.{name}", "--var" if name in self._given else None)
            yield Setting(name, shown_under(name, _written(name, value)), origin)

    def _files(self) -> Iterator[Setting]:
        """What is sent with the first message of a chat."""
        if items := self._manifest.files:
            count = len(self._agent.client.first_files())
            told = ", ".join(items) if count == len(items) else f"{', '.join(items)} ({counted(count, 'file')})"
            yield Setting("files", shown(told), self._origin("files"))

    def _tools(self) -> Iterator[Part]:
        """A part for each line of `tools`, with its tools below it."""
        for index, (line, tools) in enumerate(self._agent.tool_lines):
            origin = self._origin(f"tools[{index}]")
            yield Part(kind="tools", name=line, origin=origin, parts=tuple(self._tool(tool, origin) for tool in tools))

    def _tool(self, tool: Tool, origin: Origin) -> Part:
        declaration = tool.declaration()
        schema = declaration.get("parametersJsonSchema", {})
        required = schema.get("required", ())
        own = tool.tool if isinstance(tool, CachedTool) else tool
        settings = [Setting("effects", tool.effects, origin)]
        if isinstance(tool, CachedTool):
            settings.append(Setting("cache", f"{tool.seconds:g} s", origin))
        if tool.timeout is not None:
            settings.append(Setting("timeout", f"{tool.timeout:g} s", origin))
        return Part(
            kind="tool",
            name=tool.name,
            parameters=tuple(name if name in required else f"{name}?" for name in schema.get("properties", ())),
            origin=origin,
            built=type(own).__name__,
            code=self._code.of(own),
            text=declaration["description"].strip().partition("\n")[0],
            settings=tuple(settings),
        )

    def _cache(self) -> Part:
        cache = self._manifest.cache
        values = {} if cache is None else cache.model_dump(exclude_none=True, exclude={"name"})
        name = "none" if cache is None else cache.name or self._agent.name
        return Part(
            kind="cache", name=name, origin=self._origin("cache"), settings=tuple(self._values("cache", values))
        )

    def _limits(self) -> Part:
        limits = self._agent.client.limits
        values = {field.name: getattr(limits, field.name) for field in fields(limits)}
        return Part(
            kind="limits", name="", origin=self._origin("limits"), settings=tuple(self._values("limits", values))
        )


def _flat(values: Mapping[str, object], above: str = "") -> dict[str, object]:
    """`{"thinking.level": ...}` for `{"thinking": {"level": ...}}`."""
    flat: dict[str, object] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return flat


def _written(name: str, value: object) -> str:
    """A value as a person would write it: times in seconds, long numbers in groups."""
    if isinstance(value, str):
        return value
    if value is None:
        return "none"
    if isinstance(value, int | float) and name.endswith(_TIMES):
        return f"{value:,.10g} s"
    if isinstance(value, int) and abs(value) >= _LONG:
        return f"{value:,}"
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)
