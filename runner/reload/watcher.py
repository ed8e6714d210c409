"""Tells when something may have changed at some paths: by the system's notifications, else by looking again and again.

It tells too often rather than too seldom, and never what: whether a content is another one is for the reader to see.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from runner.reload.places import places_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from watchfiles._rust_notify import RustNotify

    from runner.reload.places import Places

Signature: TypeAlias = tuple[int, ...] | None

_STEP = 20  # milliseconds between two looks at what has been notified
_BURST = 40  # milliseconds in which notifications are gathered, at most
_ROUND = 2.0  # seconds between two looks at the files themselves: some file systems notify nothing
POLLING_ROUND = 0.1  # seconds between them where there are no notifications at all


class Watcher:
    """Calls `on_touch` from a thread of its own; and `on_polling`, once, with why the system does not notify."""

    def __init__(self, top: Path, on_touch: Callable[[], None], on_polling: Callable[[str], None]) -> None:
        self._top, self._on_touch, self._on_polling = top, on_touch, on_polling
        self._paths: frozenset[Path] = frozenset()
        self._asked = threading.Event()  # to look at `_paths` again, or to end
        self._is_over = self._is_polling = False
        self._thread: threading.Thread | None = None

    def watch(self, paths: Iterable[Path]) -> None:
        """Watch these paths from now on, and no others; `on_touch` is called when the watching has begun."""
        wanted = frozenset(paths)
        if wanted == self._paths:
            return
        self._paths = wanted
        self._asked.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="agent-run-reload", daemon=True)
            self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the thread has not ended yet."""
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """Let the thread end, which it does within a moment."""
        self._is_over = True
        self._asked.set()

    def _run(self) -> None:
        while True:
            self._asked.clear()
            if self._is_over:
                return
            paths = self._paths
            places = places_of(paths, self._top)
            notify = None if self._is_polling else self._notifier(places)
            self._on_touch()  # for what has happened until now
            try:
                self._watch(paths, places, notify)
            except RuntimeError:  # of watchfiles, such as for a file name that is not UTF-8
                self._poll("the system's notifications cannot be read")
            finally:
                if notify is not None:
                    notify.close()

    def _watch(self, paths: frozenset[Path], places: Places, notify: RustNotify | None) -> None:
        """Until the paths to watch, or the folders that they lie in, are others."""
        before = _signatures(paths)
        while not self._asked.is_set():
            heard = self._heard(notify)
            if heard is not None and places.entries.isdisjoint(heard):
                continue
            now = _signatures(paths)
            if heard or now != before:
                before = now
                self._on_touch()
            if not self._is_polling and places_of(paths, self._top).folders != places.folders:
                return

    def _heard(self, notify: RustNotify | None) -> set[str] | None:
        """The paths of what was notified; None when it is time to look for oneself."""
        if notify is None:
            self._asked.wait(POLLING_ROUND)
            return None
        heard = notify.watch(_BURST, _STEP, int(_ROUND * 1000), self._asked)
        return {path for _, path in heard} if isinstance(heard, set) else None

    def _notifier(self, places: Places) -> RustNotify | None:
        """The system's notifications for these folders; None where it gives none."""
        try:
            from watchfiles._rust_notify import RustNotify  # not its loops: they cannot tell when they have begun

            return RustNotify(
                list(places.folders),
                debug=False,
                force_polling=False,
                poll_delay_ms=0,
                recursive=False,
                ignore_permission_denied=False,
            )
        except FileNotFoundError:  # a folder went away a moment ago: the next round sees it
            return None
        except (OSError, RuntimeError, ImportError) as error:
            self._poll(str(error).partition(" about ")[0])
            return None

    def _poll(self, reason: str) -> None:
        self._is_polling = True
        self._on_polling(reason)


def _signatures(paths: Iterable[Path]) -> dict[Path, Signature]:
    return {path: _signature(path) for path in paths}


def _signature(path: Path) -> Signature:
    """What a look at a file tells without reading it."""
    with suppress(OSError, ValueError):
        status = path.stat()
        return (status.st_ino, status.st_dev, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return None
