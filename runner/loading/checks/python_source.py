"""What a Python file defines, read off its source with `ast`: nothing of it is run.

What cannot be told from the source (computed names, star imports, unknown decorators) is called unknown, and nothing is
said about it.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from runner.loading.diagnostics import Diagnostic, Span
from runner.loading.source import Source, SourceError, read_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LARGEST = 5_000_000  # bytes

Kind: TypeAlias = Literal["function", "tool", "class", "tool class", "value", "unknown"]
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Definition:
    """A public name of a module. `tool` is the name the model would call it by, None if the source does not tell."""

    name: str
    kind: Kind
    node: ast.AST
    tool: str | None = None
    function: Function | None = None


@dataclass(slots=True)
class PythonFile:
    """A module's definitions by name, and what else its source says."""

    path: Path
    source: Source | None
    definitions: dict[str, Definition] = field(default_factory=dict)
    exported: list[str] | None = None  # `__all__`, where it is a plain list of texts
    is_open: bool = False  # it may define more than its source shows
    problem: Diagnostic | None = None

    def span(self, node: ast.AST) -> Span | None:
        """Where a definition's name stands."""
        if self.source is None:
            return None
        line = getattr(node, "lineno", 1)
        text = self.source.line(line)
        start = self.source.offset(
            line, len(text.encode()[: getattr(node, "col_offset", 0)].decode(errors="replace")) + 1
        )
        name = getattr(node, "name", None) or getattr(node, "arg", None)
        if isinstance(name, str):
            found = self.source.text.find(name, start)
            if 0 <= found < start + len(text) + 20:
                return Span(self.source, found, found + len(name))
        return Span(self.source, start, start + 1)

    def tools(self) -> Iterator[Definition] | None:
        """The tools that naming the whole module gives; None where the source does not tell them all."""
        if self.exported is not None:
            chosen = [self.definitions.get(name) for name in self.exported]
            return None if None in chosen or self.is_open else (each for each in chosen if each is not None)
        public = [each for name, each in self.definitions.items() if not name.startswith("_")]
        declared = [each for each in public if each.kind in {"tool", "tool class"}]
        if self.is_open or any(each.kind == "unknown" for each in public):
            return None
        return iter(declared or [each for each in public if each.kind == "function"])

    def certain_tools(self) -> list[Definition]:
        """The tools among them that the source leaves no doubt about."""
        told = self.tools()
        if told is not None:
            return list(told)
        return [
            each for name, each in self.definitions.items() if each.kind in {"tool", "tool class"} and name[0] != "_"
        ]


def python_file(path: Path, owned: Iterable[str] = ()) -> PythonFile:
    """What a file defines; `owned` are top-level names of the project's own modules, which may bring in tools."""
    try:
        source = read_source(path, limit=_LARGEST)
    except SourceError as error:  # in another encoding, it may still be Python
        problem = Diagnostic(code="E165", message=error.message, path=str(path)) if error.code == "E100" else None
        return PythonFile(path, None, is_open=True, problem=problem)
    try:
        tree = _parsed(source.text)
    except SyntaxError as error:
        return PythonFile(path, source, is_open=True, problem=_syntax(error, source))
    except (ValueError, RecursionError, MemoryError):
        return PythonFile(path, source, is_open=True)
    found = PythonFile(path, source)
    _Reader(found, frozenset(owned)).read(tree.body)
    return found


