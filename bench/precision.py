"""Every recipe and precision of the networks: strings right, strings changed, bytes and microseconds; Markdown tables and a JSON file.

    .venv/bin/python bench/precision.py --data FOLDER --out build/precision

Models are written to the folder too, so that bench/count_arm64 can count their instructions. Without --data only strips of the
project's own generator are read. --aeq names a Python that has ai-edge-quantizer.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

RELEASED = Path(__file__).resolve().parent.parent / "train" / "released"
# What is read, how wide in pixels one input is that is timed, and the seeds: the first one calibrates the released networks.
WIDTHS_PX = {"strip": 160, "micr": 640, "digit": 32}
CALIBRATION_SEEDS = (4, 5, 6)
TRAINING_SEEDS = (1, 2, 3)
ROUNDS = 300


def least_us(models: Mapping[str, bytes], width: int, rounds: int = ROUNDS) -> dict[str, float]:
    """Return the least microseconds of a run of each model, one thread, in turns: what else the machine does can only add."""
    from ai_edge_litert.interpreter import Interpreter

    runs: dict[str, Callable[[], None]] = {}
    for name, model in models.items():
        interpreter = Interpreter(model_content=model, num_threads=1)
        given = interpreter.get_input_details()[0]
        shape = [*given["shape"][:2], width, given["shape"][3]]
        interpreter.resize_tensor_input(given["index"], shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], np.zeros(shape, given["dtype"]))
        runs[name] = interpreter.invoke
    least = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            run()
            start = time.perf_counter()
            run()
            least[name] = min(least[name], (time.perf_counter() - start) * 1e6)
    return least


def ai_edge(of: Any, python: Path, seed: int, out: Path) -> bytes:
    """Return a full int8 model by ai-edge-quantizer, from the same float network and calibration pictures."""
    import keras
    import tensorflow as tf

    pieces = np.concatenate(of.pieces(seed))
    saved, calibration, plain, done = (out / f"aeq.{kind}" for kind in ("saved", "npy", "float.tflite", "int8.tflite"))
    signature = [keras.InputSpec(shape=(1, *pieces.shape[1:]), dtype="float32", name="x")]
    of.model.export(str(saved), verbose=False, input_signature=signature)
    plain.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(saved)).convert())
    np.save(calibration, pieces)
    script = Path(__file__).with_name("ai_edge_quantize.py")
    subprocess.run([str(python), str(script), str(plain), str(calibration), str(done)], check=True, capture_output=True)
    return done.read_bytes()


def variants(of: Any, python: Path | None, out: Path) -> dict[str, list[bytes]]:
    """Return every recipe of a network with one model for each seed; the precisions come with one."""
    from train.ablation import precision_variants, range_variants, trained_variant

    made: dict[str, list[bytes]] = {}
    for name, model in precision_variants(of, CALIBRATION_SEEDS[0], ("float32", "float16", "dynamic int8", "int16 x int8")):
        made[name] = [model]
    for seed in CALIBRATION_SEEDS:
        for name, model in range_variants(of, seed):
            made.setdefault(f"int8: {name}", []).append(model)
    if of.network == "strip":
        made["int8: quantization-aware"] = [trained_variant(of, seed, CALIBRATION_SEEDS[0]) for seed in TRAINING_SEEDS]
        if python is not None:
            made["int8: ai-edge-quantizer"] = [ai_edge(of, python, seed, out) for seed in CALIBRATION_SEEDS]
    return made


def measure(of: Any, models: Mapping[str, list[bytes]], folder: Path | None, n_generated: int) -> dict[str, list[dict[str, Any]]]:
    """Return the scores of every model on every test."""
    from train.ablation import digit_classes, read_all, score, score_digits, trials_of

    if of.network == "digit":
        if folder is None:
            return {}
        classes, labels = digit_classes(of, folder)
        by_float = classes(models["float32"][0])
        return {name: [{"all": asdict(score_digits(classes(m), labels, by_float))} for m in made] for name, made in models.items()}
    tests = trials_of(of.network, folder, n_generated)
    if not tests:
        return {}
    said = read_all(of, models["float32"][0], tests)
    return {
        name: [{test: asdict(s) for test, s in score(tests, read_all(of, m, tests), said).items()} for m in made]
        for name, made in models.items()
    }


def table(figures: Mapping[str, Any]) -> str:
    """Return one network's figures as a Markdown table; with several seeds least and most."""
    lines = ["| | right of n | changed | other verdict | bytes | us |", "|---|---|---|---|---|---|"]
    for name, row in figures.items():
        scores = [s["all"] for s in row["scores"]]
        cells = [_spread([s[key] for s in scores]) for key in ("n_right", "n_changed", "n_other_verdicts")] if scores else ["-"] * 3
        n = f" of {scores[0]['n']:,}" if scores else ""
        lines.append(f"| {name} | {cells[0]}{n} | {cells[1]} | {cells[2]} | {row['bytes']:,} | {row['us']:.0f} |")
    return "\n".join(lines)


def _spread(values: list[int]) -> str:
    shown = ", ".join(f"{v:,}" for v in values)
    return shown if len(set(values)) > 1 else f"{values[0]:,}"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=os.environ.get("TRAIN_DATA"), help="folder of labelled sets; default: TRAIN_DATA")
    options.add_argument("--out", type=Path, default=Path("build/precision"), help="folder for models, tables and figures")
    options.add_argument("--network", action="append", choices=tuple(WIDTHS_PX), help="only this one (may be given again)")
    options.add_argument("--generated", type=int, default=500, help="strips of the generator (default 500)")
    options.add_argument("--aeq", type=Path, help="a Python with ai-edge-quantizer")
    chosen = options.parse_args()

    from edge.recognize.bundle import read_bundle
    from train.ablation import subject

    chosen.out.mkdir(parents=True, exist_ok=True)
    bundle = read_bundle()
    for network in chosen.network or WIDTHS_PX:
        of = subject(network, bundle.card.raw["runs"][network]["design"], bundle, RELEASED / network)
        models = variants(of, chosen.aeq, chosen.out)
        scores = measure(of, models, chosen.data, chosen.generated)
        us = least_us({name: made[0] for name, made in models.items()}, WIDTHS_PX[network])
        figures = {n: {"bytes": len(made[0]), "us": us[n], "scores": scores.get(n, [])} for n, made in models.items()}
        for name, made in models.items():
            (chosen.out / f"{network}.{name.replace(' ', '_').replace(':', '').replace(',', '').replace('%', 'pc')}.tflite").write_bytes(
                made[0]
            )
        (chosen.out / f"{network}.json").write_text(json.dumps(figures, indent=1) + "\n")
        text = f"### {network}, input {WIDTHS_PX[network]} px wide\n\n{table(figures)}\n"
        (chosen.out / f"{network}.md").write_text(text)
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
