"""The JSON schema of a conversations file: what the types say, with matchers, and with the tools of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.schemas.agent import model_schema
from runner.schemas.draft7 import DRAFT, draft7, with_markdown
from runner.schemas.leaves import SUITE, finished
from runner.schemas.matchers import TEMPLATE, VALUE, argument_literal, argument_value, matcher_definitions
from runner.schemas.suite_texts import SUITE_SNIPPETS
from runner.schemas.tools import arguments_by_tool, arguments_of, tool_names
from runner.suite import SuiteFile
from runner.suite.quantities import MOMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.loading.known_tools import KnownTool
    from runner.messages import Json

ID = "urn:agent-run:schema:conversations"

_PART = "x-part"  # marks what is filled in here, and is not in the schema
_TEXT: Json = {"type": "string", "minLength": 1}
_STUB = {"$ref": "#/definitions/stub"}
_MOMENT: Json = {
    "type": "string",
    "pattern": f"{MOMENT}|{SUITE.reference['pattern']}",
    "patternErrorMessage": "A date, or a date and a time: 2026-03-01T12:00, with Z or +01:00 if you like.",
}
_NOT_ASKED = ("replies", "expect", "save")  # what a turn cannot have whose answer is given


def conversations_schema(tools: Sequence[KnownTool] | None = None, *, has_all_tools: bool = False) -> Json:
    """The schema of a conversations file, draft-07.

    With `tools` it is that of a project: it knows their names and arguments, and if these are all tools, no others. A
    value that is not text may also be written as `${env:VAR}`, and an argument as `${name}`.
    """
    generated = SuiteFile.model_json_schema(by_alias=True, mode="validation")
    definitions = _marked(generated)
    parts = _Parts(tools or (), knows_tools=tools is not None, has_all_tools=has_all_tools)

    def part(schema: Json) -> Json:
        told: Json = parts.filled(finished(draft7({**schema, "$defs": definitions}, nullable=False), "", SUITE))
        return told

    schema = {
        "$schema": DRAFT,
        "$id": ID,
        "defaultSnippets": SUITE_SNIPPETS[""],
        **part(generated),
        "definitions": {
            **matcher_definitions(part({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/JudgePart"}]})),
            "stub": {**part(definitions["StubPart"]), "defaultSnippets": SUITE_SNIPPETS["stub"]},
            "model": model_schema(generated["$defs"], SUITE),
        },
    }
    told: Json = with_markdown(schema)
    return told


def _marked(generated: Json) -> Json:
    """The definitions of pydantic's schema, with marks where more is to be said than the types do."""
    found: Json = {name: {**each, "properties": dict(each["properties"])} for name, each in generated["$defs"].items()}
    generated["properties"] = dict(generated["properties"])
    found["SuiteFile"] = generated
    for place, name in _MARKS.items():
        part, _, key = place.partition(".")
        if key:
            told = {"description": found[part]["properties"][key]["description"]}
            found[part]["properties"][key] = {_PART: name, **told}
        else:
            found[part][_PART] = name
    call, parallel = found["CallPart"], found["ParallelPart"]
    found["StepPart"] = {
        **call,
        "properties": {**call["properties"], **parallel["properties"]},
        "required": [],
        "anyOf": [{"required": ["tool"]}, {"required": ["parallel"]}],
        "dependencies": {"parallel": {"properties": dict.fromkeys(call["properties"], False)}},
    }
    for name in ("ExpectPart", "FinallyPart"):
        (word, steps, _) = found[name]["properties"]["calls"]["anyOf"]
        steps = {**steps, "items": {"anyOf": [_TEXT, {"$ref": "#/$defs/StepPart"}]}}
        found[name]["properties"]["calls"] = {**found[name]["properties"]["calls"], "anyOf": [word, steps]}
    del found["SuiteFile"]
    return found


_MARKS = {
    "CallPart": "call",
    "CallPart.tool": "tool",
    "CallPart.args": "args",
    "CallPart.result": "value",
    "ReplyPart.json": "value",
    "ExpectPart.no_calls": "tools",
    "FinallyPart.no_calls": "tools",
    "ScriptedPart": "scripted",
    "ScriptedPart.call": "tool",
    "ScriptedCallPart": "scripted",
    "ScriptedCallPart.call": "tool",
    "StubPart.when": "args",
    "SuiteFile.stubs": "stubs",
    "CasePart.stubs": "stubs",
    "CasePart": "case",
    "CasePart.model": "model",
    "DefaultsPart.model": "model",
    "JudgeDefaultsPart.model": "model",
    "JudgePart.model": "model",
    "TurnPart": "turn",
    "CasePart.now": "moment",
    "DefaultsPart.now": "moment",
}