def _parsed(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _syntax(error: SyntaxError, source: Source) -> Diagnostic:
    start = source.offset(error.lineno or 1, max(error.offset or 1, 1))
    end = start + 1
    if error.end_lineno == error.lineno and error.end_offset and error.offset and error.end_offset > error.offset:
        end = start + error.end_offset - error.offset
    message = f"SyntaxError: {error.msg}"
    return Diagnostic(code="E165", message=message, path=source.shown, span=Span(source, start, end))


class _Reader:
    """Collects a module's definitions, in the order in which they would be made."""

    def __init__(self, found: PythonFile, owned: frozenset[str]) -> None:
        self._found, self._owned = found, owned
        self._tool_words = {"tool", "FunctionTool"}  # names that make tools
        self._tool_classes = {"Tool"}

    def read(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.ClassDef():
                self._class(node)
            case ast.Assign():
                for target in node.targets:
                    self._assigned(target, node.value, node)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assigned(node.target, value, node)
            case ast.Import() | ast.ImportFrom():
                self._imported(node)
            case ast.If() | ast.For() | ast.While() | ast.With() | ast.Try():
                self._inside(node)
            case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Match():
                self._dynamic(node)

    def _inside(self, node: ast.stmt) -> None:
        for name in ("body", "orelse", "finalbody"):
            self.read(getattr(node, name, ()))
        for handler in getattr(node, "handlers", ()):
            self.read(handler.body)

    def _dynamic(self, node: ast.stmt) -> None:
        """`globals()[...] = ...`, `__all__ += ...` and the like: more is defined than is shown."""
        if any(
            isinstance(each, ast.Name) and each.id in {"globals", "setattr", "exec", "__all__"}
            for each in ast.walk(node)
        ):
            self._found.is_open, self._found.exported = True, None

    def _add(
        self, name: str, kind: Kind, node: ast.AST, tool: str | None = None, function: Function | None = None
    ) -> None:
        self._found.definitions[name] = Definition(name, kind, node, tool, function)
        if name == "__getattr__":
            self._found.is_open = True

    def _function(self, node: Function) -> None:
        words = [_word(decorator) for decorator in node.decorator_list]
        makes = [word in self._tool_words for word in words]
        if not words:
            self._add(node.name, "function", node, node.name, node)
        elif any(makes):
            decorator = node.decorator_list[makes.index(True)]
            self._add(node.name, "tool", node, _given_name(decorator, node.name), node if all(makes) else None)
        else:
            self._add(node.name, "unknown", node)

    def _class(self, node: ast.ClassDef) -> None:
        bases = [_word(base) for base in node.bases]
        if any(base in self._tool_classes for base in bases):
            self._tool_classes.add(node.name)
            self._add(node.name, "tool class", node, _class_tool_name(node))
        elif any(base in self._imported_names() for base in bases if base):
            self._add(node.name, "unknown", node)
        else:
            self._add(node.name, "class", node)

    def _imported_names(self) -> set[str]:
        return {name for name, each in self._found.definitions.items() if each.kind == "unknown"}

    def _assigned(self, target: ast.expr, value: ast.expr, node: ast.stmt) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            is_plain = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
            values = value.elts if isinstance(value, (ast.Tuple, ast.List)) and is_plain else [value] * len(target.elts)
            for each, part in zip(target.elts, values, strict=True):
                self._assigned(each, part if is_plain else ast.Name("_"), node)
            return
        if not isinstance(target, ast.Name):
            self._dynamic(node)
            return
        if target.id == "__all__":
            self._exports(value)
        elif isinstance(value, ast.Call):
            self._made(target.id, value, node)
        elif isinstance(value, ast.Name) and value.id in self._found.definitions:
            known = self._found.definitions[value.id]
            self._add(target.id, known.kind, node, known.tool, known.function)
        else:
            plain = isinstance(
                value, (ast.Constant, ast.List, ast.Dict, ast.Set, ast.Tuple, ast.JoinedStr, ast.ListComp, ast.DictComp)
            )
            self._add(target.id, "value" if plain else "unknown", node)

    def _made(self, name: str, call: ast.Call, node: ast.stmt) -> None:
        word = _word(call)
        if word in self._tool_words:
            function = call.args[0].id if call.args and isinstance(call.args[0], ast.Name) else None
            self._add(name, "tool", node, _given_name(call, function))
        elif word in self._tool_classes:
            made_of = self._found.definitions.get(word or "")
            self._add(name, "tool", node, _given_name(call, made_of.tool if made_of else None))
        else:
            self._add(name, "unknown", node)

    def _exports(self, value: ast.expr) -> None:
        try:
            names = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            names = None
        if isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names):
            self._found.exported = list(names)
        else:
            self._found.is_open = True

    def _imported(self, node: ast.Import | ast.ImportFrom) -> None:
        module = getattr(node, "module", None) or ""
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            if alias.name == "*":
                self._found.is_open = True
            elif module.partition(".")[0] == "runner":
                self._ours(alias.name, name, node)
            elif isinstance(node, ast.ImportFrom) and (node.level or module.partition(".")[0] in self._owned):
                self._add(name, "unknown", node)
            else:
                self._add(name, "value", node)

    def _ours(self, original: str, name: str, node: ast.stmt) -> None:
        if original in self._tool_words:
            self._tool_words.add(name)
        elif original == "Tool":
            self._tool_classes.add(name)
        self._add(name, "value", node)


def _word(node: ast.expr) -> str | None:
    """The last name of a decorator, a base or a call: `tool` for `@runner.tool(...)`."""
    if isinstance(node, ast.Call):
        return _word(node.func)
    if isinstance(node, ast.Subscript):
        return _word(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None


def _given_name(call: ast.expr, otherwise: str | None) -> str | None:
    """The `name=` of a call; None where it is computed."""
    for keyword in call.keywords if isinstance(call, ast.Call) else ():
        if keyword.arg is None:
            return None
        if keyword.arg == "name":
            text = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            return text if isinstance(text, str) else None
    return otherwise


def _class_tool_name(node: ast.ClassDef) -> str | None:
    """The name a Tool class gives itself: `name = "..."`, or the one in its `function_definition`."""
    found: dict[str, ast.expr] = {}
    for statement in node.body:
        for target in _targets(statement):
            found[target] = statement.value  # type: ignore[attr-defined]  # only assignments have targets
    for key in ("name", "function_definition"):
        value = found.get(key)
        if isinstance(value, ast.Dict):
            value = next(
                (item for name, item in zip(value.keys, value.values, strict=True) if _is_text(name, "name")), None
            )
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    return None


def _targets(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    is_set = isinstance(statement, ast.AnnAssign) and statement.value is not None
    return [statement.target.id] if is_set and isinstance(statement.target, ast.Name) else []  # type: ignore[attr-defined]  # as was just seen


def _is_text(node: ast.expr | None, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text
