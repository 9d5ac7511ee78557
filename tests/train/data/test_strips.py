import numpy as np
import pytest

from edge.datatypes import STRIP_HEIGHT_PX
from train.data.paper import photograph, security_papers
from train.data.strips import Mixture, StripBatches, TrainingStrip, bend, drawn_strip, padded_width, printed_strip
from train.networks import DESIGNS

PAPERS = security_papers(4, np.random.default_rng(0))
MIXTURE = Mixture((("drawn", 0.5, drawn_strip(PAPERS)), ("printed", 0.5, printed_strip(PAPERS))))


def test_the_same_seed_gives_the_same_batches() -> None:
    one, other = (next(StripBatches(MIXTURE, DESIGNS["strip"], 3, 4).epoch(0, 1)) for _ in range(2))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])


def test_a_batch_is_ink_of_one_padded_width_with_a_target_for_each_column() -> None:
    x, y = next(StripBatches(MIXTURE, DESIGNS["strip"], 1, 4).epoch(0, 1))
    assert x.shape[:2] == (4, STRIP_HEIGHT_PX)
    assert x.shape[2] % DESIGNS["strip"].width_step_px == 0
    assert x.min() >= 0
    assert x.max() <= 1
    assert y.shape[:2] == (4, x.shape[2] // 2)


@pytest.mark.parametrize("seed", range(8))
def test_bending_moves_boxes_with_the_ink(seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = np.full((60, 160), 255, np.uint8)
    picture[20:44, 50:70] = 0
    bent = bend(TrainingStrip(picture, "0", np.array([[50, 20, 70, 44]], np.float32), True), rng)
    assert bent.boxes is not None
    rows, columns = np.nonzero(bent.picture < 128)
    x0, y0, x1, y1 = bent.boxes[0]
    assert abs((x0 + x1) / 2 - columns.mean()) < 3
    assert abs((y0 + y1) / 2 - rows.mean()) < 3 or bent.picture[0].min() < 128 or bent.picture[-1].min() < 128


@pytest.mark.parametrize("seed", range(20))
def test_a_camera_changes_no_size(seed: int) -> None:
    assert photograph(np.full((40, 90), 200, np.uint8), np.random.default_rng(seed)).shape == (40, 90)


def test_padding_reaches_the_next_step() -> None:
    assert padded_width(np.zeros((32, 33), np.uint8), DESIGNS["strip"]) == 64
