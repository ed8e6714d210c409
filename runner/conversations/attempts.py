"""One attempt: a case held once, with an agent of its own, turn by turn, each turn checked."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.agent import Agent, Substitutes
from runner.conversations.checking import (
    Checks,
    final_checks,
    held_conversation,
    held_turn,
    schema_checks,
    stub_checks,
    turn_checks,
)
from runner.conversations.judging import Judge
from runner.conversations.progress import AttemptStarted, Noticed, TurnEnded
from runner.conversations.results import Attempt, Check, TurnRecord
from runner.conversations.rubrics import Rubrics
from runner.conversations.sources import Replies
from runner.conversations.stubs import OwnTool, RecordedTool, StubbedTool
from runner.conversations.transcript import summed_costs, summed_usage
from runner.conversations.troubles import trouble_of
from runner.conversations.turns import Chat, hold_turn, pin_turn
from runner.conversations.variables import filled_part, filled_text, saved_value
from runner.errors import ManifestError
from runner.manifest.specs import default_model
from runner.storages.memory import LocalChatStorage

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.conversations.grounds import Ground
    from runner.conversations.planning import Planned
    from runner.conversations.results import Trouble
    from runner.events import Notice
    from runner.manifest import ModelSpec
    from runner.models.base import Model
    from runner.suite import TurnPart
    from runner.tools.base import Tool

logger = logging.getLogger("agent_run")


async def attempted(planned: Planned, index: int, ground: Ground) -> Attempt:
    """A case held once, within its time; whatever goes wrong is told in the attempt."""
    held = _Held(planned, index, ground)
    began = time.perf_counter()
    trouble: Trouble | None = None
    timer = asyncio.timeout(planned.timeout)
    try:
        try:
            async with timer:
                await held.run()
        except TimeoutError as error:
            late = TimeoutError(f"not over within {planned.timeout:g} s: {held.where}")
            trouble = trouble_of(late if timer.expired() else error)
    except Exception as error:  # a case that goes wrong in whatever way must not take the others along
        trouble = trouble_of(error)
        if trouble.reason == "bug":
            logger.exception("the case %a", planned.case.name)
    finally:
        await held.aclose()
    if trouble is not None and trouble.reason in {"no_key", "cassette_missing"}:
        trouble = replace(trouble, hint=held.recording_hint)
    return held.attempt(trouble, round((time.perf_counter() - began) * 1000, 3))


class _Held:
    """One attempt while it is held."""

    def __init__(self, planned: Planned, index: int, ground: Ground) -> None:
        self._planned, self._index, self._ground = planned, index, ground
        self._replies = Replies(planned, index, ground.loaded, ground.settings)
        self._chat = Chat(planned.loaded.path.parent, dict(planned.case.vars))
        self._checks: list[Check] = []  # of the whole conversation
        self._notes: list[str] = []
        self._rubrics = Rubrics()
        self._agent: Agent
        self._own_tools: dict[str, dict[str, Tool]] = {}
        self._judge: Judge | None = None

    @property
    def where(self) -> str:
        """How far it has come."""
        turns = self._chat.turns
        return f"it stood in turn {turns[-1].number}" if turns else "its first turn had not begun"

    @property
    def recording_hint(self) -> str:
        """What to do where there is nobody to answer."""
        return f"set GEMINI_API_KEY and record it: {self._replies.command('once')}; or write `replies` in its turns"

    async def run(self) -> None:
        """All turns, then what is expected of the whole."""
        observer, case, index = self._ground.observer, self._planned.id, self._index
        observer(AttemptStarted(case=case, index=index, source=self._replies.source))
        self._agent = Agent(
            self._ground.loaded,
            model=self._replies.spec,
            settings=self._ground.settings,
            substitutes=Substitutes(
                model=self._replies.agent_model,
                tool_lines=self._tool_lines(),
                storage=LocalChatStorage(),
                clock=lambda: self._replies.clock,
            ),
        )
        async with self._agent:
            self._refuse_strange_stubs()
            goes_on = True
            for number, part in enumerate(self._planned.case.turns):
                record = self._begun(number, part)
                goes_on = goes_on and await self._turn(number, record, part)
                observer(TurnEnded(case=case, index=index, turn=record))
            if goes_on:
                await self._finally()
        self._replies.save()

    async def aclose(self) -> None:
        """Close what the agent does not."""
        await self._replies.aclose()

    def attempt(self, trouble: Trouble | None, ms: float) -> Attempt:
        """What came of it."""
        replies, turns = self._replies, self._chat.turns
        cost = summed_costs(turn.cost for turn in turns if turn.status not in {"skipped", "pinned"})
        made = Attempt(
            index=self._index,
            source=replies.source,
            outcome="passed",
            turns=turns,
            checks=self._checks,
            trouble=trouble,
            cassette=replies.path if replies.cassette is not None else None,
            notes=self._notes + replies.notes(),
            stub_calls=self._chat.stubs.counts,
            usage=summed_usage(turn.usage for turn in turns),
            judge_usage=self._judge.usage if self._judge else None,
            cost=cost,
            spent=replies.spent(cost, self._judge.cost if self._judge else 0.0),
            ms=ms,
        )
        made.outcome = "error" if trouble is not None else "failed" if made.failures else "passed"
        return made

    # its agent

    def _tool_lines(self) -> list[tuple[str, list[Tool]]]:
        lines = self._ground.sample.tool_lines
        return [(line, [self._substituted(tool, line) for tool in tools]) for line, tools in lines]

    def _substituted(self, tool: Tool, line: str) -> Tool:
        own = OwnTool(tool, lambda name: self._own_tool(line, name))
        recorded = RecordedTool(own, self._replies.recorded_tools, self._chat.stubs)
        stubs = self._planned.stubs.get(tool.name)
        return recorded if stubs is None else StubbedTool(recorded, stubs, self._chat.stubs)

    def _own_tool(self, line: str, name: str) -> Tool:
        if line not in self._own_tools:
            self._own_tools[line] = {tool.name: tool for tool in self._agent.made_tools(line)}
        return self._own_tools[line][name]

    def _refuse_strange_stubs(self) -> None:
        for name in self._planned.stubs:
            if self._agent.toolbox.get(name) is None:
                known = ", ".join(self._agent.toolbox.names) or "none"
                raise ManifestError(f'a stub stands in for "{name}", which is no tool of the agent; they are: {known}')

    # its turns

    def _begun(self, number: int, part: TurnPart) -> TurnRecord:
        user = filled_text(part.user or "", self._chat.variables)
        record = TurnRecord(number=number + 1, line=self._planned.line(f"turns[{number}]"), user=user)
        self._chat.turns.append(record)
        return record

    async def _turn(self, number: int, record: TurnRecord, part: TurnPart) -> bool:
        """Hold and check a turn; whether the next one is to be held."""
        if part.assistant is not None:
            await pin_turn(self._chat, record, part, self._agent)
        else:
            await hold_turn(self._chat, record, part, self._agent, self._replies, self._tell_notice)
            record.checks = await self._turn_checks(number, record, part)
        record.checks += self._saved(record, part)
        return not self._planned.stops_on_failure or all(check.passed for check in record.checks)

    def _tell_notice(self, notice: Notice) -> None:
        turn = self._chat.turns[-1].number
        told = Noticed(case=self._planned.id, index=self._index, turn=turn, code=notice.code, message=notice.message)
        self._ground.observer(told)

    def _saved(self, record: TurnRecord, part: TurnPart) -> list[Check]:
        """Keep what the turn saves of its reply; a failed check for each thing that is not there."""
        missing: list[Check] = []
        for name, written in part.save.items():
            pattern = filled_text(written, self._chat.variables)
            value = saved_value(pattern, record.reply)
            if value is None:
                line = self._planned.line(f"turns[{record.number - 1}].save.{name}")
                message = f"nothing to save as {name}: the reply does not match {pattern!r}"
                missing.append(
                    Check(kind="reply", passed=False, message=message, expected=pattern, actual=record.reply, line=line)
                )
            else:
                self._chat.variables[name] = value
        return missing

    # its checks

    async def _turn_checks(self, number: int, record: TurnRecord, part: TurnPart) -> list[Check]:
        expect = filled_part(part.expect, self._chat.variables)
        held = held_turn(self._chat.turns, number)
        problems, script = self._chat.stubs.take_problems(), self._replies.script

        def check(checks: Checks) -> None:
            turn_checks(record, held, expect, checks)
            schema_checks(record, self._agent.toolbox, checks)
            stub_checks(record, problems, script.left if script is not None else 0, checks)

        return await self._judged(check, f"turns[{number}].expect")

    async def _finally(self) -> None:
        if self._planned.case.finally_ is not None:
            expect = filled_part(self._planned.case.finally_, self._chat.variables)
            held = held_conversation(self._chat.turns)
            self._checks = await self._judged(lambda checks: final_checks(held, expect, checks), "finally")

    async def _judged(self, check: Callable[[Checks], None], key: str) -> list[Check]:
        """The checks; what only a judge can say is asked for until they need no more."""
        while True:
            checks = Checks(self._rubrics, lambda below: self._planned.line(f"{key}.{below}" if below else key))
            check(checks)
            wanted = self._rubrics.wanted()
            if not wanted:
                return checks.made
            if self._judge is None:
                votes = self._planned.loaded.suite.defaults.judge.votes
                self._judge = Judge(self._judge_model, votes, self._replies.clock)
            for question in wanted:
                self._rubrics.settle(question, await self._judge.verdict(question))

    def _judge_model(self, given: ModelSpec | None) -> Model:
        spec = given or self._planned.loaded.suite.defaults.judge.model or default_model()
        note = f"the judge {spec.options.get('name')} is the agent's own model: it may be mild with itself"
        if self._replies.is_own_judge(spec) and note not in self._notes:
            self._notes.append(note)
        return self._replies.judge_model(spec, lambda: self._agent.made_model(spec))
