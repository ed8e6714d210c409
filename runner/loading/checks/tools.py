"""`tools:`: the modules exist, are Python, define what is named, and no two tools have one name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.loading.checks import project_modules
from runner.loading.checks.built_in import is_built_in, missing, not_together
from runner.loading.checks.declarations import undeclarable
from runner.loading.checks.tool_caches import check_cached_built_in, check_cached_tools
from runner.loading.diagnostics import Diagnostic, Fix, Span
from runner.loading.include import OutsideError, inside
from runner.loading.nodes import Mapping, Scalar, Sequence
from runner.loading.words import certain, listed, nearest, quoted
from runner.service_tools import BUILT_IN, FILE_SEARCH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.loading.checks.python_source import Definition, PythonFile
    from runner.loading.checks.subject import Subject
    from runner.loading.locations import Located

FOREIGN = "a module of the standard library, or of agent-run, is never a part of an agent"
TOOL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", re.ASCII)


def check_tools(subject: Subject) -> Iterator[Diagnostic]:
    """Everything about the list of tools."""
    names: dict[str, str] = {}
    node = subject.tree.get("tools")
    items = node.items if isinstance(node, Sequence) else []
    built_in = [each for each in items if is_built_in(each)]
    for place, item in _lines(subject):
        line = _Line(subject, place, item)
        yield from line.problems()
        yield from _named(line, names, place)
        yield from check_cached_tools(subject, int(place.path[1]), line.tools)
    yield from check_cached_built_in(subject)
    mode = subject.text("tool_mode")
    is_whole = node is None or isinstance(node, Sequence)
    if mode is not None and mode.text in {"any", "validated"} and is_whole and len(items) == len(built_in):
        yield _no_tools(subject, mode.text)
    yield from missing(subject)
    if built_in and len(items) > len(built_in):
        yield from not_together(subject)


def _lines(subject: Subject) -> Iterator[tuple[Located, Scalar]]:
    """The items that name modules, each with its place."""
    node = subject.tree.get("tools")
    for index, item in enumerate(node.items if isinstance(node, Sequence) else ()):
        path = ("tools", index, "use") if isinstance(item, Mapping) else ("tools", index)
        place, text = subject.at(*path), subject.text(*path)
        if place is not None and text is not None and text.text not in BUILT_IN:
            yield place, text


def tools_of(subject: Subject) -> tuple[list[Definition], bool]:
    """The tools of a manifest as far as the sources tell, and whether they tell them all."""
    node = subject.tree.get("tools")
    lines = [_Line(subject, place, item) for place, item in _lines(subject)]
    are_right = [not any(line.problems()) for line in lines]  # looking for problems finds the tools
    found = [definition for line in lines for definition in line.tools]
    number = sum(not is_built_in(item) for item in node.items) if isinstance(node, Sequence) else 0
    is_whole = all(are_right) and all(line.is_whole for line in lines) and all(each.tool for each in found)
    return found, is_whole and len(lines) == number


def _no_tools(subject: Subject, mode: str) -> Diagnostic:
    place = subject.at("tool_mode")
    assert place is not None  # noqa: S101  # its text was read from there
    reason = "forces a tool call" if mode == "any" else "checks tool calls"
    return subject.say("E168", f"tool_mode {mode} {reason}, but there are no tools", place, hint='add "tools:"')


def _named(line: _Line, names: dict[str, str], place: Located) -> Iterator[Diagnostic]:
    """What is wrong with the names of a line's tools; `names` are those before it, with where they are defined."""
    twice: list[tuple[str, str]] = []
    for definition in line.tools:
        name, where = definition.tool, line.where(definition)
        if name is None:
            continue
        if not TOOL_NAME.fullmatch(name):
            allowed = "a letter or underscore first, then letters, digits, _ . : -, at most 64"
            yield line.in_python("E164", f"the tool name {quoted(name)} is not allowed", definition, place, (allowed,))
        elif name in names:
            twice.append((name, where))
        else:
            names[name] = where
    if twice:
        name, where = twice[0]
        is_same = where == names[name]
        note = f"{quoted(name)} is defined in {names[name]}" + ("" if is_same else f" and in {where}")
        others = [f"so it is with {listed([each for each, _ in twice[1:]], 'and')}"] if twice[1:] else []
        hint = "remove one" if is_same else "remove one, or give it another name"
        yield line.subject.say("E163", f"two tools are named {quoted(name)}", place, hint=hint, notes=(note, *others))


def _is_file(path: Path | None) -> bool:
    return path is not None and path.is_file() and path.name != "__init__.py"


