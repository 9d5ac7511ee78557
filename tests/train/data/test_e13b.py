"""Our own E-13B: pitch, sizes, the check digit, refusals."""

import numpy as np
import pytest

from train.data.e13b import SYMBOLS, draw_line, routing_number, set_line


def test_the_right_edges_stand_an_eighth_of_an_inch_apart() -> None:
    _, boxes = set_line("A051234567A", 400.0, np.random.default_rng(1))
    assert np.allclose(np.diff(boxes[:, 2]), 50.0, atol=1.5)


def test_digits_are_117_thousandths_of_an_inch_high() -> None:
    _, boxes = set_line("0123456789", 1000.0, np.random.default_rng(2))
    assert np.allclose(boxes[:, 3] - boxes[:, 1], 117, atol=3)


def test_each_symbol_has_ink_of_its_own_shape() -> None:
    rng = np.random.default_rng(3)
    shapes = [draw_line(symbol, 300.0, rng) > 127 for symbol in SYMBOLS]
    assert all(shape.any() for shape in shapes)
    for first, shape in enumerate(shapes):
        for other in shapes[first + 1 :]:
            assert (shape != other).mean() > 0.05


def test_a_space_leaves_an_empty_place() -> None:
    ink, boxes = set_line("1 1", 300.0, np.random.default_rng(4))
    assert not boxes[1].any()
    assert ink[:, 50:60].max() == 0


def test_routing_numbers_carry_a_valid_check_digit() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        digits = [int(d) for d in routing_number(rng)]
        assert len(digits) == 9
        assert sum(d * w for d, w in zip(digits, (3, 7, 1) * 3, strict=True)) % 10 == 0


def test_a_letter_that_e13b_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no \['X'\]"):
        draw_line("12X", 200.0, np.random.default_rng(6))
