"""From an agent to its graph: every box is an object that the agent holds, told with the key that chose it."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

from runner.graph.code import Code
from runner.graph.hidden import shown, shown_under
from runner.graph.parts import Origin, Part, Place, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.agent import Agent
    from runner.loading import LoadedManifest
    from runner.manifest import Spec
    from runner.settings import Settings
    from runner.tools.base import Tool


def graph_of(agent: Agent, loaded: LoadedManifest, settings: Settings) -> Part:
    """The graph of an agent made from `loaded` and `settings`; nothing is opened or asked for it."""
    return _Builder(agent, loaded, settings).agent_part()


class _Builder:
    def __init__(self, agent: Agent, loaded: LoadedManifest, settings: Settings) -> None:
        self._agent, self._loaded, self._settings = agent, loaded, settings
        self._manifest = agent.manifest
        self._code = Code()

    def agent_part(self) -> Part:
        agent = self._agent
        parts = [self._model(), self._instructions(), *self._tools(), self._executor(), self._storage(), self._limits()]
        return Part(
            kind="agent",
            name=agent.name,
            origin=Origin("", Place(agent.path, 1)),
            built=type(agent).__name__,
            text=agent.description or "",
            parts=tuple(part for part in parts if part is not None),
        )

    def _origin(self, key: str, variable: str | None = None) -> Origin:
        """Where a key's value was chosen; `variable` is an environment variable that won over the manifest."""
        return Origin(key, getattr(self._loaded, "positions", {}).get(key), variable)

    def _plugin(self, kind: str, item: object, spec: Spec, variable: str | None) -> Part:
        """A model, executor or storage: its name as the manifest writes it, its class, its options."""
        options = {name: value for name, value in spec.options.items() if name not in {"name", "url"}}
        return Part(
            kind=kind,  # type: ignore[arg-type]  # one of the three
            name=shown(str(spec.options.get("name") or spec)),
            origin=self._origin(kind, variable),
            built=type(item).__name__,
            code=self._code.of(item),
            settings=tuple(self._values(kind, options)),
        )

    def _values(self, key: str, values: Mapping[str, object]) -> Iterator[Setting]:
        for name, value in values.items():
            yield Setting(name, shown_under(name, _written(value)), self._origin(f"{key}.{name}"))

    def _model(self) -> Part:
        variable = "AGENT_RUN_MODEL" if self._settings.model else None
        return self._plugin("model", self._agent.model, self._agent.model_spec, variable)

    def _instructions(self) -> Part | None:
        text = self._manifest.instructions
        if not text:
            return None
        lines = len(text.strip().splitlines())
        name = f"{lines} line{'s' * (lines != 1)}, {len(text)} characters"
        return Part(kind="instructions", name=name, origin=self._origin("instructions"))

    def _tools(self) -> Iterator[Part]:
        """A part for each line of `tools`, with its tools below it."""
        for index, (line, tools) in enumerate(self._agent.tool_lines):
            origin = self._origin(f"tools[{index}]")
            yield Part(kind="tools", name=line, origin=origin, parts=tuple(self._tool(tool, origin) for tool in tools))

    def _tool(self, tool: Tool, origin: Origin) -> Part:
        declaration = tool.declaration()
        schema = declaration.get("parametersJsonSchema", {})
        required = schema.get("required", ())
        names = [name if name in required else f"{name}?" for name in schema.get("properties", ())]
        settings = [Setting("effects", tool.effects, origin)]
        if tool.timeout is not None:
            settings.append(Setting("timeout", f"{tool.timeout:g} s", origin))
        return Part(
            kind="tool",
            name=tool.name,
            parameters=tuple(names),
            origin=origin,
            built=type(tool).__name__,
            code=self._code.of(tool),
            text=declaration["description"].strip().partition("\n")[0],
            settings=tuple(settings),
        )

    def _executor(self) -> Part:
        return self._plugin("executor", self._agent.executor, self._manifest.executor, None)

    def _storage(self) -> Part:
        variable = "AGENT_RUN_STORAGE" if self._settings.storage else None
        return self._plugin("storage", self._agent.storage, self._agent.storage_spec, variable)

    def _limits(self) -> Part:
        limits = self._agent.client._limits
        values = {field.name: getattr(limits, field.name) for field in fields(limits)}
        return Part(
            kind="limits",
            name="",
            origin=self._origin("limits"),
            settings=tuple(self._values("limits", values)),
        )


def _written(value: object) -> str:
    """A value as the manifest would write it."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)
