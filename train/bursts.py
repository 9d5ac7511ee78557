"""Does reading a check in several frames pay? Strips photographed again and again, each read by itself and together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.datatypes import U8, Reading
from edge.decode.accept import thresholds_of
from edge.fuse import fuse_readings
from edge.pipeline import Reader
from train.calibrate import risk_coverage, upper_bound
from train.data.paper import photograph
from train.data.sources import LabelledStrip
from train.evaluate import frame_of
from train.measured import table

# Shares of wrong readings at which counts of frames are compared, whatever the threshold on the card gives.
_EQUAL_RISKS = (0.005, 0.01)


@dataclass(frozen=True, slots=True)
class BurstFigure:
    """What so many frames together give, at the threshold on the card."""

    n_frames: int
    n: int
    exact: float
    accepted: float
    n_accepted: int
    error_among_accepted: float
    error_upper: float


def frames_of(picture: U8, n_frames: int, rng: np.random.Generator) -> Iterator[U8]:
    """Yield a strip as a hand-held camera sees it in successive frames: cut a little otherwise, turned, lit, blurred and grained anew."""
    height, width = picture.shape
    for _ in range(n_frames):
        angle, zoom = rng.normal(0, 0.012), float(np.exp(rng.normal(0, 0.04)))
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), np.degrees(angle), zoom)
        matrix[:, 2] += rng.normal(0, 0.03 * height, 2)
        seen = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        yield photograph(np.asarray(seen, np.uint8), rng)


def read_bursts(reader: Reader, strips: Sequence[LabelledStrip], n_frames: int, seed: int) -> list[tuple[Reading, ...]]:
    """Return each strip's readings, one a frame; the same frames for the same seed."""
    bursts = []
    for index, strip in enumerate(strips):
        rng = np.random.default_rng((seed, index))
        bursts.append(tuple(reader.read_strip(frame_of(p), "digits") for p in frames_of(strip.picture, n_frames, rng)))
    return bursts


def measure_bursts(
    bursts: Sequence[tuple[Reading, ...]], texts: Sequence[str], accept: float | None, counts: Sequence[int]
) -> list[tuple[BurstFigure, list[float], list[bool]]]:
    """Return for each count of frames the figure, and every strip's confidence and whether it is right."""
    figures = []
    for count in counts:
        fused = [fuse_readings(burst[:count], accept) for burst in bursts]
        right = [reading.text == text for reading, text in zip(fused, texts, strict=True)]
        accepted = [reading.verdict == "accepted" for reading in fused]
        n_accepted = sum(accepted)
        n_wrong = sum(a and not ok for a, ok in zip(accepted, right, strict=True))
        figure = BurstFigure(
            count, len(fused), float(np.mean(right)), n_accepted / len(fused), n_accepted,
            n_wrong / max(1, n_accepted), upper_bound(n_wrong, n_accepted),
        )  # fmt: skip
        figures.append((figure, [reading.confidence for reading in fused], right))
    return figures


def draw_curves(figures: Sequence[tuple[BurstFigure, list[float], list[bool]]], path: Path) -> None:
    """Draw risk over coverage, one line for each count of frames."""
    from matplotlib.figure import Figure

    chart = Figure(figsize=(7, 4), layout="constrained")
    axes = chart.add_subplot()
    for figure, confidences, right in figures:
        coverage, risk = risk_coverage(confidences, right)
        line = axes.plot(100 * coverage, 100 * risk, label=f"{figure.n_frames} frame{'s' * (figure.n_frames > 1)}")[0]
        axes.plot(100 * figure.accepted, 100 * figure.error_among_accepted, "o", color=line.get_color())
    axes.set(xlabel="accepted (% of strips)", ylabel="wrong among the accepted (%)", ylim=(0, 8), xlim=(40, 100))
    axes.axhline(1, color="grey", linewidth=0.8, linestyle=":")
    axes.legend(title="read together; dot: threshold on the card")
    chart.savefig(path, dpi=110)


def accepted_at_equal_risk(confidences: Sequence[float], right: Sequence[bool], most_wrong: float) -> float:
    """Return the largest share that can be accepted, the surest first, with at most so many wrong among them."""
    coverage, risk = risk_coverage(confidences, right)
    return float(max((c for c, r in zip(coverage, risk, strict=True) if r <= most_wrong), default=0.0))


def compare_bursts(
    reader: Reader, strips: Sequence[LabelledStrip], picture: Path | None = None, counts: Sequence[int] = (1, 2, 3, 5)
) -> list[str]:
    """Return a table with a row for each count of frames; draw the curves into ``picture``."""
    accept = thresholds_of(reader.bundle.card.thresholds, "strip", "digits").accept
    bursts = read_bursts(reader, strips, max(counts), seed=1)
    figures = measure_bursts(bursts, [s.text for s in strips], accept, counts)
    if picture is not None:
        draw_curves(figures, picture)
    head = ["frames", "n", "right", "accepted", "wrong among them (at most)"]
    head += [f"accepted at {100 * risk:g} % wrong" for risk in _EQUAL_RISKS]
    rows = [
        [
            str(f.n_frames), str(f.n), f"{100 * f.exact:.1f} %", f"{100 * f.accepted:.1f} %",
            f"{100 * f.error_among_accepted:.2f} % ({100 * f.error_upper:.2f})",
            *(f"{100 * accepted_at_equal_risk(confidences, right, risk):.1f} %" for risk in _EQUAL_RISKS),
        ]
        for f, confidences, right in figures
    ]  # fmt: skip
    return table(head, rows)
