"""The field network: a page's ink in, the field that each cell shows out."""

import keras
from keras import ops

from edge.datatypes import FIELD_PARTS
from edge.locate.field_map import PICTURE_SIZE
from train.page_network import Widths, cell_network

# Nine cells of ten show no field; without a weight they would drown the others.
_FIELD_WEIGHT = 3.0


def field_network(widths: Widths = (8, 24, 40, 64, 80)) -> keras.Model:
    """Return the network: (192, 384, 1) ink in 0..1 to (48, 96, 7) logits, a cell for every 4 x 4 pixels."""
    return cell_network("fields", (PICTURE_SIZE[1], PICTURE_SIZE[0], 1), len(FIELD_PARTS), widths)


class FieldLoss(keras.losses.Loss):
    """Cross-entropy of each cell against the share of each part in it, the fields weighted up."""

    def __init__(self) -> None:
        super().__init__(name="field_loss")

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        entropy = -ops.sum(y_true * ops.log_softmax(y_pred, axis=-1), axis=-1)
        weight = _FIELD_WEIGHT - (_FIELD_WEIGHT - 1) * y_true[..., -1]
        return ops.mean(entropy * weight, axis=(1, 2))
