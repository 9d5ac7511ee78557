"""The same network in every precision that the converter offers, and a reader's network over any of them."""

from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np

from edge.datatypes import F32, Lattice, Strip
from edge.recognize.card import NetworkCard
from edge.recognize.network import lattice_of
from edge.recognize.tensor import padded_width

Precision = Literal["float32", "float16", "dynamic int8", "int8", "int8 per tensor", "int16 x int8"]
PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "dynamic int8", "int8", "int8 per tensor", "int16 x int8")


def convert(model: keras.Model, precision: Precision, pieces: Sequence[F32]) -> bytes:
    """Return a TFLite model; input and output are int8 in the two int8 precisions, else float32.

    Args:
        pieces: real inputs (1, height, width, channels) of the shape to convert at; they calibrate where activations become integers.
    """
    import tensorflow as tf

    concrete = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec(pieces[0].shape, tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision in ("int8", "int8 per tensor", "int16 x int8"):
        converter.representative_dataset = lambda: ([piece] for piece in pieces)
        wide = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [wide if precision == "int16 x int8" else tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if precision in ("int8", "int8 per tensor"):
        converter.inference_input_type = converter.inference_output_type = tf.int8
        converter._experimental_disable_per_channel = precision == "int8 per tensor"
    return bytes(converter.convert())


class AnyPrecision:
    """A TFLite model of any precision in the place of a reader's network; same padding, same card but for the quantization."""

    def __init__(self, model: bytes, card: NetworkCard) -> None:
        import tensorflow as tf

        self._card = card
        self._open = lambda: tf.lite.Interpreter(model_content=model, num_threads=1)
        self._kept: dict[tuple[int, ...], Any] = {}

    @property
    def card(self) -> NetworkCard:
        return self._card

    def read(self, strip: Strip) -> Lattice:
        """Return what the network says of each column of a strip."""
        height, width = strip.ink.shape
        x = np.zeros((1, height, padded_width(width, self._card.input), 1), np.float32)
        x[0, :, :width, 0] = strip.ink * np.float32(1 / 255)
        return lattice_of(self.run(x)[0, 0], strip, self._card)

    def run(self, x: F32) -> F32:
        """Return the network's real answers for real inputs of any batch and width."""
        interpreter = self._kept.get(x.shape)
        if interpreter is None:
            interpreter = self._kept[x.shape] = self._open()
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], x.shape)
            interpreter.allocate_tensors()
        (given,), (answered,) = interpreter.get_input_details(), interpreter.get_output_details()
        interpreter.set_tensor(given["index"], _coded(x, given))
        interpreter.invoke()
        return _real(interpreter.get_tensor(answered["index"]), answered)


def _coded(x: F32, details: dict[str, Any]) -> Any:
    if details["dtype"] == np.float32:
        return x
    scale, zero_point = details["quantization"]
    return np.clip(np.round(x / scale) + zero_point, -128, 127).astype(np.int8)


def _real(y: Any, details: dict[str, Any]) -> F32:
    if details["dtype"] == np.float32:
        return np.asarray(y, np.float32)
    scale, zero_point = details["quantization"]
    return np.asarray((y.astype(np.int32) - zero_point) * np.float32(scale), np.float32)
