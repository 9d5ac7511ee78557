"""The integer reference is bit for bit what TensorFlow's reference kernels give, and says what it does not know."""

import os
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edge.datatypes import I8
from edge.errors import BundleError
from edge.recognize.bundle import read_bundle
from edge.recognize.interpreter import Int8Model
from edge.recognize.reference import Interpreter
from edge.recognize.tflite_file import read_graph

litert = pytest.importorskip("ai_edge_litert.interpreter")
MODELS = read_bundle().models
# `make test-reference` compares many thousands, made of drawn strips; a few of noise show every layer at work.
N_INPUTS = int(os.environ.get("REFERENCE_INPUTS", "12"))
FEW = 100


def noise(shape: tuple[int, ...], n_inputs: int) -> list[I8]:
    """Return codes like those of strips (bare paper with some ink) and, every third, of any kind."""
    rng = np.random.default_rng(3)
    made = []
    for index in range(n_inputs):
        ink = np.where(rng.random(shape) < 0.2, rng.integers(-128, 128, shape), -128)
        made.append((rng.integers(-128, 128, shape) if index % 3 == 0 else ink).astype(np.int8))
    return made


def drawn(name: Any, shape: tuple[int, ...], n_inputs: int) -> Iterator[I8]:
    """Yield codes of pictures that the generator drew, each cut, mirrored and grained in many ways."""
    from train.calibration import calibration_pictures

    rng = np.random.default_rng(4)
    pictures = calibration_pictures(name, 400 if shape[1] == 32 else 40, 77)
    for index in range(n_inputs):
        picture = pictures[index % len(pictures)].reshape(shape[1], -1, shape[3])
        left = int(rng.integers(0, max(1, picture.shape[1] - shape[2] + 1)))
        codes = np.full(shape, -128, np.int16)
        part = picture[:, left : left + shape[2]]
        codes[0, :, : part.shape[1]] += part[:: int(rng.choice([-1, 1])), :: int(rng.choice([-1, 1]))]
        yield np.clip(codes + rng.integers(-3, 4, shape) * int(rng.integers(0, 2)), -128, 127).astype(np.int8)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_code_is_that_of_the_reference_kernels(name: str) -> None:
    ours = Int8Model(MODELS[name], "reference")
    shape = tuple(int(n) for n in ours.input[0]["shape"])
    theirs = litert.Interpreter(model_content=MODELS[name], experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    theirs.allocate_tensors()
    given, answered = theirs.get_input_details()[0]["index"], theirs.get_output_details()[0]["index"]
    # Pages and frames are a hundred times as large as a strip.
    n_inputs = N_INPUTS if shape[1] == 32 else max(2, N_INPUTS // 50)
    for codes in noise(shape, n_inputs) if N_INPUTS < FEW else drawn(name, shape, n_inputs):
        theirs.set_tensor(given, codes)
        theirs.invoke()
        assert np.array_equal(ours(codes), theirs.get_tensor(answered))


@pytest.mark.parametrize("name", ["date", "micr", "strip"])
def test_strips_of_any_width_give_the_codes_of_the_reference_kernels(name: str) -> None:
    ours = Int8Model(MODELS[name], "reference")
    theirs = litert.Interpreter(model_content=MODELS[name], experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    given, answered = theirs.get_input_details()[0]["index"], theirs.get_output_details()[0]["index"]
    for width in (32, 96, 160, 224):
        (codes,) = noise((1, 32, width, 1), 1)
        theirs.resize_tensor_input(given, [1, 32, width, 1])
        theirs.allocate_tensors()
        theirs.set_tensor(given, codes)
        theirs.invoke()
        assert np.array_equal(ours(codes), theirs.get_tensor(answered))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_fast_kernels_differ_by_a_few_codes_at_most(name: str) -> None:
    ours, fast = Int8Model(MODELS[name], "reference"), Int8Model(MODELS[name], "litert")
    shape = tuple(int(n) for n in ours.input[0]["shape"])
    for codes in noise(shape, 4):
        assert np.abs(ours(codes).astype(int) - fast(codes)).max() <= 6


def test_a_file_that_is_no_model_is_refused() -> None:
    with pytest.raises(BundleError, match="no TFLite file"):
        Interpreter(b"not a model at all")
    model = MODELS["digit"]
    with pytest.raises(BundleError, match="damaged"):
        Interpreter(model[: len(model) // 3])


def test_an_unknown_operator_is_named_with_its_index() -> None:
    model = bytearray(MODELS["digit"])
    graph = read_graph(bytes(model))
    assert graph.operators[0].name == "CONV_2D"
    # In the table of operator codes stands CONV_2D (3) as an int32 and as a byte: make both RELU6 (21).
    places = [at for at in range(len(model) - 4) if struct.unpack_from("<i", model, at)[0] == 3]
    messages = []
    for at in places:
        changed = bytearray(model)
        changed[at] = 21
        try:
            read_graph(bytes(changed))
        except BundleError as error:
            messages.append(str(error))
    assert any("operator 0 of the model is RELU6 (code 21)" in message for message in messages)
