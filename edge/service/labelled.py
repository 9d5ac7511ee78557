"""A folder that `checkreader store export-training` wrote, read back; and which of its checks may train, and which only judge."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edge.capture.picture import load_picture
from edge.datatypes import Frame
from edge.errors import PictureError
from edge.pipeline import Kind

LABELS = "labels.jsonl"
Part = Literal["train", "judge"]
# Of ten checks, so many only ever judge; the others train.
_JUDGE = 4
_EXPECTED: dict[str, tuple[type, ...]] = {
    "file": (str,), "kind": (str,), "text": (str,), "value": (str, int), "currency": (str,), "check": (int,), "was_accepted": (bool,),
    "stands_for": (float, int),
}  # fmt: skip
_KINDS: tuple[Kind, ...] = ("amount", "date", "digits", "micr")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One field that a person looked at: where its picture lies, what stands there, and whether the device had accepted it.

    ``value`` is what has to be the same for a reading to be right, see :func:`edge.service.confirmed.is_right`. ``check`` is the record
    that the field is of, or the first of those that are of one check. Of the site's records, it ``stands_for`` so many.
    """

    path: Path
    kind: Kind
    text: str
    value: str | int
    currency: str
    check: int
    was_accepted: bool
    stands_for: float

    @property
    def part(self) -> Part:
        return part_of(self.check)

    def frame(self) -> Frame:
        """Return its picture.

        Raises:
            PictureError: it is not there, or damaged.
        """
        return load_picture(self.path)


def part_of(check: int) -> Part:
    """Return what a check may be used for: settled by its number alone, so that it stays the same in every export and every retraining."""
    place = int.from_bytes(hashlib.sha256(f"check {check}".encode()).digest()[:8], "big") % 10
    return "judge" if place < _JUDGE else "train"


def read_folders(folders: Sequence[Path]) -> list[Labelled]:
    """Return the fields of several exports, in their order.

    Raises:
        PictureError: a folder was not written by the export, or its labels are damaged; with the line.
    """
    return [field for folder in folders for field in _read_folder(folder)]


def hash_of(fields: Sequence[Labelled]) -> str:
    """Return one sha256 over fields, their pictures and what stands there."""
    digest = hashlib.sha256()
    for field in fields:
        digest.update(f"{field.kind} {field.text} {field.check} ".encode() + hashlib.sha256(_bytes_of(field.path)).digest())
    return digest.hexdigest()


def _read_folder(folder: Path) -> list[Labelled]:
    labels = folder / LABELS
    try:
        lines = labels.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise PictureError(f"{labels} cannot be read ({said}); name a folder that `checkreader store export-training` wrote") from None
    return [_labelled(line, folder, f"{labels}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _labelled(line: str, folder: Path, where: str) -> Labelled:
    try:
        row: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise PictureError(f"{where}: this is no JSON ({error}); export the strips again") from None
    for name, kinds in _EXPECTED.items():
        value = row.get(name) if isinstance(row, dict) else None
        if type(value) not in kinds:
            raise PictureError(f"{where}: {name} is {value!r}, expected is {kinds[0].__name__}; export the strips again with this version")
    if row["kind"] not in _KINDS:
        raise PictureError(f"{where}: the kind {row['kind']!r} is none of {', '.join(_KINDS)}; export the strips again")
    if Path(row["file"]).is_absolute() or ".." in Path(row["file"]).parts:
        raise PictureError(f"{where}: the file {row['file']!r} leads out of the folder; export the strips again")
    return Labelled(path=folder / row["file"], **{name: row[name] for name in _EXPECTED if name != "file"})


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror}); export the strips again") from None
