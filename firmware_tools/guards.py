"""What each update runs inside: no second one beside it, room on the disk, and each refusal with its check and in the log."""

import datetime
import fcntl
import os
import syslog
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.errors import EdgeError, OutputError, UpdateError, UsageError
from edge.service.durable import make_folder

_LOOK_S = 0.1
_LOG, _MOST_LOG_BYTES = "update.log", 64 * 1024


def need_space(folder: Path, n_bytes: int) -> None:
    """Refuse a folder, or the one where it is to be made, without room or right to write.

    Raises:
        OutputError: says which of them it is.
    """
    there = _existing(folder)
    found = os.statvfs(there)
    if found.f_flag & os.ST_RDONLY:
        raise OutputError(f"{there} is on a disk that is mounted read-only, expected is one that can be written to; mount it so")
    if found.f_bavail * found.f_frsize < n_bytes:
        raise OutputError(f"{there} has {found.f_bavail * found.f_frsize} bytes left, expected are at least {n_bytes}; make room")
    if not os.access(there, os.W_OK):
        raise OutputError(f"{there} belongs to another user; run the update as the user of the daemon")


@contextmanager
def check(name: str) -> Iterator[None]:
    """Say in an error which check it was; one inside another has said it already."""
    try:
        yield
    except EdgeError as error:
        if error.check:
            raise
        refused = type(error)(f"refused at the check {name}: {error}")
        refused.check = name
        raise refused from error


@contextmanager
def alone(folder: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Keep a second update out while the first one is not done, and root out of what the daemon has to write to."""
    there = _existing(folder)
    owner = there.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        raise UsageError(f"{there} belongs to user {owner}, who could not write to what root makes there; run this as that user (sudo -u)")
    with check("space"):
        need_space(folder, 0)
        try:
            make_folder(folder)
            handle = os.open(folder / "update.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise OutputError(f"{folder} cannot be written to ({error.strerror}); see to that first") from None
    try:
        _lock(handle, folder, time.monotonic() + wait_s)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path, until: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if time.monotonic() >= until:
                raise UpdateError(f"another update is going on in {folder}; wait until it is done") from None
            time.sleep(_LOOK_S)


@contextmanager
def noted(folder: Path | None) -> Iterator[Callable[[str], None]]:
    """Give what writes a sentence into the device's own logs, its journal and a file beside the slots; a refusal writes itself.

    Args:
        folder: that of the slots; None: it is not known yet.
    """
    try:
        yield lambda words: _note(folder, words, syslog.LOG_NOTICE)
    except EdgeError as error:
        _note(folder, str(error), syslog.LOG_ERR)
        raise


def _note(folder: Path | None, words: str, level: int) -> None:
    if "JOURNAL_STREAM" not in os.environ:  # a unit's words are in the journal already
        syslog.openlog("checkreader-update")
        syslog.syslog(level, words)
    if folder is None or not folder.is_dir():
        return
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    with suppress(OSError):  # where nothing can be written, the journal has it
        log = folder / _LOG
        if log.exists() and log.stat().st_size > _MOST_LOG_BYTES:
            log.replace(log.with_name(f"{_LOG}.1"))
        with log.open("a", encoding="utf-8") as opened:
            opened.write(f"{now} {words}\n")


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
