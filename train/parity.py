"""The int8 networks against their float twins: the same weights, the same strips, the same decoding and thresholds.

It is the release gate: :func:`refusals` says why a bundle is not packed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from edge.datatypes import F32, STRIP_HEIGHT_PX, Lattice, Reading, Strip
from edge.locate.digit import normalize_digit
from edge.parity import MOST_FLIPPED
from edge.parity import refusals as refusals_of_counts
from edge.pipeline import Kind, Reader
from edge.recognize.bundle import Bundle
from edge.recognize.card import NetworkCard
from edge.recognize.network import DigitNetwork, lattice_of
from edge.recognize.tensor import padded_width
from train.calibration import UNSEEN_SEED, calibration_pictures, unseen_pictures
from train.coverage import LayerFigure, measure_layers
from train.data.sources import LabelledDigits, LabelledStrip, sources_of
from train.evaluate import frame_of, is_right
from train.layers import Twins
from train.networks import NetworkName
from train.parity_sets import Task
from train.quantize import SHAPES, levels_of, pieces, released_model

_MONEY = ("amount", "digits")
_N_DRAWN_DIGITS = 4000


class FloatNetwork:
    """A float network in the place of its int8 twin; same padding, same card."""

    def __init__(self, model: keras.Model, card: NetworkCard) -> None:
        self._card, self._run = card, _compiled(model)

    @property
    def card(self) -> NetworkCard:
        return self._card

    def read(self, strip: Strip) -> Lattice:
        x = np.zeros((1, STRIP_HEIGHT_PX, padded_width(strip.ink.shape[1], self._card.input), 1), np.float32)
        x[0, :, : strip.ink.shape[1], 0] = levels_of(strip.ink)
        return lattice_of(self._run(x)[0, 0], strip, self._card)


def _compiled(model: keras.Model) -> Callable[[F32], F32]:
    """Return one traced graph for strips of any width: layer by layer a strip would take six times as long."""
    import tensorflow as tf

    traced = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec((1, STRIP_HEIGHT_PX, None, 1), tf.float32)])
    return lambda x: np.asarray(traced(x).numpy(), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One strip, read by both twins."""

    strip: LabelledStrip
    kind: Kind
    real: Reading
    int8: Reading
    is_right_real: bool
    is_right_int8: bool

    @property
    def is_flipped(self) -> bool:
        """Return whether an accepted reading says something else with the other twin, whether that one accepts it or not.

        A reading that says the same and only crosses the threshold of its verdict is a changed decision, no flip: the thresholds are
        fitted with the int8 networks, and how many wrong readings either twin accepts is counted by itself.
        """
        return self.real.text != self.int8.text and "accepted" in (self.real.verdict, self.int8.verdict)

    @property
    def n_changed_symbols(self) -> int:
        return _distance(self.real.text or "", self.int8.text or "")

    @property
    def gravity(self) -> tuple[bool, bool, bool, float]:
        """What sorts the worst cases first."""
        changed_text, changed_verdict = self.real.text != self.int8.text, self.real.verdict != self.int8.verdict
        return self.is_flipped, changed_text, changed_verdict, abs(self.real.confidence - self.int8.confidence)


@dataclass(frozen=True, slots=True)
class Parity:
    """What changed between float and int8 on one set; counts of strips, but for ``n_changed_symbols``."""

    name: str
    kind: str
    n: int
    n_right_float: int
    n_right_int8: int
    n_changed_symbols: int
    n_changed_texts: int
    n_changed_verdicts: int
    n_accepted_float: int
    n_accepted_int8: int
    n_wrong_accepted_float: int
    n_wrong_accepted_int8: int
    n_flipped: int


def compare(bundle: Bundle, models: Mapping[str, keras.Model], chosen: Iterable[Task]) -> Iterator[tuple[Parity, list[Case]]]:
    """Read strips with both twins, set after set."""
    twins = {name: FloatNetwork(models[name], bundle.card.networks[name]) for name in ("strip", "date", "micr")}
    int8, real = Reader(bundle), Reader(bundle, networks=twins)
    for name, kind, currency, strips in chosen:
        cases = []
        for strip in strips:
            frame = frame_of(strip.picture)
            one, two = real.read_strip(frame, kind, currency), int8.read_strip(frame, kind, currency)
            cases.append(Case(strip, kind, one, two, *(is_right(r, strip, kind, currency) for r in (one, two))))
        yield _counted(name, kind, cases), cases


