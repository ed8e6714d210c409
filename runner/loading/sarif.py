"""Diagnostics as SARIF 2.1.0, which code-scanning services read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from runner.loading.codes import codes
from runner.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.loading.diagnostics import Diagnostic

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """One run of the tool `agent-run`, with the rules that were broken."""
    known = sorted({each.code for each in diagnostics})
    run = {
        "tool": {"driver": {"name": "agent-run", "version": __version__, "rules": [_rule(code) for code in known]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, known.index(each.code)) for each in diagnostics],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> dict[str, Any]:
    explained = codes()[code]
    return {
        "id": code,
        "shortDescription": {"text": explained.title},
        "fullDescription": {"text": explained.text},
        "help": {"text": f"agent-run explain {code}"},
        "defaultConfiguration": {"level": explained.severity},
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(diagnostic.path.replace("\\", "/"))}}
    if diagnostic.span is not None:
        physical["region"] = {
            "startLine": diagnostic.line,
            "startColumn": diagnostic.column,
            "endLine": diagnostic.end_line,
            "endColumn": diagnostic.end_column,
        }
    lines = [diagnostic.message, *([diagnostic.hint] if diagnostic.hint else []), *diagnostic.notes]
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": "\n".join(lines)},
        "locations": [{"physicalLocation": physical}],
        **_fixes(diagnostic, physical["artifactLocation"]),
    }


def _fixes(diagnostic: Diagnostic, location: dict[str, Any]) -> dict[str, Any]:
    if diagnostic.fix is None:
        return {}
    span = diagnostic.fix.span
    (line, column), (end_line, end_column) = span.source.place(span.start), span.source.place(span.end)
    region = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    replacement = {"deletedRegion": region, "insertedContent": {"text": diagnostic.fix.text}}
    change = {"artifactLocation": location, "replacements": [replacement]}
    return {"fixes": [{"description": {"text": f"write {diagnostic.fix.text}"}, "artifactChanges": [change]}]}
