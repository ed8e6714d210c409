"""What SQLite and the file system complain about, in one plain line that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import ChatStorageError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

BUSY, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, TOOBIG, NOTADB = 5, 8, 10, 11, 13, 14, 15, 18, 26

_IOERR_SHMSIZE = 4874  # no room for the index of the write-ahead log: that disk is full, not broken

_PLAIN = {
    BUSY: "is locked by another program; close that program, or wait and try again",
    READONLY: "cannot be written to: the file or its folder is read-only; make them writable or choose another path",
    IOERR: "the disk reported an input/output error; check the disk, then start again. Until then nothing is stored",
    CORRUPT: "is damaged; it was left as it is. Restore a backup, or rescue the rest: sqlite3 FILE .recover",
    FULL: "the disk is full; free some space and try again",
    CANTOPEN: "cannot be opened or created; check the path, and the permissions of the file and its folder",
    PROTOCOL: "is on a file system without file locks; choose a path on a local disk",
    TOOBIG: "an entry is too large for SQLite; keep large content in a file and store its name",
    NOTADB: "is not a SQLite database; it was left as it is. Choose another path",
}


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; 0 where there is none."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    return FULL if code == _IOERR_SHMSIZE else code & 0xFF


def from_sqlite(error: sqlite3.Error, path: Path) -> ChatStorageError:
    """The plain form of an error of SQLite. Only a locked database is worth trying again unchanged."""
    code = primary_code(error)
    unknown = f"SQLite failed: {error} ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
    failure = ChatStorageError(f"chat database {path}: {_PLAIN.get(code, unknown)}")
    failure.retryable = code == BUSY
    return failure


def from_system(error: OSError, path: Path) -> ChatStorageError:
    """The plain form of an error of the file system."""
    where = f" ({error.filename})" if error.filename not in {None, str(path)} else ""
    return ChatStorageError(
        f"chat database {path}: {(error.strerror or str(error)).lower()}{where}; choose another path"
    )
