"""Replaying: a model that answers from a cassette, without network, key or delay."""

from __future__ import annotations

import contextlib
from collections import defaultdict, deque
from typing import TYPE_CHECKING, TypeAlias

from runner.errors import CassetteMissError
from runner.media import MediaResult
from runner.models.base import Model
from runner.models.cassettes.fingerprints import Fingerprints, fingerprint
from runner.models.cassettes.missing import explained, out_of_exchanges

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from runner.errors import GeminiClientError
    from runner.events import Notice
    from runner.messages import Json
    from runner.models.cassettes.cassette import Cassette
    from runner.models.cassettes.fingerprints import Asked
    from runner.models.cassettes.form import Exchange, ToolResult
    from runner.models.cassettes.recording import Recorder, RecordingModel
    from runner.models.cassettes.redacting import Redactor
    from runner.requests import GenerateContentRequest, ModelItem

Answer: TypeAlias = "tuple[str, Json]"
"""A tool's result as `ToolReturned` has it: kind and result."""


class Player:
    """Hands out a cassette's exchanges, each once, in their order within a role.

    `hint` says how to record anew, and `changes` what of the agent is another than recorded: both are told with a
    miss. With a `recorder`, what is handed out is taken over there.
    """

    def __init__(
        self,
        cassette: Cassette,
        redactor: Redactor,
        *,
        hint: str = "",
        changes: Sequence[str] = (),
        recorder: Recorder | None = None,
    ) -> None:
        self.cassette, self.redactor, self.recorder = cassette, redactor, recorder
        self.missed = False
        self._hint, self._changes = hint, changes
        self._waiting: dict[str, deque[Exchange]] = defaultdict(deque)
        for exchange in cassette.exchanges():
            self._waiting[exchange.role].append(exchange)

    def take(self, role: str, asked: Asked, request: GenerateContentRequest) -> Exchange:
        """The exchange recorded next for this role. Raises CassetteMissError where its request is another one."""
        waiting = self._waiting[role]
        if not waiting or waiting[0].fingerprint != asked.fingerprint:
            self.missed = True
            raise self._miss(role, asked, request)
        exchange = waiting.popleft()
        if self.recorder is not None:
            self.recorder.keep(exchange)
        return exchange

    def unused(self) -> list[Exchange]:
        """The exchanges nobody asked for, in the order of the file."""
        return sorted((each for left in self._waiting.values() for each in left), key=lambda each: each.line or 0)

    def _miss(self, role: str, asked: Asked, request: GenerateContentRequest) -> CassetteMissError:
        waiting, line, difference = self._waiting[role], None, ""
        if waiting:
            line = waiting[0].line
            message, difference = explained(waiting[0], asked, request, Fingerprints(self.redactor))
            same = next((each.line for each in waiting if each.fingerprint == asked.fingerprint), None)
            if same is not None:
                message += f" (line {same} has this request)"
        else:
            message = out_of_exchanges(len(self.cassette.exchanges(role)), role, asked)
        if self._changes:
            message += f"; since it was recorded: {', '.join(self._changes)}"
        return CassetteMissError(
            message,
            path=str(self.cassette.path),
            line=line,
            role=role,
            turn=asked.turn,
            step=asked.step,
            difference=difference,
            hint=self._hint,
        )


class ReplayModel(Model):
    """Answers as a cassette's exchanges of one role did, in pieces as they streamed.

    `name` is the model's id now: another one than recorded is a miss, as anything else that is sent.
    """

    def __init__(self, player: Player, name: str, *, role: str = "agent", family: str = "gemini") -> None:
        self.name, self.family, self.role = name, family, role
        self.player = player
        self._fingerprints = Fingerprints(player.redactor)
        self._failed: Exchange | None = None

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """The recorded reply, or its failure raised. Raises CassetteMissError."""
        for item in self.replay(self.taken(request)):
            yield item

    def taken(self, request: GenerateContentRequest) -> Exchange:
        """The exchange for a request, used up by that."""
        return self.player.take(self.role, self._fingerprints.of(request), request)

    def replay(self, exchange: Exchange) -> Iterator[ModelItem]:
        """What came of an exchange."""
        yield from exchange.items()
        if exchange.failure is not None:
            self._failed = exchange
            raise exchange.failure

    def amended(
        self, request: GenerateContentRequest, error: GeminiClientError
    ) -> tuple[GenerateContentRequest, Notice] | None:
        """The request again, where the recorded model amended it: what it changed is not compared."""
        failed = self._failed
        if failed is None or failed.failure is not error or failed.amended is None:
            return None
        return request, failed.amended


class ExtendingModel(Model):
    """Replays up to the first request that was not recorded, of whatever role; from there on the live model is asked.

    Both sides are recorded, so the cassette that is saved holds the whole case.
    """

    def __init__(self, replaying: ReplayModel, recording: RecordingModel) -> None:
        self.replaying, self.recording = replaying, recording
        self.name, self.family = recording.name, recording.family

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """The recorded reply, or the live one."""
        exchange = None
        if not self.replaying.player.missed:
            with contextlib.suppress(CassetteMissError):
                exchange = self.replaying.taken(request)
        if exchange is not None:
            for item in self.replaying.replay(exchange):
                yield item
            return
        async with contextlib.aclosing(self.recording.generate(request)) as items:
            async for item in items:
                yield item

    def amended(
        self, request: GenerateContentRequest, error: GeminiClientError
    ) -> tuple[GenerateContentRequest, Notice] | None:
        """What the model that failed would rather send."""
        return self.replaying.amended(request, error) or self.recording.amended(request, error)

    async def aclose(self) -> None:
        """Close the live model."""
        await self.recording.aclose()


class RecordedTools:
    """Answers calls of tools as they were answered in a recording: equal calls in their order, each result once."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._waiting: dict[str, deque[ToolResult]] = defaultdict(deque)
        for result in player.cassette.tool_results():
            self._waiting[result.mark].append(result)

    def answer(self, name: str, args: Json) -> Answer | None:
        """Kind and result, or None where nothing is recorded (any more) for this call."""
        player = self._player
        waiting = self._waiting.get(fingerprint([name, player.redactor.clean(args)]))
        if player.recorder is not None and player.missed:
            return None
        if not waiting:
            return None
        result = waiting.popleft()
        if player.recorder is not None:
            player.recorder.keep(result)
        return result.kind, MediaResult(result.result, result.media) if result.media else result.result
