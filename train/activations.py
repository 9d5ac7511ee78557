"""Every activation of a TFLite model, float or int8, run with all tensors kept: what ranges are chosen from.

The converter leaves the operators of a network in one order, so the n-th of a float model and of its int8 twin are the same layer.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from edge.datatypes import F32
from edge.recognize.tflite_file import read_graph


def float_twin(model: keras.Model, int8_model: bytes) -> bytes:
    """Return a float network as a float32 TFLite model of the input shape that its int8 model has."""
    import tensorflow as tf

    (given,) = read_graph(int8_model).inputs
    shape = read_graph(int8_model).tensors[given].shape
    concrete = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())


class Activations:
    """Runs a TFLite model, float or int8, and gives the output of each of its operators as real values."""

    def __init__(self, model: bytes) -> None:
        import tensorflow as tf

        plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self._interpreter: Any = tf.lite.Interpreter(
            model_content=model, experimental_preserve_all_tensors=True, experimental_op_resolver_type=plain
        )
        self._interpreter.allocate_tensors()
        self._given = self._interpreter.get_input_details()[0]
        graph = read_graph(model)
        self._outputs = [operator.outputs[0] for operator in graph.operators]
        self._quantization = [(t.scales, t.zero_points) for t in (graph.tensors[i] for i in self._outputs)]

    def codes(self, piece: F32) -> list[Any]:
        """Return the output of every operator as the model holds it: int8 codes, or float32."""
        scale, zero_point = self._given["quantization"]
        if scale:
            piece = np.clip(np.round(piece / scale) + zero_point, -128, 127).astype(np.int8)
        self._interpreter.set_tensor(self._given["index"], piece)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]

    def real(self, codes: Sequence[Any]) -> list[F32]:
        """Return codes as the real numbers that they stand for."""
        return [
            np.asarray((c.astype(np.int32) - zeros[0]) * scales[0], np.float32) if len(scales) else np.asarray(c, np.float32)
            for c, (scales, zeros) in zip(codes, self._quantization, strict=True)
        ]
