"""Thresholds of the quality of a frame, fitted to where readings fail.

For each fault frames of the same checks are drawn over the whole range of how grave it is, nothing else changed, and read at their true
corners. The threshold is the value of the fault's measure that best tells readings that fail from those that do not: where the share of
failures caught less the share of good readings suspected is largest (Youden 1950).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from typing import Any

import cv2
import numpy as np

from edge.datatypes import F64, U8, Frame
from edge.locate.page import rectify
from edge.locate.quality import THRESHOLDS, measures
from edge.pipeline import Reader
from train.data.checks import DrawnCheck, draw_check
from train.data.layouts import draw_layout
from train.measured import table
from train.stages import is_read_rightly

_FRAME_SIZE = (1600, 1200)
_N_CHECKS = 24

# Draws a frame of a check with a fault, 0 (none) to 1 (hopeless); returns pixels and corners.
Fault = Callable[[DrawnCheck, float, np.random.Generator], tuple[U8, F64]]


@dataclass(frozen=True, slots=True)
class FittedThreshold:
    """``threshold``: where failing readings are told best; ``caught`` and ``suspected``: shares of bad and good ones below it.

    On ``n_other`` other frames the threshold in use tells ``recall`` of the failures, and ``precision`` of what it tells are failures.
    """

    name: str
    n: int
    n_failed: int
    threshold: float
    caught: float
    suspected: float
    n_other: int = 0
    recall: float = 0.0
    precision: float = 0.0


def _laid(check: DrawnCheck, share: float, tilt: float, rng: np.random.Generator) -> tuple[U8, F64]:
    """Return a check on a grey ground; ``share`` of the frame's width that it takes, ``tilt`` by which its far side is shorter."""
    width, height = _FRAME_SIZE
    high, wide = check.pixels.shape[:2]
    half_w = share * width / 2
    half_h = half_w * high / wide * (1 - 0.6 * tilt)
    corners = np.array([[-half_w * (1 - tilt), -half_h], [half_w * (1 - tilt), -half_h], [half_w, half_h], [-half_w, half_h]])
    angle = np.deg2rad(rng.normal(0, 3))
    corners = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + (width / 2, height / 2)
    flat = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    source = check.pixels
    if 2 * half_w < 0.7 * wide:
        factor = 2.4 * half_w / wide
        source = np.asarray(cv2.resize(source, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
        flat *= np.float32([source.shape[1] / wide, source.shape[0] / high])
    matrix = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    ground = np.full((height, width, 3), 90, np.uint8)
    seen = cv2.warpPerspective(source, matrix, _FRAME_SIZE, dst=ground, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
    return np.asarray(seen, np.uint8), corners.astype(np.float64)


def _sensed(seen: np.ndarray, rng: np.random.Generator) -> U8:  # type: ignore[type-arg]
    """Add the grain of a small sensor and the loss of JPEG."""
    grained = np.clip(seen + rng.normal(0, 3.0, seen.shape), 0, 255).astype(np.uint8)
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", grained, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], cv2.IMREAD_COLOR), np.uint8)


def _blur(check: DrawnCheck, gravity: float, rng: np.random.Generator) -> tuple[U8, F64]:
    seen, corners = _laid(check, 0.85, 0.0, rng)
    return _sensed(cv2.GaussianBlur(seen, (0, 0), 0.4 + 5 * gravity), rng), corners


def _dark(check: DrawnCheck, gravity: float, rng: np.random.Generator) -> tuple[U8, F64]:
    seen, corners = _laid(check, 0.85, 0.0, rng)
    return _sensed(seen * (1 - 0.98 * gravity), rng), corners


def _glare(check: DrawnCheck, gravity: float, rng: np.random.Generator) -> tuple[U8, F64]:
    seen, corners = _laid(check, 0.85, 0.0, rng)
    spot = np.zeros(seen.shape[:2], np.float32)
    at = corners.min(axis=0) + rng.random(2) * np.ptp(corners, axis=0)
    size = (float(20 + 700 * gravity), float(15 + 300 * gravity))
    cv2.ellipse(spot, ((float(at[0]), float(at[1])), size, float(rng.uniform(0, 180))), (1.0,), -1)
    return _sensed(0.85 * seen + 200 * cv2.GaussianBlur(spot, (0, 0), 8)[:, :, None], rng), corners


def _small(check: DrawnCheck, gravity: float, rng: np.random.Generator) -> tuple[U8, F64]:
    seen, corners = _laid(check, 0.9 - 0.8 * gravity, 0.0, rng)
    return _sensed(seen, rng), corners


def _oblique(check: DrawnCheck, gravity: float, rng: np.random.Generator) -> tuple[U8, F64]:
    seen, corners = _laid(check, 0.9, 0.85 * gravity, rng)
    return _sensed(seen, rng), corners


def _shadow(check: DrawnCheck, gravity: float, rng: np.random.Generator) -> tuple[U8, F64]:
    seen, corners = _laid(check, 0.85, 0.0, rng)
    xs, ys = np.meshgrid(np.linspace(-1, 1, seen.shape[1]), np.linspace(-1, 1, seen.shape[0]))
    angle = float(rng.uniform(0, 2 * np.pi))
    across = xs * np.cos(angle) + ys * np.sin(angle) - float(rng.uniform(-0.3, 0.3))
    edge = 1 / (1 + np.exp(np.clip(-across * float(rng.uniform(20, 80)), -30, 30)))
    return _sensed(seen * (1 - 0.98 * gravity * edge[:, :, None]), rng), corners


FAULTS: Mapping[str, Fault] = {
    "blur": _blur,
    "dark": _dark,
    "glare": _glare,
    "too_small": _small,
    "too_oblique": _oblique,
    "shadow": _shadow,
}


def fit_thresholds(reader: Reader, n: int, seed: int = 60) -> Iterator[FittedThreshold]:
    """Yield the threshold of each fault, from ``n`` frames with it, and what the one in use does on half as many of other checks."""
    for name in FAULTS:
        fitted = best_split(name, *fault_frames(reader, name, n, seed))
        yield replace(fitted, **judged(*fault_frames(reader, name, n // 2, seed + 1), THRESHOLDS[name]))


def fault_frames(reader: Reader, name: str, n: int, seed: int) -> tuple[F64, np.ndarray]:  # type: ignore[type-arg]
    """Return the measure of ``n`` frames with one fault, from none to hopeless, and whether the amount or the MICR line is not right.

    The checks are read rightly without the fault, so that nothing else makes a reading fail.
    """
    checks = readable_checks(reader, seed)
    values, failed = [], []
    for index in range(n):
        rng = np.random.default_rng((seed, list(FAULTS).index(name), index))
        check = checks[index % len(checks)]
        value, is_right = _read(reader, check, name, (index + 0.5) / n, rng)
        values.append(value)
        failed.append(not is_right)
    return np.array(values), np.array(failed)


@cache
def readable_checks(reader: Reader, seed: int) -> tuple[DrawnCheck, ...]:
    """Return checks of our two kinds, half of each, that are read rightly where nothing is wrong with the frame."""
    checks: list[DrawnCheck] = []
    drawn = ((draw_layout if i % 2 else draw_check)(np.random.default_rng((seed, i))) for i in count())
    for index, check in enumerate(drawn):
        if check.amount and _read(reader, check, "blur", 0.0, np.random.default_rng((seed, index, 9)))[1]:
            checks.append(check)
        if len(checks) == _N_CHECKS:
            break
    return tuple(checks)


def _read(reader: Reader, check: DrawnCheck, fault: str, gravity: float, rng: np.random.Generator) -> tuple[float, bool]:
    """Return the fault's measure on one frame, and whether amount and MICR line are read rightly there."""
    pixels, corners = FAULTS[fault](check, gravity, rng)
    frame = Frame(pixels)
    page = rectify(frame, corners)
    fields = reader.read_page(frame, page).fields
    is_all_right = is_read_rightly(fields["amount"], "amount", check.amount) and is_read_rightly(fields["micr"], "micr", check.micr)
    return measures(frame, page, fields)[fault], is_all_right


def judged(values: F64, failed: np.ndarray, threshold: float) -> dict[str, Any]:  # type: ignore[type-arg]
    """Return what a threshold does on frames that did not fit it: how many of the failures it tells, and how many that it tells fail."""
    told = values < threshold
    both = int(np.count_nonzero(told & failed))
    n_failed, n_told = int(failed.sum()), int(told.sum())
    return {"n_other": len(values), "recall": both / max(1, n_failed), "precision": both / max(1, n_told)}


def best_split(name: str, values: F64, failed: np.ndarray) -> FittedThreshold:  # type: ignore[type-arg]
    """Return the value below which readings that failed are told best from the others; less is worse."""
    ordered = np.unique(values)
    cuts = np.concatenate([[ordered[0] - 1e-9], (ordered[1:] + ordered[:-1]) / 2])
    caught = np.array([np.mean(values[failed] < cut) if failed.any() else 0.0 for cut in cuts])
    suspected = np.array([np.mean(values[~failed] < cut) if (~failed).any() else 0.0 for cut in cuts])
    best = int(np.argmax(caught - suspected))
    return FittedThreshold(name, len(values), int(failed.sum()), float(cuts[best]), float(caught[best]), float(suspected[best]))


def threshold_table(fitted: list[FittedThreshold]) -> list[str]:
    return table(
        [
            "problem",
            "frames",
            "failed",
            "fitted",
            "in use",
            "failures below it",
            "good readings below it",
            "other frames",
            "failures told",
            "told that fail",
        ],
        [
            [
                f.name,
                str(f.n),
                str(f.n_failed),
                f"{f.threshold:.3g}",
                f"{THRESHOLDS[f.name]:.3g}",
                f"{100 * f.caught:.0f} %",
                f"{100 * f.suspected:.0f} %",
                str(f.n_other),
                f"{100 * f.recall:.0f} %",
                f"{100 * f.precision:.0f} %",
            ]
            for f in fitted
        ],
    )
