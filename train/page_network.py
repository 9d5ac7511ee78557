"""The page network: a small picture of a frame in, the part of a check that each cell shows out (a U-Net, Ronneberger et al. 2015)."""

import keras
from keras import layers, ops

from edge.datatypes import PAGE_PARTS
from edge.locate.page_map import PICTURE_SIZE
from train.blocks import conv, residual, separable

Widths = tuple[int, int, int, int, int]

# Sides are a tenth of the cells of a check and carry all that the corners are found from.
_SIDE_WEIGHT = 2.0


def page_network(widths: Widths = (12, 24, 40, 64, 80)) -> keras.Model:
    """Return the network: (192, 256, 3) levels in 0..1 to (48, 64, 6) logits, a cell for every 4 x 4 pixels."""
    return cell_network("page", (PICTURE_SIZE[1], PICTURE_SIZE[0], 3), len(PAGE_PARTS), widths)


def cell_network(name: str, shape: tuple[int, int, int], n_parts: int, widths: Widths) -> keras.Model:
    """Return a network over a whole picture: (height, width, channels), both sides multiples of 32, to a quarter of them and the parts."""
    stem, first, second, third, fourth = widths
    inputs = x = keras.Input(shape)
    x = conv(x, stem, 3, 2)
    x = fine = residual(conv(x, first, 3, 2), 3, separable)
    x = middle = residual(separable(x, second, 3, 2), 3, separable)
    x = coarse = residual(residual(separable(x, third, 3, 2), 3, separable), 3, separable)
    x = residual(residual(separable(x, fourth, 3, 2), 3, separable), 5, separable)
    for beside, filters in ((coarse, third), (middle, second), (fine, first)):
        x = layers.UpSampling2D(2, interpolation="bilinear")(conv(x, filters, 1))
        x = residual(layers.Add()([x, beside]), 3, separable)
    return keras.Model(inputs, layers.Conv2D(n_parts, 1)(x), name=name)


class PageLoss(keras.losses.Loss):
    """Cross-entropy of each cell against the share of each part in it, the sides weighted up."""

    def __init__(self) -> None:
        super().__init__(name="page_loss")

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        entropy = -ops.sum(y_true * ops.log_softmax(y_pred, axis=-1), axis=-1)
        weight = 1 + (_SIDE_WEIGHT - 1) * ops.sum(y_true[..., 1:5], axis=-1)
        return ops.mean(entropy * weight, axis=(1, 2))
