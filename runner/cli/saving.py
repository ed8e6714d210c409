"""Pictures and other files that the model made, written where the user wants them."""

from __future__ import annotations

import asyncio
import itertools
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.door import OuterView
from runner.cli.screen import visible_line
from runner.events import MediaReturned, Notice, TurnStarted
from runner.file_types import suffix_of

if TYPE_CHECKING:
    from runner.cli.door import Door, View
    from runner.events import Event
    from runner.media import Media

_CODE = "media"
_UNSAID = re.compile(r"[^\w.-]+")
_LONGEST = 60  # characters of a name, which may have 255 bytes


class SavingView(OuterView):
    """Shows a turn in `view`, and writes what the model made to `folder`; without one, says how to get it.

    What cannot be written is in the chat all the same; the run ends as one whose answer could not be written.
    """

    def __init__(self, view: View, door: Door, folder: str | None) -> None:
        super().__init__(view)
        self._door = door
        self._folder = None if folder is None else Path(folder)
        self._turn = ""
        self._has_hinted = False

    async def show(self, event: Event) -> None:
        """Show one event."""
        await self._view.show(event)
        if isinstance(event, TurnStarted):
            self._turn = f"{event.chat_id}-{event.turn}"
        elif isinstance(event, MediaReturned):
            if self._folder is not None:
                await self._view.show(Notice(_CODE, await self._saved(event, self._folder)))
            elif not self._has_hinted:
                self._has_hinted = True
                await self._view.show(Notice(_CODE, "to have such files written to a folder: --save FOLDER"))

    async def _saved(self, event: MediaReturned, folder: Path) -> str:
        try:
            path = await asyncio.to_thread(_written, folder, event.media, self._turn)
        except ValueError:
            return "not saved: what came is no file"
        except OSError as error:
            self._door.out.problem = self._door.out.problem or error
            return f"not saved: {error.strerror}"
        return f"saved as {visible_line(str(path))}"


def _written(folder: Path, media: Media, turn: str) -> Path:
    """The file that media were written to, a new one: no other is replaced. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    given = Path(media.name or turn)
    stem = _UNSAID.sub("-", given.stem if media.name else given.name)[:_LONGEST].strip(".-") or "file"
    suffix = suffix_of(media.mime_type)
    for number in itertools.count(1):
        path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        with suppress(FileExistsError), path.open("xb") as stream:
            try:
                stream.write(media.data)
                stream.flush()
            except OSError:
                path.unlink()
                raise
            return path
    raise AssertionError("there is always another number")
