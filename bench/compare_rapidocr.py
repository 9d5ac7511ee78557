"""Compare reading one strip, or with --pages whole checks, with PP-OCR's mobile models (PP-OCRv4, through RapidOCR).

Both run in this process, on the same pictures already in memory, one thread each, in turns: what slows the machine down for a
moment slows both. On strips, detection and direction are left out on RapidOCR's side; on pages it finds and reads all text, as it is
used for checks. On ours everything from picture to reading is timed.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.picture import find_pictures, load_picture
from edge.datatypes import CheckReading, Frame
from edge.errors import EdgeError

Contestant = Callable[[Frame], str]
BASELINE = "rapidocr"


def open_checkreader(bundle: Path | None, runtime: str, pages: bool) -> Contestant:
    """Return our reader of digit strips, or of whole checks, one thread."""
    from edge.pipeline import Reader
    from edge.recognize.bundle import read_bundle

    reader = Reader(read_bundle(bundle), runtime, 1)
    if pages:
        return lambda frame: _amount_of(reader.read_frame(frame)[0])
    return lambda frame: reader.read_strip(frame, "digits").text or ""


def _amount_of(check: CheckReading) -> str:
    amount = check.fields["amount"]
    return amount.text or "" if amount is not None else ""


def open_rapidocr(pages: bool) -> Contestant:
    """Return RapidOCR, whole or its recognizer alone; its models lie in the package, nothing is fetched."""
    from rapidocr import RapidOCR
    from rapidocr.ch_ppocr_rec import TextRecInput

    one_thread = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    engine = RapidOCR(params={**one_thread, "Global.log_level": "error"})
    if pages:
        return lambda frame: " ".join(engine(frame.pixels).txts or ())
    return lambda frame: str(engine.text_rec(TextRecInput(img=frame.pixels)).txts[0])


def time_contestants(
    contestants: Mapping[str, Contestant], frames: list[Frame], rounds: int
) -> tuple[dict[str, NDArray[np.float64]], dict[str, list[str]]]:
    """Return milliseconds (rounds, pictures) and the texts of each contestant; the first round warms up and is not counted."""
    spent: dict[str, list[list[float]]] = {name: [] for name in contestants}
    texts: dict[str, list[str]] = {}
    for round_index in range(rounds + 1):
        rows: dict[str, list[float]] = {name: [] for name in contestants}
        texts = {name: [] for name in contestants}
        for frame_index, frame in enumerate(frames):
            order = list(contestants)
            if (round_index + frame_index) % 2:  # neither always finds the caches as the other left them
                order.reverse()
            for name in order:
                start = time.perf_counter()
                text = contestants[name](frame)
                rows[name].append((time.perf_counter() - start) * 1e3)
                texts[name].append(text)
        if round_index:
            for name, row in rows.items():
                spent[name].append(row)
    return {name: np.array(rows) for name, rows in spent.items()}, texts


def read_labels(path: Path) -> dict[str, str]:
    """Return file name -> digits from JSON lines with ``file`` and ``text``."""
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return {Path(row["file"]).name: only_digits(row["text"]) for row in rows}


def only_digits(text: str) -> str:
    return "".join(letter for letter in text if letter in "0123456789")


def summarize(
    spent: Mapping[str, NDArray[np.float64]], texts: Mapping[str, list[str]], names: list[str], labels: Mapping[str, str]
) -> dict[str, Any]:
    """Return the figures as JSON-ready values; a strip's time is the median of its rounds."""
    figures: dict[str, Any] = {"strips": len(names), "contestants": {}}
    for name, times in spent.items():
        per_strip = np.median(times, axis=0)
        row = {"p50_ms": float(np.median(per_strip)), "p95_ms": float(np.percentile(per_strip, 95))}
        known = [(only_digits(text), labels[file]) for text, file in zip(texts[name], names, strict=True) if file in labels]
        row["exact"] = sum(text == label for text, label in known) / len(known) if known else None
        figures["contestants"][name] = row
    medians = {name: row["p50_ms"] for name, row in figures["contestants"].items()}
    figures["times_faster"] = {name: medians[BASELINE] / ms for name, ms in medians.items() if name != BASELINE and BASELINE in medians}
    return figures


def print_table(figures: Mapping[str, Any]) -> None:
    print(f"{figures['strips']} pictures, one thread each, in turns in one process")
    print(f"{'':14}{'p50 ms':>10}{'p95 ms':>10}{'exact':>10}")
    for name, row in figures["contestants"].items():
        exact = "-" if row["exact"] is None else f"{row['exact']:.1%}"
        print(f"{name:14}{row['p50_ms']:10.2f}{row['p95_ms']:10.2f}{exact:>10}")
    for name, ratio in figures["times_faster"].items():
        print(f"{name} is {ratio:.1f} times as fast as {BASELINE} at the median")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True, help="folder of pictures")
    options.add_argument("--pages", action="store_true", help="the pictures are whole checks")
    options.add_argument("--labels", type=Path, help="JSON lines with file and text: prints the share of strips read whole")
    options.add_argument("--n", type=int, default=200, help="at most so many strips (default 200)")
    options.add_argument("--rounds", type=int, default=3, help="times that each strip is read (default 3)")
    options.add_argument("--bundle", type=Path, help="another bundle than the shipped one")
    options.add_argument("--runtime", default="auto", help="litert, tflite or auto")
    options.add_argument("--only", choices=("checkreader", BASELINE), help="time one of the two alone")
    options.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    chosen = options.parse_args()

    cv2.setNumThreads(1)
    contestants: dict[str, Contestant] = {}
    try:
        paths = find_pictures([chosen.data])
        paths = paths[:: max(1, len(paths) // chosen.n)][: chosen.n]
        frames, names = [load_picture(path) for path in paths], [path.name for path in paths]
        if chosen.only != BASELINE:
            contestants["checkreader"] = open_checkreader(chosen.bundle, chosen.runtime, chosen.pages)
    except EdgeError as error:
        print(f"{chosen.data}: {error}", file=sys.stderr)
        return error.exit_code
    if chosen.only != "checkreader":
        contestants[BASELINE] = open_rapidocr(chosen.pages)
    spent, texts = time_contestants(contestants, frames, max(1, chosen.rounds))
    figures = summarize(spent, texts, names, read_labels(chosen.labels) if chosen.labels else {})
    print(json.dumps(figures)) if chosen.json else print_table(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
