"""Files sent with a message, as parts; and files of our own, written whole."""

from __future__ import annotations

import base64
import mimetypes
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.messages import Part

INLINE_LIMIT = 20 * 1024 * 1024  # bytes of one file that may travel inside a request
OWN_FOLDER = ".agent-run"
"""The folder below the project root for what we keep of a project; git leaves it alone."""


def file_part(file: str | Path | Part) -> Part:
    """The part that carries a file inline; a part is returned as it is.

    Raises OSError when the file cannot be read and ValueError when its type is unknown or it is over 20 MB.
    """
    if isinstance(file, dict):
        return file
    path = Path(file)
    mime_type, _ = mimetypes.guess_type(path.name)
    if mime_type is None:
        raise ValueError(f"{path}: the file's type cannot be told from its name")
    size = path.stat().st_size
    if size > INLINE_LIMIT:
        raise ValueError(f"{path}: {size} bytes are too many to send inline (at most {INLINE_LIMIT})")
    return {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(path.read_bytes()).decode("ascii")}}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in place of the one that was there, or not at all: nobody reads half of it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.name == OWN_FOLDER:  # which ignores itself; a project's `.gitignore` is the project's
        with suppress(FileExistsError), (path.parent / ".gitignore").open("x", encoding="utf-8") as stream:
            stream.write("*\n")
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
