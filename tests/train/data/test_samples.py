"""The committed sample pictures fit their labels; writing refuses a folder that cannot be."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from train.data.checks import draw_check
from train.data.samples import cut_field, write_samples

SAMPLES = Path(__file__).resolve().parents[3] / "samples"


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_sample_frame_has_the_labelled_size_and_corners_inside() -> None:
    labels = lines(SAMPLES / "labels.jsonl")
    assert len(labels) >= 6
    for label in labels:
        height, width = cv2.imread(str(SAMPLES / str(label["file"]))).shape[:2]
        assert (width, height) == (label["width"], label["height"])
        if label["kind"] == "scan":  # cut at its edges
            continue
        corners = np.array(label["corners"])
        assert (corners > 0).all()
        assert (corners < (width, height)).all()


def test_every_sample_strip_is_labelled_and_every_label_has_its_strip() -> None:
    labels = lines(SAMPLES / "strips" / "labels.jsonl")
    assert {str(label["file"]) for label in labels} == {p.name for p in (SAMPLES / "strips").glob("*.png")}


def test_the_samples_are_small_enough_for_a_repository() -> None:
    assert sum(p.stat().st_size for p in SAMPLES.rglob("*.*")) < 2_500_000


def test_a_cut_field_is_the_box_with_a_margin() -> None:
    rng = np.random.default_rng(1)
    drawn = draw_check(rng, px_per_inch=120.0)
    strip = cut_field(drawn, "amount", rng)
    assert strip.shape[0] > drawn.boxes["amount"][3]
    assert strip.shape[1] > drawn.boxes["amount"][2]


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_samples(tmp_path / "file")
