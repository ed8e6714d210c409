"""From a path to a manifest: read, parsed, checked; nothing of the user's code is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from runner.errors import ManifestError
from runner.manifest import AgentManifest

if TYPE_CHECKING:
    from pydantic import ValidationError

SIZE_LIMIT = 1_000_000  # bytes of one manifest
MARKERS = ("pyproject.toml", ".git")  # what makes a folder the project root


@dataclass(frozen=True, slots=True)
class LoadedManifest:
    """A checked manifest and where it stands."""

    manifest: AgentManifest
    path: Path
    root: Path

    @property
    def name(self) -> str:
        """The agent's name: the manifest's, or the file's without its suffixes."""
        return self.manifest.name or self.path.name.partition(".")[0]


def load_manifest(path: str | Path) -> LoadedManifest:
    """The manifest of one YAML file. Raises ManifestError naming the file and the key."""
    file = Path(path)
    data = _parsed(_read(file), file)
    if not isinstance(data, dict):
        raise ManifestError("a manifest is a mapping of keys such as `model:` and `tools:`", path=str(path))
    return LoadedManifest(_checked(data, file), file.absolute(), project_root(file))


def project_root(path: Path) -> Path:
    """The nearest folder above `path` that holds pyproject.toml or .git; else the folder of `path`."""
    folder = path.resolve().parent
    for candidate in (folder, *folder.parents):
        if any((candidate / marker).exists() for marker in MARKERS):
            return candidate
    return folder


def _read(file: Path) -> str:
    try:
        if not file.exists():
            raise ManifestError("no such file", path=str(file))
        if not file.is_file():
            raise ManifestError("not a regular file", path=str(file))
        if file.stat().st_size > SIZE_LIMIT:
            raise ManifestError(f"larger than {SIZE_LIMIT} bytes", path=str(file))
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(f"not UTF-8 text (byte {error.start})", path=str(file)) from error
    except OSError as error:
        raise ManifestError(f"cannot be read: {error.strerror or error}", path=str(file)) from error


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen at run time: C where it was built
    """The safe loader, with duplicate keys refused and the scalars of YAML 1.2."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    lines: dict[Any, int] = {}
    for key_node, _ in node.value:
        key, line = loader.construct_object(key_node), key_node.start_mark.line + 1
        if not isinstance(key, str):
            raise yaml.MarkedYAMLError(problem=f"the key {key!r} is not text", problem_mark=key_node.start_mark)
        if key in lines:
            problem = f'the key "{key}" stands twice, first in line {lines[key]}'
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
        lines[key] = line
    result: dict[Any, Any] = loader.construct_mapping(node)
    return result


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def _parsed(text: str, file: Path) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        raise ManifestError(error.problem or "not YAML", path=where) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ManifestError(f"not YAML: {str(error).partition(chr(10))[0]}", path=str(file)) from error


def _checked(data: dict[str, Any], file: Path) -> AgentManifest:
    from pydantic import ValidationError

    try:
        return AgentManifest.model_validate(data)
    except ValidationError as error:
        raise ManifestError("\n".join(_problems(error, file))) from None


def _problems(error: ValidationError, file: Path) -> list[str]:
    """One line a problem; values are never shown, they may be secrets."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            text = f'unknown key "{problem["loc"][-1]}"; the keys are: {", ".join(AgentManifest.model_fields)}'
        else:
            text = problem["msg"]
        lines.append(f"{file}: {key}: {text}")
    return lines
