import numpy as np
import pytest

from edge.datatypes import Strip
from edge.recognize.bundle import parse_bundle, write_bundle
from edge.recognize.network import StripNetwork
from train.networks import DESIGNS
from train.quantize import network_card, pieces, quantize
from train.validate import float_outputs

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def inks() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(rng.random((32, 512)) ** 6 * 256).clip(0, 255).astype(np.uint8) for _ in range(8)]


def test_an_int8_network_answers_nearly_as_its_float_twin_and_fits_its_card(inks: list[np.ndarray]) -> None:
    design = DESIGNS["micr"]
    model = design.build()
    full = [np.where(ink > 200, 255, ink).astype(np.uint8) for ink in inks]
    data = quantize(model, design, full)
    card = {"format": 1, "version": "0", "networks": {"micr": network_card(design, data)}, "thresholds": {}}
    network = StripNetwork(parse_bundle(write_bundle(card, {"models/micr.tflite": data}), "test"), "micr", "litert")
    lattice = network.read(Strip(full[0], np.eye(3)))
    logits = float_outputs(model, full[:1], [512])[0][:, : len(design.symbols)].astype(np.float64)
    wanted = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    assert np.abs(lattice.log_probs - wanted).max() < 0.25 * np.abs(logits).max()
    assert network.card.input.scale == pytest.approx(1 / 255)


def test_a_calibration_set_without_full_ink_is_refused(inks: list[np.ndarray]) -> None:
    pale = [np.minimum(ink, 100).astype(np.uint8) for ink in inks]
    with pytest.raises(ValueError, match="full ink"):
        quantize(DESIGNS["micr"].build(), DESIGNS["micr"], pale)


def test_a_wide_picture_gives_pieces_and_a_narrow_rest_is_padded_with_paper() -> None:
    shown = list(pieces([np.full((32, 40), 255, np.uint8)], (32, 32, 1)))
    assert [piece.shape for piece in shown] == [(32, 32, 1)] * 2
    assert shown[1][:, :8].min() == 255
    assert shown[1][:, 8:].max() == 0
