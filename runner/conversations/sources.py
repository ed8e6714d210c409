"""Where the replies of an attempt come from: a script, a cassette, the offline model, or a service."""

from __future__ import annotations

import os
import shlex
from contextlib import AsyncExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.conversations.scripts import Script
from runner.conversations.selecting import matches
from runner.conversations.transcript import summed_costs
from runner.conversations.troubles import NoCassetteError
from runner.loading.secrets import secret_values, without_secrets
from runner.models.cassettes import CassetteSession, Header, cassette_path, fingerprint
from runner.models.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.conversations.planning import Planned
    from runner.conversations.results import CallRecord, Source
    from runner.loading import LoadedManifest
    from runner.manifest import Spec
    from runner.messages import Json
    from runner.models.base import Model
    from runner.models.cassettes import RecordedTools, RecordMode
    from runner.settings import Settings
    from runner.tools.toolbox import Toolbox


class Replies:
    """The models of one attempt, and the time it is run at.

    A cassette is opened when the agent, or a judge, is first asked for its model: what it is made from is known then.
    """

    def __init__(self, planned: Planned, index: int, loaded: LoadedManifest, settings: Settings) -> None:
        self._planned, self._index, self._loaded, self._settings = planned, index, loaded, settings
        self.script: Script | None = None
        self.cassette: CassetteSession | None = None
        self._closing = AsyncExitStack()
        self._judges: dict[str, Model] = {}
        self._now = planned.now or datetime.now().astimezone()
        self._made_from: Json = {}
        self._model_name = ""

    @property
    def path(self) -> Path:
        """The cassette's file, whether there is one or not."""
        return cassette_path(self._planned.loaded.path, self._planned.case.name, self._index)

    @property
    def source(self) -> Source:
        """Where the agent's replies come from."""
        options = self._planned.options
        if self._planned.case.is_scripted:
            return "scripted"
        if self.cassette is not None:
            return "replayed" if self.cassette.way == "replay" or not self._has_asked_live else "recorded"
        if not options.live and options.record != "all" and self.path.exists():
            return "replayed"
        if self.spec.type == "offline":
            return "offline"
        if options.record is None or options.live:
            return "live"
        return "replayed" if options.record == "none" else "recorded"

    @property
    def clock(self) -> datetime:
        """The time of the whole attempt: the case's, or the recording's, or that of its beginning."""
        return self._now if self.cassette is None else self.cassette.clock

    @property
    def is_paid(self) -> bool:
        """Whether asking the agent's model costs something now."""
        return self.source in {"live", "recorded"}

    @property
    def _has_asked_live(self) -> bool:
        return self.cassette is not None and (self.cassette.way == "record" or self.cassette.missed)

    @property
    def spec(self) -> Spec:
        """The model that the agent is made with."""
        named = self._planned.model
        if named is not None:
            return named
        override = self._planned.options.model or self._settings.model
        manifest = self._loaded.manifest
        return manifest.model if override is None else type(manifest).model_validate({"model": override}).model

    def agent_model(self, spec: Spec, toolbox: Toolbox, make: Callable[[], Model]) -> Model:
        """The agent's model, its retries included. Raises CassetteError, and MissingKeyError from `make`."""
        self._model_name = _name_of(spec)
        self._made_from = self._described(toolbox)
        retries = self._loaded.manifest.retries
        source = self.source
        if source == "scripted":
            self.script = Script(self._model_name, retries)
            return self.script.model
        if source == "offline":
            from runner.models.offline import OfflineModel

            return OfflineModel(clock=lambda: self.clock)
        return make() if source == "live" else self._from_cassette(spec, make, "agent")

    def _from_cassette(self, spec: Spec, make: Callable[[], Model], role: str) -> Model:
        cassette = self._opened()
        live = make() if cassette.needs_live else None
        name = _name_of(spec) if live is None else live.name
        return cassette.model(name, live, role=role, retries=self._loaded.manifest.retries)

    def judge_model(self, spec: Spec, make: Callable[[], Model]) -> Model:
        """A judge's model, made once. Closed with this."""
        known = self._judges.get(str(spec.model_dump()))
        if known is not None:
            return known
        retries = self._loaded.manifest.retries
        model = Retry(make(), retries) if self._judges_live else self._from_cassette(spec, make, "judge")
        self._closing.push_async_callback(model.aclose)
        self._judges[str(spec.model_dump())] = model
        return model

    @property
    def _judges_live(self) -> bool:
        options = self._planned.options
        if self.cassette is not None or (not options.live and self.path.exists()):
            return False
        return options.live or options.record is None

    def is_own_judge(self, spec: Spec) -> bool:
        """Whether a judge is the agent's own model."""
        return self.source != "scripted" and _name_of(spec) == self._model_name

    def spent(self, cost: float | None, judging: float | None) -> float | None:
        """What of the agent's and the judges' costs is paid for now, and was not when it was recorded."""
        judged_live = self._has_asked_live or self.cassette is None
        return summed_costs([cost if self.is_paid else 0.0, judging if judged_live else 0.0])

    def recorded_tools(self) -> RecordedTools | None:
        """The tools' results that are replayed."""
        return None if self.cassette is None else self.cassette.tools

    def heard_tool(self, call: CallRecord, carried: Json | None) -> None:
        """A tool answered: recorded where that is wished for. `carried` is the result with the media it carries."""
        if self.cassette is not None:
            self.cassette.add_tool(call.name, call.args, call.kind, carried or call.result)

    def notes(self) -> list[str]:
        """What is worth knowing about a replay."""
        if self.cassette is None or self.cassette.way == "record":
            return []
        changed = [f"since it was recorded: {', '.join(self.cassette.changes)}"] if self.cassette.changes else []
        return changed + [f"recorded, and not asked for: {line}" for line in self.cassette.unused()]

    def save(self) -> bool:
        """Write the cassette, where something new was recorded."""
        return self.cassette is not None and self.cassette.save()

    async def aclose(self) -> None:
        """Close the judges' models; the agent closes its own."""
        await self._closing.aclose()

    def _opened(self) -> CassetteSession:
        if self.cassette is None:
            options = self._planned.options
            mode = options.record or "none"
            if mode == "none" and not self.path.exists():
                raise NoCassetteError("there is no cassette to replay", path=str(self.path))
            self.cassette = CassetteSession(
                self.path,
                mode,
                self._header(),
                secrets=secret_values(os.environ),
                cover=without_secrets,
                record_tools=options.record_tools,
                rerecord=self.command("all"),
            )
        return self.cassette

    def command(self, mode: RecordMode) -> str:
        """The command that records this case."""
        case = self._planned.case
        pattern = case.name if matches(case.name, case) else f'"{case.name}"'
        file = os.path.relpath(self._planned.loaded.path)
        return f"{self._planned.options.command} {shlex.quote(file)} -k {shlex.quote(pattern)} --record {mode}"

    def _header(self) -> Header:
        base_url = self._settings.google_gemini_base_url
        return Header(
            agent=self._loaded.name,
            agent_hash=fingerprint(self._made_from),
            made_from=self._made_from,
            source=f"local {without_secrets(base_url)}" if base_url else "live",
            clock=self._now,
            repeat=self._index,
        )

    def _described(self, toolbox: Toolbox) -> Json:
        """What the agent is made from, as far as it is sent to a model."""
        manifest = self._loaded.manifest
        instructions = self._loaded.instructions
        described: dict[str, Any] = {
            "model": self._model_name,
            "instructions": None if instructions is None else fingerprint(instructions.text),
            "variables": {name: fingerprint(value) for name, value in self._loaded.variables.items()},
            "tool_mode": None if manifest.tool_mode == "auto" else manifest.tool_mode,
            "generation": manifest.generation.config(),
            "settings": manifest.generation.settings(),
            "tools": {tool.name: {"declaration": fingerprint(tool.declaration())} for tool in toolbox},
        }
        return {name: value for name, value in described.items() if value}


def _name_of(spec: Spec) -> str:
    """The model's id; where it has none, what speaks for it."""
    return str(spec.options.get("name") or spec.type)
