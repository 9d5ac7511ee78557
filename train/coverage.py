"""How well a calibration set covers what a network computes on pictures that calibration did not see, layer by layer.

A range that is too narrow clips: what lies beyond it comes out as its end. Measured are the share of activations beyond the range, how
far they lie beyond it, the codes at the end of the range that result, and the noise that clipping alone adds.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from edge.datatypes import U8
from edge.recognize.card import InputContract
from train.layers import Activations, Layer, Twins
from train.networks import Design
from train.quantize import SHAPES, network_card, pieces, quantize

# What a set is refused for. int8 rounding by itself leaves the answers 28 to 37 dB above their noise (docs/quantization.md); clipping may
# add a third of that at most in any layer, and reach three activations in ten thousand. Rare extremes of an unseen picture stay within.
MOST_BEYOND = 3e-4
MOST_CLIPPED_DB = -42.0
# Share of unseen pictures that may be darker or brighter than every picture of the set.
MOST_OUTSIDE = 0.2
LEAST_DIFFERENT = 16


@dataclass(frozen=True, slots=True)
class LayerFigure:
    """One layer on some pictures; shares in 0..1, noise and signal as mean squares' ratio in decibels.

    ``farthest`` is in widths of the range. ``loss_db`` is what the signal-to-noise ratio loses between the layer's worse input and its
    answer. ``changed`` is the share of columns or cells with another answer, at the last layer; elsewhere None.
    """

    layer: Layer
    n: int
    beyond: float
    farthest: float
    saturated: float
    clipped_db: float
    sqnr_db: float
    loss_db: float
    changed: float | None


@dataclass(slots=True)
class _Sums:
    n: int = 0
    beyond: int = 0
    farthest: float = 0.0
    saturated: int = 0
    signal: float = 0.0
    noise: float = 0.0
    clipped: float = 0.0
    answers: int = 0
    changed: int = 0

    def add(self, seen: Activations, n_symbols: int | None) -> None:
        low, high = seen.layer.limits
        real = seen.real.astype(np.float64)
        # Half a step beyond the last code still rounds to it.
        over = np.maximum(real - high - seen.scale / 2, 0) + np.maximum(low - seen.scale / 2 - real, 0)
        self.n += real.size
        self.beyond += int(np.count_nonzero(over))
        self.farthest = max(self.farthest, float(over.max(initial=0.0)) / (high - low))
        # Where the range starts at zero, the lowest code is what a ReLU gives, not a cut.
        self.saturated += int(np.count_nonzero(seen.codes == 127))
        self.saturated += 0 if seen.zero_point == -128 else int(np.count_nonzero(seen.codes == -128))
        self.signal += float(np.sum(real**2))
        self.noise += float(np.sum((real - seen.scale * (seen.codes.astype(np.float64) - seen.zero_point)) ** 2))
        self.clipped += float(np.sum(over**2))
        if n_symbols is not None:
            differs = real[..., :n_symbols].argmax(axis=-1) != seen.codes[..., :n_symbols].argmax(axis=-1)
            self.answers += differs.size
            self.changed += int(np.count_nonzero(differs))


def measure_layers(twins: Twins, shown: Sequence[U8], n_symbols: int) -> list[LayerFigure]:
    """Return a figure for each layer; ``shown`` are pictures (height, width, channels) of the shape at which the network was converted.

    Raises:
        ValueError: there is nothing to compare the layers on.
    """
    if not len(shown):
        raise ValueError("there is nothing to compare the layers on: give at least one picture")
    sums = [_Sums() for _ in twins.layers]
    last = len(sums) - 1
    for batch in twins.run(shown):
        for place, (kept, seen) in enumerate(zip(sums, batch, strict=True)):
            kept.add(seen, n_symbols if place == last else None)
    figures: list[LayerFigure] = []
    ratios: dict[int, float] = {}
    for layer, kept in zip(twins.layers, sums, strict=True):
        ratio = ratios[layer.tensor] = _decibels(kept.signal, kept.noise)
        # The network's input is exact: a level is a code.
        before = min((ratios[index] for index in layer.takes if index in ratios), default=math.inf)
        figures.append(
            LayerFigure(
                layer,
                kept.n,
                kept.beyond / kept.n,
                kept.farthest,
                kept.saturated / kept.n,
                _decibels(kept.clipped, kept.signal),
                ratio,
                before - ratio,
                kept.changed / kept.answers if kept.answers else None,
            )
        )
    return figures


def _decibels(one: float, other: float) -> float:
    if not one:
        return -math.inf
    return 10 * math.log10(one / other) if other else math.inf


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a set covers; ``outside`` is the share of unseen pictures whose mean level lies outside ``levels``."""

    network: str
    n: int
    n_different: int
    sha256: str
    levels: tuple[float, float]
    outside: float
    layers: tuple[LayerFigure, ...]

    def reasons(self) -> list[str]:
        """Return why the set is too narrow, the worst layers with their figures; empty where it is not."""
        found = []
        if self.n_different < LEAST_DIFFERENT:
            found.append(f"{self.n} pictures, but only {self.n_different} different ones (at least {LEAST_DIFFERENT})")
        if self.outside > MOST_OUTSIDE:
            found.append(
                f"mean levels of {self.levels[0]:.3f} to {self.levels[1]:.3f} only: {100 * self.outside:.0f} % of unseen pictures are "
                f"darker or brighter (at most {100 * MOST_OUTSIDE:.0f} %)"
            )
        found += [_told(layer) for layer in sorted(filter(_is_narrow, self.layers), key=lambda f: -f.beyond)]
        return [f"{self.network}: {reason}" for reason in found]

    def on_card(self) -> dict[str, object]:
        """Return the figures for the bundle's card: the layer with the largest share beyond its range, and the noise of the worst."""
        worst = max(self.layers, key=lambda f: f.beyond)
        return {
            "n": self.n,
            "n_different": self.n_different,
            "sha256": self.sha256,
            "unseen": {
                "beyond": worst.beyond,
                "layer": str(worst.layer),
                "saturated": max(f.saturated for f in self.layers),
                "clipped_db": max(*(f.clipped_db for f in self.layers), -200.0),  # JSON has no infinity
                "outside_levels": self.outside,
            },
        }


