"""One case's cassette while the case runs: whether it is replayed, recorded or both, and where it lives."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from runner.errors import CassetteError
from runner.models.cassettes.cassette import Cassette
from runner.models.cassettes.recording import Recorder, RecordingModel
from runner.models.cassettes.redacting import Redactor
from runner.models.cassettes.replaying import ExtendingModel, Player, RecordedTools, ReplayModel
from runner.models.cassettes.telling import changes
from runner.models.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from pathlib import Path

    from runner.messages import Json
    from runner.models.base import Model
    from runner.models.cassettes.form import Header

RecordMode: TypeAlias = Literal["once", "all", "new", "none"]
"""`once`: record where there is no cassette; `all`: record anew; `new`: replay, and record from the first request that
the cassette lacks; `none`: only replay."""
Way: TypeAlias = Literal["replay", "record", "extend"]
"""What is done with one cassette."""

_SUITE = ".conversations.yaml"
_WORDS = re.compile(r"[a-z0-9]+(?: [a-z0-9]+)*")
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # no names of files on Windows
_LONGEST = 60


def cassette_path(suite_file: Path, case_name: str, repeat: int = 1) -> Path:
    """Where a case's recording lives: `cassettes/<suite>/<case>.jsonl` beside the suite, from the second repeat on
    `<case>.2.jsonl`. Different cases have different paths, on a file system that ignores case as well.
    """
    suite = suite_file.name.removesuffix(_SUITE)
    number = "" if repeat == 1 else f".{repeat}"
    return suite_file.parent / "cassettes" / suite / f"{_slug(case_name)}{number}.jsonl"


def decide(mode: RecordMode, path: Path) -> Way:
    """What a mode means for this cassette. Raises CassetteError where there is nothing to replay."""
    if mode == "all":
        return "record"
    if path.exists():
        return "extend" if mode == "new" else "replay"
    if mode == "none":
        raise CassetteError("there is no cassette to replay", path=str(path))
    return "record"


class CassetteSession:
    """Gives the models of one case their way of answering, and writes the cassette when the case is over.

    `header` describes the agent as it is now. `secrets` are values that are hidden wherever they occur, `cover` is a
    further function that hides what looks like one. `rerecord` is the command that records anew, told with a miss.
    """

    def __init__(
        self,
        path: Path,
        mode: RecordMode,
        header: Header,
        *,
        secrets: Iterable[str],
        cover: Callable[[str], str] = str,
        record_tools: bool = False,
        rerecord: str = "",
    ) -> None:
        self.path = path
        self.hint = f"record it anew: {rerecord}" if rerecord else "record it anew"
        self.changes: list[str] = []
        self.header = header
        self._record_tools = record_tools
        self._recorder: Recorder | None = None
        self._player: Player | None = None
        redactor = Redactor(secrets, cover)
        self.way: Way = self._decided(mode)
        if self.way == "record":
            self._recorder = Recorder(path, header, redactor)
        else:
            self._open(Cassette.read(path), redactor)
        self.tools = self._recorded_tools()

    @property
    def needs_live(self) -> bool:
        """Whether a live model may be asked."""
        return self.way != "replay"

    @property
    def clock(self) -> datetime:
        """The time to run the case at: that of the recording, where there is one."""
        return self.header.clock

    @property
    def missed(self) -> bool:
        """Whether something was asked that the cassette does not hold."""
        return self._player is not None and self._player.missed

    def model(
        self,
        name: str,
        live: Model | None = None,
        *,
        role: str = "agent",
        family: str = "gemini",
        retries: int = 3,
    ) -> Model:
        """The model for a role, with its retries, which do not wait where they are replayed.

        `live` is asked where something is recorded; it is closed with the model that is returned.
        """
        if self._recorder is None:
            return Retry(self._replaying(name, role, family), retries, sleep=self._pause, chance=lambda: 0.0)
        if live is None:
            raise ValueError(f"{self.path} is recorded: a live model is needed")
        recording = RecordingModel(live, self._recorder, role)
        if self._player is None:
            return Retry(recording, retries)
        return Retry(ExtendingModel(self._replaying(name, role, family), recording), retries, sleep=self._pause)

    def add_tool(self, name: str, args: Json, kind: str, result: Json) -> None:
        """Record a tool's result, where results of tools are recorded."""
        if self._record_tools and self._recorder is not None:
            self._recorder.add_tool(name, args, kind, result)

    def save(self) -> bool:
        """Write what was recorded. False where there is nothing new, or an exchange was cut off: the file stays."""
        if self._recorder is None or (self._player is not None and not self._player.missed):
            return False
        return self._recorder.save()

    def unused(self) -> list[str]:
        """What was recorded and not asked for, a line for each."""
        left = [] if self._player is None else self._player.unused()
        return [f"line {each.line}: {each.role}, turn {each.turn}, step {each.step}: {each.told}" for each in left]

    def _decided(self, mode: RecordMode) -> Way:
        try:
            return decide(mode, self.path)
        except CassetteError as error:
            raise CassetteError(f"{error.message}; {self.hint}", path=error.path) from error

    def _open(self, cassette: Cassette, redactor: Redactor) -> None:
        now = self.header
        self.changes = changes(cassette.header.made_from, redactor.clean(now.made_from))
        self.header = cassette.header
        if self.way == "extend":  # the agent of now, under the clock that the replayed part needs
            self._recorder = Recorder(self.path, dataclasses.replace(now, clock=cassette.header.clock), redactor)
        self._player = Player(cassette, redactor, hint=self.hint, changes=self.changes, recorder=self._recorder)

    def _recorded_tools(self) -> RecordedTools | None:
        if self._player is None or not self._player.cassette.tool_results():
            return None
        return RecordedTools(self._player)

    async def _pause(self, seconds: float) -> None:
        """Between two tries: as long as only replies are replayed, there is nothing to wait for."""
        if self.needs_live and self.missed:
            await asyncio.sleep(seconds)

    def _replaying(self, name: str, role: str, family: str) -> ReplayModel:
        assert self._player is not None  # noqa: S101  # its callers looked
        return ReplayModel(self._player, name, role=role, family=family)


def _slug(name: str) -> str:
    """`asks for the unit` as `asks-for-the-unit`; what other names lose by that is made up for by a hash."""
    if _WORDS.fullmatch(name) and len(name) <= _LONGEST and not _RESERVED.fullmatch(name):
        return name.replace(" ", "-")
    words = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:_LONGEST].strip("-")
    mark = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()
    return f"{words or 'case'}_{mark}"
