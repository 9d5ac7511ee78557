"""The one adapter over the TFLite runtimes: a model's bytes in, a function from codes to codes out."""

from collections import OrderedDict
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from edge.datatypes import I8
from edge.errors import BundleError, ConfigError, MissingDependencyError

_MODULES: dict[str, tuple[str, str]] = {
    "litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite": ("tflite_runtime.interpreter", "tflite-runtime"),
    "reference": ("edge.recognize.reference", "checkreader"),
}
# An allocated width costs 0.4 to 1.5 MiB (packed weights, activations); allocating another one in its place 0.1 to 0.3 ms, a new
# interpreter 0.6 to 6 ms.
_MOST_KEPT = 2


def choose_runtime(runtime: str) -> str:
    """Return the runtime to use; ``auto`` is ai-edge-litert where it is installed, else tflite-runtime, else our own reference.

    Raises:
        ConfigError: no such runtime.
        MissingDependencyError: it is not installed.
    """
    if runtime == "auto":
        installed = [name for name in _MODULES if _is_installed(name)]
        if installed:
            return installed[0]
        raise MissingDependencyError("no TFLite runtime is installed: pip install ai-edge-litert (or tflite-runtime with numpy<2)")
    if runtime not in _MODULES:
        raise ConfigError(f"the runtime {runtime!r} is none of auto, {', '.join(_MODULES)}")
    if not _is_installed(runtime):
        raise MissingDependencyError(f"the runtime {runtime} is not installed: pip install {_MODULES[runtime][1]}")
    return runtime


def _is_installed(runtime: str) -> bool:
    return find_spec(_MODULES[runtime][0].split(".")[0]) is not None


class Int8Model:
    """A full-integer model with one input and one output; keeps an allocated interpreter for each shape it is given."""

    def __init__(self, model: bytes, runtime: str = "auto", threads: int = 1) -> None:
        self._model, self._threads = model, threads
        self._module: Any = import_module(_MODULES[choose_runtime(runtime)][0])
        self._kept: OrderedDict[tuple[int, ...], tuple[Any, int, int]] = OrderedDict()
        try:
            first = self._open()
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"the runtime refuses the model: {error}; the bundle is damaged or made for a newer runtime") from error
        self.input, self.output = first.get_input_details(), first.get_output_details()

    def check(
        self,
        where: str,
        *,
        height: int,
        given: tuple[float, int],
        answered: tuple[float, int],
        n_channels: int,
        channels: int = 1,
        rows: int = 1,
    ) -> None:
        """Compare the model with its card.

        Raises:
            BundleError: a shape, type or quantization differs.
        """
        if len(self.input) != 1 or len(self.output) != 1:
            raise BundleError(
                f"{where} has {len(self.input)} inputs and {len(self.output)} outputs, wanted one of each: pack another model"
            )
        for side, details, quantization in (("input", self.input[0], given), ("output", self.output[0], answered)):
            if details["dtype"] != np.int8:
                raise BundleError(f"{where}: the {side} is {np.dtype(details['dtype'])}, wanted int8: quantize the model fully")
            scale, zero_point = details["quantization"]
            if not np.isclose(scale, quantization[0], rtol=1e-6) or zero_point != quantization[1]:
                raise BundleError(
                    f"{where}: the {side}'s scale and zero point are {scale}, {zero_point}, on the card {quantization}: pack it again"
                )
        shape, out = tuple(self.input[0]["shape"]), tuple(self.output[0]["shape"])
        if len(shape) != 4 or shape[1] != height or shape[3] != channels:
            raise BundleError(
                f"{where}: the input's shape is {shape}, the card says (1, {height}, width, {channels}): pack the model that fits the card"
            )
        if len(out) != 4 or out[1] != rows or out[3] != n_channels:
            raise BundleError(
                f"{where}: the output's shape is {out}, the card says (1, {rows}, columns, {n_channels}): pack the model that fits the card"
            )

    def __call__(self, codes: I8) -> I8:
        """Return the output's codes for the input's codes; any batch and width."""
        interpreter, given, answered = self._allocated(codes.shape)
        interpreter.set_tensor(given, codes)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(answered), np.int8)

    def _allocated(self, shape: tuple[int, ...]) -> tuple[Any, int, int]:
        if shape in self._kept:
            self._kept.move_to_end(shape)
            return self._kept[shape]
        interpreter = self._open() if len(self._kept) < _MOST_KEPT else self._kept.popitem(last=False)[1][0]
        given = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(given, list(shape))
        interpreter.allocate_tensors()
        self._kept[shape] = (interpreter, given, interpreter.get_output_details()[0]["index"])
        return self._kept[shape]

    def _open(self) -> Any:
        return self._module.Interpreter(model_content=self._model, num_threads=self._threads)
