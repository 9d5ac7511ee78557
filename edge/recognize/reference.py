"""An interpreter of our int8 networks in plain NumPy integers: the oracle for the other runtimes, and a way to run where none has a wheel.

Arithmetic after the TFLite 8-bit quantization specification ("int8 quantized operator specifications") and the reference kernels that
define it (BUILTIN_REF): sums in int32, requantization by a fixed-point multiplier of 31 bits, rounded at the high half and again at the
shift, there away from zero at ties (gemmlowp, doc/quantization.md, "On the fixed-point multiplication"; Jacob et al. 2018, section 2.2).
It has the face of a TFLite interpreter. What depends on the model alone is worked out once, when it is opened.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.datatypes import F32, I8
from edge.errors import BundleError
from edge.recognize.tflite_file import Graph, Operator, Table, Tensor, read_graph

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
# One operator: the codes of its inputs that are no constants to the codes of its output.
Step = Callable[..., I8]

_LOWEST, _HIGHEST = -128, 127
# ADD raises both sides by so many bits before it scales them (reference/integer_ops/add.h).
_ADD_SHIFT = 20
# Fractions of RESIZE_BILINEAR have so many bits (reference/resize_bilinear.h).
_RESIZE_BITS = 10
_NONE, _RELU = 0, 1
# Whole numbers up to here are exact in single precision, and so is any sum of them, in any order, that never leaves this range.
_EXACT = 1 << 24
# A code less its zero point is at most this, either way.
_MOST_INPUT = 255


class Interpreter:
    """One model with one input and one output, of any batch and, where its layers allow, any size.

    Raises:
        BundleError: the model is damaged, or has an operator or an option that is not known here (named, with its index).
    """

    def __init__(self, model_content: bytes, num_threads: int = 1) -> None:
        self._graph: Graph = read_graph(model_content)
        self._steps = [(o, _constant_free(o, self._graph), _prepared(o, i, self._graph)) for i, o in enumerate(self._graph.operators)]
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
        for operator, inputs, step in self._steps:
            self._values[operator.outputs[0]] = step(*(self._values[index] for index in inputs))

    def get_tensor(self, index: int) -> I8:
        """Return the codes of any tensor that the last run computed, not only the output's."""
        return self._values[index]


def _constant_free(operator: Operator, graph: Graph) -> tuple[int, ...]:
    return tuple(index for index in operator.inputs if index >= 0 and graph.tensors[index].values is None)


def _prepared(operator: Operator, place: int, graph: Graph) -> Step:
    tensors = graph.tensors
    where = f"operator {place} ({operator.name}) of the model"
    given, answered, options = tensors[operator.inputs[0]], tensors[operator.outputs[0]], operator.options
    if options is None or len(operator.inputs) < 2:
        raise BundleError(f"{where} has no options or too few inputs: the bundle is damaged")
    other = tensors[operator.inputs[1]]
    if operator.name == "ADD":
        return _adder(given, other, answered, _lowest(options.number(0, "<b"), answered, where))
    if other.values is None:
        raise BundleError(f"{where} takes weights or a size that are computed, which the reference does not know")
    if operator.name == "RESIZE_BILINEAR":
        if options.number(2, "<b"):
            raise BundleError(f"{where} has aligned corners, which the reference does not know")
        return _resizer((int(other.values[0]), int(other.values[1])), has_half_pixels=bool(options.number(3, "<b")))
    bias = tensors[operator.inputs[2]].values if len(operator.inputs) > 2 else None
    if bias is None:
        raise BundleError(f"{where} has no constant bias, which the reference does not know")
    if operator.name == "CONV_2D":
        scaled = _requantizer(bias.astype(np.int32), given, other, answered, _lowest(options.number(3, "<b"), answered, where))
        return _convolver(given, other, options, scaled)
    if options.number(3) != 1:
        raise BundleError(f"{where} has {options.number(3)} filters a channel, the reference knows one")
    scaled = _requantizer(bias.astype(np.int32), given, other, answered, _lowest(options.number(4, "<b"), answered, where))
    return _depthwise_convolver(given, other, options, scaled)


