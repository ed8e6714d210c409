"""The line editor of the terminal chat, by prompt_toolkit."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

_HISTORY_LIMIT = 1_000_000  # bytes; a longer file is halved


class Prompt:
    """Asks for messages: Enter sends, Esc Enter begins a new line, pasted newlines stay, Tab completes commands."""

    def __init__(self, commands: Sequence[str], history_file: Path | None) -> None:
        self._commands, self._history_file = commands, history_file
        self._session: PromptSession[str] | None = None
        self.was_empty = True

    async def read(self) -> str:
        """The next message. Raises EOFError for Ctrl+D and KeyboardInterrupt for Ctrl+C (see `was_empty`)."""
        if self._session is None:
            self._session = self._new_session()
        return await self._session.prompt_async(handle_sigint=False)

    def _new_session(self) -> PromptSession[str]:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import WordCompleter
        from prompt_toolkit.history import InMemoryHistory
        from prompt_toolkit.shortcuts import CompleteStyle

        return PromptSession(
            "> ",
            multiline=True,
            prompt_continuation="  ",
            history=_file_history(self._history_file) if self._history_file else InMemoryHistory(),
            key_bindings=self._keys(),
            completer=WordCompleter(list(self._commands), sentence=True),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,
        )

    def _keys(self) -> KeyBindings:
        from prompt_toolkit.enums import DEFAULT_BUFFER
        from prompt_toolkit.filters import has_focus
        from prompt_toolkit.key_binding import KeyBindings

        keys, editing = KeyBindings(), has_focus(DEFAULT_BUFFER)

        @keys.add("enter", filter=editing)
        def send(event: KeyPressEvent) -> None:
            event.current_buffer.validate_and_handle()

        @keys.add("escape", "enter", filter=editing)
        def new_line(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

        @keys.add("c-c", filter=editing)
        def interrupt(event: KeyPressEvent) -> None:
            self.was_empty = not event.current_buffer.text
            event.app.exit(exception=KeyboardInterrupt(), style="class:aborting")

        return keys


def _file_history(path: Path) -> History:
    from prompt_toolkit.history import FileHistory

    class PrivateHistory(FileHistory):
        """Keeps what was typed in a file of the user's own; without one that can be written, for this run only.

        What begins with a space is not kept.
        """

        def load_history_strings(self) -> Iterable[str]:
            try:
                return list(super().load_history_strings())
            except OSError:
                return []

        def store_string(self, string: str) -> None:
            if string[:1].isspace():
                return
            try:
                super().store_string(string)
            except (OSError, UnicodeError):
                return

    _make_private(path)
    return PrivateHistory(str(path))


def _make_private(path: Path) -> None:
    """Make the file and its folder, readable by the user only, and halve it when it has grown long."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        if path.stat().st_size > _HISTORY_LIMIT:
            _, _, kept = path.read_bytes()[-_HISTORY_LIMIT // 2 :].partition(
                b"\n\n"
            )  # entries begin after a blank line
            path.write_bytes(b"\n" + kept)
    except OSError:
        return


def state_folder(environ: dict[str, str] | os._Environ[str] = os.environ) -> Path | None:
    """Where this platform keeps what programs remember of a user; None where there is no home."""
    if sys.platform == "win32":
        base = environ.get("LOCALAPPDATA")
        return Path(base, "agent-run") if base else None
    home = environ.get("HOME")
    if sys.platform == "darwin":
        return Path(home, "Library", "Application Support", "agent-run") if home else None
    state = environ.get("XDG_STATE_HOME", "")
    if Path(state).is_absolute():
        return Path(state, "agent-run")
    return Path(home, ".local", "state", "agent-run") if home else None
