"""A chat database file: opened, made at first use, and refused when it is not ours."""

from __future__ import annotations

import random
import stat
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeVar

from runner.errors import ChatStorageError
from runner.storages.sqlite_errors import BUSY, IOERR, from_sqlite, from_system, primary_code
from runner.storages.sqlite_schema import APPLICATION_ID, SCHEMA_VERSION, bring_up_to_date

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")


class DatabaseFile:
    """Where the database is, and how it is opened and written to."""

    def __init__(self, path: Path, *, busy_timeout: float, make_folder: bool) -> None:
        self.path = path
        self._busy_timeout = busy_timeout
        self._make_folder = make_folder
        self._failure: str | None = None
        self._identity: tuple[int, int] | None = None

    def connect(self) -> sqlite3.Connection:
        """A connection to the database, which is created if there is none."""
        import sqlite3

        self._refuse_after_failure()
        try:
            if self._make_folder:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            elif not self.path.parent.exists():
                raise self._refusal(
                    f"its folder {self.path.parent} does not exist; make it: mkdir -p {self.path.parent}"
                )
            self._look_before_opening()
            connection = self._opened()
            self._identity = self._identity_now()
        except sqlite3.Error as error:
            raise self._failed(error) from error
        except OSError as error:
            raise from_system(error, self.path) from error
        except ValueError as error:  # a NUL in the path
            raise self._refusal(f"{error}; choose another path") from error
        return connection

    def guarded(self, work: Callable[[sqlite3.Connection], T]) -> Callable[[sqlite3.Connection], T]:
        """`work`, its errors told plainly. After an input/output error nothing is tried again: what the system has kept
        of earlier writes is then unknown, and a later success would prove nothing."""

        def run(connection: sqlite3.Connection) -> T:
            import sqlite3

            self._refuse_after_failure()
            try:
                return work(connection)
            except sqlite3.Error as error:
                raise self._failed(error) from error

        return run

    @contextmanager
    def writing(self, connection: sqlite3.Connection, *, durable: bool = True) -> Iterator[None]:
        """One transaction, all or nothing. A `durable` one is on the disk when this ends; another may be lost with the
        power, not with the process."""
        self.check_identity()
        if not durable:
            connection.execute("PRAGMA synchronous = NORMAL")
        try:
            with _transaction(connection, "IMMEDIATE"):
                yield
        finally:
            if not durable:
                connection.execute("PRAGMA synchronous = FULL")

    def check_identity(self) -> None:
        """Refuse to write to a file that is no longer at its path."""
        if self._identity != self._identity_now():
            raise self._refusal("was removed or replaced while in use; start again")

    def _failed(self, error: sqlite3.Error) -> ChatStorageError:
        failure = from_sqlite(error, self.path)
        if primary_code(error) == IOERR:
            self._failure = str(failure)
        return failure

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise ChatStorageError(self._failure)

    def _opened(self) -> sqlite3.Connection:
        """Many processes may open a new database at once, and turning to WAL does not wait for its turn: we do."""
        import sqlite3

        deadline = time.monotonic() + self._busy_timeout
        while True:
            connection = sqlite3.connect(self.path, timeout=self._busy_timeout, isolation_level=None)
            try:
                self._prepare(connection)
            except sqlite3.OperationalError as error:
                connection.close()
                if primary_code(error) != BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - to spread the openers, not to keep a secret
            except BaseException:
                connection.close()
                raise
            else:
                return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA trusted_schema = OFF")
        with _transaction(connection, "DEFERRED"):
            version = self._version(connection)
        if version < SCHEMA_VERSION:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes effect in a new file only
            with _transaction(connection, "IMMEDIATE"):
                bring_up_to_date(connection, self._version(connection))
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    def _version(self, connection: sqlite3.Connection) -> int:
        """The version of our tables, 0 for an empty database, an error for any other."""
        application = _number(connection, "PRAGMA application_id")
        version = _number(connection, "PRAGMA user_version")
        if application == APPLICATION_ID:
            newer = self._newer(version)
            if newer is not None:
                raise newer
            return version
        if application or version or _number(connection, "SELECT count(*) FROM sqlite_master"):
            raise self._foreign()
        return 0

    def _look_before_opening(self) -> None:
        """Refuse another program's file by its first bytes, before SQLite could write as much as a lock file beside it.

        A page that is being written just now can look strange once, not twice.
        """
        if self._first_look() is not None:
            time.sleep(0.02)
            refusal = self._first_look()
            if refusal is not None:
                raise refusal

    def _first_look(self) -> ChatStorageError | None:
        """What is surely wrong with the file. What needs SQLite's own eyes (a journal to roll back) is left to them.

        SQLite opens it, as immutable, without locks or other files. Reading it by ourselves would be wrong: on POSIX,
        closing a file ends all locks that the process has on it, those of other connections too.
        """
        import sqlite3

        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                return self._refusal("is not a file; choose another path")
        except FileNotFoundError:
            return None
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            try:
                pragmas = ("application_id", "user_version", "schema_version")
                application, version, changes = (_number(connection, f"PRAGMA {name}") for name in pragmas)
            except sqlite3.DatabaseError as error:
                unreadable = from_sqlite(error, self.path)  # or a page is only in a journal, after a crash
                return None if self._beside("-journal").exists() or self._beside("-wal").exists() else unreadable
        if self._beside("-journal").exists():
            return None
        if application == APPLICATION_ID:
            return self._newer(version)
        if application or version or changes or self._beside("-wal").exists():
            return self._foreign()
        return None

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _identity_now(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _newer(self, version: int) -> ChatStorageError | None:
        if version <= SCHEMA_VERSION:
            return None
        return self._refusal(
            f"was written by a newer agent-run (its format is {version}, this one knows {SCHEMA_VERSION}); "
            "it was left as it is. Upgrade agent-run, or choose another path"
        )

    def _foreign(self) -> ChatStorageError:
        return self._refusal("belongs to another program; it was left as it is. Choose another path")

    def _refusal(self, text: str) -> ChatStorageError:
        return ChatStorageError(f"chat database {self.path}: {text}")


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
