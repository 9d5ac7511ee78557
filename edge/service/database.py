"""The store's SQLite file: one writer, many readers, its tables, its lock, and what happens when it is damaged."""

import contextlib
import fcntl
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.errors import StoreError
from edge.service.pictures import make_folders, sync_folder

_LOG = logging.getLogger(__name__)
DATABASE = "checkreader.db"
_BUSY_S = 5.0
# Connections kept open for whoever reads next; each keeps at most half a mebibyte of the file, and three descriptors.
_MOST_IDLE = 4
# Each step takes a store one version up; a step that was released is never changed.
_MIGRATIONS = (
    """
    CREATE TABLE records (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        day TEXT NOT NULL,
        status TEXT NOT NULL,
        first_status TEXT NOT NULL,
        is_drawn INTEGER NOT NULL,
        is_review_due INTEGER NOT NULL,
        currency TEXT,
        minor_units INTEGER,
        words TEXT NOT NULL,
        micr_key TEXT,
        number TEXT,
        confidence REAL,
        is_amount_right INTEGER,
        reading TEXT NOT NULL,
        truth TEXT NOT NULL,
        sealed BLOB,
        picture TEXT,
        picture_sha256 TEXT,
        picture_bytes INTEGER NOT NULL,
        possible_duplicate_of INTEGER
    );
    CREATE INDEX records_day ON records (day);
    CREATE INDEX records_status ON records (status);
    CREATE INDEX records_review ON records (id) WHERE is_review_due;
    CREATE INDEX records_same ON records (micr_key, number) WHERE micr_key IS NOT NULL;
    CREATE INDEX records_evidence ON records (id) WHERE is_amount_right IS NOT NULL;
    CREATE INDEX records_amount ON records (minor_units);
    CREATE TABLE log (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        who TEXT NOT NULL,
        action TEXT NOT NULL,
        record_id INTEGER,
        detail TEXT NOT NULL
    );
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    # What lists and searches look at lies close together; the whole reading, many times as long, in a table of its own.
    """
    CREATE TABLE readings (id INTEGER PRIMARY KEY, reading TEXT NOT NULL, truth TEXT NOT NULL, sealed BLOB);
    INSERT INTO readings SELECT id, reading, truth, sealed FROM records;
    ALTER TABLE records ADD COLUMN amount TEXT;
    ALTER TABLE records ADD COLUMN date TEXT;
    ALTER TABLE records ADD COLUMN number_shown TEXT;
    UPDATE records SET
        amount = json_extract(coalesce(json_extract(truth, '$.amount'), json_extract(reading, '$.fields.amount')), '$.text'),
        date = coalesce(
            json_extract(coalesce(json_extract(truth, '$.date'), json_extract(reading, '$.fields.date')), '$.iso'),
            json_extract(coalesce(json_extract(truth, '$.date'), json_extract(reading, '$.fields.date')), '$.text')
        ),
        number_shown = coalesce(
            json_extract(coalesce(json_extract(truth, '$.check_number'), json_extract(reading, '$.fields.check_number')), '$.text'),
            json_extract(coalesce(json_extract(truth, '$.micr'), json_extract(reading, '$.fields.micr')), '$.check_number'),
            number
        );
    ALTER TABLE records DROP COLUMN reading;
    ALTER TABLE records DROP COLUMN truth;
    ALTER TABLE records DROP COLUMN sealed;
    """,
)
_TABLES = ("records", "readings", "log", "settings")


class Database:
    """The open file; closing it gives the lock back.

    Raises:
        StoreError: another daemon has it, it is of a newer version, or it is damaged beyond repair.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / DATABASE
        self._writing, self._choosing = threading.Lock(), threading.Lock()
        self._open: set[sqlite3.Connection] = set()
        self._idle: list[sqlite3.Connection] = []  # of those that read
        try:
            make_folders(folder)
            self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(f"the store {folder} cannot be opened ({error.strerror}); name another with --store") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StoreError(f"another checkreader has the store {folder}; end it, or name another store with --store") from None
        try:
            self._check_or_repair()
            self._writer = self._connect()
            self._migrate()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for connection in tuple(self._open):
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        self._open.clear()
        self._idle.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the one connection that writes; all of the block is in the file when it ends, or nothing of it.

        Raises:
            StoreError: the disk is full, read-only or gone.
        """
        with self._writing, _told("written to"):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection of this thread's own; it sees what was written before the block and waits for nobody."""
        with _told("read"):
            with self._choosing:
                kept = self._idle.pop() if self._idle else None
            connection = kept or self._connect()
            try:
                yield connection
            finally:
                self._put_back(connection)

    def _put_back(self, connection: sqlite3.Connection) -> None:
        """Keep a connection for whoever reads next: threads of the web server come and go, and what each opened would stay open."""
        with self._choosing:
            if len(self._idle) < _MOST_IDLE and connection in self._open:
                self._idle.append(connection)
                return
            self._open.discard(connection)
        connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        self._open.add(connection)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # a record is on the disk before anyone is told of it
        connection.execute("PRAGMA cache_size=-512")
        return connection

    def _migrate(self) -> None:
        version = int(self._writer.execute("PRAGMA user_version").fetchone()[0])
        if version > len(_MIGRATIONS):
            raise StoreError(f"{self.path} was written by a newer checkreader (version {version}); update this one, or name another store")
        for number, script in enumerate(_MIGRATIONS[version:], version + 1):
            if version:
                _LOG.warning("the store is brought to version %d; that takes a minute or so for 100,000 records", number)
            with self.writing() as connection:
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={number}")

    def _check_or_repair(self) -> None:
        if not self.path.exists():
            return
        problem = find_damage(self.path)
        if problem is None:
            return
        _LOG.warning("the store %s is damaged (%s); copying what can be read", self.path, problem)
        damaged = self.path.with_name(f"{DATABASE}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        fresh = self.path.with_name(f"{DATABASE}.repaired")
        n_saved = _salvage(self.path, fresh)
        if n_saved is None:
            fresh.unlink(missing_ok=True)
            raise StoreError(
                f"{self.path} is damaged and nothing could be read from it ({problem}); put a backup in its place "
                f"(checkreader store backup makes them), or move the file away to begin anew"
            )
        self.path.replace(damaged)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(DATABASE + suffix).unlink(missing_ok=True)
        fresh.replace(self.path)
        sync_folder(self.folder)
        _LOG.warning("the store was repaired: %d records were saved; the damaged file is kept as %s", n_saved, damaged.name)


def put_value(connection: sqlite3.Connection, key: str, value: Any) -> None:
    """Keep a value among the settings; None forgets it."""
    connection.execute("DELETE FROM settings WHERE key = ?", (key,))
    if value is not None:
        connection.execute("INSERT INTO settings (key, value) VALUES (?, ?)", (key, json.dumps(value)))


def value_of(connection: sqlite3.Connection, key: str) -> Any:
    row = connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    return None if row is None else json.loads(row["value"])


def find_damage(path: Path) -> str | None:
    """Return what is wrong with an SQLite file, or None."""
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        try:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == "ok" else str(found)


def back_up_file(path: Path, to: Path) -> None:
    """Copy a database as it is now, into one file, while a daemon goes on writing to it.

    Raises:
        StoreError: it cannot be read, or the copy cannot be written.
    """
    with (
        _told("backed up"),
        contextlib.closing(sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)) as source,
        contextlib.closing(sqlite3.connect(to, isolation_level=None)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, which can be copied anywhere


def _salvage(damaged: Path, fresh: Path) -> int | None:
    """Copy every row that can still be read, by its id, into a new file of the same version; return how many records, None: not one."""
    fresh.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as new:
        with contextlib.closing(sqlite3.connect(damaged, isolation_level=None)) as old:
            try:
                version = int(old.execute("PRAGMA user_version").fetchone()[0])
            except sqlite3.DatabaseError:
                return None
            for script in _MIGRATIONS[:version]:
                new.executescript(script)
            new.execute(f"PRAGMA user_version={version}")
            tables = [row[0] for row in new.execute("SELECT name FROM sqlite_schema WHERE type = 'table'") if row[0] in _TABLES]
            for table in tables:
                for row in _readable_rows(old, table):
                    new.execute(f"INSERT OR IGNORE INTO {table} VALUES ({','.join('?' * len(row))})", row)
        if "readings" in tables:  # half a record is none
            new.execute("DELETE FROM records WHERE id NOT IN (SELECT id FROM readings)")
            new.execute("DELETE FROM readings WHERE id NOT IN (SELECT id FROM records)")
        n_saved = int(new.execute("SELECT count(*) FROM records").fetchone()[0]) if "records" in tables else 0
    return n_saved or None


def _readable_rows(old: sqlite3.Connection, table: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table from its first on and, where a page is broken, from its last back to there."""
    key = "key" if table == "settings" else "rowid"
    seen = set()
    for direction in ("ASC", "DESC"):
        with contextlib.suppress(sqlite3.DatabaseError):
            for row in old.execute(f"SELECT * FROM {table} ORDER BY {key} {direction}"):
                if row[0] in seen:
                    if direction == "DESC":
                        return
                    continue
                seen.add(row[0])
                yield row
            return


@contextlib.contextmanager
def _told(done: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        hint = "make room on the disk" if "full" in str(error) else "look at the disk and its permissions"
        raise StoreError(f"the store cannot be {done} ({error}); {hint}") from None
