import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.recognize.card import InputContract
from edge.recognize.tensor import dequantize, digit_codes, padded_width, strip_codes

CONTRACT = InputContract(height=32, scale=1 / 255, zero_point=-128, width_multiple=32, min_width=64, max_width=256)


def test_ink_becomes_codes_and_padding_is_paper() -> None:
    ink = np.arange(32 * 40, dtype=np.uint8).reshape(32, 40)
    codes = strip_codes(ink, CONTRACT)
    assert codes.shape == (1, 32, 64, 1)
    np.testing.assert_array_equal(codes[0, :, :40, 0], ink.astype(np.int16) - 128)
    assert (codes[0, :, 40:] == -128).all()


@given(st.integers(1, 256))
def test_the_padded_width_is_the_next_multiple(width: int) -> None:
    padded = padded_width(width, CONTRACT)
    assert padded % 32 == 0
    assert max(width, 64) <= padded < max(width, 64) + 32


@given(st.floats(1e-4, 1), st.integers(-128, 127), st.integers(-128, 127))
def test_dequantizing_is_scale_times_code_less_zero_point(scale: float, zero_point: int, code: int) -> None:
    real = dequantize(np.array([code], np.int8), scale, zero_point)
    assert real[0] == pytest.approx(scale * (code - zero_point), rel=1e-6)


def test_digits_keep_their_order() -> None:
    inks = np.stack([np.full((32, 32), level, np.uint8) for level in (0, 128, 255)])
    assert digit_codes(inks, CONTRACT)[:, 0, 0, 0].tolist() == [-128, 0, 127]


@pytest.mark.parametrize("shape", [(31, 40), (32, 257)])
def test_ink_that_does_not_fit_the_network_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        strip_codes(np.zeros(shape, np.uint8), CONTRACT)
