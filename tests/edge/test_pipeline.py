"""Every stage together: boxes land where the ink is, places and readings are weighed, nothing is read where nothing stands."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bench import make_strips
from edge.datatypes import F64, FIELD_NAMES, FieldRegion, Frame, Lattice, Reading, Strip
from edge.errors import ConfigError
from edge.locate.strip import normalize_strip
from edge.pipeline import KINDS, Reader, most_likely, symbol_box
from edge.recognize.bundle import read_bundle

SYMBOLS = (*"0123456789", "")


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(read_bundle())


def lattice(column: int, extents: tuple[float, float, float, float] | None, n_columns: int = 50) -> Lattice:
    """Say "7" in one column, surest in its middle, blank elsewhere."""
    log_probs = np.full((n_columns, len(SYMBOLS)), math.log(1e-4), np.float32)
    log_probs[:, -1] = math.log(1 - 1e-3)
    log_probs[column - 1 : column + 2, 7] = [math.log(0.5), math.log(0.9), math.log(0.6)]
    reach = None if extents is None else np.full((n_columns, 4), np.float32(extents), np.float32)
    return Lattice(log_probs, SYMBOLS, 2.0, reach)


def affine(scale: float, turn: float, x: float, y: float) -> F64:
    c, s = scale * math.cos(turn), scale * math.sin(turn)
    return np.array([[c, -s, x], [s, c, y], [0, 0, 1]])


@settings(deadline=None)
@given(
    scale=st.floats(0.2, 8),
    turn=st.floats(-math.pi, math.pi),
    x=st.floats(-50, 50),
    y=st.floats(-50, 50),
    column=st.integers(5, 44),
    reach=st.tuples(*[st.floats(1, 8)] * 2, st.floats(2, 14), st.floats(16, 30)),
)
def test_a_box_survives_crop_scale_rotation_and_back(
    scale: float, turn: float, x: float, y: float, column: int, reach: tuple[float, float, float, float]
) -> None:
    strip = Strip(np.zeros((32, 100), np.uint8), affine(scale, turn, x + 2000, y + 2000))
    left, top, width, height = symbol_box(strip, lattice(column, reach), (column - 1, column + 1), "7", (4000, 4000))
    centre = column * 2 + 1
    strip_corners = [(a, b) for a in (centre - reach[0], centre + reach[1]) for b in reach[2:]]
    # the box in the picture holds the four corners that the network meant, and each of its sides touches one
    corners = np.array([strip.strip_to_picture @ (a, b, 1) for a, b in strip_corners])[:, :2]
    assert np.allclose([left, top], corners.min(axis=0), atol=1e-3)
    assert np.allclose([left + width, top + height], corners.max(axis=0), atol=1e-3)
    # and mapped back into the strip, its centre is the symbol's
    back = np.linalg.inv(strip.strip_to_picture) @ (left + width / 2, top + height / 2, 1)
    assert np.allclose(back[:2], np.mean(strip_corners, axis=0), atol=1e-3)


@settings(deadline=None)
@given(width=st.integers(1, 300), height=st.integers(1, 300), reach=st.tuples(*[st.floats(-40, 400)] * 4), column=st.integers(1, 48))
def test_a_box_never_leaves_the_picture(width: int, height: int, reach: tuple[float, float, float, float], column: int) -> None:
    strip = normalize_strip(np.full((height, width), 200, np.uint8))
    x, y, w, h = symbol_box(strip, lattice(column, reach), (column, column), "7", (width, height))
    assert 0 <= x <= x + w <= width + 1e-6
    assert 0 <= y <= y + h <= height + 1e-6


def test_without_extents_the_columns_are_the_box() -> None:
    strip = Strip(np.zeros((32, 100), np.uint8), np.eye(3))
    assert symbol_box(strip, lattice(10, None), (9, 11), "7", (100, 32)) == (18.0, 0.0, 6.0, 32.0)


def region(confidence: float) -> FieldRegion:
    return FieldRegion("amount", (0, 0, 1, 1), confidence)


def test_a_likely_place_outweighs_a_surer_reading_in_an_unlikely_one() -> None:
    here, there = Reading("82.58", "unsure", 0.7, "r", None), Reading("2,024.00", "accepted", 0.99, None, None)
    assert most_likely([(region(0.8), here), (region(0.1), there)]) is here
    assert most_likely([]) is None


def test_two_likely_places_that_disagree_make_the_reading_unsure() -> None:
    one, other = Reading("10.00", "accepted", 0.99, None, None), Reading("70.00", "accepted", 0.98, None, None)
    found = most_likely([(region(0.8), one), (region(0.7), other)])
    assert found is not None
    assert (found.text, found.verdict) == ("10.00", "unsure")
    assert "70.00" in (found.reason or "")
    assert most_likely([(region(0.8), one), (region(0.7), one)]) is one


@pytest.mark.parametrize("kind", KINDS)
def test_a_strip_without_ink_is_unreadable_not_zero(reader: Reader, kind: str) -> None:
    reading = reader.read_strip(Frame(np.full((40, 200, 3), 240, np.uint8)), kind)  # type: ignore[arg-type]
    assert reading.text is None
    assert reading.verdict == "unreadable"
    assert reading.reason
    assert reading.symbols == ()
    assert reading.box == (0.0, 0.0, 200.0, 40.0)


def test_symbols_stand_where_their_ink_is(reader: Reader) -> None:
    for frame in make_strips()[:10]:
        reading = reader.read_strip(frame, "digits")
        assert reading.symbols
        ink = 255 - cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2GRAY) > 100
        for symbol in reading.symbols:
            x, y, w, h = (round(v) for v in symbol.box)
            assert ink[y : y + h, x : x + w].any()
        lefts = [symbol.box[0] for symbol in reading.symbols]
        assert lefts == sorted(lefts)


def test_a_strip_that_is_far_too_wide_is_unreadable_and_says_so(reader: Reader) -> None:
    reading = reader.read_strip(Frame(np.full((40, 20000, 3), 240, np.uint8)), "amount")
    assert reading.verdict == "unreadable"
    assert "500 times as wide as high" in (reading.reason or "")


def test_timings_add_up(reader: Reader) -> None:
    timings_ms: dict[str, float] = {}
    reader.read_strip(make_strips()[0], "digits", timings_ms=timings_ms)
    assert set(timings_ms) == {"strips", "network", "decode", "total"}
    assert timings_ms["strips"] + timings_ms["network"] + timings_ms["decode"] <= timings_ms["total"]


def test_a_frame_without_a_check_is_one_answer_without_a_page(reader: Reader) -> None:
    (check,) = reader.read_frame(Frame(np.full((480, 640, 3), 90, np.uint8)))
    assert check.page is None
    assert check.fields == dict.fromkeys(FIELD_NAMES)
    assert check.timings_ms["total"] >= check.timings_ms["page"]


def test_digits_of_both_polarities_are_classified_in_order(reader: Reader) -> None:
    pictures = np.full((300, 36, 28), 230, np.uint8)  # more than one batch
    for index, picture in enumerate(pictures[:290]):
        cv2.putText(picture, str(index % 10), (4, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 30, 2, cv2.LINE_AA)
        if index % 2:
            picture[:] = 255 - picture
    guesses = list(reader.classify(pictures))
    assert [guess.index for guess in guesses] == list(range(300))
    assert np.mean([guess.label == str(guess.index % 10) for guess in guesses[:290]]) > 0.9
    assert [guess.label for guess in guesses[290:]] == [None] * 10


def test_a_budget_that_the_card_was_not_fitted_for_is_refused() -> None:
    reader = Reader(read_bundle(), budget=0.012345)
    with pytest.raises(ConfigError, match="budget"):
        reader.read_strip(make_strips()[0], "digits")