def _convolver(given: Tensor, weights: Tensor, options: Table, scaled: Callable[[I32], I8]) -> Step:
    """Return CONV_2D (reference/integer_ops/conv.h, ConvPerChannel); weights (filters, height, width, channels)."""
    assert weights.values is not None
    filters, *kernel, _ = weights.shape
    strides, is_same, zero_point = (options.number(2), options.number(1)), options.number(0, "<b") == 0, int(given.zero_points[0])
    rows_of_filters = weights.values.astype(np.float32).reshape(filters, -1)  # height, width, channels, as in ``flat``
    parts = [(part, np.ascontiguousarray(rows_of_filters[:, part].T)) for part in _exact_parts(rows_of_filters)]

    def convolved(codes: I8) -> I8:
        seen = _seen(_padded(codes, zero_point, kernel, strides, is_same), kernel, strides)
        shape = seen[0].shape[:3]
        flat = (np.concatenate(seen, axis=-1) if len(seen) > 1 else np.ascontiguousarray(seen[0])).reshape(math.prod(shape), -1)
        first, *rest = ((flat[:, part] @ columns).astype(np.int32) for part, columns in parts)
        for more in rest:
            first += more
        return scaled(first.reshape(*shape, filters))

    return convolved


def _exact_parts(rows: F32) -> list[slice]:
    """Return the terms of a product in runs whose sums single precision holds exactly, whatever the input."""
    parts, start, reach = [], 0, np.zeros(len(rows))
    for place in range(rows.shape[1]):
        step = np.abs(rows[:, place]) * _MOST_INPUT
        if (reach + step).max() >= _EXACT:
            parts.append(slice(start, place))
            start, reach = place, np.zeros(len(rows))
        reach = reach + step
    return [*parts, slice(start, rows.shape[1])]


def _depthwise_convolver(given: Tensor, weights: Tensor, options: Table, scaled: Callable[[I32], I8]) -> Step:
    """Return DEPTHWISE_CONV_2D (reference/integer_ops/depthwise_conv.h) with one filter a channel; weights (1, height, width, channels)."""
    assert weights.values is not None
    _, *kernel, channels = weights.shape
    strides, is_same, zero_point = (options.number(2), options.number(1)), options.number(0, "<b") == 0, int(given.zero_points[0])
    taps = weights.values[0].astype(np.float32).reshape(-1, channels)
    if _MOST_INPUT * np.abs(taps).sum(axis=0).max() >= _EXACT:
        raise BundleError(f"a DEPTHWISE_CONV_2D of {kernel[0]} x {kernel[1]} is too large for the reference")

    def convolved(codes: I8) -> I8:
        seen = _seen(_padded(codes, zero_point, kernel, strides, is_same), kernel, strides)
        sums = seen[0] * taps[0]
        product = np.empty_like(sums)
        for part, tap in zip(seen[1:], taps[1:], strict=True):
            sums += np.multiply(part, tap, out=product)
        return scaled(sums.astype(np.int32))

    return convolved


def _seen(real: F32, kernel: list[int], strides: tuple[int, int]) -> list[F32]:
    """Return what each place of a kernel sees, row by row, as views (batch, rows, columns, channels)."""
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(real.shape[1:3], kernel, strides, strict=True))
    return [
        real[:, y : y + (rows - 1) * strides[0] + 1 : strides[0], x : x + (columns - 1) * strides[1] + 1 : strides[1]]
        for y in range(kernel[0])
        for x in range(kernel[1])
    ]


