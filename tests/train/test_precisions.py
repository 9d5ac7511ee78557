import keras
import numpy as np
import pytest

from edge.datatypes import Strip
from edge.recognize.bundle import read_bundle
from train.networks import DESIGNS
from train.precisions import PRECISIONS, AnyPrecision, Precision, convert

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(3)
    return DESIGNS["micr"].build()


@pytest.fixture(scope="module")
def pieces() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [np.where(rng.random((1, 32, 128, 1)) < 0.2, 1, 0).astype(np.float32) for _ in range(4)]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_each_precision_answers_nearly_as_the_float_network(model: keras.Model, pieces: list[np.ndarray], precision: Precision) -> None:
    wanted = np.asarray(model(pieces[0], training=False))
    found = AnyPrecision(convert(model, precision, pieces), read_bundle().card.networks["micr"]).run(pieces[0])
    assert found.shape == wanted.shape
    share = {"float32": 1e-4, "float16": 0.01}.get(precision, 0.2)
    assert np.abs(found - wanted).max() < share * np.abs(wanted).max()


def test_fewer_bits_take_fewer_bytes(model: keras.Model, pieces: list[np.ndarray]) -> None:
    float32, float16, int8 = (len(convert(model, p, pieces)) for p in ("float32", "float16", "int8"))
    assert int8 < 0.7 * float16 < 0.5 * float32


def test_a_strip_of_any_width_gives_a_column_for_its_share_of_pixels(model: keras.Model, pieces: list[np.ndarray]) -> None:
    network = AnyPrecision(convert(model, "int8", pieces), read_bundle().card.networks["micr"])
    for width in (70, 300):
        assert network.read(Strip(np.zeros((32, width), np.uint8), np.eye(3))).log_probs.shape[0] == -(-width // 4)
