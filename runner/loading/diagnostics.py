"""`Diagnostic`: one thing that is wrong, or odd, at one place of a file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from runner.errors import ManifestError
from runner.loading.secrets import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from runner.loading.source import Source
    from runner.manifest import AgentManifest

Severity = Literal["error", "warning"]


class Span(NamedTuple):
    """A piece of a source: the characters from `start` to before `end`."""

    source: Source
    start: int
    end: int


class Position(NamedTuple):
    """Where something stands; line and column are counted from 1."""

    path: Path
    line: int
    column: int

    def shown(self, folder: Path) -> str:
        """`agents/weather.yaml:5`, relative to `folder` if it lies in it."""
        path = self.path.relative_to(folder) if self.path.is_relative_to(folder) else self.path
        return f"{path.as_posix()}:{self.line}"


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that can only be right: the characters of `span` become `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """`code` is stable and tells the severity: E... is an error, W... a warning.

    `hint` stands beside the caret, `notes` below the excerpt; `context` is the key above, shown with the excerpt.
    No value that came from the environment, and nothing that looks like a secret, is in any of them.
    """

    code: str
    message: str
    path: str
    span: Span | None = None
    context: Span | None = None
    expected: str | None = None
    nearest: str | None = None
    hint: str | None = None
    notes: tuple[str, ...] = ()
    fix: Fix | None = None
    key: str | None = None
    line: int = field(init=False)
    column: int = field(init=False)
    end_line: int = field(init=False)
    end_column: int = field(init=False)

    def __post_init__(self) -> None:
        start = self.span.source.place(self.span.start) if self.span else (1, 1)
        end = self.span.source.place(max(self.span.end, self.span.start + 1)) if self.span else start
        for name, value in zip(("line", "column", "end_line", "end_column"), (*start, *end), strict=True):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "message", without_secrets(self.message))
        object.__setattr__(self, "hint", self.hint and without_secrets(self.hint))

    @property
    def severity(self) -> Severity:
        """`error` or `warning`."""
        return "error" if self.code.startswith("E") else "warning"

    @property
    def place(self) -> tuple[str, int, int]:
        """File, line and column."""
        return self.path, self.line, self.column

    @property
    def length(self) -> int:
        """How many characters of its first line it is about."""
        if self.span is None:
            return 0
        start, end = self.span.start, self.span.end
        line_end = start + len(self.span.source.line(self.line)) - self.column + 1
        return max(1, min(end, line_end) - start)

    def without(self, hidden: Mapping[str, str]) -> Diagnostic:
        """The same with secret values replaced; most have none, and are returned as they are."""
        texts = (self.message, self.hint or "", self.nearest or "", *self.notes)
        found = [value for value in hidden if any(value in text for text in texts)]
        if not found:
            return self

        def clean(text: str) -> str:
            for value in found:
                text = text.replace(value, hidden[value])
            return text

        return replace(
            self,
            message=clean(self.message),
            hint=None if self.hint is None else clean(self.hint),
            nearest=None,
            notes=tuple(map(clean, self.notes)),
        )

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON; what is absent is left out."""
        told = {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
            "key": self.key,
            "hint": self.hint,
            "expected": self.expected,
            "nearest": self.nearest,
            "notes": list(self.notes),
            "fix": self.fix and {"start": self.fix.span.start, "end": self.fix.span.end, "text": self.fix.text},
        }
        return {name: value for name, value in told.items() if value not in (None, [])}


def errors_of(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those that keep an agent from running."""
    return [each for each in diagnostics if each.severity == "error"]


def beside(told: Iterable[Diagnostic], found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those of `found` that stand where no error was told already, and warnings only where there is no error at all."""
    taken = {each.place for each in errors_of(told)}
    new = [each for each in found if each.place not in taken]
    wrong = {each.place for each in errors_of(new)}
    return [each for each in new if each.severity == "error" or each.place not in wrong]


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By file, in the order they were first named, then by place; each said once."""
    seen = {(each.path, each.line, each.column, each.code, each.message): each for each in diagnostics}
    files = {path: number for number, path in enumerate(dict.fromkeys(each.path for each in seen.values()))}
    return sorted(seen.values(), key=lambda each: (files[each.path], each.line, each.column, each.code, each.message))


class InvalidManifestError(ManifestError):
    """A manifest with errors: `diagnostics` holds them and the warnings; its text is the one `validate` prints.

    `manifest` is what could be read all the same, if anything, and `files` are those that were looked at.
    """

    def __init__(
        self, diagnostics: Iterable[Diagnostic], *, manifest: AgentManifest | None = None, files: Iterable[Path] = ()
    ) -> None:
        from runner.loading.formats import as_text

        self.diagnostics = tuple(in_order(diagnostics))
        self.manifest, self.files = manifest, tuple(files)
        first = errors_of(self.diagnostics)[0]
        super().__init__(first.message, path=first.path, key=first.key)
        self.args = (as_text(self.diagnostics),)
