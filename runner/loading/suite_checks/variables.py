"""The variables of cases: each that a text names is defined by then, and each that is defined is used."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from runner.loading.nodes import Mapping, Scalar, walked
from runner.loading.substitution import part_of
from runner.loading.words import nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located, Path
    from runner.loading.suite_checks.subject import Case, Suite

_REFERENCE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def check_variables(suite: Suite) -> Iterator[Diagnostic]:
    """The variables of each case, and those that the stubs of all cases name."""
    shared = [found for stubs in suite.places("stubs", "*") for found in _references(stubs)]
    cases = [_Variables(case) for case in suite.cases]
    for case in cases:
        yield from case.problems({name for _, _, name in shared})
    for path, node, name in shared:
        lacking = next((case for case in cases if name not in case.known and case.may_use(str(path[1]))), None)
        if lacking is not None:
            yield lacking.undefined(path, node, name, f" in every case: {lacking.case.name} has none")


def _references(place: Located | None) -> Iterator[tuple[Path, Scalar, str]]:
    """The names of variables in the texts of a value and below it, each with its text."""
    for path, node in walked(place.node, place.path) if place is not None else ():
        if isinstance(node, Scalar) and not node.is_unknown and "${" in node.text:
            yield from ((path, node, found[1]) for found in _REFERENCE.finditer(node.shown) if found[1])


class _Variables:
    """The variables of one case."""

    def __init__(self, case: Case) -> None:
        self.case, self._suite = case, case.suite
        given = case.at("vars")
        self._given = list(given.node.entries) if given is not None and isinstance(given.node, Mapping) else []
        self._saved = [self._saved_by(turn) for turn in case.turns]

    @staticmethod
    def _saved_by(turn: Located) -> list[str]:
        node = turn.node.get("save") if isinstance(turn.node, Mapping) else None
        return list(node.entries) if isinstance(node, Mapping) else []

    @property
    def known(self) -> set[str]:
        """All names that the case defines, at one time or another."""
        return {*self._given, *(name for saved in self._saved for name in saved)}

    def may_use(self, tool: str) -> bool:
        """Whether the stubs of all cases may answer a call of this tool in this one."""
        called = self.case.called
        return self.case.at("stubs", tool) is None and (called is None or tool in called)

    def problems(self, shared: Collection[str]) -> Iterator[Diagnostic]:
        """What is not defined, and what is not used; `shared` are the names in the stubs of all cases."""
        used, known = set(shared), set(self._given)
        for turn, saved in zip(self.case.turns, self._saved, strict=True):
            yield from self._undefined_in(turn, known, used)
            known |= set(saved)
        for key in ("stubs", "finally"):
            yield from self._undefined_in(self.case.at(key), known, used)
        yield from self._unused(used)

    def _undefined_in(self, place: Located | None, known: set[str], used: set[str]) -> Iterator[Diagnostic]:
        for path, node, name in _references(place):
            used.add(name)
            if name not in known:
                used.add(nearest(name, known) or name)
                yield self.undefined(path, node, name, known=known)

    def undefined(
        self, path: Path, node: Scalar, name: str, where: str = "", known: Collection[str] | None = None
    ) -> Diagnostic:
        """What is said of a variable that is not defined where it is named."""
        place = self._suite.subject.at(*path)
        assert place is not None  # noqa: S101  # it was found there
        names = sorted(self.known if known is None else known)
        near = nearest(name, names)
        hint = f"did you mean {quoted(near)}?" if near else self._elsewhere(name)
        span = part_of(node, "${" + name + "}", 0)
        notes = (f"known here: {', '.join(names)}",) if names else ()
        message = f"the variable {name} is not defined{where}"
        return self._suite.subject.say("E186", message, place, span=span, hint=hint, nearest=near, notes=notes)

    def _elsewhere(self, name: str) -> str:
        """Where a name that is not known here is known, or how to define it."""
        for number, saved in enumerate(self._saved, 1):
            if name in saved:
                return f"turn {number} saves it, for the turns after it"
        if name in os.environ or name.isupper():
            return "for the environment write ${env:" + name + "}"
        return f"define it: vars: {{{name}: ...}}"

    def _unused(self, used: Collection[str]) -> Iterator[Diagnostic]:
        for name in self._given:
            if name not in used:
                yield self._say_unused((*self.case.place.path, "vars", name), name, "the variable")
        for turn, saved in zip(self.case.turns, self._saved, strict=True):
            for name in saved:
                if name not in used:
                    yield self._say_unused((*turn.path, "save", name), name, "what is saved as")

    def _say_unused(self, path: Path, name: str, what: str) -> Diagnostic:
        place = self._suite.subject.at(*path)
        assert place is not None  # noqa: S101  # it was found there
        is_agents = self._suite.agent is not None and name in self._suite.agent.variables
        hint = (
            "variables of the manifest stand under variables:"
            if is_agents
            else "use it as ${" + name + "}, or remove it"
        )
        return self._suite.subject.say("W240", f"{what} {name} is not used", place, span=place.key_span, hint=hint)
