"""A copy of the whole store while the daemon runs, and a look whether all of it can be read back."""

import shutil
import sys
from contextlib import closing
from pathlib import Path

from edge.config import Config
from edge.errors import StoreError, UsageError
from edge.service.database import DATABASE, back_up_file
from edge.service.pictures import FOLDER
from edge.service.record import Query
from edge.service.serve import open_store

_DAMAGED = 65


def back_up(config: Config, to: Path) -> int:
    """Copy records and pictures into a new folder, which opens as a store; the pictures first copied may be more than the records.

    Raises:
        UsageError: the folder is there already.
        StoreError: there is no store, or the copy cannot be written.
    """
    folder = Path(config.store.folder).expanduser()
    if not (folder / DATABASE).exists():
        raise StoreError(f"there is no store at {folder}; name it with --store")
    if to.exists():
        raise UsageError(f"{to} is there already; name a folder that does not exist yet")
    unfinished = to.with_name(to.name + ".part")
    try:
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(parents=True, mode=0o700)
        # The records first: a picture is on the disk before its record, so each of theirs is found afterwards.
        back_up_file(folder / DATABASE, unfinished / DATABASE)
        if (folder / FOLDER).is_dir():
            shutil.copytree(folder / FOLDER, unfinished / FOLDER, ignore=shutil.ignore_patterns("*.part"))
        unfinished.rename(to)
    except (OSError, shutil.Error) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"the backup cannot be written ({error}); make room, or choose another folder") from None
    print(f"the store {folder} was copied to {to}")
    return 0


def check_store(config: Config) -> int:
    """Read every record and picture back; return 0, or 65 where one is damaged or missing."""
    with closing(open_store(config)) as store:
        n_records, damaged = 0, 0
        for record in store.records(Query(limit=200)):
            n_records += 1
            try:
                store.picture(record)
            except StoreError as error:
                damaged += 1
                print(f"record {record.id}: {error}", file=sys.stderr)
        print(f"{n_records} records, {damaged} with a damaged or missing picture")
    return _DAMAGED if damaged else 0
