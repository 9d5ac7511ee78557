"""A calibration set is judged by what it leaves out: with layers and figures."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from edge.recognize.card import InputContract
from train.calibration import CalibrationSet, calibration_pictures, folder_sets, unseen_pictures
from train.coverage import LEAST_DIFFERENT, Coverage, hash_of, measure_coverage, measure_layers
from train.layers import Twins
from train.networks import DESIGNS
from train.quantization_cli import RELEASED
from train.quantize import SHAPES, network_card, pieces, quantize, released_model
from train.ranges import ranges_of, with_ranges

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def digit() -> tuple[keras.Model, list[np.ndarray], list[np.ndarray]]:
    """The smallest released network, the generator's calibration pictures for it, and unseen ones."""
    return released_model(RELEASED / "digit")[1], calibration_pictures("digit"), unseen_pictures("digit")


def covered_by(pictures: list[np.ndarray], digit: Any) -> Coverage:
    model, _, unseen = digit
    return measure_coverage(DESIGNS["digit"], model, quantize(model, DESIGNS["digit"], pictures), pictures, unseen)


def test_the_generators_set_is_wide_enough_and_every_layer_has_its_figure(digit: Any) -> None:
    covered = covered_by(digit[1], digit)
    assert covered.reasons() == []
    # Digits too faint to be told from their paper come out bare, and bare ones are all the same.
    n_bare = sum(not picture.any() for picture in digit[1])
    assert covered.n == len(digit[1])
    assert covered.n_different == covered.n - max(0, n_bare - 1)
    assert [f.layer.index for f in covered.layers] == list(range(len(covered.layers)))
    assert all(f.sqnr_db > 20 for f in covered.layers)
    assert covered.layers[0].layer.operator == "CONV_2D"
    json.dumps(covered.on_card(), allow_nan=False)


def test_one_picture_repeated_is_refused_with_layers_and_figures(digit: Any) -> None:
    full = next(p for p in digit[1] if p.max() == 255 and p.min() == 0)
    reasons = covered_by([full] * 100, digit).reasons()
    assert any(f"only 1 different ones (at least {LEAST_DIFFERENT})" in r for r in reasons)
    assert any("(CONV_2D, layer conv2d" in r and "% of the activations lie beyond the range" in r for r in reasons)
    assert all(r.startswith("digit: ") for r in reasons)


def test_only_bright_pictures_are_refused(digit: Any) -> None:
    bright = sorted(digit[1], key=lambda p: float(p.mean()))[: len(digit[1]) // 5]
    assert any("of unseen pictures are darker or brighter" in r for r in covered_by(bright, digit).reasons())


def test_saturation_follows_from_what_lies_beyond(digit: Any) -> None:
    full = next(p for p in digit[1] if p.max() == 255 and p.min() == 0)
    narrow, wide = covered_by([full] * 100, digit), covered_by(digit[1], digit)
    assert max(f.saturated for f in narrow.layers) > 10 * max(f.saturated for f in wide.layers)
    assert all(f.saturated >= f.beyond * 0.5 for f in narrow.layers if f.beyond > 0.01)


def write(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def test_a_folder_of_ones_own_gives_a_set_for_each_network_that_has_a_folder(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for index in range(3):
        write(tmp_path / "digit" / f"{index}.png", (255 - 255 * (rng.random((20, 14)) > 0.8)).astype(np.uint8))
        write(tmp_path / "strip" / f"{index}.png", (255 - 255 * (rng.random((40, 90)) > 0.9)).astype(np.uint8))
    sets = folder_sets(tmp_path)
    assert sorted(sets) == ["digit", "strip"]
    assert isinstance(sets["digit"], CalibrationSet)
    assert [p.shape for p in sets["digit"].pictures] == [(32, 32)] * 3
    assert {p.shape[0] for p in sets["strip"].pictures} == {32}
    assert sets["strip"].origin == {"folder": tmp_path.name, "n": 3}
    assert hash_of(sets["strip"].pictures) == hash_of(folder_sets(tmp_path)["strip"].pictures) != hash_of(sets["digit"].pictures)


def test_every_unreadable_picture_of_the_folder_is_named(tmp_path: Path) -> None:
    write(tmp_path / "strip" / "good.png", np.zeros((40, 90), np.uint8))
    (tmp_path / "strip" / "cut.png").write_bytes((tmp_path / "strip" / "good.png").read_bytes()[:40])
    (tmp_path / "strip" / "empty.jpg").write_bytes(b"")
    (tmp_path / "digit").mkdir()
    with pytest.raises(ValueError, match="cannot be read") as raised:
        folder_sets(tmp_path)
    said = str(raised.value)
    assert all(name in said for name in ("cut.png", "empty.jpg", "digit: no pictures"))
    assert "good.png" not in said


def test_a_folder_for_no_network_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"put pictures into .*strip"):
        folder_sets(tmp_path)


def test_a_layer_cut_to_a_quarter_of_its_range_is_told_by_its_figures(digit: Any) -> None:
    model, pictures, unseen = digit
    design = DESIGNS["digit"]
    int8 = quantize(model, design, pictures)
    low, high = ranges_of(int8)[0]
    contract = InputContract(**network_card(design, int8)["input"])
    shown = list(pieces(unseen, SHAPES["digit"]))
    cut_model = with_ranges(int8, {0: (low / 4, high / 4)})
    whole, cut = (measure_layers(Twins(model, m, contract), shown, len(design.symbols)) for m in (int8, cut_model))
    assert cut[0].beyond > 0.01 > whole[0].beyond
    assert cut[0].saturated > 0.01 > whole[0].saturated
    assert cut[0].sqnr_db < whole[0].sqnr_db - 10
    assert cut[-1].sqnr_db < whole[-1].sqnr_db
    assert whole[-1].layer.shape == (1, 1, 11)


def test_without_a_picture_there_is_nothing_to_compare_layers_on(digit: Any) -> None:
    model, pictures, _ = digit
    int8 = quantize(model, DESIGNS["digit"], pictures)
    twins = Twins(model, int8, InputContract(**network_card(DESIGNS["digit"], int8)["input"]))
    with pytest.raises(ValueError, match="at least one"):
        measure_layers(twins, [], 11)
