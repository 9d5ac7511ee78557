"""How long each stage takes on this device, what the networks weigh, and how much memory reading takes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.capture.picture import find_pictures, load_picture
from edge.datatypes import Frame
from edge.pipeline import Reader
from edge.recognize.bundle import read_bundle

# What a user reads as one strip: the stages of `read_strip`, by the names that they have here.
_STAGES = {"normalize": "strips", "network": "network", "decode": "decode", "total": "total"}
_ROUNDS = 5
_MOST_STRIPS = 200
_N_MADE = 40


def run_bench(strips: Path | None, as_json: bool, bundle: Path | None, runtime: str, threads: int) -> int:
    """Time the reading of digit strips and print the figures; always 0, errors are raised."""
    cv2.setNumThreads(1)  # OpenCV's own threads would hide what a stage costs
    frames = [load_picture(path) for path in find_pictures([strips])[:_MOST_STRIPS]] if strips else make_strips()
    opened = read_bundle(bundle)
    reader = Reader(opened, runtime, threads)
    figures = {
        "strips": len(frames),
        "threads": threads,
        "runtime": runtime,
        "us": time_stages(reader, frames),
        "model_bytes": {name: len(model) for name, model in sorted(opened.models.items())},
        "peak_memory_bytes": peak_memory_bytes(),
        "bundle": {"version": opened.version, "sha256": opened.sha256},
    }
    print(json.dumps(figures)) if as_json else _print_figures(figures)
    return 0


def time_stages(reader: Reader, frames: Sequence[Frame]) -> dict[str, dict[str, float]]:
    """Return p50 and p95 in microseconds per stage over all strips; a strip's time is its median over the rounds, the first not counted."""
    spent: dict[str, list[list[float]]] = {stage: [] for stage in _STAGES}
    for round_index in range(_ROUNDS + 1):
        rows: list[dict[str, float]] = []
        for frame in frames:
            timings_ms: dict[str, float] = {}
            reader.read_strip(frame, "digits", timings_ms=timings_ms)
            rows.append(timings_ms)
        if round_index:
            for stage, name in _STAGES.items():
                spent[stage].append([row.get(name, 0.0) * 1e3 for row in rows])
    medians = {stage: np.median(times, axis=0) for stage, times in spent.items()}
    return {stage: {f"p{q}": round(float(np.percentile(us, q)), 1) for q in (50, 95)} for stage, us in medians.items()}


def peak_memory_bytes() -> int:
    """Return the most memory that this process held at once.

    From /proc, not from getrusage: a process started by a larger one inherits that one's peak there (Linux keeps it over exec).
    """
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def make_strips() -> list[Frame]:
    """Return strips of written digits the size of a courtesy amount in a scanned check, the same ones every time."""
    rng = np.random.default_rng(1)
    frames = []
    for index in range(_N_MADE):
        text = "".join(map(str, rng.integers(0, 10, rng.integers(4, 9))))
        paper = np.full((60, 60 + 30 * len(text), 3), 235, np.uint8)
        cv2.putText(paper, text, (20, 46), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.4, (60, 40, 40), 2, cv2.LINE_AA)
        noise = rng.normal(0, 6, paper.shape)
        frames.append(Frame(np.clip(paper + noise, 0, 255).astype(np.uint8), f"made {index}"))
    return frames


def _print_figures(figures: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage")
    table.add_column("p50 us", justify="right")
    table.add_column("p95 us", justify="right")
    for stage, us in figures["us"].items():
        table.add_row(stage, f"{us['p50']:,.0f}", f"{us['p95']:,.0f}")
    console = Console(highlight=False)
    console.print(table)
    models = ", ".join(f"{name} {size:,}" for name, size in figures["model_bytes"].items())
    console.print(f"{figures['strips']} strips, {figures['threads']} thread(s), runtime {figures['runtime']}")
    console.print(f"models: {models}; together {sum(figures['model_bytes'].values()):,} bytes", soft_wrap=True)
    console.print(f"peak memory: {figures['peak_memory_bytes'] / 1e6:.0f} MB")
