"""An export read back: what may train and what only judges, and an export that is damaged."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import PictureError
from edge.service.labelled import hash_of, part_of, read_folders

ROW: dict[str, Any] = {
    "file": "images/000001_amount.png", "kind": "amount", "currency": "USD", "text": "12.00", "value": 1200, "read": "17.00",
    "was_accepted": False, "record": 1, "check": 1, "stands_for": 1.0,
}  # fmt: skip


def exported(folder: Path, *rows: dict[str, Any]) -> Path:
    (folder / "images").mkdir(parents=True)
    for row in rows:
        cv2.imwrite(str(folder / "images" / Path(row["file"]).name), np.full((20, 60, 3), 200, np.uint8))
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_check_stays_in_its_part_in_every_export_and_four_in_ten_judge() -> None:
    parts = Counter(part_of(check) for check in range(1, 10_001))
    assert 3_900 < parts["judge"] < 4_100
    assert parts["train"] + parts["judge"] == 10_000
    # Settled: a check that judged must never come to train, in no later version either.
    assert [part_of(check) for check in range(1, 9)] == ["train", *["judge"] * 2, "train", *["judge"] * 4]


def test_two_devices_are_read_together_and_the_hash_tells_pictures_and_labels_apart(tmp_path: Path) -> None:
    one, other = exported(tmp_path / "one", ROW), exported(tmp_path / "other", ROW, {**ROW, "file": "images/000002_amount.png", "check": 2})
    fields = read_folders([one, other])
    assert [field.check for field in fields] == [1, 1, 2]
    assert fields[0].frame().size == (60, 20)
    assert hash_of(fields) == hash_of(read_folders([one, other]))
    (one / "labels.jsonl").write_text(json.dumps({**ROW, "text": "13.00"}))
    relabelled = hash_of(read_folders([one, other]))
    cv2.imwrite(str(one / ROW["file"]), np.full((20, 60, 3), 10, np.uint8))
    assert len({hash_of(fields[:1]), hash_of(read_folders([one, other])), relabelled, hash_of(read_folders([other]))}) == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": None}, "line 1: value is None, expected is str"),
        ({"check": True}, "line 1: check is True, expected is int"),
        ({"kind": "signature"}, "the kind 'signature' is none of amount"),
        ({"file": "../secret.png"}, "leads out of the folder"),
        ({"file": "/etc/passwd"}, "leads out of the folder"),
    ],
)
def test_labels_that_are_not_of_the_export_are_told_with_their_line(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    folder = exported(tmp_path / "strips", ROW)
    (folder / "labels.jsonl").write_text(json.dumps({**ROW, **change}))
    with pytest.raises(PictureError, match=said):
        read_folders([folder])


def test_a_folder_without_labels_half_a_line_and_a_missing_picture_are_told(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="export-training"):
        read_folders([tmp_path])
    folder = exported(tmp_path / "strips", ROW)
    (folder / ROW["file"]).unlink()
    with pytest.raises(PictureError, match="cannot be read"):
        hash_of(read_folders([folder]))
    (folder / "labels.jsonl").write_text('{"file": "images')
    with pytest.raises(PictureError, match="line 1: this is no JSON"):
        read_folders([folder])
