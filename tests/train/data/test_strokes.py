"""Handwriting drawn from skeletons: usable ink, a writer's habits, refusals."""

import numpy as np
import pytest

from train.data.strokes import SYMBOLS, draw_symbol, draw_text, draw_zeros, make_writer


def test_every_symbol_of_many_writers_is_ink_cropped_tight() -> None:
    rng = np.random.default_rng(1)
    for _ in range(10):
        writer = make_writer(rng)
        for symbol in SYMBOLS:
            ink = draw_symbol(symbol, writer, rng)
            assert ink.dtype == np.uint8
            assert ink.max() > 150
            assert all(edge.max() > 40 for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1])), symbol


def test_digits_are_as_high_as_the_writer_writes() -> None:
    rng = np.random.default_rng(2)
    for _ in range(10):
        writer = make_writer(rng)
        heights = [draw_symbol(str(digit), writer, rng).shape[0] for digit in range(10)]
        assert 0.75 * writer.size_px < np.median(heights) < 1.35 * writer.size_px


def test_the_same_seed_writes_the_same_ink() -> None:
    inks = []
    for _ in range(2):
        rng = np.random.default_rng(3)
        inks.append(draw_text("1,234.56-", make_writer(rng), rng)[0])
    assert np.array_equal(*inks)


def test_two_writers_write_a_seven_differently() -> None:
    rng = np.random.default_rng(4)
    shapes = {draw_symbol("7", make_writer(rng), rng).tobytes() for _ in range(20)}
    assert len(shapes) == 20


def test_each_symbol_of_a_text_has_ink_in_its_box() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        text = "$10,000.75/-"
        ink, boxes, line_y = draw_text(text, make_writer(rng), rng)
        assert boxes.shape == (len(text), 4)
        assert 0 < line_y < 2 * ink.shape[0]
        for x0, y0, x1, y1 in np.round(boxes).astype(int):
            assert ink[y0:y1, x0:x1].max() > 100
        assert np.all(np.diff(boxes[:, [0, 2]].mean(axis=1)) > -6)


def test_linked_zeros_are_joined_and_stand_side_by_side() -> None:
    rng = np.random.default_rng(6)
    ink, boxes = draw_zeros(3, make_writer(rng), rng)
    assert (ink.max(axis=0) > 40).all()
    assert np.all(np.diff(boxes[:, 0]) > 0)


def test_a_symbol_without_skeleton_is_refused() -> None:
    rng = np.random.default_rng(7)
    with pytest.raises(ValueError, match="no skeleton for 'x'"):
        draw_symbol("x", make_writer(rng), rng)


def test_no_zeros_are_refused() -> None:
    rng = np.random.default_rng(8)
    with pytest.raises(ValueError, match="one or more"):
        draw_zeros(0, make_writer(rng), rng)
