"""The losses, in keras.ops alone, so that they run on TensorFlow, JAX and PyTorch."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from edge.datatypes import F32
from train.networks import EXTENT_UNIT_PX, N_EXTENTS, Design

Tensor = Any

# Channels of a strip's target, float32 (columns, 8).
TEXT, IN_SYMBOL, EXTENTS, ANCHOR, FOLD = 0, 1, slice(2, 6), 6, 7
N_CHANNELS = 8

# Symbols of the longest text that a strip is trained on.
LONGEST_TEXT = {"strip": 24, "date": 24, "micr": 56}

_IMPOSSIBLE = -1e4
_ANCHOR_WEIGHT = 0.15
_EXTENT_WEIGHT = 0.25
# Where a label is wrong, the loss grows without bound and teaches the error: growth is logarithmic from about here on.
_BENDS_AT = 6.0


def strip_target(text: str, boxes: F32 | None, has_separators: bool, n_columns: int, design: Design) -> F32:
    """Pack the truth about one strip into float32 (n_columns, 8).

    Args:
        boxes: x0, y0, x1, y1 of each symbol in strip pixels, or None.
        has_separators: False where the text leaves out separators that may stand in the picture.
    """
    target = np.zeros((n_columns, N_CHANNELS), np.float32)
    target[:, TEXT] = target[:, ANCHOR] = -1
    codes = [design.symbols.index(symbol) for symbol in text]
    target[: len(codes), TEXT] = codes[:n_columns]
    target[:, FOLD] = 0.0 if has_separators else 1.0
    if boxes is None:
        return target
    centres = (np.arange(n_columns) + 0.5) * design.column_px
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    nearest = np.abs(centres[:, None] - middles[None]).argmin(axis=1)
    own = boxes[nearest]
    inside = (centres >= own[:, 0]) & (centres <= own[:, 2])
    target[inside, IN_SYMBOL] = 1
    extents = np.column_stack([centres - own[:, 0], own[:, 2] - centres, own[:, 1], own[:, 3]])
    target[inside, EXTENTS] = extents[inside] / EXTENT_UNIT_PX
    at = np.clip((middles / design.column_px).astype(int), 0, n_columns - 1)
    target[at, ANCHOR] = codes
    return target


class StripLoss(keras.losses.Loss):
    """CTC over the text, an L1 distance of the extents inside symbols, and a pull of each spike to the middle of its symbol.

    Connectionist temporal classification after Graves et al. 2006. For strips whose text leaves out separators the separators'
    probability is folded into the blank, so that reading one is not taught as wrong.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(name="strip_loss")
        self.n_symbols = len(design.symbols)
        self.blank = self.n_symbols - 1
        self.longest = LONGEST_TEXT[design.network]
        # For MICR lines every symbol is always labelled; only figures may be labelled without their separators.
        digits = np.arange(self.n_symbols) < (self.blank if design.network == "micr" else 10)
        self.kept: NDArray[np.float32] = digits.astype(np.float32)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        outputs = ops.squeeze(y_pred, axis=1)
        log_probs = ops.log_softmax(outputs[..., : self.n_symbols], axis=-1)
        folded_blank = ops.logsumexp(log_probs + ops.convert_to_tensor(self.kept * _IMPOSSIBLE), axis=-1, keepdims=True)
        only_digits = log_probs[..., : self.blank] + ops.convert_to_tensor((1 - self.kept[: self.blank]) * _IMPOSSIBLE)
        folded = ops.concatenate([only_digits, folded_blank], axis=-1)
        fold = y_true[..., FOLD : FOLD + 1]
        scores = fold * folded + (1 - fold) * log_probs
        # CTC costs columns times labels: cut the labels' padding to the longest text that is ever written.
        text = y_true[:, : self.longest, TEXT]
        lengths = ops.cast(ops.sum(ops.cast(text >= 0, "float32"), axis=-1), "int32")
        n_columns = ops.ones_like(lengths) * ops.shape(outputs)[1]
        labels = ops.cast(ops.maximum(text, 0), "int32")
        ctc = ops.ctc_loss(labels, scores, lengths, n_columns, mask_index=self.blank)
        robust = _BENDS_AT * ops.log1p(ctc / _BENDS_AT)
        inside = y_true[..., IN_SYMBOL]
        distance = ops.sum(ops.abs(outputs[..., -N_EXTENTS:] - y_true[..., EXTENTS]), axis=-1)
        extent = ops.sum(distance * inside, axis=-1) / (ops.sum(inside, axis=-1) + 1.0)
        anchor_symbol = y_true[..., ANCHOR]
        anchored = ops.cast(anchor_symbol >= 0, "float32")
        one_hot = ops.one_hot(ops.cast(ops.maximum(anchor_symbol, 0), "int32"), self.n_symbols)
        # A missed anchor costs a bounded amount: a wrong label must not win here either.
        at_anchor = ops.maximum(ops.sum(one_hot * log_probs, axis=-1), -5.0)
        anchor = -ops.sum(at_anchor * anchored, axis=-1) / (ops.sum(anchored, axis=-1) + 1.0)
        return robust + _EXTENT_WEIGHT * extent + _ANCHOR_WEIGHT * anchor


class DigitLoss(keras.losses.Loss):
    """Cross-entropy with smoothed labels; targets are (n,) classes, outputs (n, 1, 1, 11) logits."""

    def __init__(self, smoothing: float = 0.02) -> None:
        super().__init__(name="digit_loss")
        self.smoothing = smoothing

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        logits = ops.squeeze(y_pred, axis=(1, 2))
        n_classes = logits.shape[-1]
        one_hot = ops.one_hot(ops.cast(y_true, "int32"), n_classes)
        target = one_hot * (1 - self.smoothing) + self.smoothing / n_classes
        return -ops.sum(target * ops.log_softmax(logits, axis=-1), axis=-1)
