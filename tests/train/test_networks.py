import numpy as np
import pytest

from edge.datatypes import STRIP_HEIGHT_PX
from train.networks import DESIGNS, N_EXTENTS, Design
from train.recipes import FULL_RUNS


@pytest.mark.parametrize("design", [d for d in DESIGNS.values() if d.network not in ("page", "fields")], ids=lambda design: design.name)
def test_each_design_answers_one_column_for_its_share_of_pixels(design: Design) -> None:
    width = STRIP_HEIGHT_PX if design.network == "digit" else 128
    answers = design.build()(np.zeros((2, STRIP_HEIGHT_PX, width, 1), np.float32), training=False)
    n_channels = len(design.symbols) + (N_EXTENTS if design.has_extents else 0)
    assert tuple(answers.shape) == (2, 1, width // design.column_px, n_channels)


def test_the_digit_network_stays_under_a_hundred_thousand_parameters() -> None:
    assert DESIGNS["digit"].build().count_params() <= 100_000


def test_the_released_networks_together_stay_under_900_kilobytes_of_int8_weights() -> None:
    assert sum(DESIGNS[name].build().count_params() for name in FULL_RUNS) < 900_000


def test_a_strip_network_does_not_take_a_strip_of_another_height() -> None:
    with pytest.raises(ValueError, match="shape"):
        DESIGNS["strip"].build()(np.zeros((1, 40, 64, 1), np.float32))
