"""Other ranges for the activations of an int8 model than the least and the largest value that calibration saw.

Only scales, zero points and the biases that depend on them change; weights stay as the converter made them.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from edge.datatypes import F32, F64
from edge.recognize.tflite_file import read_graph
from train.activations import Activations

Method = Literal["min-max", "99.99 %", "99.9 %", "mse"]
METHODS: tuple[Method, ...] = ("min-max", "99.99 %", "99.9 %", "mse")
Range = tuple[float, float]

# Values kept of each tensor: enough for one in ten thousand to be told.
_MOST_KEPT = 400_000
_CONVOLUTIONS = (3, 4)  # CONV_2D, DEPTHWISE_CONV_2D in the schema
_RESIZE = 23
# How much of the whole range the search for the least squared error tries.
_SHARES = np.linspace(0.3, 1.0, 71)


def sample_activations(twin: bytes, pieces: Iterable[F32], seed: int = 1) -> list[F32]:
    """Return a sample of the values that each operator of a float model gives; the least and the largest are always in it."""
    rng, run = np.random.default_rng(seed), Activations(twin)
    kept: list[list[F32]] = []
    given = list(pieces)
    for piece in given:
        values = [v.ravel() for v in run.codes(piece)]
        kept = kept or [[] for _ in values]
        for store, value in zip(kept, values, strict=True):
            n = min(value.size, max(1, _MOST_KEPT // len(given)))
            store.append(np.concatenate([rng.choice(value, n, replace=False), [value.min(), value.max()]]).astype(np.float32))
    return [np.concatenate(store) for store in kept]


def choose_range(values: F32, method: Method) -> Range:
    """Return the range that a tensor's values are to be cut to; it always holds zero, which padding needs."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    if method == "min-max":
        return low, high
    if method == "mse":
        errors = [_squared_error(values, low * share, high * share) for share in _SHARES]
        share = float(_SHARES[int(np.argmin(errors))])
        return low * share, high * share
    outside = (100.0 - float(method.split()[0])) / (2 if low < 0 < high else 1)
    cut_low = float(np.percentile(values, outside)) if low < 0 else 0.0
    cut_high = float(np.percentile(values, 100.0 - outside)) if high > 0 else 0.0
    return min(0.0, cut_low), max(0.0, cut_high, 1e-6)


def _squared_error(values: F32, low: float, high: float) -> float:
    scale, zero = quantization_of((low, high))
    codes = np.clip(np.round(values / scale) + zero, -128, 127)
    return float(np.square((codes - zero) * scale - values).mean())


def quantization_of(bounds: Range) -> tuple[float, int]:
    """Return scale and zero point of a range (TFLite 8-bit specification: real = scale * (code - zero_point), zero is a code)."""
    low, high = min(0.0, bounds[0]), max(0.0, bounds[1])
    scale = max(high - low, 1e-9) / 255
    return scale, int(np.clip(round(-128 - low / scale), -128, 127))


def ranges_of(model: bytes) -> dict[int, Range]:
    """Return the range that each operator's output has in an int8 model, by the operator's index."""
    graph = read_graph(model)
    found = {}
    for index, operator in enumerate(graph.operators):
        tensor = graph.tensors[operator.outputs[0]]
        scale, zero = float(tensor.scales[0]), int(tensor.zero_points[0])
        found[index] = (scale * (-128 - zero), scale * (127 - zero))
    return found


def with_ranges(model: bytes, ranges: Mapping[int, Range]) -> bytes:
    """Return an int8 model whose operators give their outputs in other ranges; a resized output keeps that of its input."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    whole = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    (graph,) = whole.subgraphs
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in whole.operatorCodes]
    for index, operator in enumerate(graph.operators):
        answered = graph.tensors[operator.outputs[0]].quantization
        if codes[operator.opcodeIndex] == _RESIZE:
            source = graph.tensors[operator.inputs[0]].quantization
            answered.scale, answered.zeroPoint = list(source.scale), list(source.zeroPoint)
        elif index in ranges:
            scale, zero = quantization_of(ranges[index])
            answered.scale, answered.zeroPoint = [np.float32(scale)], [zero]
        if codes[operator.opcodeIndex] in _CONVOLUTIONS:
            given, weights, bias = (graph.tensors[i] for i in operator.inputs)
            _rescale_bias(whole.buffers[bias.buffer], bias.quantization, given.quantization, weights.quantization)
    builder = flatbuffers.Builder(len(model))
    builder.Finish(whole.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _rescale_bias(buffer: object, bias: object, given: object, weights: object) -> None:
    """Write a bias anew for the scale that it now has: the input's times the weights'."""
    old = np.frombuffer(np.asarray(buffer.data, np.uint8).tobytes(), "<i4")  # type: ignore[attr-defined]
    old_scale = np.asarray(bias.scale, np.float64)  # type: ignore[attr-defined]
    new_scale: F64 = np.float64(given.scale[0]) * np.asarray(weights.scale, np.float64)  # type: ignore[attr-defined]
    real = old * old_scale
    buffer.data = np.frombuffer(np.round(real / new_scale).astype("<i4").tobytes(), np.uint8)  # type: ignore[attr-defined]
    bias.scale = new_scale.astype(np.float32)  # type: ignore[attr-defined]
