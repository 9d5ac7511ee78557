"""What each way to integers costs and gains: every recipe and precision of one network, measured on the same strips."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from edge.datatypes import F32, Reading
from edge.locate.digit import normalize_digit
from edge.pipeline import Kind, Reader
from edge.recognize.bundle import Bundle
from train.activations import float_twin
from train.calibration import calibration_pictures
from train.data.paper import photograph, security_papers
from train.data.sources import LabelledDigits, LabelledStrip, sources_of
from train.data.strips import drawn_strip, printed_strip
from train.evaluate import frame_of, is_right, tasks
from train.fit import load_weights
from train.networks import DESIGNS, NetworkName
from train.precisions import AnyPrecision, Precision, convert
from train.quantization_aware import fine_tune
from train.quantize import SHAPES, levels_of, pieces
from train.ranges import METHODS, choose_range, sample_activations, with_ranges

# As no training run and no calibration draws them.
_GENERATED_SEED = (2611, 77)
_QAT_EPOCHS, _QAT_RATE = 4, 1e-4
# Kinds that one network reads; amounts of ORAND are the same strips as its digits.
_READS: dict[str, tuple[Kind, ...]] = {"strip": ("digits", "amount"), "micr": ("micr",)}
_LEFT_OUT = "orand_car_a/amount"

Trial = tuple[str, Kind, str, list[LabelledStrip]]
Said = list[list[Reading]]


@dataclass(frozen=True, slots=True)
class Score:
    """How a variant of a network reads: counts of strips, or of digits; ``changed`` against float32."""

    n: int
    n_right: int
    n_changed: int
    n_other_verdicts: int


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One network with its float weights, the int8 model that was released, and what it is calibrated with."""

    network: NetworkName
    model: keras.Model
    bundle: Bundle

    @property
    def released(self) -> bytes:
        return self.bundle.models[self.network]

    def pieces(self, seed: int) -> list[F32]:
        shown = pieces(calibration_pictures(self.network, seed=seed), SHAPES[self.network])
        return [levels_of(piece)[None] for piece in shown]


def subject(network: NetworkName, design: str, bundle: Bundle, run: Path) -> Subject:
    """Return a network of the bundle with the float weights that it was quantized from."""
    model = DESIGNS[design].build()
    load_weights(model, run / "weights.npz")
    return Subject(network, model, bundle)


def precision_variants(of: Subject, seed: int, precisions: Sequence[Precision]) -> Iterator[tuple[str, bytes]]:
    """Yield (precision, model) for each precision of the converter."""
    pieces = of.pieces(seed)
    for precision in precisions:
        yield precision, convert(of.model, precision, pieces)


def range_variants(of: Subject, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield (recipe, int8 model) for each way to choose the activations' ranges and for weights per tensor."""
    pieces = of.pieces(seed)
    per_channel = convert(of.model, "int8", pieces)
    samples = sample_activations(float_twin(of.model, per_channel), pieces)
    for method in METHODS:
        ranges = {index: choose_range(values, method) for index, values in enumerate(samples)}
        yield f"{method}, per channel", per_channel if method == "min-max" else with_ranges(per_channel, ranges)
    yield "min-max, per tensor", convert(of.model, "int8 per tensor", pieces)


def trained_variant(of: Subject, seed: int, calibration_seed: int) -> bytes:
    """Return an int8 model after quantization-aware training; ``seed`` orders its batches."""
    pieces = of.pieces(calibration_seed)
    samples = sample_activations(float_twin(of.model, of.released), pieces)
    ranges = {index: choose_range(values, "min-max") for index, values in enumerate(samples)}
    trained = fine_tune(of.model, ranges, np.concatenate(pieces), _QAT_EPOCHS, _QAT_RATE, seed)
    return with_ranges(convert(trained, "int8", pieces), ranges)


def generated_strips(n: int) -> list[LabelledStrip]:
    """Return strips of our own generator, as digits: hands and machines in turn, seen by a camera."""
    rng = np.random.default_rng(_GENERATED_SEED)
    papers = security_papers(40, rng)
    draws = (drawn_strip(papers), printed_strip(papers))
    strips: list[LabelledStrip] = []
    while len(strips) < n:
        drawn = draws[len(strips) % 2](rng)
        text = "".join(c for c in drawn.text if c.isdigit())
        if drawn.picture.shape[1] < 20 * drawn.picture.shape[0]:
            strips.append(LabelledStrip(photograph(drawn.picture, rng), text, "generated", str(len(strips)), str(len(strips)), None, False))
    return strips


def trials_of(network: NetworkName, folder: Path | None, n_generated: int) -> list[Trial]:
    """Return what a network that reads strips is measured on: the measuring parts where there are sets, and strips of the generator."""
    found: list[Trial] = []
    if folder is not None:
        found = [t for t in tasks(folder, "measure") if t[1] in _READS[network] and t[0] != _LEFT_OUT]
    if network == "strip":
        found.append(("generated/digits", "digits", "USD", generated_strips(n_generated)))
    return found


def read_all(of: Subject, model: bytes, tests: Sequence[Trial]) -> Said:
    """Return what a variant reads on every strip of every test."""
    reader = Reader(of.bundle, networks={of.network: AnyPrecision(model, of.bundle.card.networks[of.network])})
    return [[reader.read_strip(frame_of(s.picture), kind, currency) for s in strips] for _, kind, currency, strips in tests]


def score(tests: Sequence[Trial], said: Said, by_float: Said) -> dict[str, Score]:
    """Return the score of a variant on each test and on all together."""
    scores = {}
    for (name, kind, currency, strips), own, other in zip(tests, said, by_float, strict=True):
        pairs = list(zip(own, other, strict=True))
        scores[name] = Score(
            len(strips),
            sum(is_right(r, s, kind, currency) for r, s in zip(own, strips, strict=True)),
            sum(a.text != b.text for a, b in pairs),
            sum(a.verdict != b.verdict for a, b in pairs),
        )
    rows = list(scores.values())
    columns = ("n", "n_right", "n_changed", "n_other_verdicts")
    return {**scores, "all": Score(*(sum(getattr(r, column) for r in rows) for column in columns))}


def digit_classes(of: Subject, folder: Path) -> tuple[Callable[[bytes], F32], F32]:
    """Return a function from a digit model to the digits that it sees in MNIST's test set (one view each), and the labels."""
    (source,) = sources_of("digits_test")
    digits = source.load(folder)
    assert isinstance(digits, LabelledDigits)
    x = np.stack([normalize_digit(d) for d in digits.pictures])[..., None] * np.float32(1 / 255)

    def classes(model: bytes) -> F32:
        network = AnyPrecision(model, of.bundle.card.networks["digit"])
        answers = [network.run(x[start : start + 250])[:, 0, 0, :10].argmax(axis=1) for start in range(0, len(x) // 250 * 250, 250)]
        return np.concatenate(answers).astype(np.float32)

    return classes, digits.labels[: len(x) // 250 * 250].astype(np.float32)


def score_digits(found: F32, labels: F32, by_float: F32) -> Score:
    return Score(len(labels), int((found == labels).sum()), int((found != by_float).sum()), 0)
