"""Files named in a message of the terminal chat: `@photo.png`, `@"with blanks.pdf"`."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document

_MENTION = re.compile(r"""(?<![^\s('"\[])@(?:"([^"\n]+)"|([^\s"]+))""")
_BEGUN = re.compile(r"""(?<![^\s('"\[])@(?:"([^"\n]*)|([^\s"]*))\Z""")
_AROUND = ".,;:!?)]}'"  # what may follow a name and is none of it
_LONGEST = 1000  # characters of a path


class Mentions(NamedTuple):
    """What a message names: files that are there, and names of files that are not."""

    files: list[Path]
    missing: list[str]


def mentions_in(text: str) -> Mentions:
    """The files that words beginning with `@` name, each once; all other words with `@` are only words."""
    files: dict[Path, None] = {}
    missing: dict[str, None] = {}
    for found in _MENTION.finditer(text):
        quoted, word = found.groups()
        name = quoted or word
        path = _file(name) if quoted else next(filter(None, map(_file, _without_punctuation(word))), None)
        if path is not None:
            files[path] = None
        elif quoted or _looks_like_a_file(word):
            missing[name.rstrip(_AROUND)] = None
    return Mentions(list(files), list(missing))


def _without_punctuation(word: str) -> Iterable[str]:
    yield word
    while word and word[-1] in _AROUND:
        word = word[:-1]
        yield word


def _file(name: str) -> Path | None:
    """The file of that name, seen from the working directory; `~` is the home folder."""
    if not name or len(name) > _LONGEST:
        return None
    try:
        path = Path(name).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None


def _looks_like_a_file(word: str) -> bool:
    """Whether a word that names no file was likely meant to: it has a known suffix."""
    name = word.rstrip(_AROUND)
    return "@" not in name and "://" not in name and mimetypes.guess_type(name)[0] is not None


def completer(commands: Sequence[str]) -> Completer:
    """Completes commands, and the paths of files after `@`."""
    from prompt_toolkit.completion import Completer, PathCompleter, WordCompleter, merge_completers

    paths = PathCompleter(expanduser=True)

    class MentionCompleter(Completer):
        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
            begun = _BEGUN.search(document.text_before_cursor)
            if begun is not None:
                yield from _completions(begun, paths, complete_event)

    return merge_completers([WordCompleter(list(commands), sentence=True), MentionCompleter()])


def _completions(begun: re.Match[str], paths: Completer, event: CompleteEvent) -> Iterable[Completion]:
    """What the path that was begun may be; a name with blanks is put in quotes, and a folder ends in a slash."""
    from prompt_toolkit.completion import Completion
    from prompt_toolkit.document import Document

    quoted, word = begun.groups()
    start = word if quoted is None else quoted
    for each in paths.get_completions(Document(start, len(start)), event):
        whole = start + each.text
        is_folder = each.display_text.endswith("/")
        if is_folder:
            whole += "/"
        if quoted is not None or " " in whole:
            whole = f'"{whole}' if is_folder else f'"{whole}"'
        yield Completion(f"@{whole}", start_position=-len(begun[0]), display=each.display)
