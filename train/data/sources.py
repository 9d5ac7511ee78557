"""Every labelled set through one loader, with its licence and the hash of what was read."""

import csv
import gzip
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.datatypes import F32, U8

REPOSITORY = Path(__file__).resolve().parents[2]
CORRECTIONS = Path(__file__).with_name("corrections")
NOT_A_DIGIT = 10

Kind = Literal["digits", "strings", "micr", "amounts", "dates", "digits_test"]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledStrip:
    """A cut field with its text.

    ``boxes`` float32 (len(text), 4): x0, y0, x1, y1 of each symbol in picture pixels, or None where the set has none.
    ``has_separators`` says whether points, commas and dashes in the picture stand in the text; ``group`` is the writer, check or
    neighbourhood that must stay on one side of a split; ``doubtful`` marks a label that even a person cannot settle. ``around`` is a
    wider cut of the same check, uint8 (height, width), with the field's x0, y0, x1, y1 in it.
    """

    picture: U8
    text: str
    source: str
    file: str
    group: str
    boxes: F32 | None = None
    has_separators: bool = False
    doubtful: bool = False
    around: tuple[U8, tuple[int, int, int, int]] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LabelledDigits:
    """Isolated digits of one size: uint8 (n, height, width) and labels int64 (n,), with the group of each."""

    pictures: U8
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    source: str


@dataclass(frozen=True, slots=True)
class Source:
    """One set: where it lies under the data folder, what it may be used for, and how it is read."""

    name: str
    kind: Kind
    files: tuple[str, ...]
    licence: str
    is_open: bool
    load: Callable[[Path], list[LabelledStrip] | LabelledDigits]


class MissingDataError(FileNotFoundError):
    """The labelled sets are not where they were looked for."""


