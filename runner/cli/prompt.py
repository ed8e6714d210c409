"""Asking for messages: a line editor by prompt_toolkit, and plain lines where the terminal can do no more."""

from __future__ import annotations

import os
import sys
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runner.cli.mentions import completer
from runner.cli.stdin import Lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings, KeyPress, KeyPressEvent

    from runner.cli.output import Output

PROMPT = "> "
_HISTORY_LIMIT = 1_000_000  # bytes; a longer file is halved


class PromptInterrupted(Exception):  # noqa: N818  # a key, not an error
    """Ctrl+C at the prompt: as a key or as a signal, with or without anything typed before it."""

    def __init__(self, *, was_key: bool, was_empty: bool = True) -> None:
        self.was_key, self.was_empty = was_key, was_empty
        super().__init__()


class Prompt(Protocol):
    """Asks for messages, and watches the keyboard while they are answered."""

    async def read(self) -> str:
        """The next message. Raises EOFError for Ctrl+D and PromptInterrupted for Ctrl+C."""

    def held(self) -> AbstractContextManager[None]:
        """A context in which the keyboard is ours: nothing typed is echoed but by the prompt."""

    def watched(self, interrupt: Callable[[], None]) -> AbstractContextManager[None]:
        """A context in which Ctrl+C calls `interrupt`, and what else is typed is kept for the next prompt."""

    def above(self) -> AbstractAsyncContextManager[None]:
        """A context in which whole lines may be written while the prompt asks; it stays below them, as it was."""

    def release(self) -> None:
        """Give the keyboard back, for an exit that runs no further code."""


class PlainPrompt:
    """Lines as the terminal itself edits them: for Emacs, serial consoles and the like."""

    def __init__(self, out: Output) -> None:
        self._out, self._lines = out, Lines()

    async def read(self) -> str:
        """The next line."""
        await self._out.write(PROMPT)
        try:
            line = await self._lines.next()
        except BaseException:
            self._out.write_now("\n")
            raise
        if line is None:
            raise EOFError
        return line

    def held(self) -> AbstractContextManager[None]:
        """Nothing to hold: the terminal keeps its own ways."""
        return nullcontext()

    def watched(self, interrupt: Callable[[], None]) -> AbstractContextManager[None]:
        """Nothing to watch: Ctrl+C is a signal here."""
        return nullcontext()

    @asynccontextmanager
    async def above(self) -> AsyncIterator[None]:
        """The prompt is written anew; what was typed on its line stays on the line above."""
        await self._out.write("\n")
        yield
        await self._out.write(PROMPT)

    def release(self) -> None:
        """Nothing to give back."""


class EditingPrompt:
    """Enter sends, Esc Enter begins a new line, pasted newlines stay, Tab completes commands and `@paths`.

    The terminal stays in raw mode for the whole chat, so that no key falls between two prompts.
    """

    def __init__(self, commands: Sequence[str], history_file: Path | None) -> None:
        self._session = _session(commands, history_file)
        self._input = self._session.input
        self._raw = self._input.raw_mode()

    async def read(self) -> str:
        """The next message."""
        return await self._session.prompt_async(handle_sigint=False)

    def held(self) -> AbstractContextManager[None]:
        """Raw mode."""
        return self._raw

    @contextmanager
    def watched(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Read the keyboard ourselves."""
        from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
        from prompt_toolkit.keys import Keys

        def keep(keys: Iterable[KeyPress]) -> None:
            kept = [press for press in keys if press.key != Keys.ControlC]
            store_typeahead(self._input, kept)

        def take(keys: list[KeyPress]) -> None:
            keep(keys)
            for press in keys:
                if press.key == Keys.ControlC:
                    interrupt()

        take(get_typeahead(self._input))
        with self._input.attach(lambda: take(self._input.read_keys())):
            yield

    def above(self) -> AbstractAsyncContextManager[None]:
        """The editor goes away for a moment, and comes back with all that was typed."""
        from prompt_toolkit.application import in_terminal

        return in_terminal()

    def release(self) -> None:
        """Leave raw mode."""
        self._raw.__exit__(None, None, None)


def _session(commands: Sequence[str], history_file: Path | None) -> PromptSession[str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import InMemoryHistory
    from prompt_toolkit.shortcuts import CompleteStyle

    return PromptSession(
        PROMPT,
        multiline=True,
        prompt_continuation=" " * len(PROMPT),
        history=_file_history(history_file) if history_file else InMemoryHistory(),
        key_bindings=_keys(),
        completer=completer(commands),
        complete_while_typing=False,
        complete_style=CompleteStyle.READLINE_LIKE,
    )


def _keys() -> KeyBindings:
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
        interrupted = PromptInterrupted(was_key=True, was_empty=not event.current_buffer.text)
        event.app.exit(exception=interrupted, style="class:aborting")

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
