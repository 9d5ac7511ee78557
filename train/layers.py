"""The layers of a float network beside the operators of its int8 twin, and what both compute on the same pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from edge.datatypes import F32, I8, U8
from edge.recognize.card import InputContract
from edge.recognize.reference import Interpreter
from edge.recognize.tensor import codes_of_levels
from edge.recognize.tflite_file import Graph, read_graph
from train.quantize import levels_of

# What the converter makes an operator of. Normalization and ReLU melt into the convolution before them; dropout vanishes.
_OPERATORS = {"Conv2D": "CONV_2D", "DepthwiseConv2D": "DEPTHWISE_CONV_2D", "Add": "ADD", "UpSampling2D": "RESIZE_BILINEAR"}
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator of an int8 model, the Keras layer that it was made from, and where its answer and the answers that it takes stand.

    ``shape`` is that of one answer, ``limits`` the lowest and the highest value that a code of it stands for.
    """

    index: int
    operator: str
    name: str
    tensor: int
    takes: tuple[int, ...]
    shape: tuple[int, ...]
    limits: tuple[float, float]

    def __str__(self) -> str:
        return f"operator {self.index} ({self.operator}, layer {self.name})"


def match_layers(model: keras.Model, graph: Graph) -> list[tuple[Layer, keras.KerasTensor]]:
    """Return each operator with the float tensor that it computes.

    Raises:
        ValueError: the int8 model was not made from this network.
    """
    ends: dict[str, keras.KerasTensor] = {}
    owners: dict[int, str] = {}
    kinds: dict[str, str] = {}
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in _OPERATORS:
            owner = layer.name
            kinds[owner] = _OPERATORS[kind]
        elif kind == "InputLayer":
            continue
        else:
            owner = owners[id(layer.input)]
        ends[owner], owners[id(layer.output)] = layer.output, owner
    if list(kinds.values()) != [o.name for o in graph.operators]:
        raise ValueError(f"the operators of the int8 model are not the layers of the network {model.name}: it was made from another design")
    matched = []
    for index, (name, operator) in enumerate(zip(kinds, graph.operators, strict=True)):
        takes = tuple(i for i in operator.inputs if i >= 0 and graph.tensors[i].values is None)
        answer = graph.tensors[operator.outputs[0]]
        if answer.shape[3] != ends[name].shape[3]:
            raise ValueError(f"operator {index} of the int8 model has another number of channels than the layer {name}")
        scale, zero_point = float(answer.scales[0]), int(answer.zero_points[0])
        limits = scale * (-128 - zero_point), scale * (127 - zero_point)
        matched.append((Layer(index, operator.name, name, operator.outputs[0], takes, answer.shape[1:], limits), ends[name]))
    return matched


@dataclass(frozen=True, slots=True, eq=False)
class Activations:
    """What one layer computed on some pictures: the float network's values, the int8 network's codes, and the tensor's quantization."""

    layer: Layer
    real: F32
    codes: I8
    scale: float
    zero_point: int


class Twins:
    """A float network and the int8 model that was made from it, run side by side; the int8 side by the integer reference.

    Raises:
        ValueError: the model was not made from this network.
    """

    def __init__(self, model: keras.Model, int8: bytes, contract: InputContract) -> None:
        self.graph = read_graph(int8)
        matched = match_layers(model, self.graph)
        self.layers = [layer for layer, _ in matched]
        self._float = keras.Model(model.input, [end for _, end in matched])
        self._int8, self._contract = Interpreter(int8), contract

    def run(self, shown: Sequence[U8]) -> Iterator[list[Activations]]:
        """Yield the activations of every layer, batch after batch; ``shown`` are pictures of one shape (height, width, channels)."""
        for start in range(0, len(shown), _BATCH):
            batch = np.stack(shown[start : start + _BATCH])
            real = self._float(levels_of(batch), training=False)
            self._int8.set_tensor(self.graph.inputs[0], codes_of_levels(self._contract)[batch])
            self._int8.invoke()
            yield [self._activations(layer, keras.ops.convert_to_numpy(r)) for layer, r in zip(self.layers, real, strict=True)]

    def _activations(self, layer: Layer, real: F32) -> Activations:
        tensor = self.graph.tensors[layer.tensor]
        return Activations(layer, real, self._int8.get_tensor(layer.tensor), float(tensor.scales[0]), int(tensor.zero_points[0]))
