"""A picture made smaller: by halves first, which takes a tenth of the time of averages over parts of pixels."""

import cv2
import numpy as np

from edge.datatypes import U8


def shrunk(pixels: U8, size: tuple[int, int]) -> U8:
    """Return a picture of this (width, height): averages of two by two pixels as often as it stays larger, then between the pixels.

    A last row or column that has no other half is left out.
    """
    while pixels.shape[1] >= 2 * size[0] and pixels.shape[0] >= 2 * size[1]:
        half = (pixels.shape[1] // 2, pixels.shape[0] // 2)
        pixels = np.asarray(cv2.resize(pixels[: 2 * half[1], : 2 * half[0]], half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
