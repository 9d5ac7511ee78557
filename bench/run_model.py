"""Run a TFLite model on zeros so many times, for :file:`count_arm64`: SITE MODEL.tflite WIDTH RUNS."""

import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

import numpy as np
from ai_edge_litert.interpreter import Interpreter

model, width, runs = Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
interpreter = Interpreter(model_content=model.read_bytes(), num_threads=1)
given = interpreter.get_input_details()[0]
shape = [*given["shape"][:2], width, given["shape"][3]]
interpreter.resize_tensor_input(given["index"], shape)
interpreter.allocate_tensors()
interpreter.set_tensor(given["index"], np.zeros(shape, given["dtype"]))
for _ in range(runs):
    interpreter.invoke()
