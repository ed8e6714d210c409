"""`Subject`: the manifest that is checked, as its nodes and the place where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.loading.diagnostics import Diagnostic
from runner.loading.locations import locate
from runner.loading.nodes import Mapping, Scalar, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as MappingOf
    from pathlib import Path

    from runner.loading.diagnostics import Span
    from runner.loading.document import Reading
    from runner.loading.locations import Located


@dataclass(frozen=True, slots=True)
class Subject:
    """One manifest under check. `given` are the values of variables that were given from outside, None if not asked."""

    tree: Mapping
    path: Path
    root: Path
    name: str
    reading: Reading
    given: MappingOf[str, Any] | None = None
    sources: dict[Any, Any] = field(
        default_factory=dict
    )  # facts about Python files by path, and the instructions' file

    @property
    def folder(self) -> Path:
        """The manifest's folder."""
        return self.path.parent

    def text(self, *path: str | int) -> Scalar | None:
        """The scalar at a path if it is a text whose value is known."""
        place = self.at(*path)
        node = place.node if place is not None else None
        known = isinstance(node, Scalar) and isinstance(node.value, str) and not node.is_unknown and bool(node.text)
        return node if known and isinstance(node, Scalar) else None

    def at(self, *path: str | int) -> Located | None:
        """What stands at a path, if anything does."""
        found = locate(self.tree, path)
        return found if found.path == path else None

    def known_texts(self, *path: str) -> Iterator[tuple[Located, Scalar]]:
        """The known texts at a path, which is one or a list."""
        place = self.at(*path)
        if place is None:
            return
        node = place.node
        count = len(node.items) if isinstance(node, Sequence) else None
        paths: list[tuple[str | int, ...]] = [path] if count is None else [(*path, index) for index in range(count)]
        for each in paths:
            item, text = self.at(*each), self.text(*each)
            if item is not None and text is not None:
                yield item, text

    def texts(self, key: str) -> Iterator[tuple[int, Scalar]]:
        """The known texts of a list, with their places in it."""
        node = self.tree.get(key)
        for index, item in enumerate(node.items if isinstance(node, Sequence) else ()):
            if isinstance(item, Scalar) and isinstance(item.value, str) and not item.is_unknown and item.text:
                yield index, item

    def say(self, code: str, message: str, place: Located, **more: Any) -> Diagnostic:
        """A diagnostic about what stands at a place; a hint that may repeat a value of the environment is left out."""
        span: Span = more.pop("span", None) or place.span
        if isinstance(place.node, Scalar) and place.node.variables and str(more.get("hint") or "").startswith("write"):
            more["hint"] = None
        return Diagnostic(
            code=code, message=message, path=span.source.shown, span=span, context=place.context, key=place.name, **more
        )
