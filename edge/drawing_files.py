"""Where drawings are written to: a folder that is checked first, names that do not collide, files that are whole."""

import os
from pathlib import Path

import cv2

from edge.datatypes import U8
from edge.errors import OutputError

_JPEG_QUALITY = 90


def prepare_folder(folder: Path) -> None:
    """Make the folder and see that it can be written to, before hours of reading end in an error.

    Raises:
        OutputError: it cannot.
    """
    probe = folder / f".checkreader-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"{folder}: annotated pictures cannot be written there ({error.strerror}); choose a folder of yours") from None


def free_name(folder: Path, file: str, taken: set[Path]) -> Path:
    """Return where the drawing of ``file`` goes, and remember it: pictures of the same name in two folders get two drawings."""
    stem, number = Path(file).stem, 1
    path = folder / f"{stem}-read.jpg"
    while path in taken:
        number += 1
        path = folder / f"{stem}-read-{number}.jpg"
    taken.add(path)
    return path


def write_drawing(path: Path, drawing: U8) -> None:
    """Write a JPEG so that the file is there whole or not at all.

    Raises:
        OutputError: the disk is full, or the folder is gone.
    """
    _, encoded = cv2.imencode(".jpg", drawing, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(encoded.tobytes())
        unfinished.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); make room or choose another folder") from None
    finally:
        unfinished.unlink(missing_ok=True)
