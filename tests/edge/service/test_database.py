"""A damaged file is repaired as far as it can be read, or refused in words; a backup is a whole store."""

import contextlib
import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.config import Config, StoreConfig
from edge.errors import StoreError, UsageError
from edge.service.backup import back_up, check_store
from edge.service.database import DATABASE
from edge.service.record import Query, Record
from edge.service.store import Store
from edge.service.vault import Vault
from tests.edge.service.conftest import PICTURE

Make = Callable[..., Record]


def filled(folder: Path, make_record: Make, n_records: int = 200) -> Path:
    store = Store(folder)
    for number in range(n_records):
        store.add(make_record(number=str(number + 1)))
    store.close()
    return folder / DATABASE


def test_a_file_damaged_in_the_middle_is_repaired_with_what_can_be_read(tmp_path: Path, make_record: Make) -> None:
    path = filled(tmp_path, make_record)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\x5a" * 4096
    path.write_bytes(content)
    store = Store(tmp_path)
    n_saved = store.count(Query())
    assert 100 < n_saved < 200
    assert len({record.id for record in store.records(Query())}) == n_saved
    assert store.add(make_record()).id > n_saved
    store.close()
    assert len(list(tmp_path.glob(f"{DATABASE}.damaged-*"))) == 1


def test_a_file_of_which_nothing_can_be_read_is_refused_and_left_alone(tmp_path: Path, make_record: Make) -> None:
    path = filled(tmp_path, make_record, 3)
    path.write_bytes(b"\x5a" * path.stat().st_size)
    with pytest.raises(StoreError, match="put a backup in its place"):
        Store(tmp_path)
    assert path.read_bytes()[:2] == b"\x5a\x5a"


def as_version_1(path: Path) -> None:
    """Turn a file back into what the first version wrote."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for column, kind in (("reading", "TEXT NOT NULL DEFAULT ''"), ("truth", "TEXT NOT NULL DEFAULT ''"), ("sealed", "BLOB")):
            connection.execute(f"ALTER TABLE records ADD COLUMN {column} {kind}")
            connection.execute(f"UPDATE records SET {column} = (SELECT {column} FROM readings WHERE readings.id = records.id)")
        for column in ("amount", "date", "number_shown"):
            connection.execute(f"ALTER TABLE records DROP COLUMN {column}")
        connection.execute("DROP TABLE readings")
        connection.execute("PRAGMA user_version=1")
        connection.commit()


@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_store_of_the_first_version_is_brought_up(tmp_path: Path, make_record: Make, is_sealed: bool) -> None:
    vault = Vault(b"k" * 32) if is_sealed else None
    store = Store(tmp_path, vault)
    read, corrected = store.add(make_record(number="0042"), PICTURE), store.add(make_record(number="7"))
    store.correct(corrected.id, {"amount": "5.00", "date": None, "check_number": "0008"}, "ann")
    store.delete(store.add(make_record()).id, "ann")
    before = store.search(Query())
    store.close()
    as_version_1(tmp_path / DATABASE)
    store = Store(tmp_path, vault)
    assert store.search(Query()) == before
    assert store.summaries(Query()) == [record.summary for record in before]
    assert store.picture(read) == PICTURE
    assert store.add(make_record()).id == 4, "the id of a deleted record was given again"
    store.close()


def test_a_damaged_store_of_the_first_version_is_repaired_and_brought_up(tmp_path: Path, make_record: Make) -> None:
    path = filled(tmp_path, make_record)
    as_version_1(path)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\x5a" * 4096
    path.write_bytes(content)
    store = Store(tmp_path)
    assert 50 < len(store.summaries(Query(limit=200))) == len(store.search(Query(limit=200))) <= 200
    store.close()


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store._database._writer.execute("PRAGMA user_version=99")
    store.close()
    with pytest.raises(StoreError, match="newer checkreader"):
        Store(tmp_path)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_threads_that_read_and_end_leave_few_files_open(store: Store, make_record: Make) -> None:
    def n_open() -> int:
        return sum(1 for link in Path("/proc/self/fd").iterdir() if str(store.folder) in os.path.realpath(link))

    store.add(make_record())
    counted: list[int] = []
    before = n_open()
    for _ in range(5):
        together = threading.Barrier(12)

        def read(together: threading.Barrier = together) -> None:
            with store._database.reading() as connection:
                together.wait(10)
                counted.append(connection.execute("SELECT count(*) FROM records").fetchone()[0])

        threads = [threading.Thread(target=read) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counted == [1] * 60
    assert n_open() - before <= 3 * 12  # as many as read at once; SQLite may close a file a little later


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "file" / "store")


def test_a_backup_made_while_writing_opens_as_a_store(tmp_path: Path, make_record: Make) -> None:
    store = Store(tmp_path / "one")
    record = store.add(make_record(), PICTURE)
    assert back_up(Config(store=StoreConfig(folder=str(tmp_path / "one"))), tmp_path / "two") == 0
    store.add(make_record(), PICTURE)
    store.close()
    copy = Store(tmp_path / "two")
    assert list(copy.records(Query())) == [record]
    assert copy.picture(record) == PICTURE
    copy.close()


def test_a_backup_overwrites_nothing_and_wants_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store"):
        back_up(Config(store=StoreConfig(folder=str(tmp_path / "none"))), tmp_path / "two")
    Store(tmp_path / "one").close()
    with pytest.raises(UsageError, match="already"):
        back_up(Config(store=StoreConfig(folder=str(tmp_path / "one"))), tmp_path)


def test_a_check_names_the_record_whose_picture_is_damaged(tmp_path: Path, make_record: Make, capsys: pytest.CaptureFixture[str]) -> None:
    config = Config(store=StoreConfig(folder=str(tmp_path)))
    store = Store(tmp_path)
    store.add(make_record(), PICTURE)
    record = store.add(make_record(), PICTURE)
    store.close()
    assert check_store(config) == 0
    assert record.picture is not None
    (tmp_path / record.picture).unlink()
    assert check_store(config) == 65
    assert "record 2" in capsys.readouterr().err
