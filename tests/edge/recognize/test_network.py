import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edge.datatypes import Strip
from edge.errors import BundleError, ConfigError, MissingDependencyError
from edge.recognize.bundle import Bundle, read_bundle
from edge.recognize.interpreter import Int8Model, choose_runtime
from edge.recognize.network import DigitNetwork, StripNetwork

BUNDLE = read_bundle()


def strip(width: int, seed: int = 0) -> Strip:
    ink = (np.random.default_rng(seed).random((32, width)) ** 4 * 255).astype(np.uint8)
    return Strip(ink, np.eye(3))


def with_network(name: str, **changes: object) -> Bundle:
    card = BUNDLE.card.networks[name]
    networks = {**BUNDLE.card.networks, name: replace(card, **changes)}  # type: ignore[arg-type]
    return replace(BUNDLE, card=replace(BUNDLE.card, networks=networks))


@pytest.mark.parametrize("width", [3, 64, 65, 300])
def test_each_row_of_a_lattice_is_a_distribution_and_padding_is_left_out(width: int) -> None:
    lattice = StripNetwork(BUNDLE, "strip").read(strip(width))
    assert len(lattice.log_probs) == -(-width // BUNDLE.card.networks["strip"].column_px)
    np.testing.assert_allclose(np.exp(lattice.log_probs).sum(axis=1), 1, atol=1e-5)
    assert lattice.extents is not None


def test_more_widths_than_are_kept_give_the_answers_of_a_network_of_their_own() -> None:
    network = StripNetwork(BUNDLE, "strip")
    for width in (40, 700, 96, 40, 350, 96, 700, 33):
        answered = network.read(strip(width)).log_probs
        np.testing.assert_array_equal(answered, StripNetwork(BUNDLE, "strip").read(strip(width)).log_probs)


def test_digits_are_classified_in_one_batch_as_one_by_one() -> None:
    network = DigitNetwork(BUNDLE)
    inks = np.stack([strip(32, seed).ink for seed in range(5)])
    together = network.classify(inks)
    assert together.shape == (5, 11)
    np.testing.assert_array_equal(together[3:4], network.classify(inks[3:4]))


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"symbols": ("0", "1", "")}, "output's shape"),
        ({"input": replace(BUNDLE.card.networks["strip"].input, height=40)}, "input's shape"),
        ({"input": replace(BUNDLE.card.networks["strip"].input, zero_point=0)}, "scale and zero point"),
        ({"output": replace(BUNDLE.card.networks["strip"].output, scale=9.0)}, "scale and zero point"),
    ],
)
def test_a_model_that_does_not_fit_its_card_is_refused(changes: dict[str, object], wrong: str) -> None:
    with pytest.raises(BundleError, match=wrong):
        StripNetwork(with_network("strip", **changes), "strip")


def test_a_bundle_without_the_network_says_which_it_has() -> None:
    with pytest.raises(BundleError, match="only date, digit, fields, micr, page, strip"):
        StripNetwork(BUNDLE, "signature")


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(BundleError, match="refuses the model"):
        Int8Model(b"not a model")


def test_an_unknown_runtime_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="auto, litert, tflite, reference"):
        choose_runtime("onnx")


def test_a_runtime_that_is_not_installed_says_how_to_install_it() -> None:
    if find_spec("tflite_runtime"):
        pytest.skip("tflite-runtime is installed here")
    with pytest.raises(MissingDependencyError, match="pip install tflite-runtime"):
        choose_runtime("tflite")


COMPARE = """
import numpy as np
from edge.datatypes import Strip
from edge.recognize.bundle import read_bundle
from edge.recognize.network import StripNetwork
ink = (np.random.default_rng(0).random((32, 200)) ** 4 * 255).astype(np.uint8)
np.save({path!r}, StripNetwork(read_bundle(), "strip", "tflite")._model(ink[None, ..., None].astype(np.int16).__sub__(128).astype(np.int8)))
"""


def test_tflite_runtime_gives_nearly_the_same_codes(tmp_path: Path) -> None:
    if not find_spec("tflite_runtime"):
        pytest.skip("tflite-runtime has no wheel for this Python")
    # In a process of its own: it cannot live beside TensorFlow, which other tests import.
    path = str(tmp_path / "codes.npy")
    done = subprocess.run([sys.executable, "-c", COMPARE.format(path=path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    codes = (strip(200).ink[None, ..., None].astype(np.int16) - 128).astype(np.int8)
    ours = Int8Model(BUNDLE.models["strip"], "litert")(codes)
    assert np.abs(np.load(path).astype(int) - ours).max() <= 4
