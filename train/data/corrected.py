"""Strips that people confirmed or corrected on a device, as `checkreader store export-training` writes them."""

import json
from pathlib import Path

import cv2
import numpy as np

from train.data.sources import LabelledStrip, MissingDataError


def load_corrected(folder: Path, kind: str) -> list[LabelledStrip]:
    """Return the strips of one kind (amount, date, digits, micr); each check is a group of its own.

    Raises:
        MissingDataError: the folder was not written by the export.
    """
    labels = folder / "labels.jsonl"
    if not labels.is_file():
        raise MissingDataError(f"no labels.jsonl in {folder}: write it with `checkreader store export-training`")
    rows = [json.loads(line) for line in labels.read_text(encoding="utf-8").splitlines()]
    return [
        LabelledStrip(
            np.asarray(cv2.imread(str(folder / row["file"]), cv2.IMREAD_COLOR), np.uint8),
            row["text"], "corrected", row["file"], str(row["record"]), has_separators=True,
        )
        for row in rows
        if row["kind"] == kind
    ]  # fmt: skip
