"""Project modules, loaded by path under private names.

A `ModuleTable` is one generation of a project's modules: `tools.weather` is loaded as `_agent_run_1.tools.weather`, and
an `import tools.helper` inside it finds the same table's helper. So two generations live side by side, nothing in
`sys.modules` is replaced, and closing a table forgets its modules. Only files under the given roots are loaded, never a
name of the standard library.

A table looks each name up once and reads each file once: what it has seen stays true for it, whatever is saved since.
"""

from __future__ import annotations

import builtins
import importlib
import itertools
import logging
import sys
from functools import lru_cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from typing import TYPE_CHECKING, Any

from runner.digests import digest, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import CodeType, ModuleType

    from runner.digests import Digests

_FOREIGN = sys.stdlib_module_names | {__name__.partition(".")[0]}
"""Top-level names that never mean a project module: the standard library's and our own."""

_generations = itertools.count(1)


class ModuleTable:
    """The project modules of one generation, found under `roots` in order. Close it to forget them."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = [root.resolve() for root in dict.fromkeys(roots)]
        self._prefix = f"_agent_run_{next(_generations)}"
        self._builtins = {**vars(builtins), "__import__": self._import}
        self._finder = _Finder(self)
        self._found: dict[str, Path | None] = {}
        self._sources: dict[Path, bytes] = {}
        self._entries: dict[Path, Path] = {}  # a file's path under its root, by where links lead
        self._absent: set[Path] = set()
        package = importlib.util.module_from_spec(ModuleSpec(self._prefix, None, is_package=True))
        package.__path__ = []
        sys.modules[self._prefix] = package
        sys.meta_path.insert(0, self._finder)

    def close(self) -> None:
        """Forget the modules; objects made from them live as long as they are used."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        for names in (sys.modules, logging.root.manager.loggerDict):
            for name in [name for name in list(names) if name == self._prefix or name.startswith(f"{self._prefix}.")]:
                del names[name]

    @property
    def roots_text(self) -> str:
        """The roots, for messages."""
        return " or ".join(map(str, self._roots))

    def load(self, name: str) -> ModuleType:
        """The project module of a dotted name. Raises ModuleNotFoundError, or what the module raises."""
        if not self.owns(name):
            raise ModuleNotFoundError(f"no project module named {name!r}", name=name)
        return importlib.import_module(f"{self._prefix}.{name}")

    def load_file(self, path: Path) -> ModuleType:
        """The project module that lives in a file under one of the roots."""
        resolved = path.resolve()
        name = self.name_of(resolved)
        if name is not None:
            return self.load(name)
        spec = self._spec(f"{self._prefix}._file_{abs(hash(resolved)):x}", resolved)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)  # type: ignore[union-attr]  # made with a loader above
        return module

    def name_of(self, path: Path) -> str | None:
        """The dotted name under which the module in a file is imported, if it has one."""
        resolved = path.resolve()
        for root in self._roots:
            if resolved.is_relative_to(root):
                parts = resolved.relative_to(root).with_suffix("").parts
                if all(part.isidentifier() for part in parts) and self.find(".".join(parts)) == resolved:
                    return ".".join(parts)
        return None

    def owns(self, name: str) -> bool:
        """Whether an absolute import of this name means a project module."""
        top = name.partition(".")[0]
        return top not in _FOREIGN and self.find(top) is not None

    def find(self, name: str) -> Path | None:
        """The file or package folder of a dotted name, if a root holds it."""
        if name not in self._found:
            self._found[name] = self._looked_up(name)
        return self._found[name]

    def _looked_up(self, name: str) -> Path | None:
        for root in self._roots:
            base = root.joinpath(*name.split("."))
            for candidate in (base / "__init__.py", base.with_name(f"{base.name}.py")):
                if not candidate.is_file():
                    self._absent.add(candidate)
                elif candidate.resolve().is_relative_to(root):
                    self._entries[candidate.resolve()] = candidate
                    return candidate.resolve()
            if base.is_dir() and base.resolve().is_relative_to(root):
                return base.resolve()
        return None

    def source(self, path: Path) -> bytes:
        """The content of a file, as it was when this table first read it."""
        if path not in self._sources:
            self._sources[path] = path.read_bytes()
        return self._sources[path]

    @property
    def seen(self) -> Digests:
        """Every file looked for: the digest of its content when it was read, None where there was none."""
        found = {self._entries.get(path, path): digest(content) for path, content in list(self._sources.items())}
        return {**dict.fromkeys(self._absent), **found}

    @property
    def is_current(self) -> bool:
        """Whether a new table would see the same."""
        return all(digest_of(path) == content for path, content in self.seen.items())

    @property
    def names(self) -> list[str]:
        """The dotted names of the modules loaded so far."""
        prefix = f"{self._prefix}."
        return [name.removeprefix(prefix) for name in list(sys.modules) if name.startswith(prefix)]

    def source_of(self, module: ModuleType) -> Path | None:
        """The file a module of this table was loaded from."""
        from pathlib import Path

        return Path(module.__file__) if module.__file__ else None

    def files(self) -> list[Path]:
        """All files loaded so far."""
        modules = [module for name, module in list(sys.modules.items()) if name.startswith(f"{self._prefix}.")]
        return [path for module in modules if (path := self.source_of(module)) is not None]

    def spec_of(self, fullname: str) -> ModuleSpec | None:
        """The import spec of a private name; None when it is not this table's."""
        if not fullname.startswith(f"{self._prefix}."):
            return None
        found = self.find(fullname.removeprefix(f"{self._prefix}."))
        if found is None:
            return None
        if found.is_dir():
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [str(found)]
            return spec
        return self._spec(fullname, found)

    def _spec(self, fullname: str, path: Path) -> ModuleSpec:
        loader = _Loader(fullname, str(path), self._builtins, self.source)
        locations = [str(path.parent)] if path.name == "__init__.py" else None
        spec = spec_from_file_location(fullname, path, loader=loader, submodule_search_locations=locations)
        assert spec is not None  # noqa: S101  # a location and a loader were given
        return spec

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002  # the signature of __import__
        locals: Mapping[str, object] | None = None,  # noqa: A002  # the signature of __import__
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if level == 0 and self.owns(name):
            module = builtins.__import__(f"{self._prefix}.{name}", globals, locals, fromlist or ("*none*",), 0)
            return module if fromlist else sys.modules[f"{self._prefix}.{name.partition('.')[0]}"]
        return builtins.__import__(name, globals, locals, fromlist or (), level)


class _Finder:
    """Finds private names on behalf of one table."""

    def __init__(self, table: ModuleTable) -> None:
        self._table = table

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The protocol of `sys.meta_path`; only the name matters here."""
        return self._table.spec_of(fullname)


class _Loader(SourceFileLoader):
    """Runs a module with its table's own `__import__`; no bytecode is written into the project."""

    def __init__(self, fullname: str, path: str, namespace: dict[str, Any], source: Callable[[Path], bytes]) -> None:
        super().__init__(fullname, path)
        self._namespace, self._source = namespace, source

    def exec_module(self, module: ModuleType) -> None:
        """Compile and run the file."""
        module.__dict__["__builtins__"] = self._namespace
        super().exec_module(module)

    def get_code(self, fullname: str) -> CodeType | None:
        """The code compiled from the table's own source: cached bytecode could be as old as the last second."""
        from pathlib import Path

        path = self.get_filename(fullname)
        return _compiled(self._source(Path(path)), path)


@lru_cache(maxsize=256)
def _compiled(source: bytes, path: str) -> CodeType:
    """The code of a source, made once: tables share it, and run it in modules of their own."""
    code: CodeType = SourceFileLoader("", path).source_to_code(source, path)
    return code