def _is_narrow(figure: LayerFigure) -> bool:
    return figure.beyond > MOST_BEYOND or figure.clipped_db > MOST_CLIPPED_DB


def _told(figure: LayerFigure) -> str:
    return (
        f"{figure.layer}: {100 * figure.beyond:.4f} % of the activations lie beyond the range (at most {100 * MOST_BEYOND} %), "
        f"by up to {figure.farthest:.2f} of its width; {100 * figure.saturated:.3f} % of the codes are at its end; "
        f"clipping makes noise of {figure.clipped_db:.1f} dB (at most {MOST_CLIPPED_DB:.0f})"
    )


def measure_coverage(design: Design, model: keras.Model, int8: bytes, calibration: Sequence[U8], unseen: Sequence[U8]) -> Coverage:
    """Measure what the ranges of an int8 model cover on pictures that its calibration did not see."""
    network = design.network
    twins = Twins(model, int8, InputContract(**network_card(design, int8)["input"]))
    levels = [float(p.mean()) / 255 for p in calibration]
    lowest, highest = min(levels), max(levels)
    figures = measure_layers(twins, list(pieces(unseen, SHAPES[network])), len(design.symbols))
    return Coverage(
        network,
        len(calibration),
        len({p.tobytes() for p in calibration}),
        hash_of(calibration),
        (lowest, highest),
        float(np.mean([not lowest <= float(p.mean()) / 255 <= highest for p in unseen])),
        tuple(figures),
    )


def hash_of(pictures: Sequence[U8]) -> str:
    """Return one sha256 over pictures, their sizes and their order."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(repr(picture.shape).encode() + picture.tobytes())
    return digest.hexdigest()


def measure_sizes(
    design: Design, model: keras.Model, pictures: Sequence[U8], sizes: Sequence[int], n_sets: int, unseen: Sequence[U8]
) -> Iterator[Coverage]:
    """Yield the coverage of ``n_sets`` sets of each size, drawn from ``pictures``: how many are enough."""
    for size in sizes:
        for index in range(n_sets):
            rng = np.random.default_rng((size, index))
            chosen = [pictures[int(i)] for i in rng.choice(len(pictures), size, replace=False)]
            # A set that lacks bare paper or full ink gives the input another scale; that is another matter than its size.
            if max(p.max() for p in chosen) < 255 or min(p.min() for p in chosen) > 0:
                chosen[0] = next(p for p in pictures if p.max() == 255 and p.min() == 0)
            keras.backend.clear_session()
            yield measure_coverage(design, model, quantize(model, design, chosen), chosen, unseen)
