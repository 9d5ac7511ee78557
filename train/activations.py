"""What happens inside a network: every activation of the int8 model beside that of its float twin, on the same pictures.

Both are run with all tensors kept. The converter leaves the operators of the two in the same order, so the output of the n-th
operator of one is compared with that of the n-th of the other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from edge.datatypes import F32, F64, U8
from edge.recognize.tflite_file import Graph, read_graph

# A layer without any error has no finite ratio; 24 bits of a float32 are 144 dB, so this stands for "the same".
_MOST_DB = 150.0


@dataclass(frozen=True, slots=True)
class Layer:
    """One activation tensor.

    ``sqnr_db`` is the ratio of the signal's power to that of the int8 error, errors of all layers before it included. ``beyond`` is the
    share of float activations that lie outside the calibrated range by more than half a step, ``saturated`` the share of int8 codes
    that stand at an end which is not the range's own zero.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    low: float
    high: float
    sqnr_db: float
    beyond: float
    saturated: float


def float_twin(model: keras.Model, int8_model: bytes) -> bytes:
    """Return a float network as a float32 TFLite model of the input shape that its int8 model has."""
    import tensorflow as tf

    (given,) = read_graph(int8_model).inputs
    shape = read_graph(int8_model).tensors[given].shape
    concrete = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())


def pieces_of(pictures: Iterable[U8], int8_model: bytes) -> Iterator[F32]:
    """Yield pictures as real inputs of the model's own shape; what is wider gives several pieces, what is narrower is padded with paper."""
    (given,) = read_graph(int8_model).inputs
    _, height, width, channels = read_graph(int8_model).tensors[given].shape
    for picture in pictures:
        levels = picture.reshape(height, -1, channels) * np.float32(1 / 255)
        for left in range(0, levels.shape[1], width):
            piece = np.zeros((1, height, width, channels), np.float32)
            part = levels[:, left : left + width]
            piece[0, :, : part.shape[1]] = part
            yield piece


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
        graph = operators(model)
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


def operators(model: bytes) -> Graph:
    """Return a model's graph, its operators in the order in which they run."""
    return read_graph(model)


def compare_layers(int8_model: bytes, twin: bytes, pieces: Iterable[F32]) -> list[Layer]:
    """Return what int8 does to each activation, over all pieces.

    Raises:
        ValueError: there are no pieces, or the two models are not twins (their operators differ).
    """
    graph = operators(int8_model)
    if [o.name for o in graph.operators] != [o.name for o in operators(twin).operators]:
        raise ValueError("the float model has other operators than the int8 one: they are not twins")
    int8, real = Activations(int8_model), Activations(twin)
    n = len(graph.operators)
    signal, noise, beyond, saturated, seen = (np.zeros(n) for _ in range(5))
    bounds = [_bounds(graph, operator.outputs[0]) for operator in graph.operators]
    for piece in pieces:
        codes, wanted = int8.codes(piece), real.real(real.codes(piece))
        for layer, (c, got, want) in enumerate(zip(codes, int8.real(codes), wanted, strict=True)):
            low, high, step = bounds[layer]
            signal[layer] += float(np.square(want, dtype=np.float64).sum())
            noise[layer] += float(np.square(got - want, dtype=np.float64).sum())
            beyond[layer] += np.count_nonzero((want > high + step / 2) | (want < low - step / 2))
            saturated[layer] += np.count_nonzero(c == 127) + (np.count_nonzero(c == -128) if low < -step / 2 else 0)
            seen[layer] += want.size
    if not seen.all():
        raise ValueError("there is nothing to compare the layers on: give at least one picture")
    ratio_db = _decibels(signal, noise)
    return [
        Layer(
            index,
            operator.name,
            graph.tensors[operator.outputs[0]].shape[1:],
            bounds[index][0],
            bounds[index][1],
            float(ratio_db[index]),
            float(beyond[index] / seen[index]),
            float(saturated[index] / seen[index]),
        )
        for index, operator in enumerate(graph.operators)
    ]


def _bounds(graph: Graph, tensor: int) -> tuple[float, float, float]:
    """Return the least and the largest real value that a tensor's codes can stand for, and the step between two."""
    scale, zero = float(graph.tensors[tensor].scales[0]), int(graph.tensors[tensor].zero_points[0])
    return scale * (-128 - zero), scale * (127 - zero), scale


def _decibels(signal: F64, noise: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(signal > 0, 10 * np.log10(signal / noise), 0.0)
    return np.minimum(np.nan_to_num(ratio, posinf=_MOST_DB), _MOST_DB)
