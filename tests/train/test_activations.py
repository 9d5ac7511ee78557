import keras
import numpy as np
import pytest

from train.activations import compare_layers, float_twin, pieces_of
from train.networks import DESIGNS
from train.precisions import convert
from train.ranges import ranges_of, with_ranges

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    return DESIGNS["digit"].build()


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [np.where(rng.random((32, 32)) < 0.2, rng.integers(1, 256, (32, 32)), 0).astype(np.uint8) for _ in range(12)]


@pytest.fixture(scope="module")
def int8(model: keras.Model, pictures: list[np.ndarray]) -> bytes:
    pieces = [picture[None, :, :, None] * np.float32(1 / 255) for picture in pictures]
    return convert(model, "int8", [*pieces, np.ones((1, 32, 32, 1), np.float32)])


def test_what_calibration_saw_lies_within_the_ranges_and_noise_is_little(
    model: keras.Model, int8: bytes, pictures: list[np.ndarray]
) -> None:
    layers = compare_layers(int8, float_twin(model, int8), pieces_of(pictures, int8))
    assert max(layer.beyond for layer in layers) == 0
    assert min(layer.sqnr_db for layer in layers) > 20
    assert layers[-1].shape == (1, 1, 11)


def test_a_layer_cut_to_a_quarter_of_its_range_is_told_by_its_figures(model: keras.Model, int8: bytes, pictures: list[np.ndarray]) -> None:
    low, high = ranges_of(int8)[0]
    twin = float_twin(model, int8)
    whole, cut = (compare_layers(m, twin, pieces_of(pictures, int8)) for m in (int8, with_ranges(int8, {0: (low / 4, high / 4)})))
    assert cut[0].beyond > 0.01 > whole[0].beyond
    assert cut[0].saturated > 0.01 > whole[0].saturated
    assert cut[0].sqnr_db < whole[0].sqnr_db - 10
    assert cut[-1].sqnr_db < whole[-1].sqnr_db


def test_a_wide_picture_gives_pieces_and_a_narrow_rest_is_padded_with_paper(int8: bytes) -> None:
    pieces = list(pieces_of([np.full((32, 40), 255, np.uint8)], int8))
    assert [piece.shape for piece in pieces] == [(1, 32, 32, 1)] * 2
    assert pieces[1][0, :, :8].min() == 1
    assert pieces[1][0, :, 8:].max() == 0


def test_networks_of_other_layers_and_no_pictures_are_refused(model: keras.Model, int8: bytes) -> None:
    other = float_twin(DESIGNS["micr"].build(), convert(DESIGNS["micr"].build(), "int8", [np.ones((1, 32, 64, 1), np.float32)]))
    with pytest.raises(ValueError, match="not twins"):
        compare_layers(int8, other, [])
    with pytest.raises(ValueError, match="at least one"):
        compare_layers(int8, float_twin(model, int8), [])
