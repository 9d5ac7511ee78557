"""The integer reference is bit for bit what TensorFlow's reference kernels give, and says what it does not know."""

import os
import struct

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
# `make test-reference` compares many thousands; a few show every layer at work.
N_INPUTS = int(os.environ.get("REFERENCE_INPUTS", "12"))


def inputs(shape: tuple[int, ...], n_inputs: int) -> list[I8]:
    """Return codes like those of strips (bare paper with some ink) and, every third, of any kind."""
    rng = np.random.default_rng(3)
    made = []
    for index in range(n_inputs):
        wide = (shape[0], shape[1], shape[2] if shape[2] == shape[1] else int(rng.integers(1, 6)) * 32, shape[3])
        ink = np.where(rng.random(wide) < 0.2, rng.integers(-128, 128, wide), -128)
        made.append((rng.integers(-128, 128, wide) if index % 3 == 0 else ink).astype(np.int8))
    return made


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_code_is_that_of_the_reference_kernels(name: str) -> None:
    ours = Int8Model(MODELS[name], "reference")
    shape = tuple(int(n) for n in ours.input[0]["shape"])
    fixed = shape[1] != 32
    theirs = litert.Interpreter(model_content=MODELS[name], experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    given, answered = theirs.get_input_details()[0]["index"], theirs.get_output_details()[0]["index"]
    for codes in inputs(shape, N_INPUTS if not fixed else max(2, N_INPUTS // 10)):
        wanted = codes if not fixed else np.resize(codes, shape)
        theirs.resize_tensor_input(given, list(wanted.shape))
        theirs.allocate_tensors()
        theirs.set_tensor(given, wanted)
        theirs.invoke()
        assert np.array_equal(ours(wanted), theirs.get_tensor(answered))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_fast_kernels_differ_by_a_few_codes_at_most(name: str) -> None:
    ours, fast = Int8Model(MODELS[name], "reference"), Int8Model(MODELS[name], "litert")
    shape = tuple(int(n) for n in ours.input[0]["shape"])
    for codes in inputs(shape, 4):
        wanted = codes if shape[1] == 32 else np.resize(codes, shape)
        assert np.abs(ours(wanted).astype(int) - fast(wanted)).max() <= 6


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
