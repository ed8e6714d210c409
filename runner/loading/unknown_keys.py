"""What an unknown key was meant to be: a slip of the pen, another framework's word, or a key of another place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.loading.fields import homes, keys, model_at
from runner.loading.secrets import is_secret_name
from runner.loading.words import certain, nearest, normal, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pydantic import BaseModel

    from runner.loading.locations import Path
    from runner.loading.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Meant:
    """The key that was meant, what to say beside the wrong one, and whether renaming it can only be right."""

    key: str | None
    hint: str | None
    is_certain: bool = False
    is_here: bool = True  # whether the key that was meant belongs where the wrong one stands


def meant(kind: type[BaseModel], path: Path, key: str, present: Collection[str], vocabulary: Vocabulary) -> Meant:
    """What the unknown `key` of the mapping at `path` was meant to be; `present` are the keys written beside it."""
    model = model_at(kind, path)
    known = keys(model) if model is not None else []
    if sure := certain(key, known):
        return Meant(sure, f"did you mean {quoted(sure)}?", sure not in present)
    place = ".".join("*" if index and path[index - 1] == "variables" else str(part) for index, part in enumerate(path))
    names = (place, model.__name__ if model is not None else place)
    if hint := _said(vocabulary.hints, names, key):
        return Meant(None, hint)
    if same := _said(vocabulary.same, names, key):
        return Meant(same, f"the key is called {quoted(same)}", same not in present)
    if is_secret_name(key) and not place:
        return Meant(None, "secrets are not written here: they come from the environment")
    elsewhere = _said(vocabulary.other, names, key) or _home(kind, key, place)
    if elsewhere:
        return Meant(elsewhere, _where(elsewhere, normal(key)), is_here=False)
    near = nearest(key, known)
    return Meant(near, f"did you mean {quoted(near)}?" if near else None)


def _said(words: Mapping[str, Mapping[str, str]], names: Iterable[str], key: str) -> str | None:
    """What a vocabulary says of a key in a mapping of one of these names."""
    return next((found for name in names if (found := words.get(name, {}).get(normal(key)))), None)


def _home(kind: type[BaseModel], key: str, place: str) -> str | None:
    """The only other place where this key, or one that is the same but for its spelling, belongs."""
    here = f"{place}.{normal(key)}" if place else normal(key)
    found = [home for home in homes(kind, normal(key)) if home != here and not home.startswith("variables")]
    deepest = [home for home in found if "." in home] or found
    return found[0] if len(found) == 1 else deepest[0] if len(deepest) == 1 else None


def _where(home: str, key: str) -> str:
    above, _, name = home.rpartition(".")
    if not above:
        return f"this key belongs at the top: {name}" if name == key else f"write {name} at the top"
    shown = f"{above}:" if "." not in above else above
    return f"this key belongs under {shown}" if name == key else f"write {name} under {shown}"
