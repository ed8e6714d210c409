"""The Gemini models that are known, and which settings each takes: data of one date, kept in `catalog.json`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION = re.compile(r"(?:-(?:\d{3}|preview|exp|\d{2}|\d{4}))+$")


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that answers today. `settings` says `deprecated`, `ignored` or `refused` of those it does not take."""

    name: str
    levels: tuple[str, ...] | None  # of thinking; None where they are not known
    default_level: str | None
    ends: str | None  # the date on which it is shut down, ISO
    instead: str | None
    explicit_cache: bool
    cache_minimum: int | None  # tokens a context cache has at least
    output_with_tools: bool  # whether a form of the answer may be asked for beside tools
    built_in_with_functions: bool  # whether built-in tools may be used beside functions
    media_results: frozenset[str] | None  # types that a tool's result may hold; None where they are not known
    window: int | None  # tokens of a prompt at most; since Gemini 4 they are shared with the reply
    built_in: tuple[str, ...] | None  # the built-in tools it has; None where they are not known
    settings: Mapping[str, str]
    values: Mapping[str, tuple[str, ...]]  # of settings of which it takes only some values


@dataclass(frozen=True, slots=True)
class GoneModel:
    """A model that was shut down, or whose name another one answers to."""

    name: str
    ended: str | None
    answers: str | None
    instead: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """All that is known about models, as of a date."""

    as_of: str
    models: Mapping[str, KnownModel]
    gone: Mapping[str, GoneModel]
    enterprise_without: tuple[str, ...]  # built-in tools that the enterprise platform has for no model

    def find(self, name: str) -> KnownModel | GoneModel | None:
        """The model of an id; `models/...`, `-001` and `-preview-09-2026` do not matter."""
        short = name.rsplit("/", 1)[-1]
        for each in (short, _VERSION.sub("", short)):
            if found := self.models.get(each) or self.gone.get(each):
                return found
        return None


@cache
def catalog() -> Catalog:
    """The catalog of this release, read once."""
    data = json.loads(Path(__file__).with_name("catalog.json").read_text("utf-8"))
    return Catalog(
        data["as_of"],
        {name: _known(name, told, data["families"]) for name, told in data["models"].items()},
        {name: _gone(name, told) for name, told in data["gone"].items()},
        tuple(data["enterprise_without"]),
    )


@lru_cache(maxsize=100)
def window_of(model: str) -> int | None:
    """How many tokens a prompt to a model has at most, as far as that is known."""
    known = catalog().find(model)
    if isinstance(known, GoneModel):
        known = catalog().models.get(known.answers or "")
    return None if known is None else known.window


def _known(name: str, told: Mapping[str, Any], families: Mapping[str, Any]) -> KnownModel:
    family: Mapping[str, Any] = next((each for prefix, each in families.items() if name.startswith(prefix)), {})
    return KnownModel(
        name,
        tuple(told["levels"]) if "levels" in told else None,
        told.get("default_level"),
        told.get("ends"),
        told.get("instead"),
        bool(family.get("explicit_cache", True)),
        family.get("cache_minimum"),
        bool(family.get("output_with_tools", True)),
        bool(family.get("built_in_with_functions", True)),
        frozenset(family["media_results"]) if "media_results" in family else None,
        told.get("window"),
        tuple(built_in) if (built_in := told.get("built_in", family.get("built_in"))) is not None else None,
        family.get("settings", {}),
        {setting: tuple(values) for setting, values in family.get("values", {}).items()},
    )


def _gone(name: str, told: Mapping[str, Any]) -> GoneModel:
    answers = told.get("answers")
    return GoneModel(name, told.get("ended"), answers, answers or told["instead"])
