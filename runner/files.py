"""Files sent with a message, as parts."""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.messages import Part

INLINE_LIMIT = 20 * 1024 * 1024  # bytes of one file that may travel inside a request


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
