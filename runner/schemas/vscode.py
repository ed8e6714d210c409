"""The settings of VS Code that give manifests their schema, merged into what is there."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from runner.errors import AgentRunError

if TYPE_CHECKING:
    from collections.abc import Sequence

EXTENSION = "redhat.vscode-yaml"


def with_schema(text: str | None, schema: str, patterns: Sequence[str]) -> str:
    """The text of `.vscode/settings.json` with `schema` for files of these patterns; `text` is what stands there.

    A mapping of this schema that is there already is the user's and stays as it is. Raises UnmergeableError.
    """
    settings = _parsed(text)
    schemas = settings.setdefault("yaml.schemas", {})
    if not isinstance(schemas, dict):
        raise UnmergeableError('"yaml.schemas" is not an object')
    if schema in schemas and text is not None:
        return text
    schemas[schema] = list(patterns)
    return _written(settings, text)


def with_extension(text: str | None) -> str:
    """The text of `.vscode/extensions.json` recommending the YAML extension. Raises UnmergeableError."""
    extensions = _parsed(text)
    recommended = extensions.setdefault("recommendations", [])
    if not isinstance(recommended, list):
        raise UnmergeableError('"recommendations" is not a list')
    if EXTENSION in recommended and text is not None:
        return text
    recommended.append(EXTENSION)
    return _written(extensions, text)


class UnmergeableError(AgentRunError):
    """A settings file cannot be rewritten without losing something; the message says why."""


def _parsed(text: str | None) -> dict[str, Any]:
    if text is None or not text.strip():
        return {}
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise UnmergeableError(f"it has comments or is not plain JSON (line {error.lineno})") from error
    if not isinstance(value, dict):
        raise UnmergeableError("it is not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnmergeableError("a key stands in it twice")
    return found


def _written(value: dict[str, Any], before: str | None) -> str:
    """JSON in the indentation and with the line ends of what was there."""
    indent = re.search(r"^([ \t]+)\S", before or "", re.MULTILINE)
    text = json.dumps(value, indent=indent[1] if indent else 4, ensure_ascii=False) + "\n"
    return text.replace("\n", "\r\n") if "\r\n" in (before or "") else text
