"""`Part`: one box of the engine graph, with the manifest key it came from and the code it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runner.messages import Json

Kind: TypeAlias = Literal["agent", "model", "instructions", "tools", "tool", "executor", "storage", "cache", "limits"]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    path: Path
    line: int | None = None

    def shown(self, folder: Path) -> str:
        """`tools/weather.py:22`, relative to `folder` if it lies in it."""
        path = self.path.relative_to(folder) if self.path.is_relative_to(folder) else self.path
        return path.as_posix() if self.line is None else f"{path.as_posix()}:{self.line}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a choice was made: a key of the manifest, what won over it, or nowhere (the default).

    `override` is what won: an environment variable, or the option `--var`.
    """

    key: str
    place: Place | None = None
    override: str | None = None

    def shown(self, folder: Path) -> str:
        """`agents/weather.yaml:5`, `AGENT_RUN_MODEL`, or `default`."""
        return self.override or (self.place.shown(folder) if self.place else "default")

    @property
    def is_default(self) -> bool:
        """Whether nobody chose."""
        return self.place is None and self.override is None

    def to_json(self, folder: Path) -> Json:
        """The origin as JSON: the key, and where it stands or what won over it; neither for a default."""
        known: Json = {"key": self.key}
        if self.override:
            known["override"] = self.override
        elif self.place:
            known["place"] = self.place.shown(folder)
        return known


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of a part, as a text that may be shown."""

    name: str
    value: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One box: what it is, what it was built as, where it came from, and the parts below it."""

    kind: Kind
    name: str
    origin: Origin
    built: str = ""  # the class of the object
    code: Place | None = None  # where the project's own code for it stands
    text: str = ""  # a sentence on it
    parameters: tuple[str, ...] | None = None  # of a tool; those it can do without end in `?`
    settings: tuple[Setting, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def title(self) -> str:
        """The name, or the kind of what has none; of a tool, also its parameters."""
        return (self.name or self.kind) + ("" if self.parameters is None else f"({', '.join(self.parameters)})")

    def with_settings(self, more: Iterable[Setting]) -> Part:
        """The part with more settings."""
        return replace(self, settings=(*self.settings, *more))

    def walk(self) -> Iterator[Part]:
        """This part, then all parts below it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def to_json(self, folder: Path) -> Json:
        """The part and all below it as JSON, with paths relative to `folder`."""
        known: Json = {"kind": self.kind, "name": self.name, "origin": self.origin.to_json(folder)}
        known |= {key: text for key, text in (("built", self.built), ("text", self.text)) if text}
        if self.parameters is not None:
            known["parameters"] = list(self.parameters)
        if self.code:
            known["code"] = self.code.shown(folder)
        if self.settings:
            known["settings"] = {
                setting.name: {"value": setting.value, "origin": setting.origin.to_json(folder)}
                for setting in self.settings
            }
        if self.parts:
            known["parts"] = [part.to_json(folder) for part in self.parts]
        return known
