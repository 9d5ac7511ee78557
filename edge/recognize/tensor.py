"""The pixel contract: how ink becomes the codes a network is given, in training, calibration and on the device."""

from functools import cache

import numpy as np

from edge.datatypes import F32, I8, U8
from edge.recognize.card import InputContract


def padded_width(width: int, contract: InputContract) -> int:
    """Return the width that a strip is padded to: the next multiple, at least the least."""
    return max(contract.min_width, -(-width // contract.width_multiple) * contract.width_multiple)


def strip_codes(ink: U8, contract: InputContract) -> I8:
    """Return int8 (1, height, padded width, 1) for ink (height, width); the padding on the right is paper.

    Ink 0..255 is the real value 0..1.

    Raises:
        ValueError: the ink is of another height, or wider than the network reads.
    """
    height, width = ink.shape
    if height != contract.height or width > contract.max_width:
        raise ValueError(f"ink of {width} x {height} does not fit a network for {contract.max_width} x {contract.height}")
    codes = np.full((1, height, padded_width(width, contract), 1), codes_of_levels(contract)[0], np.int8)
    codes[0, :, :width, 0] = codes_of_levels(contract).take(ink)
    return codes


def digit_codes(inks: U8, contract: InputContract) -> I8:
    """Return int8 (n, height, width, 1) for inks (n, height, width) of the network's own size."""
    return np.asarray(codes_of_levels(contract)[inks][..., None], np.int8)


def picture_codes(picture: U8, contract: InputContract) -> I8:
    """Return int8 (1, height, width, 3) for a BGR picture of the network's own size.

    Raises:
        ValueError: the picture is of another size.
    """
    if picture.shape != (contract.height, contract.max_width, contract.channels):
        raise ValueError(f"a picture of {picture.shape} does not fit a network for {contract.height} x {contract.max_width}")
    return np.asarray(codes_of_levels(contract).take(picture)[None], np.int8)


def dequantize(codes: I8, scale: float, zero_point: int) -> F32:
    """Return real = scale * (code - zero_point), float32."""
    return (codes.astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale)


@cache
def codes_of_levels(contract: InputContract) -> I8:
    """Return the code of each grey level 0..255, rounded and saturated as the TFLite quantization specification says."""
    real = np.arange(256) / 255.0
    return np.asarray(np.clip(np.round(real / contract.scale) + contract.zero_point, -128, 127), np.int8)
