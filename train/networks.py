"""The networks, fully convolutional, of layers that the TFLite int8 kernels have: written once for every Keras backend.

The strip and MICR networks are space-displacement networks (LeCun, Bottou, Bengio, Haffner 1998, section VII): height shrinks to one
row, width stays, and each column predicts a symbol or the blank.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import keras
from keras import layers

from edge.datatypes import FIELD_PARTS, PAGE_PARTS, STRIP_HEIGHT_PX
from train.blocks import conv, residual
from train.field_network import field_network
from train.page_network import page_network

NetworkName = Literal["digit", "strip", "date", "micr", "page", "fields"]

DIGITS = tuple("0123456789")
BLANK = ""
SYMBOLS: dict[str, tuple[str, ...]] = {
    "digit": (*DIGITS, BLANK),
    "strip": (*DIGITS, ".", ",", "-", "/", "$", "*", BLANK),
    # The letters that the names of months need in English and Spanish, and "th" after a day; one class for small and capital ones.
    "date": (*DIGITS, ".", ",", "-", "/", *"abcdefghijlmnoprstuvyz", BLANK),
    "micr": (*DIGITS, "A", "B", "C", "D", BLANK),
    "page": PAGE_PARTS,
    "fields": FIELD_PARTS,
}
N_EXTENTS = 4
# The extents leave the network in units of this many strip pixels, which brings them into the range of the logits.
EXTENT_UNIT_PX = 2.0


@dataclass(frozen=True, slots=True)
class Design:
    """A network that can be trained: what it is called, how many strip pixels one column spans, how it is built."""

    name: str
    network: NetworkName
    column_px: int
    build: Callable[[], keras.Model]
    # Strips are padded with paper to a multiple of this: each width costs a traced graph here and a kept interpreter there.
    width_step_px: int = 32

    @property
    def symbols(self) -> tuple[str, ...]:
        return SYMBOLS[self.network]

    @property
    def has_extents(self) -> bool:
        return self.network in ("strip", "date", "micr")


def digit_network() -> keras.Model:
    """Return the classifier of one digit: (32, 32, 1) ink in 0..1 to (1, 1, 11) logits, the last for *not a digit*.

    Its last convolution weighs each feature by where in the digit it stands.
    """
    inputs = x = keras.Input((32, 32, 1))
    x = conv(x, 16, 3)
    x = conv(x, 32, 3, 2)
    for _ in range(3):
        x = residual(x, 3)
    x = conv(x, 48, 3, 2)
    for _ in range(2):
        x = residual(x, 3)
    x = layers.DepthwiseConv2D(8, padding="valid", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.97)(x))
    x = layers.Dropout(0.3)(x)
    return keras.Model(inputs, layers.Conv2D(len(SYMBOLS["digit"]), 1)(x), name="digit")


def strip_network(
    widths: tuple[int, int, int, int, int] = (16, 32, 48, 64, 96),
    column_px: int = 2,
    name: NetworkName = "strip",
) -> keras.Model:
    """Return a network over a strip: (32, width, 1) ink to (1, width / column_px, symbols + 4 extents)."""
    stem, first, second, third, context = widths
    inputs = x = keras.Input((STRIP_HEIGHT_PX, None, 1))
    x = conv(x, stem, 3, (2, 2))
    x = conv(x, first, 3, (1, column_px // 2))
    x = conv(x, second, 3, (2, 1))
    x = residual(x, 3)
    x = conv(x, third, 3, (2, 1))
    x = residual(x, 3)
    x = conv(x, context, (4, 1), padding="valid")
    x = residual(x, (1, 5))
    x = residual(x, (1, 5))
    x = layers.Dropout(0.15)(x)
    return keras.Model(inputs, layers.Conv2D(len(SYMBOLS[name]) + N_EXTENTS, 1)(x), name=name)


DESIGNS: dict[str, Design] = {
    design.name: design
    for design in (
        Design("digit", "digit", 32, digit_network),
        Design("strip", "strip", 2, strip_network),
        Design("strip-narrow", "strip", 2, lambda: strip_network((12, 20, 32, 40, 64))),
        Design("strip-coarse", "strip", 4, lambda: strip_network((16, 32, 64, 72, 104), column_px=4)),
        Design("date", "date", 4, lambda: strip_network((12, 24, 40, 48, 72), column_px=4, name="date")),
        Design("micr", "micr", 4, lambda: strip_network((12, 16, 24, 40, 64), column_px=4, name="micr"), width_step_px=128),
        Design("page", "page", 4, page_network, width_step_px=256),
        Design("fields", "fields", 4, field_network, width_step_px=384),
    )
}
