"""`Media`: a picture or a document that a tool returns, for the model to look at."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.files import INLINE_LIMIT, FileError, attachment, shown, size_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.messages import Content, Json, Part

_REF = "$ref"


class Media:
    """Bytes of one type, returned by a tool alone or anywhere in what it returns; `name` is for the model.

    `{"chart": Media(png, "image/png"), "report": Media.of("report.pdf")}` is a result with two. All media of one
    result may have 8 MiB together.
    """

    __slots__ = ("data", "mime_type", "name")

    def __init__(self, data: bytes, mime_type: str, name: str | None = None) -> None:
        if "/" not in mime_type:
            raise ValueError(f'"{mime_type}" is no type of media: one is "image/png"')
        self.data, self.mime_type, self.name = bytes(data), mime_type, name

    @classmethod
    def of(cls, path: str | Path) -> Media:
        """A file, its type told from its name. Raises FileError, which is a ValueError."""
        found = attachment(Path(path))
        if found.part is None:
            most = size_words(INLINE_LIMIT)
            raise FileError(
                f"{Path(path).name}: {size_words(found.meta['size'])} are too many for a result: at most {most}"
            )
        data = base64.b64decode(found.part["inlineData"]["data"])
        return cls(data, found.meta["mime_type"], found.meta["name"])

    def __repr__(self) -> str:
        return f"Media({shown({'name': self.name, 'mime_type': self.mime_type, 'size': len(self.data)})})"


class MediaResult(dict):  # type: ignore[type-arg]  # a JSON object
    """A tool's result with references, `{"$ref": name}`, in the place of its media; `parts` carry them."""

    __slots__ = ("parts",)

    def __init__(self, result: Json, parts: Sequence[Part]) -> None:
        super().__init__(result)
        self.parts = list(parts)


class MediaFound:
    """Collects the media of one result, under names of their own."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was found."""
        self.parts: list[Part] = []
        self.size = 0
        self._names: set[str] = set()

    def reference(self, media: Media) -> Json:
        """What stands in the place of media in the result."""
        number = len(self.parts) + 1
        name = media.name or f"{media.mime_type.partition('/')[0]}-{number}"
        if name in self._names:
            name = f"{number}-{name}"
        self._names.add(name)
        self.size += len(media.data)
        data = base64.b64encode(media.data).decode("ascii")
        self.parts.append({"inlineData": {"mimeType": media.mime_type, "displayName": name, "data": data}})
        return {_REF: name}


def carrying(result: Json, parts: Iterable[Part]) -> Json:
    """The result with the parts that it refers to."""
    named = _references(result)
    kept = [part for part in parts if _name(part) in named]
    return MediaResult(result, kept) if kept else result


def parts_of(result: Json) -> list[Part]:
    """The parts that carry the media of a result."""
    return result.parts if isinstance(result, MediaResult) else []


def media_in(content: Content) -> list[Part]:
    """The parts that the function responses of a content carry."""
    responses = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
    return [each for response in responses for each in response.get("parts") or ()]


def in_words(result: Any, parts: Iterable[Part], note: str = "") -> Any:  # a JSON value
    """A result with its media told in words, `[chart.png, image/png, 12 KB]`, each followed by the note."""
    return _replaced(result, {_name(part): f"{shown(part)}{note}" for part in parts})


def _name(part: Part) -> str:
    return str((part.get("inlineData") or {}).get("displayName"))


def _replaced(value: Any, told: Mapping[str, str]) -> Any:  # JSON values
    if isinstance(value, dict):
        reference = _reference(value)
        if reference in told:
            return told[reference]
        return {key: _replaced(each, told) for key, each in value.items()}
    return [_replaced(each, told) for each in value] if isinstance(value, list) else value


def _references(value: Any) -> set[str]:  # a JSON value
    if isinstance(value, dict):
        reference = _reference(value)
        return {reference} if reference else set().union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def _reference(value: Json) -> str:
    found = value.get(_REF) if len(value) == 1 else None
    return found if isinstance(found, str) else ""
