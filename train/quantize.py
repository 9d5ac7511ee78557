"""Float weights to full-integer int8 TFLite: int8 in, int8 out, weights per channel (Jacob et al. 2018; the TFLite 8-bit specification)."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edge.datatypes import F32, STRIP_HEIGHT_PX, U8
from edge.locate import field_map, page_map
from edge.recognize.interpreter import Int8Model
from train.fit import load_weights
from train.networks import DESIGNS, EXTENT_UNIT_PX, Design

# Height, width and channels at which each network is converted. Strips are resized on the device, the others stay as they are.
SHAPES = {
    "digit": (STRIP_HEIGHT_PX, 32, 1),
    "strip": (STRIP_HEIGHT_PX, 128, 1),
    "date": (STRIP_HEIGHT_PX, 128, 1),
    "micr": (STRIP_HEIGHT_PX, 512, 1),
    "page": (*page_map.PICTURE_SIZE[::-1], 3),
    "fields": (*field_map.PICTURE_SIZE[::-1], 1),
}
# Widths that the runtime may ask for; beyond them a strip is not one field any more.
_WIDEST_PX = {"strip": 768, "date": 768, "micr": 2048}


def quantize(model: keras.Model, design: Design, calibration: Sequence[U8]) -> bytes:
    """Convert a float network to an int8 model.

    Args:
        calibration: inks (32, width), or pictures (height, width, channels), that show the range of every activation; what is wider
            than the conversion width gives pieces.

    Raises:
        ValueError: there is nothing to calibrate with, or no picture reaches full ink, so that the input's scale would be wrong.
    """
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"conversion needs Keras on TensorFlow, not on {keras.backend.backend()}: set KERAS_BACKEND=tensorflow")
    if not calibration or max(int(ink.max()) for ink in calibration) < 255 or min(int(ink.min()) for ink in calibration) > 0:
        raise ValueError("the calibration set must hold both bare paper (0) and full ink (255): add strips to it")
    shape = SHAPES[design.network]
    concrete = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec((1, *shape), tf.float32))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([levels_of(piece)[None]] for piece in pieces(calibration, shape))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return _without_names(bytes(converter.convert()))


def _without_names(model: bytes) -> bytes:
    """Return the same model with tensors numbered instead of named after the layers they were fused from, and without a log of its making.

    Of a network with many small layers the names are an eighth.
    """
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    whole = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    for graph in whole.subgraphs:
        for index, tensor in enumerate(graph.tensors):
            tensor.name = f"t{index}"
    whole.metadata, whole.description = [], ""
    builder = flatbuffers.Builder(len(model))
    builder.Finish(whole.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def pieces(pictures: Sequence[U8], shape: tuple[int, int, int]) -> Iterator[U8]:
    """Yield what a network is shown of pictures at its conversion shape: uint8 ``shape``, cut where wider, paper at the right."""
    height, width, channels = shape
    for picture in pictures:
        levels = picture.reshape(height, -1, channels)
        for left in range(0, levels.shape[1], width):
            piece = np.zeros(shape, np.uint8)
            part = levels[:, left : left + width]
            piece[:, : part.shape[1]] = part
            yield piece


def levels_of(picture: U8) -> F32:
    """Return what the float networks see of a picture: 0..1, in training, calibration and comparison alike."""
    return picture * np.float32(1 / 255)


def network_card(design: Design, model: bytes) -> dict[str, Any]:
    """Describe an int8 model for the bundle's card: file, input contract, output quantization, symbols."""
    opened = Int8Model(model)
    (in_scale, in_zero), (out_scale, out_zero) = opened.input[0]["quantization"], opened.output[0]["quantization"]
    return {
        "file": f"models/{design.network}.tflite",
        "input": {
            "height": SHAPES[design.network][0],
            "channels": SHAPES[design.network][2],
            "scale": float(in_scale),
            "zero_point": int(in_zero),
            "width_multiple": design.width_step_px,
            "min_width": design.width_step_px,
            "max_width": _WIDEST_PX.get(design.network, SHAPES[design.network][1]),
        },
        "output": {"scale": float(out_scale), "zero_point": int(out_zero)},
        "column_px": design.column_px,
        "symbols": list(design.symbols),
        "has_extents": design.has_extents,
        "extent_unit_px": EXTENT_UNIT_PX,
        "parameters": int(design.build().count_params()),
    }


def released_model(run: Path) -> tuple[Design, keras.Model]:
    """Return the design of a run folder (see :func:`train.fit.fit`) and its network with the best weights.

    Raises:
        FileNotFoundError: the run has no weights or no configuration.
        ValueError: they cannot be followed, do not fit the design, or are not all numbers.
    """
    try:
        name = json.loads((run / "config.json").read_text())["design"]
        design = DESIGNS[name]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{run / 'config.json'} names no design of train/networks.py ({error}): is this the folder of a run?") from error
    # A fresh session: names inside the file hold process-wide counters, and the same weights must give the same bytes.
    keras.backend.clear_session()
    model = design.build()
    load_weights(model, run / "weights.npz")
    return design, model


def quantize_run(run: Path, calibration: Sequence[U8]) -> tuple[Design, bytes]:
    """Convert the best weights of a run folder."""
    design, model = released_model(run)
    return design, quantize(model, design, calibration)
