"""The files of a message as cassettes have them: digests in the place of bytes, whether sent inline or uploaded."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from runner.files import carries_file, meta_of, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.files import FileMeta
    from runner.messages import ChatMessage, Json, Part

_MARK = 8  # digits of a digest that people are shown


def without_bytes(message: ChatMessage) -> list[Part]:
    """A message's parts, each file as `{"file": digest, "mimeType": ...}`; one that nobody has read by its uri."""
    files = message.meta.get("files") or ()
    return [_part(part, files) for part in message.parts]


def told_files(message: ChatMessage) -> Iterator[str]:
    """A few words for each of those files, in order: `[photo.png, image/png, 12 KB] 1a2b3c4d`."""
    files = message.meta.get("files") or ()
    for part in message.parts:
        for each in _within(part):
            meta = _known(each, files)
            yield f"{shown(meta or each)} {meta.get('digest', '')[:_MARK]}".rstrip()


def _part(part: Part, files: Sequence[FileMeta]) -> Part:
    if carries_file(part):
        return _compared(part, files)
    response = part.get("functionResponse")
    if isinstance(response, dict) and response.get("parts"):
        media = [_compared(each, files) if carries_file(each) else each for each in response["parts"]]
        return {**part, "functionResponse": {**response, "parts": media}}
    return part


def _within(part: Part) -> list[Part]:
    """The files that a part is or holds."""
    response = part.get("functionResponse")
    held = (response.get("parts") or []) if isinstance(response, dict) else [part]
    return [each for each in held if carries_file(each)]


def _compared(part: Part, files: Sequence[FileMeta]) -> Json:
    meta = _known(part, files)
    return {"file": meta.get("digest") or meta.get("uri") or "", "mimeType": meta.get("mime_type", "")}


def _known(part: Part, files: Sequence[FileMeta]) -> FileMeta:
    """What is known of the file of a part. The digest of bytes is that of the bytes."""
    own = meta_of(part)
    if "uri" in own:
        return next((each for each in files if each.get("uri") == own["uri"]), own)
    own["digest"] = _digest(part)
    return next((each for each in files if each.get("digest") == own["digest"]), own)


def _digest(part: Part) -> str:
    blob: Any = part.get("inlineData") or part.get("inline_data") or {}
    data = str(blob.get("data") or "").encode("ascii", "replace")
    with suppress(binascii.Error):  # what is no base64 is told apart as the text that it is
        data = base64.b64decode(data, validate=True)
    return blake2b(data, digest_size=16).hexdigest()
