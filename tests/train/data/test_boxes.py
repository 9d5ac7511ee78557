"""Boxes found by the released reader: only where it reads what the label says, and where the ink is."""

import numpy as np

from edge.bench import make_strips
from edge.pipeline import Reader
from edge.recognize.bundle import read_bundle
from train.data.boxes import with_found_boxes
from train.data.sources import LabelledStrip


def test_a_strip_gets_a_box_a_digit_and_a_wrong_label_none() -> None:
    frame = make_strips()[0]
    grey = np.asarray(frame.pixels[:, :, 0], np.uint8)
    wrong = LabelledStrip(grey, "0", "made", "a", "a")
    assert with_found_boxes([wrong]) == []
    text = Reader(read_bundle()).read_strip(frame, "digits").text
    assert text
    (boxed,) = with_found_boxes([LabelledStrip(grey, text, "made", "a", "a")])
    assert boxed.boxes is not None
    assert len(boxed.boxes) == len(text)
    for x0, y0, x1, y1 in boxed.boxes:
        assert grey[round(y0) : round(y1), round(x0) : round(x1)].min() < 128


def test_strips_with_boxes_stay_as_they_are() -> None:
    strip = LabelledStrip(np.zeros((8, 8), np.uint8), "1", "made", "a", "a", np.array([[0, 0, 8, 8]], np.float32))
    assert with_found_boxes([strip])[0] is strip