def _padded(codes: I8, zero_point: int, kernel: list[int], strides: tuple[int, int], is_same: bool) -> F32:
    """Return the input less its zero point, with zeros around it as the kernel needs them."""
    batch, height, width, channels = codes.shape
    above = below = before = after = 0
    if is_same:
        totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip((height, width), kernel, strides, strict=True)]
        (above, below), (before, after) = ((total // 2, total - total // 2) for total in totals)
    real = np.zeros((batch, above + height + below, before + width + after, channels), np.float32)
    np.subtract(codes, np.float32(zero_point), out=real[:, above : above + height, before : before + width], dtype=np.float32)
    return real


def _requantizer(bias: I32, given: Tensor, weights: Tensor, answered: Tensor, lowest: int) -> Callable[[I32], I8]:
    scales = float(given.scales[0]) * weights.scales.astype(np.float64) / float(answered.scales[0])
    parts = [_fixed_point(float(scale)) for scale in np.broadcast_to(scales, bias.shape)]
    multipliers, shifts = np.array([m for m, _ in parts], np.int64), np.array([s for _, s in parts], np.int64)
    scaled, zero_point = _scaler(multipliers, shifts), int(answered.zero_points[0])

    def requantized(sums: I32) -> I8:
        return _clipped(scaled(np.add(sums, bias, out=sums)), zero_point, lowest)

    return requantized


def _adder(first: Tensor, second: Tensor, answered: Tensor, lowest: int) -> Step:
    """Return ADD (reference/integer_ops/add.h)."""
    double = 2.0 * max(float(first.scales[0]), float(second.scales[0]))
    raised = []
    for tensor in (first, second):
        # Of an int8 code there are 256: what each becomes is looked up.
        codes = np.arange(_LOWEST, _HIGHEST + 1, dtype=np.int64) - int(tensor.zero_points[0])
        table = _scaler(*_fixed_point(float(tensor.scales[0]) / double))(codes << _ADD_SHIFT)
        raised.append(table)
    scaled = _scaler(*_fixed_point(double / ((1 << _ADD_SHIFT) * float(answered.scales[0]))))
    zero_point = int(answered.zero_points[0])

    def added(one: I8, two: I8) -> I8:
        total = np.take(raised[0], one.astype(np.intp) - _LOWEST)
        total += np.take(raised[1], two.astype(np.intp) - _LOWEST)
        return _clipped(scaled(total), zero_point, lowest)

    return added


def _resizer(size: tuple[int, int], has_half_pixels: bool) -> Step:
    """Return RESIZE_BILINEAR (reference/resize_bilinear.h, ResizeBilinearInteger); scales stay as they are."""
    one, half = 1 << _RESIZE_BITS, 1 << (2 * _RESIZE_BITS - 1)

    def resized(codes: I8) -> I8:
        top, foot, down = _interpolation(codes.shape[1], size[0], has_half_pixels)
        left, right, along = _interpolation(codes.shape[2], size[1], has_half_pixels)
        # At most 128 * 2 ** 20: int32 holds it.
        wide, along, down = codes.astype(np.int32), along[None, None, :, None], down[None, :, None, None]
        across = wide[:, :, left] * (one - along) + wide[:, :, right] * along
        total = across[:, top] * (one - down) + across[:, foot] * down
        total += np.where(total > 0, half, -half)
        return np.asarray(_towards_zero(total, 2 * _RESIZE_BITS), np.int8)

    return resized


def _interpolation(n_given: int, n_wanted: int, has_half_pixels: bool) -> tuple[I32, I32, I32]:
    """Return for each wanted place the one before, the one after, and how far it lies between them in fractions of 2 to the 10."""
    one = 1 << _RESIZE_BITS
    scale = (one * n_given + n_wanted // 2) // n_wanted
    at = np.arange(n_wanted, dtype=np.int32) * scale + (scale // 2 - one // 2 if has_half_pixels else 0)
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


def _scaler(multiplier: I64 | int, shift: I64 | int) -> Callable[[I32 | I64], I64]:
    """Return what multiplies by a fixed-point scale (MultiplyByQuantizedMultiplier: rounded at the high half, and again at the shift)."""
    left, right = np.maximum(shift, 0), np.maximum(-np.asarray(shift), 0)
    factor = np.asarray(np.int64(multiplier) << left, np.int64)
    half = (np.int64(1) << right) >> 1
    # Where nothing is shifted, nothing is rounded a second time.
    signs = np.where(right > 0, -1, 0)

    def scaled(values: I32 | I64) -> I64:
        # The high half, rounded half up: with the nudge that the specification takes by sign and the division that cuts off, the same.
        product: I64 = np.multiply(values, factor, dtype=np.int64)
        product += 1 << 30
        product >>= 31
        # Half away from zero: of negative numbers one less is added before the shift.
        nudge = np.multiply(product < 0, signs, dtype=np.int64)
        nudge += half
        product += nudge
        product >>= right
        return product

    return scaled


def _towards_zero(values: I32, bits: int) -> I32:
    """Return values divided by a power of two as C++ does it."""
    return np.asarray(np.where(values >= 0, values >> bits, -(-values >> bits)), np.int32)


def _lowest(activation: int, answered: Tensor, where: str) -> int:
    if activation not in (_NONE, _RELU):
        raise BundleError(f"{where} has the activation {activation}, the reference knows none (0) and ReLU (1)")
    return max(_LOWEST, int(answered.zero_points[0])) if activation == _RELU else _LOWEST


def _clipped(values: I64, zero_point: int, lowest: int) -> I8:
    values += zero_point
    return np.clip(values, lowest, _HIGHEST, out=values).astype(np.int8)
