"""Quantization-aware training by hand: fake quantization with a straight-through gradient, in keras.ops alone.

Jacob et al. 2018, section 3: batch normalization is folded into the convolutions, weights are rounded per channel and activations to
given ranges in the forward pass, the gradient passes as if they were not (Bengio, Leonard, Courville 2013). What teaches is the float
network itself: its answers on drawn pictures, so that no labelled set is needed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from edge.datatypes import F32
from train.ranges import Range, quantization_of

Tensor = Any
_EPSILON = 1e-9


def fake_quantized(x: Tensor, scale: Tensor, low: float, high: float) -> Tensor:
    """Return x on the grid of ``scale`` within its codes low..high; the gradient is that of the clipping alone."""
    clipped = ops.clip(x, low * scale, high * scale)
    return clipped + ops.stop_gradient(ops.round(clipped / scale) * scale - clipped)


def fake_quantized_weights(kernel: Tensor, axis: int) -> Tensor:
    """Return a kernel as int8 weights per channel along ``axis`` hold it: symmetric, codes -127..127."""
    others = [i for i in range(len(kernel.shape)) if i != axis % len(kernel.shape)]
    scale = ops.stop_gradient(ops.maximum(ops.max(ops.abs(kernel), axis=others, keepdims=True), _EPSILON)) / 127.0
    return fake_quantized(kernel, scale, -127, 127)


class FakeQuant(layers.Layer):
    """An activation as int8 holds it, in a fixed range."""

    def __init__(self, bounds: Range, **given: Any) -> None:
        super().__init__(**given)
        self.scale, zero = quantization_of(bounds)
        self.low, self.high = float(-128 - zero), float(127 - zero)

    def call(self, x: Tensor) -> Tensor:
        return fake_quantized(x, self.scale, self.low, self.high)


class QuantConv2D(layers.Conv2D):
    """A convolution whose weights are rounded as int8 per output channel will round them."""

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        return super().convolution_op(inputs, fake_quantized_weights(kernel, -1))


class QuantDepthwiseConv2D(layers.DepthwiseConv2D):
    """The same for a depthwise convolution, whose channels are the third axis of its kernel."""

    def call(self, inputs: Tensor) -> Tensor:
        rounded = fake_quantized_weights(self.kernel, 2)
        summed = ops.depthwise_conv(inputs, rounded, strides=self.strides, padding=self.padding, data_format=self.data_format)
        return ops.add(summed, self.bias) if self.use_bias else summed


def folded(model: keras.Model, ranges: Mapping[int, Range] | None = None) -> keras.Model:
    """Return the same network with batch normalization folded into the convolutions before it.

    With ``ranges`` (of each convolution and sum, in the order of the layers) weights and activations are fake-quantized, too.

    Raises:
        ValueError: a layer is not known here, or a range is missing.
    """
    counter = iter(range(len(model.layers)))
    tensors: dict[int, Tensor] = {}
    inputs = keras.Input(model.input_shape[1:])
    pending: list[tuple[Any, Any]] = []

    def quantized(x: Tensor) -> Tensor:
        if ranges is None:
            return x
        index = next(counter)
        if index not in ranges:
            raise ValueError(f"no range for activation {index} of {model.name}: sample the activations of this very network")
        return FakeQuant(ranges[index])(x)

    def ends(layer: Any) -> bool:
        """Is the output of a convolution the activation itself, with no normalization behind it?"""
        return not any(isinstance(node.operation, layers.BatchNormalization) for node in layer._outbound_nodes)

    for layer in model.layers:
        given = [tensors[id(t)] for t in _inputs(layer)]
        match layer:
            case layers.InputLayer():
                x = inputs
            case layers.DepthwiseConv2D() | layers.Conv2D():
                twin = _convolution(layer, ranges is not None)
                pending.append((layer, twin))
                x = quantized(twin(given[0])) if ends(layer) else twin(given[0])
            case layers.BatchNormalization() | layers.Dropout():
                x = given[0]
            case layers.ReLU():
                x = quantized(layers.ReLU()(given[0]))
            case layers.Add():
                x = quantized(layers.Add()(given))
            case _:
                raise ValueError(f"{layer.name} ({type(layer).__name__}) of {model.name} cannot be folded")
        tensors[id(layer.output)] = x
    network = keras.Model(inputs, x, name=model.name)
    for layer, twin in pending:
        twin.set_weights(_folded_weights(layer))
    return network


def _inputs(layer: Any) -> Sequence[Tensor]:
    if isinstance(layer, layers.InputLayer):
        return ()
    return layer.input if isinstance(layer.input, list) else [layer.input]


def _convolution(layer: Any, is_quantized: bool) -> Any:
    config = {**layer.get_config(), "use_bias": True}
    config.pop("name")
    if isinstance(layer, layers.DepthwiseConv2D):
        return (QuantDepthwiseConv2D if is_quantized else layers.DepthwiseConv2D).from_config(config)
    return (QuantConv2D if is_quantized else layers.Conv2D).from_config(config)


def _folded_weights(layer: Any) -> list[F32]:
    """Return kernel and bias of a convolution with the normalization behind it, if there is one, multiplied in."""
    kernel, *bias = (np.asarray(w, np.float32) for w in layer.get_weights())
    behind = [n.operation for n in layer._outbound_nodes if isinstance(n.operation, layers.BatchNormalization)]
    shift = bias[0] if bias else np.zeros(kernel.shape[2] if isinstance(layer, layers.DepthwiseConv2D) else kernel.shape[-1], np.float32)
    if not behind:
        return [kernel, shift]
    gamma, beta, mean, variance = (np.asarray(w, np.float32) for w in behind[0].get_weights())
    gain = gamma / np.sqrt(variance + behind[0].epsilon)
    spread = gain[:, None] if isinstance(layer, layers.DepthwiseConv2D) else gain
    return [kernel * spread, beta + (shift - mean) * gain]


def fine_tune(model: keras.Model, ranges: Mapping[int, Range], pieces: F32, epochs: int, rate: float, seed: int) -> keras.Model:
    """Return the folded network, trained for a while to answer through int8 as ``model`` answers in float32.

    Args:
        pieces: real inputs (n, height, width, channels).
    """
    keras.utils.set_random_seed(seed)
    wanted = model.predict(pieces, batch_size=64, verbose=0)
    student = folded(model, ranges)
    n_steps = epochs * -(-len(pieces) // 64)
    student.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, n_steps)), "mean_squared_error")
    student.fit(pieces, wanted, batch_size=64, epochs=epochs, verbose=0)
    plain = folded(model)
    plain.set_weights(student.get_weights())
    return plain
