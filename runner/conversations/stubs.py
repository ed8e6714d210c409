"""Stubs: tools whose answers a case brings along. A call that none of them answers fails the case; no tool is run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.conversations.matching import Matching
from runner.conversations.rubrics import Rubrics
from runner.conversations.variables import filled, filled_text
from runner.errors import AgentRunError
from runner.media import parts_of
from runner.tools.base import Tool
from runner.tools.conformance import problems_of
from runner.tools.context import current_context
from runner.tools.results import ToolResultError, json_result
from runner.tools.schema import dumped, from_openapi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.messages import Json
    from runner.models.cassettes import RecordedTools
    from runner.suite import StubPart


class StubError(AgentRunError):
    """What a stub tells the model in the place of a result."""

    reason = "STUB"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the stubs of one call, or with what one answered; `key` is the call's idempotency key."""

    key: str
    message: str


@dataclass(frozen=True, slots=True)
class NamedStub:
    """A stub and the dotted key it stands at, such as `cases[0].stubs.get_weather[1]`."""

    key: str
    part: StubPart


@dataclass(slots=True)
class StubLog:
    """What stubs did in one attempt: which stub answered each call, how often each did, and what went wrong.

    `variables` are those of the case as they are now. `media` are the results of real tools that carry any, each with
    it; events tell them in words.
    """

    variables: Mapping[str, Any] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    media: dict[str, Json] = field(default_factory=dict)

    def take_problems(self) -> list[Problem]:
        """What went wrong since this was last asked."""
        taken, self.problems = self.problems, []
        return taken


class _StandIn(Tool):
    """Declares what the real tool does, and answers in its place."""

    def __init__(self, tool: Tool) -> None:
        self.name, self.function_definition = tool.name, tool.function_definition
        self.effects, self.timeout = tool.effects, tool.timeout
        self._tool = tool

    def declaration(self) -> Json:
        """The real tool's."""
        return self._tool.declaration()

    def checked(self, args: Json) -> Json:
        """As the real tool checks them."""
        return self._tool.checked(args)

    @property
    def _key(self) -> str:
        context = current_context()
        return "" if context is None else context.idempotency_key


class OwnTool(_StandIn):
    """A tool of an attempt's own modules, which are loaded when it is first run: `own` does that, by the tool's name.

    Until then, and for good where a stub or a recording answers, the tool of other modules says what it is.
    """

    def __init__(self, tool: Tool, own: Callable[[str], Tool]) -> None:
        super().__init__(tool)
        self._own = own

    async def execute(self, tool_args: Json) -> Json:
        """What the tool does."""
        return await self._own(self.name).execute(tool_args)


class RecordedTool(_StandIn):
    """A tool that answers what it did when its cassette was recorded, where results were; else it is run."""

    def __init__(self, tool: Tool, recorded: Callable[[], RecordedTools | None], log: StubLog) -> None:
        super().__init__(tool)
        self._recorded, self._log = recorded, log

    async def execute(self, tool_args: Json) -> Json:
        """The recorded result. Raises StubError where an error was recorded, or nothing for these arguments."""
        recorded = self._recorded()
        if recorded is None:
            return self._heard(await self._tool.execute(tool_args))
        answer = recorded.answer(self.name, tool_args)
        if answer is None:
            self._log.problems.append(Problem(self._key, f"no result of {self.name} was recorded for these arguments"))
            raise StubError(f"the recording has no result of {self.name} for these arguments")
        kind, result = answer
        if kind != "ok":
            raise StubError(str(result.get("error", kind)))
        return result

    def _heard(self, result: Json) -> Json:
        with suppress(ToolResultError):  # which is told where the result is used
            told = json_result(result)
            if parts_of(told):
                self._log.media[self._key] = told
        return result


class StubbedTool(_StandIn):
    """A tool that answers what its stubs say."""

    def __init__(self, tool: Tool, stubs: Sequence[NamedStub], log: StubLog) -> None:
        super().__init__(tool)
        self._stubs, self._log = stubs, log
        for stub in stubs:
            log.counts.setdefault(stub.key, 0)

    async def execute(self, tool_args: Json) -> Json:
        """What the first stub that fits says; raises StubError where it says an error, or where none fits."""
        stub = self._fitting(tool_args)
        if stub is None:
            self._log.problems.append(Problem(self._key, f"no stub of {self.name} answers these arguments"))
            raise StubError(f"the test has no answer for {self.name} with these arguments")
        self._log.counts[stub.key] += 1
        self._log.answered[self._key] = stub.key
        return await self._answer(stub, tool_args)

    def _fitting(self, args: Json) -> NamedStub | None:
        matching = Matching(Rubrics())
        fits = (stub for stub in self._stubs if matching.fits(filled(stub.part.when, self._log.variables), args))
        return next(fits, None)

    async def _answer(self, stub: NamedStub, args: Json) -> Json:
        part = stub.part
        if part.delay is not None:
            await asyncio.sleep(part.delay)
        if part.passthrough:
            return await self._tool.execute(args)
        if part.error is not None:
            raise StubError(filled_text(part.error, self._log.variables))
        value = filled(part.returns, self._log.variables)
        for problem in self._breaches(value):
            self._log.problems.append(Problem(self._key, f"{stub.key} returns what {self.name} never does: {problem}"))
        return json_result(value)

    def _breaches(self, value: Any) -> list[str]:
        declared = self._tool.declaration()
        schema = declared.get("responseJsonSchema") or from_openapi(dumped(declared.get("response")))
        return problems_of(value, schema) if isinstance(schema, dict) else []
