"""Pictures of the store: files that are whole or not there, named by what is in them."""

import contextlib
import datetime
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from edge.errors import StoreError
from edge.service.vault import Vault

FOLDER = "pictures"


class Pictures:
    """The files under ``folder``/pictures/YEAR/MONTH/DAY; with a vault they are sealed."""

    def __init__(self, folder: Path, vault: Vault | None) -> None:
        self._folder = folder
        self._vault = vault

    def write(self, picture: bytes, day: datetime.date) -> tuple[str, str, int]:
        """Put a picture on the disk; return its name in the store's folder, the SHA-256 of its content, and the bytes it takes.

        Raises:
            StoreError: the disk is full, read-only or gone; nothing is left there then.
        """
        digest = hashlib.sha256(picture).hexdigest()
        content = picture if self._vault is None else self._vault.seal(picture)
        suffix = ".jpg" if self._vault is None else ".jpg.sealed"
        # Equal pictures of two records are two files: one may be deleted without the other.
        name = f"{FOLDER}/{day:%Y/%m/%d}/{digest[:16]}-{os.urandom(4).hex()}{suffix}"
        path = self._folder / name
        unfinished = path.with_name(path.name + ".part")
        try:
            make_folders(path.parent)
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise StoreError(f"a picture cannot be stored ({error.strerror}); make room on the disk or look at its permissions") from None
        return name, digest, len(content)

    def read(self, name: str, digest: str | None) -> bytes:
        """Return a picture as it was given.

        Raises:
            StoreError: the file is missing, or is not what was written.
        """
        try:
            content = (self._folder / name).read_bytes()
        except OSError as error:
            raise StoreError(f"the picture {name} cannot be read ({error.strerror}); put it back from a backup") from None
        if self._vault is not None and name.endswith(".sealed"):
            content = self._vault.unseal(content)
        if digest is not None and hashlib.sha256(content).hexdigest() != digest:
            raise StoreError(f"the picture {name} is damaged; put it back from a backup")
        return content

    def delete(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self._folder / name).unlink()

    def names(self) -> Iterator[str]:
        """Yield the name of each file, also of those that were never finished."""
        for path in (self._folder / FOLDER).rglob("*"):
            if path.is_file():
                yield str(path.relative_to(self._folder))


def make_folders(folder: Path) -> None:
    """Make a folder so that it survives a power cut: each new name is synced in the folder that holds it.

    Raises:
        OSError: it cannot be made.
    """
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
