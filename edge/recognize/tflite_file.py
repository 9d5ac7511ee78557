"""What stands in a .tflite file: just enough of the FlatBuffers encoding and of the TFLite schema (version 3) to run our own networks.

FlatBuffers: https://flatbuffers.dev/internals/ (little-endian; a table begins with the distance back to its vtable, which holds the
offset of each field or 0). Field numbers are those of tensorflow/compiler/mlir/lite/schema/schema.fbs.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import BundleError

# BuiltinOperator and TensorType of the schema, as far as they are known here.
OPERATORS = {0: "ADD", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 23: "RESIZE_BILINEAR"}
# Operators that the converter makes of other layers, by their names in the schema: only to say what a foreign model has.
_OTHERS = {
    1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 6: "DEQUANTIZE", 9: "FULLY_CONNECTED", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL",
    19: "RELU", 21: "RELU6", 22: "RESHAPE", 25: "SOFTMAX", 28: "TANH", 34: "PAD", 36: "GATHER", 39: "TRANSPOSE", 40: "MEAN", 41: "SUB",
    42: "DIV", 43: "SQUEEZE", 45: "STRIDED_SLICE", 49: "SPLIT", 54: "PRELU", 60: "PADV2", 67: "TRANSPOSE_CONV", 77: "SHAPE", 83: "PACK",
    97: "RESIZE_NEAREST_NEIGHBOR", 98: "LEAKY_RELU", 114: "QUANTIZE", 117: "HARD_SWISH", 126: "BATCH_MATMUL", 150: "GELU",
}  # fmt: skip
_TYPES: dict[int, type] = {0: np.float32, 2: np.int32, 9: np.int8}


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """One tensor: its values where the file holds them, and its quantization, one scale and zero point or one for each channel."""

    name: str
    shape: tuple[int, ...]
    dtype: type
    values: NDArray[np.generic] | None
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Operator:
    """One step: what it is, the tensors it takes (-1: none) and gives, and its options by their field number."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: "Table | None"


@dataclass(frozen=True, slots=True)
class Graph:
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A FlatBuffers table at a position of the file; absent fields have their default."""

    data: bytes
    at: int

    def _field(self, number: int) -> int:
        vtable = self.at - _int(self.data, self.at)
        size = struct.unpack_from("<H", self.data, vtable)[0]
        offset = struct.unpack_from("<H", self.data, vtable + 4 + 2 * number)[0] if 4 + 2 * number < size else 0
        return self.at + int(offset) if offset else 0

    def number(self, field: int, form: str = "<i", default: int = 0) -> int:
        at = self._field(field)
        return int(struct.unpack_from(form, self.data, at)[0]) if at else default

    def table(self, field: int) -> "Table | None":
        at = self._field(field)
        return Table(self.data, at + _int(self.data, at)) if at else None

    def array(self, field: int, dtype: str) -> NDArray[np.generic]:
        at = self._field(field)
        if not at:
            return np.zeros(0, dtype)
        start = at + _int(self.data, at)
        return np.frombuffer(self.data, dtype, _int(self.data, start), start + 4)

    def tables(self, field: int) -> list["Table"]:
        at = self._field(field)
        if not at:
            return []
        start = at + _int(self.data, at)
        places = range(start + 4, start + 4 + 4 * _int(self.data, start), 4)
        return [Table(self.data, place + _int(self.data, place)) for place in places]


def read_graph(model: bytes) -> Graph:
    """Return the one subgraph of a model.

    Raises:
        BundleError: the bytes are no TFLite model, or hold an operator or a type that is not known here (named, with its index).
    """
    if model[4:8] != b"TFL3":
        raise BundleError("the model is no TFLite file (version 3): the bundle is damaged")
    try:
        return _graph(Table(model, _int(model, 0)))
    except (struct.error, ValueError, IndexError) as error:
        raise BundleError(f"the model's file cannot be followed ({error}): the bundle is damaged") from error


def _graph(root: Table) -> Graph:
    # An operator's code stands in field 3; files before schema 3a have it in field 0, one byte wide.
    codes = [max(code.number(3), code.number(0, "<b")) for code in root.tables(1)]
    buffers = root.tables(4)
    (graph,) = root.tables(2)
    tensors = tuple(_tensor(table, buffers, index) for index, table in enumerate(graph.tables(0)))
    operators = []
    for index, table in enumerate(graph.tables(3)):
        code = codes[table.number(0, "<I")]
        if code not in OPERATORS:
            raise BundleError(
                f"operator {index} of the model is {_OTHERS.get(code, 'one of another name')} (code {code}); the reference knows only "
                f"{', '.join(OPERATORS.values())}: use --runtime litert, or networks made of these"
            )
        operators.append(Operator(OPERATORS[code], _indices(table, 1), _indices(table, 2), table.table(4)))
    return Graph(tensors, tuple(operators), _indices(graph, 1), _indices(graph, 2))


def _tensor(table: Table, buffers: list[Table], index: int) -> Tensor:
    kind = table.number(1, "<b")
    if kind not in _TYPES:
        raise BundleError(f"tensor {index} of the model has the type {kind}, the reference knows float32, int32 and int8")
    shape = _indices(table, 0)
    stored = buffers[table.number(2, "<I")].array(0, "<u1").tobytes()
    values: NDArray[np.generic] | None = np.frombuffer(stored, _TYPES[kind]).reshape(shape) if stored else None
    quantization = table.table(4)
    scales = quantization.array(2, "<f4") if quantization else np.zeros(0, np.float32)
    zeros = quantization.array(3, "<i8") if quantization else np.zeros(0, np.int64)
    name = table.array(3, "<u1").tobytes().decode("utf-8", "replace")
    return Tensor(name, shape, _TYPES[kind], values, np.asarray(scales, np.float32), np.asarray(zeros, np.int64))


def _indices(table: Table, field: int) -> tuple[int, ...]:
    return tuple(table.array(field, "<i4").tolist())


def _int(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<i", data, at)[0])
