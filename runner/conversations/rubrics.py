"""Rubrics: what a judge is to be asked, and what it said.

Comparing is synchronous and a judge is not. So a rubric nobody has judged yet counts as fulfilled and is noted; when
the judge was asked, the same is compared again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from runner.suite import JudgePart

if TYPE_CHECKING:
    from runner.manifest import ModelSpec

Subject: TypeAlias = Literal["reply", "conversation", "value"]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing a judge is asked: a rubric, about a reply, a whole conversation, or a value, which `material` shows."""

    about: Subject
    material: str
    rubric: str
    threshold: float
    votes: int | None
    model: ModelSpec | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the votes came to; reason, quote and score are those of a vote that agrees with the outcome."""

    passed: bool
    score: float
    reason: str
    quote: str
    votes: int = 1
    agreeing: int = 1


class Rubrics:
    """The verdicts known so far, and the questions that came up without one."""

    def __init__(self) -> None:
        self._verdicts: list[tuple[Question, Verdict]] = []
        self._wanted: list[Question] = []

    def asked(
        self, about: Literal["reply", "conversation", "value"], material: str, judge: JudgePart
    ) -> Verdict | None:
        """The verdict on a rubric, or None where it has to be asked for first."""
        question = Question(about, material, judge.rubric, judge.threshold, judge.votes, judge.model)
        for known, verdict in self._verdicts:
            if known == question:
                return verdict
        if question not in self._wanted:
            self._wanted.append(question)
        return None

    def verdict(self, given: Any, value: Any) -> Verdict | None:
        """The verdict on a value, for the matcher $judge; `given` is a rubric, or {rubric, threshold, model, votes}."""
        judge = JudgePart.model_validate({"rubric": given} if isinstance(given, str) else given)
        return self.asked("value", json.dumps(value, ensure_ascii=False, indent=1, default=str), judge)

    def wanted(self) -> list[Question]:
        """The questions that came up since this was last asked."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def settle(self, question: Question, verdict: Verdict) -> None:
        """Keep what the judge said."""
        self._verdicts.append((question, verdict))
