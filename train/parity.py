"""The int8 networks against their float twins: the same weights, the same strips, the same decoding and thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from edge.datatypes import Lattice, Strip
from edge.pipeline import Reader
from edge.recognize.bundle import Bundle
from edge.recognize.card import NetworkCard
from edge.recognize.network import lattice_of
from edge.recognize.tensor import padded_width
from train.evaluate import frame_of, is_right, tasks
from train.fit import load_weights
from train.networks import DESIGNS


class FloatNetwork:
    """A float network in the place of its int8 twin; same padding, same card."""

    def __init__(self, model: keras.Model, card: NetworkCard) -> None:
        self._model, self._card = model, card

    @property
    def card(self) -> NetworkCard:
        return self._card

    def read(self, strip: Strip) -> Lattice:
        x = np.zeros((1, *strip.ink.shape, 1), np.float32)
        x[0, ..., 0] = strip.ink * np.float32(1 / 255)
        padding = padded_width(strip.ink.shape[1], self._card.input) - strip.ink.shape[1]
        answers = keras.ops.convert_to_numpy(self._model(np.pad(x, ((0, 0), (0, 0), (0, padding), (0, 0))), training=False))
        return lattice_of(answers[0, 0], strip, self._card)


@dataclass(frozen=True, slots=True)
class Parity:
    """What changed between float and int8 on one set; counts of strips."""

    name: str
    n: int
    n_right_float: int
    n_right_int8: int
    n_changed_texts: int
    n_changed_verdicts: int


def compare(bundle: Bundle, runs: Mapping[str, Path], folder: Path) -> list[Parity]:
    """Read everything that measures with both twins; ``runs`` names the run folders of the networks that read strips."""
    twins = {}
    for name in ("strip", "date", "micr"):
        model = DESIGNS[name].build()
        load_weights(model, runs[name] / "weights.npz")
        twins[name] = FloatNetwork(model, bundle.card.networks[name])
    int8, real = Reader(bundle), Reader(bundle, networks=twins)
    found = []
    for name, kind, currency, strips in tasks(folder, "measure"):
        pairs = [
            (int8.read_strip(f, kind, currency), real.read_strip(f, kind, currency)) for f in map(frame_of, (s.picture for s in strips))
        ]
        found.append(
            Parity(
                name,
                len(strips),
                sum(is_right(b, s, kind, currency) for (_, b), s in zip(pairs, strips, strict=True)),
                sum(is_right(a, s, kind, currency) for (a, _), s in zip(pairs, strips, strict=True)),
                sum(a.text != b.text for a, b in pairs),
                sum(a.verdict != b.verdict for a, b in pairs),
            )
        )
    return found
