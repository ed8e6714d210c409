"""From a manifest's `output:` to an `Output`: a JSON schema, a file with one, or `module:Type` of the project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.answers.output import Output
from runner.errors import ManifestError
from runner.loading.include import OutsideError, inside
from runner.toolsource import attribute_of, loaded_module

if TYPE_CHECKING:
    from pathlib import Path

    from runner.manifest.output import OutputPart
    from runner.registry import Place

_KEY = "output"


def output_of(part: OutputPart, place: Place) -> Output:
    """The form of an agent's answers. Raises ManifestError where there is no such form."""
    form = part.form
    if isinstance(form, str):
        form = read_schema(form, place.folder, place.root) if form.endswith(".json") else _type(form, place)
    try:
        return Output(form)
    except ValueError as error:
        named = f'"{part.form}": ' if isinstance(part.form, str) else ""
        raise ManifestError(f"{named}{error}", key=_KEY) from error


def read_schema(text: str, folder: Path, root: Path) -> Any:
    """The JSON in a file that is named relative to the manifest. Raises ManifestError."""
    try:
        return json.loads(inside(text, folder, root).read_text("utf-8"))
    except OutsideError as error:
        raise ManifestError(str(error), key=_KEY) from error
    except OSError as error:
        raise ManifestError(f'"{text}" cannot be read: {error.strerror}', key=_KEY) from error
    except (ValueError, RecursionError) as error:
        raise ManifestError(f'"{text}" is not JSON: {error}', key=_KEY) from error


def _type(line: str, place: Place) -> Any:
    module, _, name = line.partition(":")
    return attribute_of(loaded_module(module, place.modules, _KEY), name, line, _KEY)
