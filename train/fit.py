"""Train one network, resumably: the same run folder goes on from its last epoch, the same seed gives the same batches."""

import csv
import hashlib
import io
import json
import queue
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from edge.datatypes import F32
from train.field_network import FieldLoss
from train.losses import DigitLoss, StripLoss
from train.networks import DESIGNS, Design
from train.page_network import PageLoss

# Weights are averaged every few steps; together about one average over the last thousand steps (Polyak, Juditsky 1992).
_AVERAGE_EVERY_STEPS = 10
_AVERAGE_MOMENTUM = 0.99
_WARM_UP_SHARE = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class FitConfig:
    """What makes a run what it is; stored in the run folder and compared when the run is resumed.

    ``n_corrected`` strips that a site corrected were learned from; ``corrected_sha256`` is the hash of them. ``takes_last``: the last
    epoch is taken, whatever the validation part says, as that holds nothing of what is new.
    """

    design: str
    epochs: int
    batches_per_epoch: int
    batch_size: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    seed: int = 1
    licence: str = "any"
    start_from: str | None = None
    n_corrected: int = 0
    corrected_sha256: str | None = None
    takes_last: bool = False


class Batches(Protocol):
    """Where the training data comes from."""

    def epoch(self, index: int, n_batches: int) -> Iterator[tuple[F32, F32]]: ...


Validate = Callable[[keras.Model], dict[str, float]]
Progress = Callable[[int, int, float], None]


def fit(config: FitConfig, run: Path, batches: Batches, validate: Validate, progress: Progress = lambda *_: None) -> keras.Model:
    """Train into ``run`` and return the averaged network of the best epoch, or the last.

    The folder receives config.json, metrics.csv, learning_curve.png, weights.npz (best averaged weights, in layer order), and
    checkpoint.npz, from which an interrupted run goes on. ``progress`` is told (epoch, batch, loss).

    Raises:
        ValueError: the folder holds a run with another configuration.
    """
    run.mkdir(parents=True, exist_ok=True)
    _claim(run, config)
    keras.utils.set_random_seed(config.seed)
    design = DESIGNS[config.design]
    model = design.build()
    if config.start_from:
        load_weights(model, Path(config.start_from))
    n_steps = config.epochs * config.batches_per_epoch
    rate = keras.optimizers.schedules.CosineDecay(
        config.learning_rate * 0.02,
        n_steps,
        warmup_target=config.learning_rate,
        warmup_steps=max(1, int(n_steps * _WARM_UP_SHARE)),
        alpha=0.01,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, clipnorm=1.0)
    loss = _loss_of(design)
    model.compile(optimizer, loss, jit_compile=keras.backend.backend() == "jax")
    optimizer.build(model.trainable_variables)
    averaged, best, first_epoch = _resume(run, model, optimizer)
    twin = design.build()
    for epoch in range(first_epoch, config.epochs):
        started, losses = time.monotonic(), []
        for step, (x, y) in enumerate(_ahead(batches.epoch(epoch, config.batches_per_epoch))):
            losses.append(float(model.train_on_batch(x, y)))
            # Keras reports the running mean of an epoch; start afresh so that the curve shows the epoch alone.
            if step % _AVERAGE_EVERY_STEPS == 0:
                averaged = _average(averaged, model.get_weights(), epoch * config.batches_per_epoch + step)
            progress(epoch, step, losses[-1])
        model.reset_metrics()
        twin.set_weights(averaged)
        figures = validate(twin)
        score = figures["score"]
        if score >= best or config.takes_last:
            best = score
            save_weights(run / "weights.npz", twin.get_weights())
        _append(run / "metrics.csv", {"epoch": epoch, "loss": losses[-1], **figures, "seconds": round(time.monotonic() - started, 1)})
        _checkpoint(run, model, optimizer, averaged, best, epoch + 1)
        draw_learning_curve(run)
    load_weights(twin, run / "weights.npz")
    return twin


def _loss_of(design: Design) -> keras.losses.Loss:
    if design.network == "digit":
        return DigitLoss()
    if design.network in ("page", "fields"):
        return PageLoss() if design.network == "page" else FieldLoss()
    return StripLoss(design)


def load_weights(model: keras.Model, path: Path) -> None:
    """Set a network's weights from a file of :func:`save_weights`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, belongs to a network of another shape, or holds what is no number; the layer is named.
    """
    try:
        # From memory: of a damaged file NumPy would leave the handle open.
        with np.load(io.BytesIO(path.read_bytes())) as stored:
            arrays = [stored[f"w{i}"] for i in range(len(stored.files))]
    except (KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} cannot be followed ({error}): it is damaged or no file of weights") from error
    if len(arrays) != len(model.weights):
        raise ValueError(f"{path} holds {len(arrays)} arrays, {model.name} has {len(model.weights)}: weights of another network")
    for index, (array, weight) in enumerate(zip(arrays, model.weights, strict=True)):
        if array.shape != tuple(weight.shape):
            raise ValueError(
                f"{path}: array w{index} has the shape {array.shape}, {weight.path} of {model.name} has "
                f"{tuple(weight.shape)}: weights of another network"
            )
        if not np.isfinite(array).all():
            n_bad = int(np.count_nonzero(~np.isfinite(array)))
            raise ValueError(f"{path}: {n_bad} of {array.size} weights of {weight.path} (array w{index}) are not numbers: train it again")
    model.set_weights(arrays)