class _Line:
    """One item of `tools:`: `module`, `module:function`, or `path/to/file.py`."""

    def __init__(self, subject: Subject, place: Located, item: Scalar) -> None:
        self.subject, self.place, self._item = subject, place, item
        self._module, self._colon, self._attribute = item.text.partition(":")
        self._shown_module = quoted(item.shown if item.variables else self._module)
        self._shown_attribute = quoted(item.shown if item.variables else self._attribute)
        self._roots = project_modules.roots_of(subject)
        self._file: PythonFile | None = None
        self.tools: list[Definition] = []

    @property
    def is_whole(self) -> bool:
        """Whether `tools` are all that it gives."""
        return self._file is not None and bool(self.tools if self._colon else self._file.tools() is not None)

    def problems(self) -> Iterator[Diagnostic]:
        if self._item.text == FILE_SEARCH or (near := certain(self._item.text, BUILT_IN)):
            yield self._nearly_built_in(None if self._item.text == FILE_SEARCH else near)
            return
        path = self._path()
        if isinstance(path, Diagnostic):
            yield path
            return
        self._file = found = project_modules.read(path, self.subject)
        if found.problem is not None:
            yield self._broken(found.problem)
        elif self._colon:
            yield from self._attribute_problems(found)
        elif not found.is_open and found.tools() is not None and not found.certain_tools():
            yield self._say(
                "E166", f"{quoted(self._item.shown)} defines no tool", hint="write a function with type hints"
            )
        else:
            self.tools = found.certain_tools()
            yield from self._undeclarable(self.tools)

    def _nearly_built_in(self, near: str | None) -> Diagnostic:
        """A name that can only have been meant as a built-in tool."""
        if near is None:
            return self._say("E103", "file_search lacks its stores", hint="write file_search: {stores: [...]}")
        shown = quoted(self._item.shown)
        message = f"there is no module {shown} in the project"
        return self._say(
            "E160", message, hint=f"did you mean {quoted(near)}?", nearest=near, fix=self._fix(near, before=True)
        )

    def _path(self) -> Path | Diagnostic:
        if "://" in self._item.text:
            return self._say("E162", f"{quoted(self._item.shown)} is a URL; only modules of the project are tools")
        if self._module.endswith(".py"):
            return self._file_path()
        parts = self._module.split(".")
        if not all(part.isidentifier() and not part.startswith("__") for part in parts):
            return self._no_name()
        path = None if project_modules.is_foreign(self._module) else project_modules.find(self._module, self._roots)
        return path if path is not None else self._no_module()

    def _file_path(self) -> Path | Diagnostic:
        try:
            path = inside(self._module, self.subject.folder, self.subject.root)
        except OutsideError as error:
            outside = "leads out" in str(error)
            message = (
                f"{self._shown_module} lies outside the project root {self.subject.root}" if outside else str(error)
            )
            return self._say("E162", message, hint=error.hint)
        if path.is_file():
            return path
        return self._say("E160", f"there is no file {self._shown_module}", hint=self._from_the_root())

    def _from_the_root(self) -> str | None:
        """How to write a path that was meant from the project root."""
        if "\\" in self._module:
            return f"write it with slashes: {self._module.replace(chr(92), '/')}"
        wanted = self.subject.root / self._module
        if wanted.is_file() and self.subject.folder.resolve() != self.subject.root:
            dotted = ".".join(wanted.relative_to(self.subject.root).with_suffix("").parts)
            return f"files are relative to the manifest; write {dotted}"
        folder = (self.subject.folder / self._module).parent
        names = [each.name for each in folder.glob("*.py")] if folder.is_dir() else []
        near = nearest(wanted.name, names)
        return f"did you mean {quoted(near)}?" if near else None

    def _no_name(self) -> Diagnostic:
        name = self._module
        hint = "a module's name is of letters, digits and _, with dots between"
        if imported := re.fullmatch(r"(?:from\s+([\w.]+)\s+)?import\s+([\w.]+)", name.strip()):
            hint = f"write {'.'.join(part for part in imported.groups() if part)}"
        elif "," in name:
            hint = "write each on a line of its own"
        elif re.fullmatch(r"[\w./\\-]+", name) and "/" in name:
            dotted = name.strip("./").replace("/", ".")
            hint = f"write {self._with_colon(dotted) or f'{dotted}, or a path that ends with .py'}"
        return self._say("E162", f"{self._shown_module} is not a module name", hint=hint)

    def _with_colon(self, dotted: str) -> str | None:
        """`module:function` where a function was written like a module of its own."""
        module, _, function = dotted.rpartition(".")
        is_one = bool(module) and not self._colon and project_modules.find(module, self._roots) is not None
        return f"{module}:{function}" if is_one and _is_file(project_modules.find(module, self._roots)) else None

    def _no_module(self) -> Diagnostic:
        near, is_sure = project_modules.meant(self._module, self._roots)
        roots = listed([str(root) for root in self._roots])
        notes: tuple[str, ...] = (f"modules are looked for in {roots}",)
        if project_modules.is_foreign(self._module):
            near, is_sure, notes = None, False, (FOREIGN, *notes)
        with_colon = self._with_colon(self._module)
        hint = f"write {with_colon}" if with_colon else f"did you mean {quoted(near)}?" if near else None
        return self._say(
            "E160",
            f"there is no module {self._shown_module} in the project",
            hint=hint,
            nearest=near,
            notes=notes,
            fix=self._fix(near if is_sure else None, before=True),
        )

    def _fix(self, name: str | None, *, before: bool) -> Fix | None:
        """Replace the module's or the attribute's name, where the item stands in the file as it is."""
        source, start, end = self._item.span
        written = source.text[start:end]
        old = self._module if before else self._attribute
        at = written.find(old) if before else written.rfind(old)
        if name is None or at < 0 or self._item.written is not None:
            return None
        return Fix(Span(source, start + at, start + at + len(old)), name)

    def _attribute_problems(self, found: PythonFile) -> Iterator[Diagnostic]:
        name = self._attribute
        if not name:
            yield self._say(
                "E161", "the name of a function is missing after the colon", hint=f"write {self._module} for all"
            )
            return
        if name.startswith("_") or not name.isidentifier():
            bare = re.match(r"([A-Za-z]\w*)\(", name)
            hint = f"write it without parentheses: {self._module}:{bare[1]}" if bare else None
            yield self._say("E161", f"{self._shown_attribute} is not a public name", hint=hint)
            return
        definition = found.definitions.get(name)
        if definition is None:
            if not found.is_open:
                yield self._no_attribute(found)
        elif definition.kind in {"value", "class"}:
            yield self._say("E166", f"{quoted(self._item.shown)} is not a tool", hint="name a function or a Tool class")
        elif definition.kind != "unknown":
            self.tools = [definition]
            yield from self._undeclarable(self.tools)

    def _no_attribute(self, found: PythonFile) -> Diagnostic:
        known = [
            name for name, each in found.definitions.items() if name[0] != "_" and each.kind not in {"value", "class"}
        ]
        sure = certain(self._attribute, known)
        near = sure or nearest(self._attribute, known)
        told = [each.name for each in found.certain_tools()] or known
        return self._say(
            "E161",
            f"{self._shown_module} has no {self._shown_attribute}",
            hint=f"did you mean {quoted(near)}?" if near else None,
            nearest=near,
            notes=(f"it defines: {', '.join(told)}",) if told else ("it defines no tool",),
            fix=self._fix(sure, before=False),
        )

    def _undeclarable(self, tools: list[Definition]) -> Iterator[Diagnostic]:
        assert self._file is not None  # noqa: S101  # its tools were found in it
        for definition in tools:
            for node, message, hint in undeclarable(definition):
                span = self._file.span(node)
                shown = self._file.source.shown if self._file.source else str(self._file.path)
                yield Diagnostic(
                    code="E167",
                    message=message,
                    path=shown,
                    span=span,
                    hint=hint,
                    notes=(f"named by {self._named_by()}",),
                )

    def in_python(
        self, code: str, message: str, definition: Definition, place: Located, notes: tuple[str, ...]
    ) -> Diagnostic:
        """A diagnostic at a definition in the module."""
        if self._file is None or self._file.source is None:
            return self.subject.say(code, message, place, notes=notes)
        span = self._file.span(definition.node)
        return Diagnostic(
            code=code,
            message=message,
            path=self._file.source.shown,
            span=span,
            notes=(*notes, f"named by {self._named_by()}"),
        )

    def where(self, definition: Definition) -> str:
        """`tools/weather.py:12`."""
        if self._file is None or self._file.source is None:
            return str(self._module)
        span = self._file.span(definition.node)
        return (
            f"{self._file.source.shown}:{self._file.source.place(span.start)[0]}" if span else self._file.source.shown
        )

    def _broken(self, problem: Diagnostic) -> Diagnostic:
        if problem.span is None:
            return self._say("E165", f"{self._shown_module}: {problem.message}")
        return Diagnostic(
            code="E165",
            message=problem.message,
            path=problem.path,
            span=problem.span,
            notes=(f"named by {self._named_by()}",),
        )

    def _named_by(self) -> str:
        source, start, _ = self.place.span
        return f"{source.shown}:{source.place(start)[0]}"

    def _say(self, code: str, message: str, **more: object) -> Diagnostic:
        return self.subject.say(code, message, self.place, **more)
