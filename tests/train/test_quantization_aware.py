import keras
import numpy as np
import pytest
from keras import layers, ops

from train.networks import DESIGNS
from train.quantization_aware import FakeQuant, fake_quantized_weights, fine_tune, folded

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def shaken(name: str) -> keras.Model:
    """A network whose batch normalization has something to fold."""
    keras.utils.set_random_seed(5)
    model, rng = DESIGNS[name].build(), np.random.default_rng(5)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return model


@pytest.mark.parametrize("name", ["digit", "strip-coarse"])
def test_folding_the_normalization_changes_no_answer(name: str) -> None:
    model = shaken(name)
    x = np.random.default_rng(6).random((2, 32, 32 if name == "digit" else 64, 1), np.float32)
    one, other = (np.asarray(m(x, training=False)) for m in (model, folded(model)))
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * np.abs(one).max())


def test_weights_lie_on_an_int8_grid_of_their_own_channel() -> None:
    kernel = np.random.default_rng(7).normal(size=(3, 3, 4, 5)).astype(np.float32)
    rounded = np.asarray(fake_quantized_weights(ops.convert_to_tensor(kernel), -1))
    scale = np.abs(kernel).max(axis=(0, 1, 2)) / 127
    np.testing.assert_allclose(rounded / scale, np.round(kernel / scale), atol=1e-3)


def test_an_activation_is_rounded_and_cut_and_its_gradient_passes_only_within_the_range() -> None:
    import tensorflow as tf

    layer = FakeQuant((0.0, 2.55))
    x = tf.Variable([0.004, 1.0, 9.0])
    with tf.GradientTape() as tape:
        y = layer(x)
        total = tf.reduce_sum(y)
    np.testing.assert_allclose(np.asarray(y), [0.0, 1.0, 2.55], atol=1e-5)
    np.testing.assert_array_equal(np.asarray(tape.gradient(total, x)), [1, 1, 0])


def test_training_through_int8_brings_the_answers_nearer_to_the_float_ones() -> None:
    model = shaken("digit")
    x = np.random.default_rng(8).random((64, 32, 32, 1), np.float32)
    ranges = dict.fromkeys(range(20), (-4.0, 4.0))  # far too narrow for this network
    wanted = np.asarray(model(x, training=False))
    before = folded(model, ranges)
    tuned = fine_tune(model, ranges, x, 40, 3e-4, 1)
    after = folded(model, ranges)
    after.set_weights(tuned.get_weights())
    errors = [float(np.square(np.asarray(m(x, training=False)) - wanted).mean()) for m in (before, after)]
    assert errors[1] < 0.9 * errors[0]


def test_a_missing_range_is_refused() -> None:
    with pytest.raises(ValueError, match="no range for activation 1"):
        folded(DESIGNS["digit"].build(), {0: (0.0, 1.0)})
