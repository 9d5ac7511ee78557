"""Quick figures of a float network on the validation part, after each epoch: they choose the epoch, nothing else."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from edge.datatypes import F32, STRIP_HEIGHT_PX, U8
from edge.locate.digit import normalize_digit
from edge.locate.strip import normalize_strip
from train.data.digits import DigitPool
from train.data.sources import NOT_A_DIGIT, LabelledStrip
from train.data.strips import padded_width
from train.networks import Design

_BATCH = 256
# A picture is *not a digit* only when the network is this sure; chosen on the validation part of the digit sets.
REJECT_DIGIT_ABOVE = 0.9


def float_outputs(model: keras.Model, inks: Sequence[U8], widths: Sequence[int]) -> list[F32]:
    """Run a float network over inks padded to ``widths``; returns (columns, channels) for each, in the given order."""
    outputs: list[F32 | None] = [None] * len(inks)
    by_width: dict[int, list[int]] = defaultdict(list)
    for row, width in enumerate(widths):
        by_width[width].append(row)
    for width, rows in by_width.items():
        for start in range(0, len(rows), _BATCH):
            some = rows[start : start + _BATCH]
            x = np.zeros((len(some), inks[some[0]].shape[0], width, 1), np.float32)
            for place, row in enumerate(some):
                x[place, :, : inks[row].shape[1], 0] = inks[row] * np.float32(1 / 255)
            y = keras.ops.convert_to_numpy(model(x, training=False))[:, 0]
            for place, row in enumerate(some):
                outputs[row] = y[place]
    return [o for o in outputs if o is not None]


def greedy_text(output: F32, design: Design, only_digits: bool) -> str:
    """Return the best path, collapsed (Graves et al. 2006, section 3.2); separators folded into blank where asked."""
    n_symbols = len(design.symbols)
    logits = output[:, :n_symbols].astype(np.float64)
    if only_digits:
        rest = np.logaddexp.reduce(logits[:, 10:], axis=1)
        logits = np.column_stack([logits[:, :10], rest])
    best = logits.argmax(axis=1)
    blank = logits.shape[1] - 1
    starts = np.flatnonzero((best != blank) & (best != np.concatenate([[blank], best[:-1]])))
    return "".join(design.symbols[c] for c in best[starts])


def strip_validation(design: Design, strips: dict[str, list[LabelledStrip]]) -> Callable[[keras.Model], dict[str, float]]:
    """Return a function that gives the share of whole strings right, per source; the score is their mean."""
    inks = {name: [normalize_strip(s.picture).ink for s in rows] for name, rows in strips.items()}

    def validate(model: keras.Model) -> dict[str, float]:
        figures = {}
        for name, rows in strips.items():
            outputs = float_outputs(model, inks[name], [padded_width(i, design) for i in inks[name]])
            right = [greedy_text(o, design, not s.has_separators) == s.text for o, s in zip(outputs, rows, strict=True)]
            figures[name] = float(np.mean(right))
        return {"score": float(np.mean(list(figures.values()))), **figures}

    return validate


def digit_validation(pool: DigitPool) -> Callable[[keras.Model], dict[str, float]]:
    """Return a function that gives the share of digits right, per source, judged as the reader does; MNIST counts for half of the score."""
    inks = [normalize_digit(p) for p in pool.pictures]
    widths = [STRIP_HEIGHT_PX] * len(inks)

    def validate(model: keras.Model) -> dict[str, float]:
        logits = np.array([o[0] for o in float_outputs(model, inks, widths)], np.float64)
        no_digit = np.exp(logits[:, -1] - np.logaddexp.reduce(logits, axis=1)) > REJECT_DIGIT_ABOVE
        found: NDArray[np.int64] = np.where(no_digit, NOT_A_DIGIT, logits[:, :NOT_A_DIGIT].argmax(axis=1))
        right = found == pool.labels
        figures = {str(s): float(right[pool.sources == s].mean()) for s in sorted(set(pool.sources))}
        return {"score": 0.5 * figures.get("mnist", 0.0) + 0.5 * float(np.mean(list(figures.values()))), **figures}

    return validate
