"""An interpreter of our int8 networks in plain NumPy integers: the oracle for the other runtimes, and a way to run where none has a wheel.

Arithmetic after the TFLite 8-bit quantization specification and the reference kernels that define it (BUILTIN_REF): sums in int32,
requantization by a fixed-point multiplier of 31 bits with rounding of the high half and then of the shift, each away from zero at ties
of positive numbers (gemmlowp, doc/quantization.md; Jacob et al. 2018, section 2.2). It has the face of a TFLite interpreter.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.datatypes import F32, F64, I8
from edge.errors import BundleError
from edge.recognize.tflite_file import Graph, Operator, Table, Tensor, read_graph

I64 = NDArray[np.int64]

_LOWEST, _HIGHEST = -128, 127
# ADD raises both sides by so many bits before it scales them (reference/integer_ops/add.h).
_ADD_SHIFT = 20
# Fractions of RESIZE_BILINEAR have so many bits (reference/resize_bilinear.h).
_RESIZE_BITS = 10
_NONE, _RELU = 0, 1
# A product of codes is at most 255 * 127; so many of them add up to less than 2**24, which single precision holds exactly.
_EXACT_TERMS = 512


class Interpreter:
    """One model with one input and one output, of any batch and, where its layers allow, any size.

    Raises:
        BundleError: the model is damaged, or has an operator that is not known here.
    """

    def __init__(self, model_content: bytes, num_threads: int = 1) -> None:
        self._graph: Graph = read_graph(model_content)
        self._given: I8 | None = None
        self._values: dict[int, I8] = {}

    def get_input_details(self) -> list[dict[str, Any]]:
        return [self._details(index) for index in self._graph.inputs]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [self._details(index) for index in self._graph.outputs]

    def _details(self, index: int) -> dict[str, Any]:
        tensor = self._graph.tensors[index]
        quantization = (float(tensor.scales[0]), int(tensor.zero_points[0])) if len(tensor.scales) else (0.0, 0)
        return {"index": index, "name": tensor.name, "shape": np.array(tensor.shape), "dtype": tensor.dtype, "quantization": quantization}

    def resize_tensor_input(self, index: int, shape: list[int]) -> None:
        """Nothing is laid out beforehand: each run takes the shape that it is given."""

    def allocate_tensors(self) -> None:
        """Nothing is laid out beforehand."""

    def set_tensor(self, index: int, codes: I8) -> None:
        self._values = {index: codes}

    def invoke(self) -> None:
        for place, operator in enumerate(self._graph.operators):
            self._values[operator.outputs[0]] = self._run(operator, place)

    def get_tensor(self, index: int) -> I8:
        return self._values[index]

    def _run(self, operator: Operator, place: int) -> I8:
        tensors = self._graph.tensors
        given, answered = tensors[operator.inputs[0]], tensors[operator.outputs[0]]
        codes = self._values[operator.inputs[0]]
        options = operator.options
        if options is None:
            raise BundleError(f"operator {place} ({operator.name}) of the model has no options: the bundle is damaged")
        match operator.name:
            case "CONV_2D":
                weights, bias = self._constants(operator)
                return _convolved(codes, given, weights, bias, answered, options)
            case "DEPTHWISE_CONV_2D":
                weights, bias = self._constants(operator)
                return _depthwise_convolved(codes, given, weights, bias, answered, options)
            case "ADD":
                other = operator.inputs[1]
                return _added(codes, given, self._values[other], tensors[other], answered, options.number(0, "<b"))
            case _:
                size = tensors[operator.inputs[1]].values
                assert size is not None  # a resize to a computed size is not known to the converter's output
                return _resized(codes, (int(size[0]), int(size[1])), options)

    def _constants(self, operator: Operator) -> tuple[Tensor, NDArray[np.int64]]:
        weights, bias = self._graph.tensors[operator.inputs[1]], self._graph.tensors[operator.inputs[2]]
        if weights.values is None or bias.values is None:
            raise BundleError(f"{operator.name}: the weights are not constant, which the reference does not know")
        return weights, bias.values.astype(np.int64)


def _convolved(codes: I8, given: Tensor, weights: Tensor, bias: I64, answered: Tensor, options: Table) -> I8:
    """Return CONV_2D (reference/integer_ops/conv.h, ConvPerChannel); weights (filters, height, width, channels)."""
    assert weights.values is not None
    filters, kernel_h, kernel_w, _ = weights.shape
    strides = (options.number(2), options.number(1))
    real = _padded(codes, int(given.zero_points[0]), (kernel_h, kernel_w), strides, is_same=options.number(0, "<b") == 0)
    seen = _seen(real, (kernel_h, kernel_w), strides)
    rows, columns = seen[0].shape[1:3]
    flat = np.concatenate(seen, axis=-1).reshape(codes.shape[0] * rows * columns, -1)
    filter_rows = weights.values.astype(np.float32).reshape(filters, -1)  # height, width, channels, as in ``flat``
    parts = (slice(first, first + _EXACT_TERMS) for first in range(0, flat.shape[1], _EXACT_TERMS))
    sums = sum(np.asarray(flat[:, part] @ filter_rows[:, part].T, np.float64) for part in parts)
    assert isinstance(sums, np.ndarray)
    sums = sums.reshape(codes.shape[0], rows, columns, filters)
    return _requantized(sums, bias, given, weights, answered, options.number(3, "<b"))


def _depthwise_convolved(codes: I8, given: Tensor, weights: Tensor, bias: I64, answered: Tensor, options: Table) -> I8:
    """Return DEPTHWISE_CONV_2D (reference/integer_ops/depthwise_conv.h) with one filter a channel; weights (1, height, width, channels)."""
    assert weights.values is not None
    if options.number(3) != 1:
        raise BundleError(f"DEPTHWISE_CONV_2D with {options.number(3)} filters a channel is not known to the reference")
    strides = (options.number(2), options.number(1))
    kernel = weights.shape[1:3]
    real = _padded(codes, int(given.zero_points[0]), kernel, strides, is_same=options.number(0, "<b") == 0)
    taps = weights.values[0].astype(np.float32).reshape(-1, weights.shape[3])
    sums = np.zeros((), np.float32)
    for part, tap in zip(_seen(real, kernel, strides), taps, strict=True):
        sums = sums + part * tap
    return _requantized(sums, bias, given, weights, answered, options.number(4, "<b"))


def _seen(real: F32, kernel: tuple[int, ...], strides: tuple[int, int]) -> list[F32]:
    """Return what each place of a kernel sees, row by row, as views (batch, rows, columns, channels)."""
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(real.shape[1:3], kernel, strides, strict=True))
    return [
        real[:, y : y + (rows - 1) * strides[0] + 1 : strides[0], x : x + (columns - 1) * strides[1] + 1 : strides[1]]
        for y in range(kernel[0])
        for x in range(kernel[1])
    ]


def _padded(codes: I8, zero_point: int, kernel: tuple[int, ...], strides: tuple[int, int], is_same: bool) -> F32:
    """Return the input less its zero point, with zeros around it as the kernel needs them."""
    real = codes.astype(np.float32) - np.float32(zero_point)
    if not is_same:
        return real
    pads = [(0, 0)]
    for length, size, stride in zip(codes.shape[1:3], kernel, strides, strict=True):
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(real, [*pads, (0, 0)])


def _requantized(sums: F32 | F64, bias: I64, given: Tensor, weights: Tensor, answered: Tensor, activation: int) -> I8:
    total = sums.astype(np.int64) + bias
    scales = float(given.scales[0]) * weights.scales.astype(np.float64) / float(answered.scales[0])
    parts = [_fixed_point(float(scale)) for scale in np.broadcast_to(scales, bias.shape)]
    multipliers, shifts = np.array([m for m, _ in parts], np.int64), np.array([s for _, s in parts], np.int64)
    scaled = _scaled(total, multipliers, shifts) + int(answered.zero_points[0])
    return _clipped(scaled, answered, activation)


def _added(one: I8, first: Tensor, two: I8, second: Tensor, answered: Tensor, activation: int) -> I8:
    """Return ADD (reference/integer_ops/add.h)."""
    double = 2.0 * max(float(first.scales[0]), float(second.scales[0]))
    total = np.zeros(one.shape, np.int64)
    for codes, tensor in ((one, first), (two, second)):
        raised = (codes.astype(np.int64) - int(tensor.zero_points[0])) << _ADD_SHIFT
        total += _scaled(raised, *_fixed_point(float(tensor.scales[0]) / double))
    scale = double / ((1 << _ADD_SHIFT) * float(answered.scales[0]))
    return _clipped(_scaled(total, *_fixed_point(scale)) + int(answered.zero_points[0]), answered, activation)


def _resized(codes: I8, size: tuple[int, int], options: Table) -> I8:
    """Return RESIZE_BILINEAR (reference/resize_bilinear.h, ResizeBilinearInteger); scales stay as they are."""
    if options.number(2, "<b"):
        raise BundleError("RESIZE_BILINEAR with aligned corners is not known to the reference")
    has_half_pixels = bool(options.number(3, "<b"))
    top, foot, down = _interpolation(codes.shape[1], size[0], has_half_pixels)
    left, right, along = _interpolation(codes.shape[2], size[1], has_half_pixels)
    one = 1 << _RESIZE_BITS
    wide = codes.astype(np.int64)
    along, down = along[None, None, :, None], down[None, :, None, None]
    upper = wide[:, top][:, :, left] * (one - along) + wide[:, top][:, :, right] * along
    lower = wide[:, foot][:, :, left] * (one - along) + wide[:, foot][:, :, right] * along
    total = upper * (one - down) + lower * down
    half = np.where(total > 0, 1 << (2 * _RESIZE_BITS - 1), -(1 << (2 * _RESIZE_BITS - 1)))
    return np.asarray(_towards_zero(total + half, 2 * _RESIZE_BITS), np.int8)


def _interpolation(n_given: int, n_wanted: int, has_half_pixels: bool) -> tuple[I64, I64, I64]:
    """Return for each wanted place the one before, the one after, and how far it lies between them in fractions of 2 to the 10."""
    one = 1 << _RESIZE_BITS
    scale = (one * n_given + n_wanted // 2) // n_wanted
    at = np.arange(n_wanted, dtype=np.int64) * scale + (scale // 2 - one // 2 if has_half_pixels else 0)
    before = np.maximum(_towards_zero(at, _RESIZE_BITS), 0)
    after = np.minimum(_towards_zero(at + one - 1, _RESIZE_BITS), n_given - 1)
    return before, after, at - before * one


def _fixed_point(scale: float) -> tuple[int, int]:
    """Return a scale as a 31-bit multiplier and a shift: scale = multiplier / 2**31 * 2**shift (QuantizeMultiplier)."""
    fraction, shift = math.frexp(scale)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def _scaled(values: I64, multiplier: I64 | int, shift: I64 | int) -> I64:
    """Return values times a fixed-point scale (MultiplyByQuantizedMultiplier: rounded at the high half, and again at the shift)."""
    left, right = np.maximum(shift, 0), np.maximum(-np.asarray(shift), 0)
    product = (values << left) * multiplier
    high = _towards_zero(product + np.where(product >= 0, 1 << 30, 1 - (1 << 30)), 31)
    mask = (np.int64(1) << right) - 1
    threshold = (mask >> 1) + (high < 0)
    return np.asarray((high >> right) + ((high & mask) > threshold), np.int64)


def _towards_zero(values: I64, bits: int) -> I64:
    """Return values divided by a power of two as C++ does it."""
    return np.asarray(np.where(values >= 0, values >> bits, -(-values >> bits)), np.int64)


def _clipped(values: I64, answered: Tensor, activation: int) -> I8:
    if activation not in (_NONE, _RELU):
        raise BundleError(f"the activation {activation} of {answered.name} is not known to the reference, only none and ReLU")
    lowest = max(_LOWEST, int(answered.zero_points[0])) if activation == _RELU else _LOWEST
    return np.clip(values, lowest, _HIGHEST).astype(np.int8)
