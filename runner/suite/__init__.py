"""The types of a conversations file (`*.conversations.yaml`): what is said to an agent, and what is expected of it."""

from runner.suite.cases import CasePart, DefaultsPart, SuiteFile, TurnPart
from runner.suite.expectations import CallPart, CountPart, ExpectPart, FinallyPart, JudgePart, ParallelPart, ReplyPart
from runner.suite.scripts import ScriptedCallPart, ScriptedPart, StubPart

__all__ = [
    "CallPart",
    "CasePart",
    "CountPart",
    "DefaultsPart",
    "ExpectPart",
    "FinallyPart",
    "JudgePart",
    "ParallelPart",
    "ReplyPart",
    "ScriptedCallPart",
    "ScriptedPart",
    "StubPart",
    "SuiteFile",
    "TurnPart",
]
