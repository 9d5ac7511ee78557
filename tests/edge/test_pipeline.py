"""Every stage together: boxes land where the ink is, places and readings are weighed, nothing is read where nothing stands."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.bench import make_strips
from edge.capture.picture import load_picture
from edge.datatypes import FIELD_NAMES, Frame
from edge.errors import ConfigError
from edge.pipeline import KINDS, Reader
from edge.recognize.bundle import read_bundle
from train.data.frames import draw_frame_without
from train.data.other_paper import draw_other_paper

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(read_bundle())


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


@pytest.mark.parametrize("axis", [0, 1])
def test_a_mirrored_check_is_said_to_be_one_and_not_read(reader: Reader, axis: int) -> None:
    for file in sorted((SAMPLES / "frames").glob("desk_*.jpg"))[:3]:
        seen = load_picture(file)
        check = reader.read_frame(Frame(np.ascontiguousarray(np.flip(seen.pixels, axis))))[0]
        assert check.quality.problems[0] == "mirrored", file.name
        assert "flip" in check.quality.advice
        assert {reading.verdict for reading in check.fields.values() if reading is not None} == {"unreadable"}
        assert "mirrored" not in reader.read_frame(seen)[0].quality.problems


def test_an_amount_cut_by_the_edge_of_the_frame_is_never_accepted(reader: Reader) -> None:
    """Every cut through the first sample's amount leaves a number that looks whole."""
    seen = load_picture(SAMPLES / "frames" / "desk_1.jpg")
    check = reader.read_frame(seen)[0]
    amount = check.fields["amount"]
    assert amount is not None
    assert amount.verdict == "accepted"
    assert amount.box is not None
    assert check.page is not None
    x, y, width, height = amount.box
    ends = np.array([[x + 0.15 * width, y + height, 1], [x + 0.92 * width, y, 1]]) @ check.page.page_to_frame.T
    first, last = (ends[:, 0] / ends[:, 2]).round().astype(int)
    for right in np.linspace(first, last, 9).round().astype(int):
        cut = reader.read_frame(Frame(np.ascontiguousarray(seen.pixels[:, :right])))[0].fields["amount"]
        assert cut is None or cut.verdict != "accepted", (int(right), cut.text)


# Of the generator's frames without a check, some that the search by shape takes for one.
SUSPECTS = (5120, 5198)


@pytest.mark.parametrize("seed", SUSPECTS)
def test_other_paper_of_a_checks_shape_is_none_where_no_line_reads_as_one(reader: Reader, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = Frame(draw_frame_without(rng, lambda: draw_other_paper(rng), (1280, 960)).pixels)
    assert reader.find_pages(frame)
    assert [check.page for check in reader.read_frame(frame)] == [None]
