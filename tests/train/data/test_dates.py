"""Dates that are drawn: in the symbols of the date network, boxed where they stand, meaning a day that exists."""

import numpy as np
import pytest

from edge.decode.date import parse_date
from train.data.dates import date_strip
from train.data.handwriting import InkBank
from train.data.strips import Draw, TrainingStrip
from train.networks import SYMBOLS


@pytest.fixture(scope="module")
def draw() -> Draw:
    stroke = np.full((20, 8), 255, np.uint8)
    return date_strip([InkBank("strokes", tuple((stroke,) for _ in range(10)))], [np.full((60, 300), 220, np.uint8)])


@pytest.fixture(scope="module")
def strips(draw: Draw) -> list[TrainingStrip]:
    rng = np.random.default_rng(3)
    return [draw(rng) for _ in range(120)]


def test_texts_are_in_the_symbols_of_the_network_with_a_box_each(strips: list[TrainingStrip]) -> None:
    for strip in strips:
        assert set(strip.text) <= set(SYMBOLS["date"])
        assert strip.boxes is not None
        assert len(strip.boxes) == len(strip.text)
        assert (strip.boxes[:, 2:] >= strip.boxes[:, :2]).all()


def test_the_days_exist_in_one_order_or_the_other(strips: list[TrainingStrip]) -> None:
    unread = [
        s.text for s in strips if isinstance(parse_date(s.text, "month_first"), str) and isinstance(parse_date(s.text, "day_first"), str)
    ]
    # Without separators between its numbers a date is not read: "5 2 2019" has only spaces.
    assert all(text.isdigit() for text in unread), unread


def test_names_of_months_figures_and_cells_all_come(strips: list[TrainingStrip]) -> None:
    texts = [strip.text for strip in strips]
    assert any(any(c.isalpha() for c in text) for text in texts)
    assert any(text.isdigit() and len(text) == 8 for text in texts)
    assert any("/" in text for text in texts)


def test_the_same_seed_draws_the_same_strip(draw: Draw) -> None:
    one, other = draw(np.random.default_rng(9)), draw(np.random.default_rng(9))
    assert one.text == other.text
    assert np.array_equal(one.picture, other.picture)
