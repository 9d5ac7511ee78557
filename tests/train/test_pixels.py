"""One pixel contract: what training and calibration show a float network is what the device gives its int8 twin."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge.datatypes import U8, Frame
from edge.locate.digit import normalize_digit
from edge.locate.page_map import picture_of_frame
from edge.locate.strip import normalize_strip
from edge.recognize.bundle import read_bundle
from edge.recognize.card import InputContract
from edge.recognize.tensor import digit_codes, picture_codes, strip_codes
from train.data.strips import Mixture, StripBatches, TrainingStrip
from train.networks import DESIGNS
from train.quantize import SHAPES, levels_of, pieces

CARD = read_bundle().card.networks


def codes_of_reals(real: np.ndarray, contract: InputContract) -> np.ndarray:
    """Quantize what a float network sees as the TFLite specification says: real = scale * (code - zero point), rounded, saturated."""
    codes = np.round(real.astype(np.float64) / contract.scale) + contract.zero_point
    return np.clip(codes, -128, 127).astype(np.int8)


pictures = st.builds(
    lambda height, width, seed, power: (np.random.default_rng(seed).random((height, width)) ** power * 255).astype(np.uint8),
    st.integers(4, 90),
    st.integers(8, 300),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.1, 1.0, 6.0]),
)


@pytest.mark.parametrize("name", ["strip", "date", "micr"])
@settings(max_examples=40, deadline=None)
@given(picture=pictures)
def test_a_strip_is_the_same_int8_tensor_from_training_from_calibration_and_on_the_device(name: str, picture: U8) -> None:
    contract = CARD[name].input
    strip = normalize_strip(picture)
    assume(strip.ink.shape[1] <= contract.max_width)  # wider is no field, and refused before
    device = strip_codes(strip.ink, contract)
    design = next(d for d in DESIGNS.values() if d.network == name and d.column_px == CARD[name].column_px)
    batches = StripBatches(Mixture(()), design, 0, 1)
    drawn = TrainingStrip(picture, "1", None, True)
    x, _ = batches._batch([(strip.ink, drawn)], device.shape[2], np.random.default_rng(0))
    np.testing.assert_array_equal(codes_of_reals(x, contract), device)
    shown = np.concatenate([levels_of(piece) for piece in pieces([strip.ink], SHAPES[name])], axis=1)
    width = min(device.shape[2], shown.shape[1])
    np.testing.assert_array_equal(codes_of_reals(shown[None, :, :width], contract), device[:, :, :width])


@settings(max_examples=40, deadline=None)
@given(picture=pictures)
def test_a_digit_is_the_same_int8_tensor_from_calibration_and_on_the_device(picture: U8) -> None:
    ink = normalize_digit(picture)
    (piece,) = pieces([ink], SHAPES["digit"])
    np.testing.assert_array_equal(codes_of_reals(levels_of(piece)[None], CARD["digit"].input), digit_codes(ink[None], CARD["digit"].input))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([(40, 60), (200, 150), (300, 500)]))
def test_a_frame_is_the_same_int8_tensor_from_calibration_and_on_the_device(seed: int, size: tuple[int, int]) -> None:
    frame = Frame((np.random.default_rng(seed).random((*size, 3)) * 255).astype(np.uint8))
    picture = picture_of_frame(frame)
    (piece,) = pieces([picture], SHAPES["page"])
    np.testing.assert_array_equal(codes_of_reals(levels_of(piece)[None], CARD["page"].input), picture_codes(picture, CARD["page"].input))


def test_every_level_of_grey_is_a_code_of_its_own() -> None:
    for card in CARD.values():
        levels = np.arange(256, dtype=np.uint8)
        assert len(set(codes_of_reals(levels_of(levels), card.input).tolist())) == 256
