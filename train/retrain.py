"""Train a released network again from several seeds: how far would other weights of the same recipe be from the released ones?"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import keras
import numpy as np

from edge.recognize.bundle import Bundle
from edge.recognize.interpreter import Int8Model
from train.calibration import calibration_pictures
from train.fit import FitConfig, fit
from train.golden import golden_inputs
from train.networks import NetworkName
from train.quantize import quantize, released_model
from train.recipes import recipe


@dataclass(frozen=True, slots=True)
class Retrained:
    """One network trained from one seed (None: the released weights); ``other_answers`` is the share of columns or cells of the golden
    set that its int8 model answers otherwise than the bundle's."""

    network: str
    seed: int | None
    figures: dict[str, float]
    other_answers: float
    seconds: float


def retrain(
    bundle: Bundle,
    network: NetworkName,
    released: Path,
    runs: Path,
    data: Path,
    seeds: Sequence[int],
    epochs: int | None = None,
    batches: int | None = None,
) -> Iterator[Retrained]:
    """Yield the released weights' figures on the validation strips, then those of each seed, trained from scratch into ``runs``.

    The released weights may be the end of several phases, each of which started from the one before; here one phase does it all.
    """
    stored = json.loads((released / network / "config.json").read_text())
    config = FitConfig(**{f.name: stored[f.name] for f in fields(FitConfig) if f.name in stored})
    config = replace(config, start_from=None, epochs=epochs or config.epochs, batches_per_epoch=batches or config.batches_per_epoch)
    design, model = released_model(released / network)
    calibration = calibration_pictures(network)
    inputs = golden_inputs({network: bundle.card.networks[network]})[network]
    wanted = [codes[..., : len(design.symbols)].argmax(axis=-1) for codes in map(Int8Model(bundle.models[network], "litert"), inputs)]

    def judged(model: keras.Model, seed: int | None, seconds: float) -> Retrained:
        figures = recipe(config, data).validate(model)
        int8 = Int8Model(quantize(model, design, calibration), "litert")
        found = [int8(codes)[..., : len(design.symbols)].argmax(axis=-1) for codes in inputs]
        other = float(np.mean(np.concatenate([(a != b).ravel() for a, b in zip(found, wanted, strict=True)])))
        return Retrained(network, seed, figures, other, seconds)

    yield judged(model, None, 0.0)
    for seed in seeds:
        own, started = replace(config, seed=seed), time.monotonic()
        made = recipe(own, data)
        fit(own, runs / f"{network}-{seed}", made.batches, made.validate)
        yield judged(released_model(runs / f"{network}-{seed}")[1], seed, time.monotonic() - started)


def spread(values: Sequence[float]) -> str:
    """Return a distribution in words: mean, standard deviation (of the sample), least and most."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return f"mean {np.mean(values):.4f}, standard deviation {deviation:.4f}, from {min(values):.4f} to {max(values):.4f} (n={len(values)})"