class _Parts:
    """Fills in what is marked."""

    def __init__(self, tools: Sequence[KnownTool], *, knows_tools: bool, has_all_tools: bool) -> None:
        self._tools = tools
        self._knows_tools, self._is_closed = knows_tools, knows_tools and has_all_tools
        self._matchers = {_SHAPES: VALUE}
        self._fillers: dict[str, Callable[[Json], Json]] = {
            "value": lambda schema: {**schema, "allOf": [VALUE]},
            "args": self._args,
            "moment": lambda schema: {**schema, **_MOMENT},
            "model": lambda schema: {**schema, "allOf": [{"$ref": "#/definitions/model"}]},
            "tool": lambda schema: {**schema, **self._name()},
            "tools": self._tool_names,
            "call": self._call,
            "scripted": self._scripted,
            "stubs": self._stubs,
            "case": lambda schema: {**schema, "defaultSnippets": SUITE_SNIPPETS["case"]},
            "turn": self._turn,
        }

    def filled(self, schema: Any) -> Any:
        """A schema in which each marked one is filled in."""
        if isinstance(schema, list):
            return [self.filled(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        inner = {key: self.filled(value) for key, value in schema.items() if key != _PART}
        return self._fillers[schema[_PART]](inner) if isinstance(schema.get(_PART), str) else inner

    def _name(self) -> Json:
        """The schema of a tool's name."""
        if not self._knows_tools:
            return _TEXT
        known = [tool_names(self._tools)] if self._tools else []
        return {"anyOf": [*known, TEMPLATE if self._is_closed else _TEXT]}

    def _tool_names(self, schema: Json) -> Json:
        name = self._name()
        return {**schema, "anyOf": [name, {"type": "array", "minItems": 1, "items": name}]}

    def _args(self, schema: Json) -> Json:
        """Arguments; where tools are known, each says what its own are like."""
        return {**schema, "type": "object"} | ({} if self._knows_tools else {"allOf": [VALUE]})

    def _call(self, schema: Json) -> Json:
        """A call that is expected: a tool's name, or a mapping; which arguments it has follows from the tool."""
        told = {**schema, "defaultSnippets": SUITE_SNIPPETS["call"]}
        if not self._knows_tools:
            return told
        by_tool = arguments_by_tool(self._tools, value=argument_value, beside=self._matchers)
        if "string" in schema.get("type", ""):
            by_tool = [{"if": {"type": "string"}, "then": self._name()}, *by_tool]
            told["examples"] = [tool.name for tool in self._tools]
        return {**told, "allOf": by_tool} if by_tool else told

    def _scripted(self, schema: Json) -> Json:
        by_tool = arguments_by_tool(self._tools, name_key="call", value=argument_literal)
        return {**schema, "allOf": by_tool} if by_tool else schema

    def _stubs(self, schema: Json) -> Json:
        """Answers by the tool's name: one, or a list of them."""
        told: Json = {**schema, "type": "object", "propertyNames": {"minLength": 1}}
        if self._knows_tools:
            told["properties"] = {tool.name: self._stub_of(tool) for tool in self._tools}
        return {**told, "additionalProperties": False if self._is_closed else _answers(_STUB)}

    def _stub_of(self, tool: KnownTool) -> Json:
        stub: Json = {"allOf": [_STUB]}
        if "properties" in tool.parameters:
            when = arguments_of(tool, argument_value, self._matchers)
            stub["properties"] = {"when": when}
        return {"description": tool.description, **_answers(stub)}

    def _turn(self, schema: Json) -> Json:
        excluded = {"assistant": {"properties": dict.fromkeys(_NOT_ASKED, False)}}
        return {**schema, "dependencies": excluded, "defaultSnippets": SUITE_SNIPPETS["turn"]}


_SHAPES = r"^\$(?:exact|subset|eq|ne|all|not|in|nin|schema|judge)$"
"""The matchers that may stand in the place of all arguments of a call."""


def _answers(stub: Json) -> Json:
    return {"anyOf": [stub, {"type": "array", "minItems": 1, "items": stub}]}
