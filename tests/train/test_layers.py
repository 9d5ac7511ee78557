"""Each operator of an int8 model is paired with the layer that it was made from; a model of another network is refused."""

import numpy as np
import pytest

from edge.recognize.bundle import read_bundle
from edge.recognize.interpreter import Int8Model
from edge.recognize.tensor import codes_of_levels
from train.calibration import calibration_pictures
from train.layers import Twins
from train.networks import DESIGNS
from train.quantization_cli import RELEASED
from train.quantize import released_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def test_both_twins_run_side_by_side_layer_after_layer() -> None:
    bundle = read_bundle()
    card = bundle.card.networks["digit"]
    twins = Twins(released_model(RELEASED / "digit")[1], bundle.models["digit"], card.input)
    shown = np.stack(calibration_pictures("digit", 3))[..., None]
    (batch,) = twins.run(list(shown))
    assert [a.real.shape for a in batch] == [a.codes.shape for a in batch]
    last = batch[-1]
    wanted = Int8Model(bundle.models["digit"], "reference")(codes_of_levels(card.input)[shown])
    np.testing.assert_array_equal(last.codes, wanted)
    real = last.scale * (last.codes.astype(float) - last.zero_point)
    assert np.abs(real - last.real).max() < 0.1 * np.abs(last.real).max()


def test_a_model_of_another_network_is_refused() -> None:
    bundle = read_bundle()
    with pytest.raises(ValueError, match="made from another design"):
        Twins(DESIGNS["micr"].build(), bundle.models["digit"], bundle.card.networks["digit"].input)
