"""`Registry`: plug-ins by name or URL scheme; one class serves models, executors and storages.

A name is looked up in what the application registered, in our own table, among the installed packages' entry points
(`agent_run.models` and so on), and as `module:Class` under the project root. Nothing is imported before it is chosen.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from importlib.metadata import EntryPoint
    from pathlib import Path

    from runner.manifest import Spec
    from runner.modules import ModuleTable
    from runner.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """Where a manifest stands, for plug-ins that ask for it by a parameter named `place`."""

    root: Path  # the project root: relative databases and modules are relative to it
    folder: Path  # the manifest's folder: files are relative to it
    modules: ModuleTable
    settings: Settings


class Registry:
    """The plug-ins of one kind. `builtins` maps names to "module:factory".

    `drivers` maps those that need a package which not everybody installs to the package; the extra bears their name.
    """

    def __init__(self, kind: str, builtins: Mapping[str, str], drivers: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self._builtins, self._drivers = dict(builtins), dict(drivers or {})
        self._registered: dict[str, Callable[..., Any]] = {}

    def register(self, name: str, factory: Callable[..., Any]) -> None:
        """Add a plug-in for this process. A name taken twice is an error, never a rename."""
        if name in self._registered or name in self._builtins:
            raise ValueError(f'a {self.kind} named "{name}" exists already')
        self._registered[name] = factory

    @property
    def builtins(self) -> Mapping[str, str]:
        """Our own plug-ins: "module:factory" by name."""
        return self._builtins

    def knows(self, name: str) -> bool:
        """Whether a plug-in of this name was registered, is ours, or is brought by an installed package."""
        return name in self._registered or name in self._builtins or name in self._entry_points()

    def builtin(self, name: str) -> Callable[..., Any]:
        """The factory of one of our own plug-ins. Its hints can be evaluated but for the one of its result."""
        module, _, attribute = self._builtins[name].partition(":")
        factory: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
        factory.__annotations__.pop("return", None)  # for type checkers alone: nothing is imported to evaluate it
        return factory

    def parameters(self, name: str) -> Mapping[str, inspect.Parameter]:
        """The options of one of our own plug-ins; no driver is imported for it."""
        return _parameters(self.builtin(name))

    def missing_driver(self, name: str) -> tuple[str, str] | None:
        """The package that one of our own plug-ins needs and that is not installed, and the line that installs it."""
        package = self._drivers.get(name)
        if package is None or importlib.util.find_spec(package) is not None:
            return None
        return package, f"pip install 'agent-run[{name}]'"

    @property
    def names(self) -> list[str]:
        """The names of ours and of what was registered."""
        return sorted({*self._builtins, *self._registered, *self._entry_points()})

    def make(self, spec: Spec, place: Place) -> Any:
        """The object a manifest's spec describes. Raises ManifestError saying what is wrong and what is known."""
        factory, name = self._factory(spec, place.modules), spec.type
        options = spec.options
        self._refuse_unknown(name, factory, options)
        if "place" in _parameters(factory):
            options["place"] = place
        try:
            return factory(**options)
        except (TypeError, ValueError) as error:
            raise ManifestError(f'{self.kind} "{name}": {_first_line(error)}', key=self.kind) from error

    def _factory(self, spec: Spec, modules: ModuleTable) -> Callable[..., Any]:
        name = spec.type
        if name in self._registered:
            return self._registered[name]
        if name in self._builtins:
            return self._checked(spec)
        if entry_point := self._entry_points().get(name):
            return self._loaded(name, entry_point)
        if ":" in name and name.partition(":")[0] not in self._builtins:
            return self._project_class(name, modules)
        nearest = difflib.get_close_matches(name, self.names, 1, 0.6)
        hint = f'; did you mean "{nearest[0]}"?' if nearest else ""
        raise ManifestError(f'unknown {self.kind} "{name}"{hint} Known: {", ".join(self.names)}', key=self.kind)

    def _checked(self, spec: Spec) -> Callable[..., Any]:
        """The factory of one of our own plug-ins, which checks the options that the spec's type has not checked."""
        name = spec.type
        if missing := self.missing_driver(name):
            package, install = missing
            raise ManifestError(f'{self.kind} "{name}" needs the package {package}: {install}', key=self.kind)
        factory = self.builtin(name)
        if not spec.model_extra and _required(factory) <= spec.options.keys():
            return factory
        from pydantic import ConfigDict, validate_call

        checked: Callable[..., Any] = validate_call(config=ConfigDict(strict=True))(factory)
        return checked

    def _entry_points(self) -> dict[str, EntryPoint]:
        from importlib.metadata import entry_points

        return {point.name: point for point in entry_points(group=f"agent_run.{self.kind}s")}

    def _loaded(self, name: str, entry_point: EntryPoint) -> Callable[..., Any]:
        try:
            factory: Callable[..., Any] = entry_point.load()
        except Exception as error:
            raise ManifestError(f'{self.kind} "{name}" of the package {entry_point.dist} failed: {error!r}') from error
        return factory

    def _project_class(self, name: str, modules: ModuleTable) -> Callable[..., Any]:
        from runner.toolsource import attribute_of, loaded_module

        module_name, _, attribute = name.partition(":")
        found = attribute_of(loaded_module(module_name, modules, self.kind), attribute, name, self.kind)
        if not isinstance(found, type):
            raise ManifestError(f'{self.kind} "{name}" is not a class', key=self.kind)
        return found

    def _refuse_unknown(self, name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> None:
        parameters = _parameters(factory)
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            return
        known = [option for option in parameters if option != "place"]
        for option in options:
            if option not in known:
                hint = f"; its options are: {', '.join(known)}" if known else "; it takes no options"
                raise ManifestError(f'{self.kind} "{name}" has no option "{option}"{hint}', key=self.kind)


def _parameters(factory: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(factory).parameters


def _required(factory: Callable[..., Any]) -> set[str]:
    """The options that have no default."""
    items = _parameters(factory).values()
    return {each.name for each in items if each.default is each.empty} - {"place"}


def _first_line(error: Exception) -> str:
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        problem = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
    return str(error).partition("\n")[0]
