"""From a manifest's `tools:` line to `Tool` objects: `module`, `module:function`, or `path/to/file.py`."""

from __future__ import annotations

import difflib
import gc
import inspect
import re
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import ManifestError
from runner.tools.base import Tool
from runner.tools.function import as_tool

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from runner.modules import ModuleTable
    from runner.registry import Place

_PACKAGE = str(Path(__file__).parent)
_PRIVATE = re.compile(r"\b_agent_run_\d+\.")
"""What stands before a project module's own name while it is loaded."""


def tools_of(line: str, place: Place) -> list[Tool]:
    """The tools one line of `tools:` names. Raises ManifestError saying what is wrong with the name or the module."""
    name, _, attribute = line.partition(":")
    module = _loaded_file(name, place) if name.endswith(".py") else loaded_module(name, place.modules)
    if attribute:
        return [as_tool(attribute_of(module, attribute, line))]
    found = [as_tool(item) for item in _public_tools(module)]
    if not found:
        raise ManifestError(
            f'"{line}" defines no tool: write a function with annotations, or a Tool class', key="tools"
        )
    return found


def loaded_module(name: str, modules: ModuleTable, key: str = "tools") -> ModuleType:
    """The project module of a dotted name. Only modules under the project root or the manifest's folder are loaded.

    Raises ManifestError about the manifest's `key` when there is none, or when it cannot be loaded.
    """
    if not name or not all(part.isidentifier() and not part.startswith("__") for part in name.split(".")):
        raise ManifestError(f'"{name}" is not a module name', key=key)
    if not modules.owns(name) or modules.find(name) is None:
        raise ManifestError(f'there is no module "{name}" under {modules.roots_text}', key=key)
    return _run(name, lambda: modules.load(name), key)


def attribute_of(module: ModuleType, attribute: str, line: str, key: str = "tools") -> Any:
    """A public name of a module, or a ManifestError with the nearest name."""
    if attribute.startswith("_") or not attribute.isidentifier():
        raise ManifestError(f'"{line}": "{attribute}" is not a public name', key=key)
    try:
        return getattr(module, attribute)
    except AttributeError:
        names = [name for name in vars(module) if not name.startswith("_")]
        nearest = difflib.get_close_matches(attribute, names, 1, 0.6)
        hint = f'; did you mean "{nearest[0]}"?' if nearest else ""
        raise ManifestError(f'"{line}": the module has no "{attribute}"{hint}', key=key) from None


def _loaded_file(name: str, place: Place) -> ModuleType:
    path = (place.folder / name).resolve()
    if not path.is_relative_to(place.root.resolve()):
        raise ManifestError(f'"{name}" lies outside the project root {place.root}', key="tools")
    if not path.is_file():
        raise ManifestError(f'there is no file "{name}" (looked for {path})', key="tools")
    return _run(name, lambda: place.modules.load_file(path), "tools")


def _run(name: str, load: Callable[[], ModuleType], key: str) -> ModuleType:
    """Run a module's import; whatever the user's code raises is told with its own file and line."""
    try:
        return load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        where = _where(error)
        if isinstance(error, MemoryError):  # what the module has piled up is let go, or there is no memory to tell it
            error.__traceback__ = None
            gc.collect()
        raise ManifestError(f'"{name}" failed to load: {_told(error)}', key=key, where=where) from error


def _told(error: BaseException) -> str:
    said = error.msg if isinstance(error, SyntaxError) else _PRIVATE.sub("", str(error)).strip()
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if isinstance(error, ModuleNotFoundError) and error.name and not _PRIVATE.match(error.name):
        text += f"; it is neither in the project nor in {sys.prefix}"
    return text


def _where(error: BaseException) -> str | None:
    """The line of the project's code at which it failed, if there is one."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = list(traceback.walk_tb(error.__traceback__))
    of_project = [each for each in frames if _PRIVATE.match(f"{each[0].f_globals.get('__name__')}.")]
    for frame, line in reversed(of_project or frames):
        if not _is_ours(frame.f_code.co_filename):
            return f"{frame.f_code.co_filename}:{line}"
    return None


def _is_ours(filename: str) -> bool:
    return filename.startswith(("<frozen importlib", _PACKAGE))


def _public_tools(module: ModuleType) -> list[object]:
    """What of a module is a tool: `__all__` if it has one; else its Tool objects and classes; else its functions."""
    if hasattr(module, "__all__"):
        return [attribute_of(module, name, f"{module.__name__}.__all__") for name in module.__all__]
    own = [item for name, item in vars(module).items() if not name.startswith("_") and _is_from(item, module)]
    declared = [item for item in own if _is_tool(item)]
    return declared or [item for item in own if inspect.isfunction(item)]


def _is_from(item: object, module: ModuleType) -> bool:
    if isinstance(item, Tool):
        return True
    return getattr(item, "__module__", None) == module.__name__


def _is_tool(item: object) -> bool:
    return isinstance(item, Tool) or (inspect.isclass(item) and issubclass(item, Tool))
