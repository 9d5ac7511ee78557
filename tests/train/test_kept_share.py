"""How much of the released weights stays: the least that validation strips allow, or a refusal."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.recognize.bundle import read_bundle
from train.data.sources import MissingDataError, data_folder
from train.fit import load_weights, save_weights
from train.kept_share import SHARES, Kept, choose, keep, mixed
from train.networks import DESIGNS
from train.quantization_cli import RELEASED
from train.quantize import released_model

TODAY = Kept(1.0, 1000, 900, 800, 0.9)


def test_the_least_is_kept_that_forgets_little_and_nothing_beyond_it_is_tried() -> None:
    def candidates() -> Iterator[Kept]:
        yield Kept(0.5, 1000, 894, 820, 0.9)  # fewer are right
        yield Kept(0.6, 1000, 910, 789, 0.96)  # fewer of the right are accepted
        yield Kept(0.7, 1000, 895, 790, 0.95)
        raise AssertionError("one was found already")

    assert [tried.kept for tried in choose(TODAY, candidates())] == [1.0, 0.5, 0.6, 0.7]


def test_where_all_forget_too_much_it_is_refused_with_what_the_last_one_reads() -> None:
    with pytest.raises(ValueError, match=r"90 % of them 895 of 1000 .* right and 789 accepted rightly, instead of 900 and 800"):
        choose(TODAY, [Kept(0.5, 1000, 850, 700, 0.9), Kept(0.9, 1000, 895, 789, 0.97)])


def test_a_network_lies_between_the_two_that_it_is_mixed_of() -> None:
    one, other = [np.array([0.0, 4.0], np.float32)], [np.array([4.0, 8.0], np.float32)]
    np.testing.assert_array_equal(mixed(one, other, 0.75)[0], [1.0, 5.0])
    np.testing.assert_array_equal(mixed(one, other, 1.0)[0], one[0])


def fitted(folder: Path, distance: float) -> Path:
    """Leave a run whose weights lie away from the released ones of the MICR network, towards a network that knows nothing."""
    folder.mkdir()
    shutil.copyfile(RELEASED / "micr/config.json", folder / "config.json")
    released, nothing = released_model(RELEASED / "micr")[1].get_weights(), DESIGNS["micr"].build().get_weights()
    save_weights(folder / "weights.npz", mixed(nothing, released, distance))
    return folder


@pytest.mark.sets
def test_a_run_says_what_it_kept_and_one_that_forgot_all_is_refused(tmp_path: Path) -> None:
    try:
        folder = data_folder(None)
    except MissingDataError as error:
        pytest.skip(str(error))
    released, bundle = RELEASED / "micr", read_bundle()
    near, out = fitted(tmp_path / "near", 0.002), tmp_path / "out"
    tried = keep(near, released, bundle, folder, out)
    assert (tried[0].kept, tried[-1].kept in SHARES) == (1.0, True)
    config = json.loads((out / "config.json").read_text())
    assert config["kept"] == tried[-1].kept == config["shares"][-1]["kept"]
    assert config["design"] == "micr"
    model, wanted = DESIGNS["micr"].build(), mixed(*(released_model(run)[1].get_weights() for run in (released, near)), tried[-1].kept)
    load_weights(model, out / "weights.npz")
    for one, other in zip(model.get_weights(), wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    with pytest.raises(ValueError, match="too much is forgotten whatever is kept"):
        keep(fitted(tmp_path / "far", 1.0), released, bundle, folder, tmp_path / "none")
    assert not (tmp_path / "none").exists()
