"""Every stage together: boxes land where the ink is, places and readings are weighed, nothing is read where nothing stands."""

import cv2
import numpy as np
import pytest

from edge.bench import make_strips
from edge.datatypes import FIELD_NAMES, FieldRegion, Frame, Reading
from edge.errors import ConfigError
from edge.pipeline import KINDS, Reader, most_likely
from edge.recognize.bundle import read_bundle


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(read_bundle())


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
