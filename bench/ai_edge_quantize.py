"""Quantize a float .tflite to full int8 with ai-edge-quantizer, in an environment of its own (ai-edge-quantizer 0.10, numpy below 2).

    python bench/ai_edge_quantize.py FLOAT.tflite PIECES.npy OUT.tflite

The float model needs a signature; the pieces are real inputs (n, height, width, channels).
"""

import sys
from pathlib import Path

import numpy as np
from ai_edge_quantizer import quantizer, recipe


def main() -> int:
    float_model, pieces, out = sys.argv[1:]
    job = quantizer.Quantizer(float_model, recipe.static_wi8_ai8())
    (name,) = _signature_inputs(float_model)
    calibration = {"serving_default": [{name: piece[None]} for piece in np.load(pieces)]}
    Path(out).write_bytes(bytes(job.quantize(job.calibrate(calibration)).quantized_model))
    return 0


def _signature_inputs(model: str) -> list[str]:
    from ai_edge_litert.interpreter import Interpreter

    return list(Interpreter(model_path=model).get_signature_runner("serving_default").get_input_details())


if __name__ == "__main__":
    sys.exit(main())