def hashes_of_weights(path: Path) -> list[str]:
    """Return a short hash of each array of a file of weights, in their order: what tells which one was changed."""
    with np.load(path) as stored:
        return [hashlib.sha256(stored[f"w{i}"].tobytes()).hexdigest()[:16] for i in range(len(stored.files))]


def save_weights(path: Path, weights: list[F32]) -> None:
    _save_arrays(path, {f"w{i}": np.asarray(w, np.float32) for i, w in enumerate(weights)})


def _claim(run: Path, config: FitConfig) -> None:
    path, wanted = run / "config.json", {**asdict(config), "backend": keras.backend.backend(), "keras": keras.__version__}
    if not path.exists():
        path.write_text(json.dumps(wanted, indent=1) + "\n")
        return
    # A run from before a setting was thought of had its default.
    found = {f.name: f.default for f in fields(FitConfig) if f.default is not MISSING} | json.loads(path.read_text())
    if differing := sorted(k for k in found.keys() | wanted.keys() if found.get(k) != wanted.get(k)):
        raise ValueError(f"{run} holds another run (differs in {', '.join(differing)}): choose another --run folder or delete this one")


def _average(averaged: list[F32] | None, now: list[F32], step: int) -> list[F32]:
    if averaged is None:
        return [w.copy() for w in now]
    # While few steps have been seen the average follows them quickly, so that the random start does not linger.
    momentum = min(_AVERAGE_MOMENTUM, (1 + step / _AVERAGE_EVERY_STEPS) / (10 + step / _AVERAGE_EVERY_STEPS))
    return [momentum * a + (1 - momentum) * w for a, w in zip(averaged, now, strict=True)]


def _ahead(batches: Iterator[tuple[F32, F32]], depth: int = 6) -> Iterator[tuple[F32, F32]]:
    """Make batches in a thread while the network trains; errors of the thread are raised here."""
    waiting: queue.Queue[tuple[F32, F32] | BaseException | None] = queue.Queue(depth)

    def make() -> None:
        try:
            for batch in batches:
                waiting.put(batch)
            waiting.put(None)
        except BaseException as error:  # noqa: BLE001 -- carried over to the training thread and raised there
            waiting.put(error)

    threading.Thread(target=make, daemon=True).start()
    while (item := waiting.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


def _checkpoint(run: Path, model: keras.Model, optimizer: Any, averaged: list[F32], best: float, next_epoch: int) -> None:
    # All variables, not the weights alone: the seeds of dropout go on where they were.
    arrays = {f"m{i}": keras.ops.convert_to_numpy(v.value) for i, v in enumerate(model.variables)}
    arrays |= {f"o{i}": keras.ops.convert_to_numpy(v.value) for i, v in enumerate(optimizer.variables)}
    arrays |= {f"a{i}": a for i, a in enumerate(averaged)}
    _save_arrays(run / "checkpoint.npz", arrays | {"next_epoch": np.array(next_epoch), "best": np.array(best)})


def _resume(run: Path, model: keras.Model, optimizer: Any) -> tuple[list[F32] | None, float, int]:
    path = run / "checkpoint.npz"
    if not path.exists():
        return None, -1.0, 0
    with np.load(path) as stored:
        for i, variable in enumerate(model.variables):
            variable.assign(stored[f"m{i}"])
        for i, variable in enumerate(optimizer.variables):
            variable.assign(stored[f"o{i}"])
        averaged = [stored[f"a{i}"] for i in range(len(model.weights))]
        return averaged, float(stored["best"]), int(stored["next_epoch"])


def _save_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Write to a neighbour first: whoever kills the run finds the old file or the new one, never half of one."""
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        np.savez(file, **arrays)
    beside.replace(path)


def _append(path: Path, row: dict[str, float]) -> None:
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def draw_learning_curve(run: Path) -> None:
    """Draw loss and validation figures over the epochs into learning_curve.png."""
    from matplotlib.figure import Figure

    rows = list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))
    figure = Figure(figsize=(8, 4), layout="constrained")
    left = figure.add_subplot()
    epochs = [int(r["epoch"]) for r in rows]
    left.plot(epochs, [float(r["loss"]) for r in rows], color="grey", label="loss")
    left.set_xlabel("epoch")
    left.set_ylabel("training loss")
    right = left.twinx()
    for name in rows[0]:
        if name not in ("epoch", "loss", "seconds"):
            right.plot(epochs, [float(r[name]) for r in rows], label=name)
    right.set_ylabel("share right (validation part)")
    figure.legend(loc="outside lower center", ncols=4)
    figure.savefig(run / "learning_curve.png", dpi=110)
