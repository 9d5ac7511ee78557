"""How well checks are found in frames: our own frames, labelled checks laid on our desks, and frames of everything else."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.datatypes import F64, U8, Frame, Page
from train.data.checks import draw_check
from train.data.frames import LAYOUTS, DrawnFrame, draw_frame, draw_frame_without
from train.data.other_paper import draw_other_paper

Finder = Callable[[Frame], tuple[Page, ...]]

# Width and height of frames as cameras give them.
SIZES = ((1600, 1200), (1600, 900), (1200, 1600), (1280, 960))
_REAL_SETS = ("dbgt", "idrbt", "specimens")
# Real pictures without a check: handwriting on a sheet, numbers in cells, amounts cut out of checks.
_REAL_OTHERS = ("checks/ssbi_templates/dummy_text/data/*", "strings/orand_car_a/images/*")
_N_CHECKS, _N_OTHERS, _CHECK_PX_PER_INCH = 40, 60, 220.0
_GOOD_OVERLAP = 0.95


@dataclass(frozen=True, slots=True)
class PageFigure:
    """What was measured on one source. ``n`` checks in ``n_frames`` frames; shares in 0..1, None where nothing is to be found."""

    name: str
    n_frames: int
    n: int
    overlap_good: float | None
    upright: float | None
    mean_overlap: float | None
    invented: float
    ms_p50: float


def page_sources(folder: Path, n: int, seed: int = 5) -> Iterator[tuple[str, Iterator[DrawnFrame]]]:
    """Yield (source, frames) with about ``n`` frames each, drawn as they are asked for."""
    rng = np.random.default_rng((seed, 31))
    drawn = [draw_check(rng, _CHECK_PX_PER_INCH).pixels for _ in range(min(n, _N_CHECKS))]
    others = [draw_other_paper(rng) for _ in range(min(n, _N_OTHERS))]

    def other() -> U8:
        return others[int(rng.integers(len(others)))]

    def size() -> tuple[int, int]:
        return SIZES[int(rng.integers(len(SIZES)))]

    for layout in LAYOUTS:
        yield f"drawn/{layout}", (draw_frame(rng, drawn, other, size(), layout) for _ in range(max(1, n // 3)))
    for name in _REAL_SETS:
        paths = sorted((folder / "checks" / name / "images").glob("*"))
        if paths:
            chosen = [paths[index * len(paths) // n] for index in range(n)]
            yield f"laid/{name}", (draw_frame(rng, [_load(p)], other, size()) for p in chosen)
    yield "empty/drawn", (draw_frame_without(rng, other, size()) for _ in range(3 * n))
    real = [p for pattern in _REAL_OTHERS for p in sorted(folder.glob(pattern))[: n // 2]]
    yield "empty/real", (DrawnFrame(_load(p), (), p.name) for p in real)


def camera_frames(folder: Path) -> Iterator[DrawnFrame]:
    """Yield a folder of frames with labels.jsonl (file, corners_xy or corners)."""
    for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        corners = np.array(label.get("corners_xy") or label["corners"], np.float64)
        yield DrawnFrame(_load(folder / label["file"]), (corners,), label["file"])


def measure_pages(name: str, finder: Finder, frames: Iterator[DrawnFrame], failed: list[tuple[DrawnFrame, Sequence[Page]]]) -> PageFigure:
    """Find the checks of every frame; what is missed, turned or invented is added to ``failed``."""
    overlaps: list[float] = []
    is_upright: list[bool] = []
    times: list[float] = []
    n_invented = n_frames = 0
    for drawn in frames:
        frame = Frame(drawn.pixels)
        started = time.perf_counter()
        pages = finder(frame)
        times.append((time.perf_counter() - started) * 1e3)
        n_frames += 1
        best = [max(((overlap(p.corners, c), p) for p in pages), key=lambda pair: pair[0], default=(0.0, None)) for c in drawn.corners]
        overlaps += [share for share, _ in best]
        turned = [
            page is not None and share > 0.5 and _is_upright(page.corners, c) for (share, page), c in zip(best, drawn.corners, strict=True)
        ]
        is_upright += turned
        invented = sum(max((overlap(page.corners, c) for c in drawn.corners), default=0.0) < 0.5 for page in pages)
        n_invented += invented > 0
        if invented or not all(turned) or any(share < _GOOD_OVERLAP for share, _ in best):
            failed.append((drawn, pages))
    if not overlaps:
        return PageFigure(name, n_frames, 0, None, None, None, n_invented / max(1, n_frames), float(np.median(times)) if times else 0.0)
    good = float(np.mean([share >= _GOOD_OVERLAP for share in overlaps]))
    return PageFigure(
        name,
        n_frames,
        len(overlaps),
        good,
        float(np.mean(is_upright)),
        float(np.mean(overlaps)),
        n_invented / n_frames,
        float(np.median(times)),
    )


def overlap(found: F64, truth: F64) -> float:
    """Return intersection over union of two convex quadrilaterals."""
    a, b = found.astype(np.float32), truth.astype(np.float32)
    common, _ = cv2.intersectConvexConvex(a, b)
    union = cv2.contourArea(a) + cv2.contourArea(b) - common
    return float(common / union) if union > 0 else 0.0


def _is_upright(found: F64, truth: F64) -> bool:
    """Is the first corner of the page nearest to the check's own first corner?"""
    return int(np.argmin(np.hypot(*(truth - found[0]).T))) == 0


def draw_failures(failed: Sequence[tuple[DrawnFrame, Sequence[Page]]], path: Path, most: int = 20) -> None:
    """Write a sheet of failures: true outlines green, found ones red, a dot at the top-left corner."""
    cells = []
    for drawn, pages in failed[:most]:
        picture = drawn.pixels.copy()
        pen = max(2, max(picture.shape) // 300)
        for colour, quads in (((60.0, 200.0, 60.0), drawn.corners), ((40.0, 40.0, 240.0), tuple(page.corners for page in pages))):
            for quad in quads:
                points = np.round(quad).astype(np.int32)
                cv2.polylines(picture, [points], True, colour, pen, cv2.LINE_AA)
                cv2.circle(picture, (int(points[0][0]), int(points[0][1])), 4 * pen, colour, -1, cv2.LINE_AA)
        scale = min(400 / picture.shape[1], 300 / picture.shape[0])
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        cell = np.full((300, 400, 3), 255, np.uint8)
        cell[: small.shape[0], : small.shape[1]] = small
        cells.append(cell)
    cells += [np.full((300, 400, 3), 255, np.uint8)] * (-len(cells) % 4 or 4 * (not cells))
    rows = [np.hstack(cells[i : i + 4]) for i in range(0, len(cells), 4)]
    cv2.imwrite(str(path), np.vstack(rows))


def _load(path: Path) -> U8:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)
