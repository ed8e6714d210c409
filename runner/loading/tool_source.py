"""What a tool declares, read off its source: names, docstrings, annotations, literals; nothing is imported or run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.loading.known_tools import KnownTool
from runner.tools.docstring import read_docstring
from runner.tools.schema import from_openapi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.python_source import Definition
    from runner.messages import Json

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array", "dict": "object"}
_WRAPPERS = {"Annotated", "Optional", "Required", "Final"}
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum", "pattern": "pattern"}


def tool_of(definition: Definition, *, has_texts: bool = True) -> KnownTool | None:
    """The tool that a definition makes; None where its source does not tell its name.

    Without `has_texts` its docstring is not read, and the descriptions are empty.
    """
    node = definition.node
    known = None
    if isinstance(node, ast.ClassDef):
        known = tool_of_class(node)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        known = tool_of_function(node, has_texts=has_texts)
    return known or (KnownTool(definition.tool, "", {"type": "object"}) if definition.tool else None)


def tool_of_function(node: Function, *, has_texts: bool = True) -> KnownTool:
    """The tool that a function is; what is computed in its annotations is left open."""
    description, texts = read_docstring(ast.get_docstring(node) if has_texts else None)
    given = _decorated(node)
    properties: Json = {}
    required = []
    for parameter, default in _parameters(node):
        annotation = parameter.annotation
        if annotation is not None and _name(annotation).endswith("ToolContext"):
            continue
        text = texts.get(parameter.arg)
        properties[parameter.arg] = ({"description": text} if text else {}) | _schema(annotation)
        if default is None:
            required.append(parameter.arg)
    schema: Json = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return KnownTool(given.get("name") or node.name, given.get("description") or description, schema)


def tool_of_class(node: ast.ClassDef) -> KnownTool | None:
    """The tool that a `Tool` class is, where its `function_definition` is written out; else None."""
    values = dict(_assigned(node))
    definition = values.get("function_definition")
    if not isinstance(definition, dict):
        return None
    name = values.get("name") or definition.get("name")
    if not isinstance(name, str):
        return None
    schema = definition.get("parametersJsonSchema") or from_openapi(definition.get("parameters"))
    parameters = schema if isinstance(schema, dict) else {"type": "object", "properties": {}}
    return KnownTool(name, str(definition.get("description") or ""), parameters)


def _decorated(node: Function) -> dict[str, str]:
    """The texts given to `@tool(...)`."""
    calls = [each for each in node.decorator_list if isinstance(each, ast.Call) and _name(each.func).endswith("tool")]
    return {
        keyword.arg: keyword.value.value
        for call in calls
        for keyword in call.keywords
        if keyword.arg and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }


def _parameters(node: Function) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """The parameters with their defaults; `*args` and `**kwargs` cannot be declared."""
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults))
    yield from zip(positional, [*defaults, *node.args.defaults], strict=True)
    yield from zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)


def _assigned(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    """The attributes of a class whose values are literals."""
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
                try:
                    yield target.id, ast.literal_eval(statement.value)
                except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                    continue


def _schema(annotation: ast.expr | None) -> Json:
    """The schema of a type as far as it can be read off: simple types, Literal, lists, and what wraps them."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return {}
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _choice([annotation.left, annotation.right])
    if isinstance(annotation, ast.Subscript):
        return _subscripted(_name(annotation.value), annotation.slice)
    kind = _TYPES.get(_name(annotation).lower()) if annotation is not None else None
    return {"type": kind} if kind else {}


def _subscripted(name: str, inner: ast.expr) -> Json:
    items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Literal":
        values = [item.value for item in items if isinstance(item, ast.Constant)]
        return {"enum": values} if len(values) == len(items) else {}
    if name == "Union":
        return _choice(items)
    if name in _WRAPPERS:
        return _schema(items[0]) | _constraints(items[1:])
    kind = _TYPES.get(name.lower())
    if kind == "array":
        of = _schema(items[0])
        return {"type": "array", "items": of} if of else {"type": "array"}
    return {"type": kind} if kind else {}


def _choice(arms: list[ast.expr]) -> Json:
    """A union's schema where only one arm of it is not None; else anything."""
    others = [arm for arm in arms if not (isinstance(arm, ast.Constant) and arm.value is None)]
    return _schema(others[0]) if len(others) == 1 else {}


def _constraints(metadata: list[ast.expr]) -> Json:
    """The description and the bounds of an Annotated type."""
    found: Json = {}
    for item in metadata:
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            found["description"] = item.value
        if not isinstance(item, ast.Call):
            continue
        for keyword in item.keywords:
            if isinstance(keyword.value, ast.Constant) and (
                name := {**_BOUNDS, "description": "description"}.get(keyword.arg or "")
            ):
                found[name] = keyword.value.value
    return found


def _name(node: ast.expr) -> str:
    """The last name of `a.b.c`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
