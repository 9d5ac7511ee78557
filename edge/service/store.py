"""The records: written once, with their picture, before anyone is told; corrected, searched, summed and deleted by whoever may."""

import datetime
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.datatypes import FIELD_NAMES
from edge.errors import StoreError
from edge.service.database import Database, put_value, value_of
from edge.service.pictures import Pictures
from edge.service.record import Evidence, LogLine, Query, Record, Status, Summary, Total
from edge.service.rows import SUMMARY_ROWS, conditions, moment, reading_row_of, record_of, row_of, summaries_of
from edge.service.truth import truth_of
from edge.service.vault import Vault

_LYING = "_lying"  # settings beginning with an underscore are the daemon's own
_KEY_CHECK = "vault"
WHOLE = "records JOIN readings USING (id)"


class Store:
    """The records in one folder; safe to use from several threads, by one process at a time.

    Args:
        folder: made where it does not exist.
        vault: seals pictures and MICR lines; None keeps them readable.
        clock: seconds since 1970.

    Raises:
        StoreError: another daemon has the store, it is damaged beyond repair, or it was sealed with another key.
    """

    def __init__(self, folder: Path, vault: Vault | None = None, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._clock = clock
        self._vault = vault
        self._database = Database(folder)
        self._pictures = Pictures(folder, vault)
        try:
            self._check_key()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._database.close()

    def add(self, record: Record, picture: bytes | None = None, is_lying: bool = False) -> Record:
        """Keep a record; when this returns, it and its picture are on the disk. Return it with its id, picture and possible duplicate.

        ``is_lying``: the check is under the camera now, beside those of :meth:`lying`.

        Raises:
            StoreError: nothing was kept; try again when the disk is well.
        """
        day = record.time.astimezone().date()
        name, digest, n_bytes = self._pictures.write(picture, day) if picture is not None else (None, None, 0)
        record = replace(record, picture=name, picture_sha256=digest)
        try:
            with self._database.writing() as connection:
                row = row_of(record, self._vault) | {"day": day.isoformat(), "picture_bytes": n_bytes}
                same = None
                if row["micr_key"] is not None:
                    same = connection.execute(
                        "SELECT max(id) FROM records WHERE micr_key = ? AND number IS ? AND status != 'rejected'",
                        (row["micr_key"], row["number"]),
                    ).fetchone()[0]
                row["possible_duplicate_of"] = same
                record_id = insert(connection, row, reading_row_of(record, self._vault))
                if is_lying:
                    put_value(connection, _LYING, [*_lying_ids(connection), record_id])
        except StoreError:
            if name is not None:
                self._pictures.delete(name)
            raise
        return replace(record, id=record_id, possible_duplicate_of=same)

    def get(self, record_id: int) -> Record | None:
        """Return one record, None where there is none (any more)."""
        with self._database.reading() as connection:
            row = connection.execute(f"SELECT * FROM {WHOLE} WHERE id = ?", (record_id,)).fetchone()
        return None if row is None else record_of(row, self._vault)

    def search(self, query: Query) -> list[Record]:
        """Return the records that fit, newest first."""
        where, values = conditions(query)
        with self._database.reading() as connection:
            sql = f"SELECT * FROM {WHOLE} {where} ORDER BY id DESC LIMIT ?"
            return [record_of(row, self._vault) for row in connection.execute(sql, (*values, query.limit))]

    def summaries(self, query: Query) -> list[Summary]:
        """Return what a list shows of the records that fit, newest first."""
        where, values = conditions(query)
        with self._database.reading() as connection:
            sql = f"SELECT {SUMMARY_ROWS} FROM (SELECT * FROM records {where} ORDER BY id DESC LIMIT ?)"
            return summaries_of(connection.execute(sql, (*values, query.limit)).fetchone()[0])

    def records(self, query: Query) -> Iterator[Record]:
        """Yield all records that fit, newest first, a page at a time; ``query.limit`` is the size of a page."""
        while page := self.search(query):
            yield from page
            query = replace(query, before_id=page[-1].id)

    def count(self, query: Query) -> int:
        where, values = conditions(query)
        with self._database.reading() as connection:
            return int(connection.execute(f"SELECT count(*) FROM records {where}", values).fetchone()[0])

    def picture(self, record: Record) -> bytes | None:
        """Return the JPEG of the record's page, None where it was made without one.

        Raises:
            StoreError: the file is missing or damaged.
        """
        return None if record.picture is None else self._pictures.read(record.picture, record.picture_sha256)

    def correct(self, record_id: int, texts: Mapping[str, str | None], who: str) -> Record | None:
        """Keep what a person says the fields are; return the record, None where there is none.

        ``texts`` maps the names of the fields that the person looked at to what stands on the check, None where nothing does. Without any
        the amount is confirmed as it was read. The status becomes corrected where a text differs from what was read, else confirmed.

        Raises:
            UsageError: a text is no amount, no date, or no field has this name; nothing is changed.
        """
        record = self.get(record_id)
        if record is None:
            return None
        truth = truth_of(record, texts)
        changed = [name for name in FIELD_NAMES if name in truth and truth[name]["text"] != (record.fields.get(name) or {}).get("text")]
        status: Status = "corrected" if changed else "confirmed"
        return self._judge(replace(record, truth=truth, status=status), who, ", ".join(changed))

    def reject(self, record_id: int, who: str) -> Record | None:
        """Mark a record as no check at all (or not to be counted); it stays where it is."""
        record = self.get(record_id)
        return None if record is None else self._judge(replace(record, status="rejected"), who, "")

    def delete(self, record_id: int, who: str) -> bool:
        """Take a record and its picture away for good; return whether it was there."""
        record = self.get(record_id)
        if record is None:
            return False
        with self._database.writing() as connection:
            for table in ("records", "readings"):
                connection.execute(f"DELETE FROM {table} WHERE id = ?", (record_id,))
            self._log(connection, who, "deleted", record_id, "")
        if record.picture is not None:
            self._pictures.delete(record.picture)
        return True

    def totals(self, day: datetime.date) -> list[Total]:
        """Return the sums of a local day, by currency; what only the reader accepted counts like what a person confirmed."""
        sql = """
            SELECT coalesce(currency, '') AS currency, count(*) AS n, sum(is_review_due) AS due, sum(status = 'rejected') AS rejected,
                   sum(CASE WHEN status IN ('accepted', 'confirmed', 'corrected') THEN coalesce(minor_units, 0) ELSE 0 END) AS amount
            FROM records WHERE day = ? GROUP BY 1 ORDER BY 1"""
        with self._database.reading() as connection:
            return [
                Total(currency=r["currency"], n_records=r["n"], n_review_due=r["due"], n_rejected=r["rejected"], minor_units=r["amount"])
                for r in connection.execute(sql, (day.isoformat(),))
            ]

    def note(self, who: str, action: str, record_id: int | None = None, detail: str = "") -> None:
        """Add a line to the audit log."""
        with self._database.writing() as connection:
            self._log(connection, who, action, record_id, detail)

    def log(self, limit: int = 100, record_id: int | None = None) -> list[LogLine]:
        """Return the audit log, newest first, of one record or of all."""
        where, values = ("WHERE record_id = ?", (record_id,)) if record_id is not None else ("", ())
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT * FROM log {where} ORDER BY id DESC LIMIT ?", (*values, limit)).fetchall()
        return [LogLine(time=moment(row["time"]), **{key: row[key] for key in ("who", "action", "record_id", "detail")}) for row in rows]

    def settings(self) -> dict[str, Any]:
        """Return the settings that were changed on the page, by dotted key."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT key, value FROM settings WHERE key NOT LIKE '\\_%' ESCAPE '\\'").fetchall()
        return {row["key"]: json.loads(row["value"]) for row in rows}

    def change_settings(self, changes: Mapping[str, Any], who: str) -> None:
        """Keep settings; None takes one back to the configuration file's."""
        with self._database.writing() as connection:
            for key, value in changes.items():
                put_value(connection, key, value)
            self._log(connection, who, "settings", None, json.dumps(dict(changes)))

    def remember(self, key: str, value: Any) -> None:
        """Keep a value of the daemon's own, to be found by the next one; None forgets it."""
        with self._database.writing() as connection:
            put_value(connection, f"_{key}", value)

    def remembered(self, key: str) -> Any:
        with self._database.reading() as connection:
            return value_of(connection, f"_{key}")

    def lying(self) -> list[Record]:
        """Return the records of the checks that were under the camera when last looked, the first recorded first."""
        with self._database.reading() as connection:
            found = [connection.execute(f"SELECT * FROM {WHOLE} WHERE id = ?", (known,)).fetchone() for known in _lying_ids(connection)]
        return [record_of(row, self._vault) for row in found if row is not None]

    def keep_lying(self, record_ids: Sequence[int]) -> None:
        """Keep which records' checks are under the camera now; others have left."""
        with self._database.writing() as connection:
            put_value(connection, _LYING, list(record_ids) or None)

    def evidence(self, first_id: int = 0, limit: int = 10_000) -> list[Evidence]:
        """Return what people found of the amounts they looked at, newest first, from a record's id on."""
        sql = """
            SELECT id, first_status, is_drawn, confidence, is_amount_right FROM records
            WHERE is_amount_right IS NOT NULL AND confidence IS NOT NULL AND id >= ? ORDER BY id DESC LIMIT ?"""
        with self._database.reading() as connection:
            return [
                Evidence(
                    record_id=row["id"], was_accepted=row["first_status"] == "accepted", is_drawn=bool(row["is_drawn"]),
                    confidence=row["confidence"], is_right=bool(row["is_amount_right"]),
                )
                for row in connection.execute(sql, (first_id, limit))
            ]  # fmt: skip

    def confidences(self, first_id: int = 0) -> list[float]:
        """Return how sure the reader was of each amount, whether or not a person looked, from a record's id on."""
        with self._database.reading() as connection:
            sql = "SELECT confidence FROM records WHERE confidence IS NOT NULL AND id >= ?"
            return [float(row["confidence"]) for row in connection.execute(sql, (first_id,))]

    def size(self) -> tuple[int, int]:
        """Return how many records there are, and the bytes that they and their pictures take."""
        with self._database.reading() as connection:
            n_records, n_bytes = connection.execute("SELECT count(*), coalesce(sum(picture_bytes), 0) FROM records").fetchone()
        return int(n_records), int(n_bytes) + self._database.path.stat().st_size

    def oldest_reviewed(self, before: datetime.datetime | None, limit: int) -> list[Record]:
        """Return records that no person is asked about (any more), oldest first; ``before``: only older ones."""
        time_limit = before.timestamp() if before is not None else float("inf")
        with self._database.reading() as connection:
            sql = f"SELECT * FROM {WHOLE} WHERE NOT is_review_due AND time < ? ORDER BY id LIMIT ?"
            return [record_of(row, self._vault) for row in connection.execute(sql, (time_limit, limit))]

    def remove_stray_pictures(self) -> int:
        """Delete pictures that no record names, as a power cut between picture and record leaves them; return how many."""
        with self._database.reading() as connection:
            known = {row["picture"] for row in connection.execute("SELECT picture FROM records WHERE picture IS NOT NULL")}
        strays = [name for name in self._pictures.names() if name not in known]
        for name in strays:
            self._pictures.delete(name)
        return len(strays)

    def _judge(self, record: Record, who: str, detail: str) -> Record:
        with self._database.writing() as connection:
            for table, row in (("records", row_of(record, self._vault)), ("readings", reading_row_of(record, self._vault))):
                places = ", ".join(f"{key} = :{key}" for key in row)
                connection.execute(f"UPDATE {table} SET {places} WHERE id = :id", row | {"id": record.id})
            self._log(connection, who, record.status, record.id, detail)
        return record

    def _log(self, connection: sqlite3.Connection, who: str, action: str, record_id: int | None, detail: str) -> None:
        values = (self._clock(), who, action, record_id, detail)
        connection.execute("INSERT INTO log (time, who, action, record_id, detail) VALUES (?, ?, ?, ?, ?)", values)

    def _check_key(self) -> None:
        """Refuse a key that did not seal this store, and a sealed store without a key."""
        known, own = self.remembered(_KEY_CHECK), self._vault.digest(_KEY_CHECK) if self._vault is not None else None
        if known is not None and known != own:
            raise StoreError("the store is sealed with another key; name the key file it was sealed with in store.key_file")
        if known is None and own is not None:
            self.remember(_KEY_CHECK, own)


def insert(connection: sqlite3.Connection, row: Mapping[str, Any], reading_row: Mapping[str, Any]) -> int:
    """Write the two rows of a new record; return its id."""
    added = connection.execute(_insertion("records", row), row).lastrowid
    assert added is not None  # a row was inserted
    whole = {"id": added, **reading_row}
    connection.execute(_insertion("readings", whole), whole)
    return added


def _insertion(table: str, row: Mapping[str, Any]) -> str:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{key}' for key in row)})"


def _lying_ids(connection: sqlite3.Connection) -> list[int]:
    found = value_of(connection, _LYING)
    return found if isinstance(found, list) else [found] * (found is not None)  # in earlier stores only one could lie there
