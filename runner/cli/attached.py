"""Files that are sent with a message: looked at before anything begins, and told in a line each."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.mentions import mentions_in
from runner.cli.screen import visible_line
from runner.files import FileError, check, is_remote, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.cli.door import Door


def named_files(names: Iterable[str]) -> list[str | Path]:
    """What `--file` names: paths, and addresses as they are. Raises FileError for what cannot be sent."""
    files: list[str | Path] = []
    for name in names:
        file = name if is_remote(name) else Path(name).expanduser() if name.startswith("~") else Path(name)
        try:
            check(file)
        except FileError as error:
            raise FileError(f"--file: {visible_line(str(error))}{_meant(file)}") from None
        files.append(file)
    return files


def _meant(file: str | Path) -> str:
    if isinstance(file, str) or file.exists():
        return ""
    try:
        names = [each.name for each in file.parent.iterdir()]
    except OSError:
        return ""
    nearest = difflib.get_close_matches(file.name, names, n=1)
    return f"; did you mean {visible_line(str(file.with_name(nearest[0])))}?" if nearest else ""


async def mentioned_files(text: str, door: Door) -> list[str | Path]:
    """The files that a message of the chat mentions, each told in a line. Raises FileError for what cannot be sent."""
    mentions = mentions_in(text)
    lines = [f"@{visible_line(name)} is no file here: sent as text" for name in mentions.missing]
    lines += attached_lines(mentions.files)
    if not door.loudness.quiet:
        for line in lines:
            await door.aside(line)
    return list(mentions.files)


def attached_lines(files: Sequence[str | Path]) -> list[str]:
    """`[photo.png, image/png, 12 KB]` for each file. Raises FileError."""
    return [visible_line(shown(check(file))) for file in files]
