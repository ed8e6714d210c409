"""`files:` of a manifest, and of a turn: what they name is there, inside of the project, and can be sent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ManifestError
from runner.files import FileError, check, is_remote
from runner.loading.document import nearest_file
from runner.loading.include import OutsideError, inside
from runner.loading.words import quoted
from runner.named_files import Files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located


def check_files(subject: Subject) -> Iterator[Diagnostic]:
    """The files of a manifest: paths, patterns, and addresses, which are sent as they are."""
    for place, node in subject.known_texts("files"):
        if is_remote(node.text):
            yield from unsendable(subject, place, node.text)
            continue
        try:
            inside(node.text, subject.folder, subject.root)
            paths = Files(node.text, subject.folder, subject.root, "files").paths()
        except OutsideError as error:
            yield subject.say(error.code, str(error), place, hint=error.hint)
        except ManifestError as error:
            path = subject.folder / node.text
            subject.reading.files.append(path)  # it may be written yet
            message = error.message.replace(f'"{node.text}"', quoted(node.shown), 1)
            yield subject.say("E120", message, place, hint=nearest_file(path))
        else:
            subject.reading.files += paths
            for path in paths:
                yield from unsendable(subject, place, path)


def unsendable(subject: Subject, place: Located, file: str | Path) -> Iterator[Diagnostic]:
    """Why a file that is there cannot be sent: its type, its size."""
    try:
        check(file)
    except FileError as error:
        name = file if isinstance(file, str) else Path(os.path.relpath(file, subject.folder)).as_posix()
        reason = error.message.removeprefix(f"{file}: ")
        yield subject.say("E123", f"{quoted(name)} cannot be sent: {reason}", place)