def data_folder(given: Path | None = None) -> Path:
    """Return the folder of labelled sets: the given one, else ``TRAIN_DATA``, else ``../shared/data`` beside the repository."""
    folder = given or Path(os.environ.get("TRAIN_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        raise MissingDataError(f"no labelled sets at {folder}: name their folder with --data or TRAIN_DATA")
    return folder


def sha256_of(source: Source, folder: Path) -> str:
    """Return one hash over the set's files, in the order of their names."""
    digest = hashlib.sha256()
    for pattern in source.files:
        for path in sorted(p for p in folder.glob(pattern) if p.is_file()):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _jsonl(path: Path) -> Iterator[dict[str, object]]:
    yield from (json.loads(line) for line in path.read_text().splitlines() if line.strip())


def _csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def corrections(source: str) -> dict[str, str | None]:
    """Return file -> right text for labels found wrong by eye; None where the picture itself allows two readings."""
    path = CORRECTIONS / f"{source}.jsonl"
    return {str(row["file"]): row["corrected"] for row in _jsonl(path)} if path.exists() else {}  # type: ignore[misc]


def _corrected(strips: list[LabelledStrip], source: str) -> list[LabelledStrip]:
    right = corrections(source)
    mended = []
    for strip in strips:
        if strip.file not in right:
            mended.append(strip)
        elif (text := right[strip.file]) is None:
            mended.append(replace(strip, doubtful=True))
        else:
            # A missing digit has no box, so the boxes no longer pair up with the text.
            mended.append(
                replace(strip, text=text, boxes=strip.boxes if strip.boxes is not None and len(text) == len(strip.boxes) else None)
            )
    return mended


def decode_grey(data: bytes) -> U8:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def _orand(folder: Path) -> list[LabelledStrip]:
    strips = []
    for row in _jsonl(folder / "strings/orand_car_a/labels.jsonl"):
        file = str(row["file"])
        boxes = np.array([d["bbox"] for d in row["digits"]], np.float32)  # type: ignore[attr-defined]
        boxes[:, 2:] += boxes[:, :2]
        picture = decode_grey((folder / "strings/orand_car_a" / file).read_bytes())
        # Neighbouring numbers repeat writers and amounts: blocks of twenty stay together.
        block = int(file[-10:-4]) // 20
        strips.append(LabelledStrip(picture, str(row["text"]), "orand_car_a", file, f"orand-{block}", boxes))
    return _corrected(strips, "orand_car_a")


def _meza(folder: Path) -> list[LabelledStrip]:
    rows = _csv(folder / "strings/meza/labels.csv")
    with zipfile.ZipFile(folder / "strings/meza/images.zip") as archive:
        inside = {Path(name).name: name for name in archive.namelist()}
        strips = []
        for row in rows:
            digits = "".join(c for c in row["text"] if c.isdigit())
            number = int(Path(row["file"]).stem)
            picture = decode_grey(archive.read(inside[Path(row["file"]).name]))
            strips.append(LabelledStrip(picture, digits, "meza", row["file"], f"meza-{number // 20}"))
    return _corrected(strips, "meza")


def _micr(stem: str) -> Callable[[Path], list[LabelledStrip]]:
    def load(folder: Path) -> list[LabelledStrip]:
        rows = _csv(folder / f"micr/lines/{stem}_labels.csv")
        source = f"micr_{stem}"
        with zipfile.ZipFile(folder / f"micr/lines/{stem}.zip") as archive:
            strips = [
                # The font-made labels show the gaps between fields; E-13B has no symbol for them.
                LabelledStrip(
                    decode_grey(archive.read(row["file"])),
                    "".join(row["label"].split()),
                    source,
                    row["file"],
                    f"{source}-{row.get('group', row['file'])}",
                    None,
                    True,
                )
                for row in rows
            ]
        return _corrected(strips, source)

    return load


def _check_fields(name: str, boxes: str, field: str, text: str) -> Callable[[Path], list[LabelledStrip]]:
    """Cut one field out of whole checks by its labelled box; checks of one group are one check photographed again."""

    def load(folder: Path) -> list[LabelledStrip]:
        strips = []
        for row in _jsonl(folder / f"checks/{name}/labels.jsonl"):
            box = {k.lower(): v for k, v in row[boxes].items()}.get(field)  # type: ignore[attr-defined]
            if not row[text] or box is None or str(row[text]).startswith("-"):
                continue
            picture = decode_grey((folder / "checks" / name / str(row["file"])).read_bytes())
            x, y, w, h = box
            left, top, right, bottom = max(0, x), max(0, y), min(x + w, picture.shape[1]), min(y + h, picture.shape[0])
            start_x, start_y = max(0, left - h), max(0, top - h)
            around = picture[start_y : bottom + h, start_x : right + h]
            strips.append(
                LabelledStrip(
                    picture[top:bottom, left:right],
                    str(row[text]),
                    name,
                    str(row["file"]),
                    f"{name}-{row.get('group', row['file'])}",
                    has_separators=True,
                    around=(around, (left - start_x, top - start_y, right - start_x, bottom - start_y)),
                )
            )
        return strips

    return load


def _mnist(stem: str, source: str) -> Callable[[Path], LabelledDigits]:
    def load(folder: Path) -> LabelledDigits:
        pictures = np.frombuffer(gzip.decompress((folder / f"digits/mnist/{stem}-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
        labels = np.frombuffer(gzip.decompress((folder / f"digits/mnist/{stem}-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
        # The set lists its writers in runs, but does not name them: blocks of a hundred neighbours stay together.
        return LabelledDigits(pictures.reshape(-1, 28, 28), labels.astype(np.int64), np.arange(len(labels)) // 100, source)

    return load


def _usps(folder: Path) -> LabelledDigits:
    with gzip.open(folder / "digits/usps/zip.train.gz") as file:
        table = np.loadtxt(file)
    pictures = ((table[:, 1:].reshape(-1, 16, 16) + 1) * 127.5).round().astype(np.uint8)
    return LabelledDigits(pictures, table[:, 0].astype(np.int64), np.arange(len(table)) // 100, "usps")


def _sudoku(folder: Path) -> LabelledDigits:
    arrays = np.load(folder / "digits/sudoku_printed/sudoku_printed_train_32x32.npz")
    rows = _csv(folder / "digits/sudoku_printed/sudoku_printed_train_meta.csv")
    photos: dict[str, int] = {}
    groups = np.array([photos.setdefault(row["source_image"], len(photos)) for row in rows])
    return LabelledDigits(arrays["images"], arrays["labels"].astype(np.int64), groups, "sudoku_printed")


SOURCES: tuple[Source, ...] = (
    Source(
        "mnist",
        "digits",
        ("digits/mnist/train-*",),
        "CC BY-SA 3.0 (LeCun, Cortes, Burges; from NIST SD3/SD7)",
        True,
        _mnist("train", "mnist"),
    ),
    Source(
        "mnist_test",
        "digits_test",
        ("digits/mnist/t10k-*",),
        "CC BY-SA 3.0 (LeCun, Cortes, Burges; from NIST SD3/SD7)",
        True,
        _mnist("t10k", "mnist_test"),
    ),
    Source("usps", "digits", ("digits/usps/zip.train.gz",), "research use (AT&T, through the ESL web site)", False, _usps),
    Source("sudoku_printed", "digits", ("digits/sudoku_printed/*train*",), "CC BY 4.0 (Wicht, Hennebert)", True, _sudoku),
    Source(
        "orand_car_a",
        "strings",
        ("strings/orand_car_a/labels.jsonl", "strings/orand_car_a/images/*"),
        "labels MIT (Fzkuji); pictures research use (ORAND S.A.)",
        False,
        _orand,
    ),
    Source("meza", "strings", ("strings/meza/labels.csv", "strings/meza/images.zip"), "none stated (AI4Good hackathon 2019)", False, _meza),
    Source(
        "dbgt",
        "amounts",
        ("checks/dbgt/**/*",),
        "none stated (student project)",
        False,
        _check_fields("dbgt", "approx_boxes_xywh", "amount", "amount"),
    ),
    Source(
        "idrbt",
        "amounts",
        ("checks/idrbt/**/*",),
        "free for research (IDRBT)",
        False,
        _check_fields("idrbt", "boxes_xywh", "amount", "amount_digits"),
    ),
    Source(
        "dbgt_dates",
        "dates",
        ("checks/dbgt/**/*",),
        "none stated (student project)",
        False,
        _check_fields("dbgt", "approx_boxes_xywh", "date", "date"),
    ),
    Source(
        "idrbt_dates",
        "dates",
        ("checks/idrbt/**/*",),
        "free for research (IDRBT)",
        False,
        _check_fields("idrbt", "boxes_xywh", "date", "date_ddmmyyyy"),
    ),
    Source("micr_reallife", "micr", ("micr/lines/reallife*",), "BSD-3-Clause (Doubango)", True, _micr("reallife")),
    Source("micr_font_generated", "micr", ("micr/lines/font_generated*",), "BSD-3-Clause (Doubango)", True, _micr("font_generated")),
)


def sources_of(kind: Kind, licence: Literal["any", "open"] = "any") -> tuple[Source, ...]:
    """Return the sets of one kind; ``open`` leaves out those whose licence is not an open one."""
    return tuple(s for s in SOURCES if s.kind == kind and (licence == "any" or s.is_open))