def _counted(name: str, kind: Kind, cases: Sequence[Case]) -> Parity:
    return Parity(
        name,
        kind,
        len(cases),
        sum(c.is_right_real for c in cases),
        sum(c.is_right_int8 for c in cases),
        sum(c.n_changed_symbols for c in cases),
        sum(c.real.text != c.int8.text for c in cases),
        sum(c.real.verdict != c.int8.verdict for c in cases),
        sum(c.real.verdict == "accepted" for c in cases),
        sum(c.int8.verdict == "accepted" for c in cases),
        sum(c.real.verdict == "accepted" and not c.is_right_real for c in cases),
        sum(c.int8.verdict == "accepted" and not c.is_right_int8 for c in cases),
        sum(c.is_flipped for c in cases),
    )


def summed(rows: Sequence[Parity], name: str = "all") -> Parity:
    """Return the counts of several sets together."""
    fields = [f for f in Parity.__slots__ if f.startswith("n")][1:]  # all but the name
    return Parity(name, "", **{field: sum(getattr(row, field) for row in rows) for field in fields})


def counts_of(rows: Sequence[Parity]) -> dict[str, int]:
    """Return what goes on the card: the counts of all sets together, and the flips among amounts alone, which decide."""
    counts = {key: value for key, value in asdict(summed(rows)).items() if isinstance(value, int)}
    return {**counts, "n_flipped_amounts": sum(row.n_flipped for row in rows if row.kind in _MONEY)}


def refusals(rows: Sequence[Parity]) -> list[str]:
    """Return why a bundle must not be packed; empty where int8 reads as float does."""
    flipped = [row for row in rows if row.kind in _MONEY and row.n_flipped > MOST_FLIPPED]
    reasons = refusals_of_counts({**counts_of(rows), "n_flipped_amounts": 0})  # which of the sets they are in is said here
    return reasons + [f"{row.name}: {row.n_flipped} accepted amounts of {row.n} flip, none may" for row in flipped]


def compare_digits(bundle: Bundle, model: keras.Model, folder: Path | None) -> tuple[int, int]:
    """Return how many isolated digits have another label, and of how many: MNIST's test set, or as many drawn ones without a folder."""
    sets = [source.load(folder) for source in sources_of("digits_test")] if folder is not None else []
    inks = [normalize_digit(picture) for digits in sets if isinstance(digits, LabelledDigits) for picture in digits.pictures]
    inks = inks or calibration_pictures("digit", _N_DRAWN_DIGITS, UNSEEN_SEED)
    shown = np.stack(inks)
    int8 = DigitNetwork(bundle).classify(shown).argmax(axis=-1)
    real = np.asarray(model.predict(levels_of(shown)[..., None], batch_size=256, verbose=0))[:, 0, 0].argmax(axis=-1)
    return int(np.count_nonzero(int8 != real)), len(inks)


def compare_layers(bundle: Bundle, models: Mapping[NetworkName, keras.Model]) -> Iterator[tuple[NetworkName, list[LayerFigure]]]:
    """Yield each network's layers, float against int8 on pictures that calibration did not see."""
    for name, model in models.items():
        card = bundle.card.networks[name]
        shown = list(pieces(unseen_pictures(name), SHAPES[name]))
        yield name, measure_layers(Twins(model, bundle.models[name], card.input), shown, len(card.symbols))


def losing_layers(figures: Sequence[LayerFigure], most: int = 3) -> list[LayerFigure]:
    """Return the layers at which the signal-to-noise ratio falls most, the worst first; the first, whose input is exact, left out."""
    return sorted((f for f in figures if np.isfinite(f.loss_db) and f.loss_db > 0), key=lambda f: -f.loss_db)[:most]


def load_models(runs: Mapping[NetworkName, Path]) -> dict[NetworkName, keras.Model]:
    """Return the float networks of run folders."""
    return {name: released_model(run)[1] for name, run in runs.items()}


def _distance(one: str, other: str) -> int:
    """Return how many symbols have to be changed, added or left out (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]
