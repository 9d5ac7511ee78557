import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from edge.datatypes import F32
from train.fit import FitConfig, fit, load_weights, save_weights
from train.networks import DESIGNS

CONFIG = FitConfig(design="digit", epochs=2, batches_per_epoch=2, batch_size=4)


class Squares:
    """Digits of a kind: a bright square whose place is its class."""

    def epoch(self, index: int, n_batches: int) -> Iterator[tuple[F32, F32]]:
        rng = np.random.default_rng(index)
        for _ in range(n_batches):
            y = rng.integers(0, 10, 4)
            x = np.zeros((4, 32, 32, 1), np.float32)
            for row, label in enumerate(y):
                x[row, 3 * label : 3 * label + 4] = 1
            yield x, y.astype(np.float32)


class Interrupted(Squares):
    def epoch(self, index: int, n_batches: int) -> Iterator[tuple[F32, F32]]:
        yield from super().epoch(index, 1 if index else n_batches)
        if index:
            raise KeyboardInterrupt


def score(model: keras.Model) -> dict[str, float]:
    return {"score": float(np.abs(keras.ops.convert_to_numpy(model.weights[0])).sum())}


def test_an_interrupted_run_goes_on_and_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = fit(CONFIG, tmp_path / "whole", Squares(), score)
    with pytest.raises(KeyboardInterrupt):
        fit(CONFIG, tmp_path / "halves", Interrupted(), score)
    resumed = fit(CONFIG, tmp_path / "halves", Squares(), score)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_leaves_config_metrics_curve_and_weights(tmp_path: Path) -> None:
    fit(CONFIG, tmp_path, Squares(), score)
    assert json.loads((tmp_path / "config.json").read_text())["seed"] == CONFIG.seed
    rows = list(csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert (tmp_path / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    load_weights(DESIGNS["digit"].build(), tmp_path / "weights.npz")
    with pytest.raises(ValueError, match="another network"):
        load_weights(DESIGNS["micr"].build(), tmp_path / "weights.npz")


def test_a_folder_with_another_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="another run"):
        fit(CONFIG, tmp_path, Squares(), score)


def test_weights_that_are_no_numbers_are_refused_with_their_layer(tmp_path: Path) -> None:
    model = DESIGNS["digit"].build()
    arrays = [np.asarray(w) for w in model.get_weights()]
    arrays[0] = arrays[0].copy()
    arrays[0].flat[5] = np.nan
    save_weights(tmp_path / "weights.npz", arrays)
    with pytest.raises(ValueError, match=r"1 of 144 weights of conv2d\w*/kernel \(array w0\) are not numbers"):
        load_weights(model, tmp_path / "weights.npz")


def test_a_damaged_file_of_weights_is_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "weights.npz", [np.zeros(3, np.float32)])
    whole = (tmp_path / "weights.npz").read_bytes()
    (tmp_path / "weights.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="damaged or no file of weights"):
        load_weights(DESIGNS["digit"].build(), tmp_path / "weights.npz")


def test_a_run_that_takes_the_last_epoch_does_so_though_an_earlier_one_was_better(tmp_path: Path) -> None:
    scores = iter([0.9, 0.1])
    last = fit(replace(CONFIG, takes_last=True), tmp_path / "last", Squares(), lambda _: {"score": next(scores)})
    scores = iter([0.1, 0.9])
    best = fit(CONFIG, tmp_path / "best", Squares(), lambda _: {"score": next(scores)})
    for one, other in zip(last.get_weights(), best.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_of_before_there_were_corrections_goes_on_and_other_corrections_are_another_run(tmp_path: Path) -> None:
    fit(CONFIG, tmp_path, Squares(), score)
    config = tmp_path / "config.json"
    kept = {k: v for k, v in json.loads(config.read_text()).items() if k not in ("n_corrected", "corrected_sha256", "takes_last")}
    config.write_text(json.dumps(kept))
    fit(CONFIG, tmp_path, Squares(), score)
    with pytest.raises(ValueError, match=r"differs in corrected_sha256, n_corrected"):
        fit(replace(CONFIG, n_corrected=3, corrected_sha256="ab"), tmp_path, Squares(), score)
