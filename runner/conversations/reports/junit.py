"""A run as JUnit XML.

Two families: `surefire` is valid by the schema of Maven Surefire's reports, version 3.0. It knows one suite a file, and
neither a case's place nor its properties: these stand in the failure's text and among the suite's properties.
`extended` has what GitLab, CircleCI and Jenkins read beyond it: a suite for each file, `file` and `line` of each case,
and properties of its own.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Literal, TypeAlias
from xml.etree import ElementTree as ET

from runner.conversations.reports.lines import Layout, joined
from runner.conversations.reports.repeated import repeat_facts, taken
from runner.conversations.reports.text import (
    SUFFIX,
    attempt_lines,
    capped,
    first_line,
    reason,
    shown,
    transcript,
    turn_checks,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from runner.conversations.results import Attempt, CaseResult, RunResult

Family: TypeAlias = Literal["surefire", "extended"]

_ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST = 20_000  # characters of a case's transcript
_MOST_MESSAGE = 300


def as_junit(result: RunResult, folder: Path, family: Family = "surefire") -> str:
    """The XML document; paths are relative to `folder`."""
    writer = _Writer(Layout(folder=folder, clean=writable), family)
    root = writer.one_suite(result) if family == "surefire" else writer.all_suites(result)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def writable(text: str) -> str:
    """A text with the characters that XML has no way to write as escapes such as `\\x1b`."""
    return _ILLEGAL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class _Writer:
    def __init__(self, layout: Layout, family: Family) -> None:
        self._layout, self._is_extended = layout, family == "extended"

    def one_suite(self, result: RunResult) -> ET.Element:
        """The whole run as one suite, named after its file if that is the only one."""
        files = {case.suite for case in result.cases}
        name = self._layout.place(next(iter(files))) if len(files) == 1 else "agent-run"
        suite = self._suite(name, result.cases, {"time": _seconds(result.ms)})
        facts = [*run_facts(result).items()]
        for case in result.cases:
            facts += [(f"{self._class_name(case)}: {case.name}: {key}", value) for key, value in self._facts(case)]
        suite.insert(0, self._properties(facts))
        return suite

    def all_suites(self, result: RunResult) -> ET.Element:
        """A suite for each file."""
        root = ET.Element("testsuites", {"name": "agent-run", "time": _seconds(result.ms), **_counts(result.cases)})
        for path, group in groupby(result.cases, key=lambda case: case.suite):
            cases = list(group)
            more = {"timestamp": result.started.isoformat(timespec="seconds"), "file": self._layout.place(path)}
            suite = self._suite(self._layout.place(path), cases, more)
            suite.insert(0, self._properties(run_facts(result).items()))
            root.append(suite)
        return root

    def _suite(self, name: str, cases: Sequence[CaseResult], more: Mapping[str, str]) -> ET.Element:
        suite = ET.Element("testsuite", {"name": name, **_counts(cases), **more})
        suite.extend([self._case(case) for case in cases])
        return suite

    def _case(self, case: CaseResult) -> ET.Element:
        element = ET.Element("testcase", {"name": writable(case.name), "classname": self._class_name(case)})
        if self._is_extended:
            element.attrib |= {"file": self._layout.place(case.suite), "line": str(case.line)}
            element.append(self._properties(self._facts(case)))
        element.set("time", _seconds(taken(case)))
        told = shown(case)
        element.extend(self._outcome(case, told))
        if told is not None and told.turns:
            out = capped("".join(joined(transcript(told, self._layout))), _MOST)
            ET.SubElement(element, "system-out").text = out
        return element

    def _class_name(self, case: CaseResult) -> str:
        return writable(f"{case.agent}.{case.suite.name.removesuffix(SUFFIX)}")

    def _facts(self, case: CaseResult) -> list[tuple[str, str]]:
        facts = [("place", self._layout.place(case.suite, case.line))]
        return [*facts, *((key, str(value)) for key, value in repeat_facts(case).items() if value is not None)]

    def _properties(self, facts: object) -> ET.Element:
        properties = ET.Element("properties")
        for key, value in facts:  # type: ignore[attr-defined]  # pairs of texts
            ET.SubElement(properties, "property", {"name": writable(key), "value": writable(value)})
        return properties

    # how it ended, in the order that the schema wants

    def _outcome(self, case: CaseResult, told: Attempt | None) -> list[ET.Element]:
        if case.outcome == "skipped":
            return [ET.Element("skipped", {"message": writable(case.skip_reason or "skipped")})]
        others = [each for each in case.attempts if each.outcome != "passed" and each is not told]
        kind = "flaky" if case.outcome == "passed" else "rerun"
        failures = [self._other(case, each, f"{kind}Failure") for each in others if each.outcome == "failed"]
        errors = [self._other(case, each, f"{kind}Error") for each in others if each.outcome != "failed"]
        if case.outcome == "failed":
            return [self._verdict(case, told, "failure"), *failures, *errors]
        if case.outcome == "error":
            return [*failures, self._verdict(case, told, "error"), *errors]
        return [*failures, *errors]

    def _verdict(self, case: CaseResult, told: Attempt | None, tag: str) -> ET.Element:
        message = capped(writable(first_line(case)), _MOST_MESSAGE)
        element = ET.Element(tag, {"message": message, "type": _kind(told, tag)})
        element.text = self._text(case, told)
        return element

    def _other(self, case: CaseResult, attempt: Attempt, tag: str) -> ET.Element:
        message = capped(writable(_message(attempt)), _MOST_MESSAGE)
        element = ET.Element(tag, {"message": message, "type": _kind(attempt, tag)})
        ET.SubElement(element, "stackTrace").text = self._text(case, attempt)
        return element

    def _text(self, case: CaseResult, attempt: Attempt | None) -> str:
        lines = joined(attempt_lines(case, attempt, self._layout)) if attempt is not None else ""
        return capped(f"{self._layout.place(case.suite, case.line)}\n{lines}", _MOST)


def run_facts(result: RunResult) -> dict[str, str]:
    """What is known of the whole run."""
    facts = {
        "exit_code": str(result.exit_code),
        "deselected": str(result.deselected),
        "stopped": result.stopped,
        "tokens": None if result.usage is None else str(result.usage.total_tokens),
        "cost": None if result.cost is None else f"{result.cost:.6f}",
    }
    return {key: value for key, value in facts.items() if value is not None}


def _counts(cases: Sequence[CaseResult]) -> dict[str, str]:
    number = {outcome: sum(case.outcome == outcome for case in cases) for outcome in ("error", "skipped", "failed")}
    return {
        "tests": str(len(cases)),
        "errors": str(number["error"]),
        "skipped": str(number["skipped"]),
        "failures": str(number["failed"]),
    }


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.3f}"


def _kind(attempt: Attempt | None, tag: str) -> str:
    """The kind of the first check that did not hold, or the reason of the trouble."""
    if attempt is None:
        return tag
    if attempt.trouble is not None:
        return attempt.trouble.reason
    return next((check.kind for _, checks in turn_checks(attempt) for check in checks), tag)


def _message(attempt: Attempt) -> str:
    if attempt.trouble is not None:
        return f"attempt {attempt.index}: {reason(attempt.trouble)}"
    messages = (check.message for _, checks in turn_checks(attempt) for check in checks)
    return f"attempt {attempt.index}: {'; '.join(messages)}"
