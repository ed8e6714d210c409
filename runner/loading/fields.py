"""Which keys a pydantic type has at a path, and what each is made of."""

from __future__ import annotations

import types
import typing
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.locations import Path


def model_at(kind: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """The model of the mapping at a path below `kind`; None where there is none.

    A list of mappings may be written as one of them, so its index may be missing from the path.
    """
    found: Any = kind
    for part in path:
        found = _below(found, part)
    return _model(found) or _model(_inside(found))


def _below(hint: Any, part: str | int) -> Any:
    """The type of what a key or an index leads to; None where it leads nowhere."""
    models = _models(hint)
    if not models and isinstance(part, str) and _is_list(hint):
        models = _models(_inside(hint))
    if not models:
        return _inside(hint)
    return next((inner for model in models for name, inner in hints(model) if name == part), None)


def hints(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """The keys of a model, as they are written, with their types."""
    for name, info in model.model_fields.items():
        yield info.alias or name, info.annotation


def keys(model: type[BaseModel]) -> list[str]:
    """The keys of a model, as they are written, but for those that only editors read."""
    return [name for name, _ in hints(model) if not name.startswith("$")]


def homes(kind: type[BaseModel], key: str) -> list[str]:
    """The dotted keys of this name in the mappings below `kind`, but for mappings with free keys."""
    return list(_homes(kind, key, ()))


def _homes(model: type[BaseModel], key: str, above: tuple[str, ...]) -> Iterator[str]:
    for name, hint in hints(model):
        if name == key:
            yield ".".join((*above, name))
        inner = _model(hint)
        if inner is not None and inner.model_config.get("extra") == "forbid" and len(above) < 3:
            yield from _homes(inner, key, (*above, name))


def _arms(hint: Any) -> tuple[Any, ...]:
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        return _arms(typing.get_args(hint)[0])
    if origin in {typing.Union, types.UnionType}:
        return tuple(arm for each in typing.get_args(hint) for arm in _arms(each))
    return (hint,)


def _models(hint: Any) -> list[type[BaseModel]]:
    return [arm for arm in _arms(hint) if isinstance(arm, type) and issubclass(arm, BaseModel)]


def _model(hint: Any) -> type[BaseModel] | None:
    return next(iter(_models(hint)), None)


def _is_list(hint: Any) -> bool:
    return any(typing.get_origin(arm) is list for arm in _arms(hint))


def _inside(hint: Any) -> Any:
    """What a list or a mapping of free keys holds."""
    for arm in _arms(hint):
        if typing.get_origin(arm) in {list, dict, tuple}:
            return typing.get_args(arm)[-1]
    return None
