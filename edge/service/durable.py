"""Files that are on the disk when a function returns, whole or as they were before, whenever the power goes."""

import contextlib
import os
from pathlib import Path


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Put ``data`` in the place of a file: whoever reads it finds the old bytes or the new ones, never a part.

    Raises:
        OSError: the disk is full, read-only or gone; the old file is as it was.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(unfinished, path)  # noqa: PTH105  # by the system call's own name, as a test counts it
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Return what changes when :func:`write_whole` replaces a file; None: it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, so that they are there after a power cut."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o755)  # noqa: PTH102
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Put on the disk what the names in a folder stand for."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
