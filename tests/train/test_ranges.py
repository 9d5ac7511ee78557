import keras
import numpy as np
import pytest

from train.activations import Activations, float_twin
from train.networks import DESIGNS
from train.precisions import convert
from train.ranges import METHODS, Method, choose_range, quantization_of, ranges_of, sample_activations, with_ranges

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def pieces() -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    return [np.where(rng.random((1, 32, 32, 1)) < 0.2, 1, 0).astype(np.float32) for _ in range(8)]


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(2)
    return DESIGNS["digit"].build()


@pytest.fixture(scope="module")
def int8(model: keras.Model, pieces: list[np.ndarray]) -> bytes:
    return convert(model, "int8", pieces)


def test_its_own_ranges_leave_every_code_of_a_model_as_it_was(int8: bytes, pieces: list[np.ndarray]) -> None:
    again = with_ranges(int8, ranges_of(int8))
    for one, other in zip(Activations(int8).codes(pieces[0]), Activations(again).codes(pieces[0]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_twice_the_range_gives_the_same_real_values_in_half_as_many_codes(int8: bytes, pieces: list[np.ndarray]) -> None:
    wide = with_ranges(int8, {index: (2 * low, 2 * high) for index, (low, high) in ranges_of(int8).items()})
    narrow_run, wide_run = Activations(int8), Activations(wide)
    one, other = narrow_run.codes(pieces[0])[-1], wide_run.codes(pieces[0])[-1]
    assert np.ptp(other.astype(int)) == pytest.approx(np.ptp(one.astype(int)) / 2, abs=4)
    step = (ranges_of(wide)[11][1] - ranges_of(wide)[11][0]) / 255
    assert np.abs(wide_run.real(wide_run.codes(pieces[0]))[-1] - narrow_run.real(narrow_run.codes(pieces[0]))[-1]).max() < 3 * step


def test_the_least_and_largest_value_of_every_layer_are_in_the_sample(model: keras.Model, int8: bytes, pieces: list[np.ndarray]) -> None:
    twin = float_twin(model, int8)
    sampled, seen = sample_activations(twin, pieces), [Activations(twin).codes(piece) for piece in pieces]
    for layer, values in enumerate(sampled):
        assert values.max() == max(float(codes[layer].max()) for codes in seen)
        assert values.min() == min(float(codes[layer].min()) for codes in seen)


@pytest.mark.parametrize("method", METHODS)
def test_every_range_holds_zero_and_nothing_beyond_the_values(method: Method) -> None:
    values = np.random.default_rng(3).normal(2.0, 1.0, 50_000).astype(np.float32)
    low, high = choose_range(values, method)
    assert values.min() <= low <= 0 < high <= values.max()


def test_a_single_outlier_is_cut_by_all_but_min_max() -> None:
    values = np.append(np.random.default_rng(4).random(100_000), 1000.0).astype(np.float32)
    high = {method: choose_range(values, method)[1] for method in METHODS}
    assert high["min-max"] == 1000
    assert high["99.99 %"] < 1.1
    assert high["99.9 %"] < 1.1
    # The search for the least squared error goes no lower than three tenths.
    assert high["mse"] == pytest.approx(1000) or high["mse"] < 1000


def test_zero_is_a_code_of_every_range() -> None:
    for bounds in ((-1.0, 3.0), (0.0, 6.0), (-5.0, 0.0), (1.0, 2.0)):
        scale, zero = quantization_of(bounds)
        assert -128 <= zero <= 127
        assert scale * (127 - zero) >= bounds[1] - scale
