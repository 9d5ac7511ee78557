"""Camera frames of our own: checks and other paper laid on desks, in a hand, side by side or scanned, lit and photographed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.datatypes import F32, F64, U8
from train.data.surfaces import draw_surface

# How often each way of lying comes.
_LAYOUTS = {"single": 0.36, "hand": 0.12, "on_paper": 0.20, "several": 0.14, "scan": 0.12, "cut": 0.06}
LAYOUTS = tuple(_LAYOUTS)
_SKIN = np.array([120, 150, 205], np.float32)  # BGR of a light hand in even light; darker ones are a share of it


@dataclass(frozen=True, slots=True, eq=False)
class DrawnFrame:
    """A frame, BGR uint8 (h, w, 3), and its checks: corners float64 (4, 2), clockwise from the check's own top-left."""

    pixels: U8
    corners: tuple[F64, ...]
    layout: str


def draw_frame(
    rng: np.random.Generator, checks: Sequence[U8], others: Callable[[], U8], size: tuple[int, int], layout: str | None = None
) -> DrawnFrame:
    """Photograph checks (flat, BGR), one of them or up to six, among other paper.

    ``others`` draws other paper. A scan has the check's own shape, with the frame's longer side.
    """
    name = layout or str(rng.choice(LAYOUTS, p=list(_LAYOUTS.values())))
    first = checks[int(rng.integers(len(checks)))]
    if name == "scan":
        return _scan(rng, first, max(size))
    canvas = draw_surface(*size, rng)
    if name == "several":
        laid = _side_by_side(rng, [checks[int(i)] for i in rng.integers(len(checks), size=int(rng.integers(2, 7)))], size)
    else:
        reach = (1.05, 1.5) if name == "cut" else (0.38, 0.96)
        laid = [(first, _lay(rng, first.shape[1] / first.shape[0], size, reach, _turn(rng), 0.9 if name == "cut" else 1.0))]
    if name == "on_paper" or rng.random() < 0.3:
        _lay_others(canvas, rng, others, size)
    for check, corners in laid:
        _contact_shadow(canvas, corners, rng)
        _paste(canvas, check, corners)
    if name == "hand":
        _hold(canvas, laid[0][1], rng)
    elif rng.random() < 0.12:
        _drop_pen(canvas, rng)
    return _photographed(rng, canvas, [corners for _, corners in laid], name)


def draw_frame_without(rng: np.random.Generator, others: Callable[[], U8], size: tuple[int, int]) -> DrawnFrame:
    """Photograph a desk with other paper on it, in a hand, or nothing at all: no check."""
    kind = rng.random()
    if kind < 0.12:
        sheet = others()
        factor = max(size) / max(sheet.shape[:2])
        canvas = np.asarray(cv2.resize(sheet, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR), np.float32)
        return _photographed(rng, canvas, [], "other scan")
    canvas = draw_surface(*size, rng)
    if kind < 0.25:
        return _photographed(rng, canvas, [], "bare desk")
    _lay_others(canvas, rng, others, size)
    sheet = others()
    corners = _lay(rng, sheet.shape[1] / sheet.shape[0], size, (0.4, 1.1), _turn(rng), 1.0)
    _contact_shadow(canvas, corners, rng)
    _paste(canvas, sheet, corners)
    if rng.random() < 0.3:
        _hold(canvas, corners, rng)
    return _photographed(rng, canvas, [], "other paper")


def _scan(rng: np.random.Generator, check: U8, longest: int) -> DrawnFrame:
    """Return a flat scan: the check fills the frame, with a narrow border of lid or a cut edge here and there."""
    factor = longest / max(check.shape[:2])
    size = (round(check.shape[1] * factor), round(check.shape[0] * factor))
    canvas = np.full((size[1], size[0], 3), rng.choice([8.0, 128.0, 235.0, 250.0]), np.float32)
    border = rng.uniform(-0.006, 0.03, 4) * (rng.random(4) < 0.4) * longest
    corners = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float64)
    corners += border[:2] * (corners == 0) - border[2:] * (corners == np.array(size)) + rng.normal(0, 0.002 * longest, (4, 2))
    turns = int(rng.choice(4, p=[0.55, 0.1, 0.25, 0.1]))
    _paste(canvas, check, corners)
    canvas, corners = _quarter_turned(canvas, corners, turns)
    return DrawnFrame(_sensed(rng, canvas, steady=True), (corners,), "scan")


def _quarter_turned(canvas: F32, corners: F64, turns: int) -> tuple[F32, F64]:
    for _ in range(turns):  # clockwise
        height = canvas.shape[0]
        canvas = np.ascontiguousarray(np.rot90(canvas, -1))
        corners = np.column_stack([height - corners[:, 1], corners[:, 0]])
    return canvas, corners


def _turn(rng: np.random.Generator) -> float:
    """Return an angle in degrees: half of the checks lie nearly straight or on their heads, the others anyhow."""
    draw = rng.random()
    if draw < 0.35:
        return float(rng.normal(0, 7))
    return float(rng.normal(180, 8)) if draw < 0.55 else float(rng.uniform(0, 360))


def _lay(rng: np.random.Generator, aspect: float, size: tuple[int, int], reach: tuple[float, float], turn_deg: float, stay: float) -> F64:
    """Return where the corners of a sheet fall, seen from one side; ``reach``: its span as a share of what fits."""
    corners = np.array([[-aspect, -1.0], [aspect, -1.0], [aspect, 1.0], [-aspect, 1.0]])
    angle = np.deg2rad(turn_deg)
    corners = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners /= (1 + corners @ (rng.normal(0, 0.07, 2) / aspect))[:, None]
    span = corners.max(axis=0) - corners.min(axis=0)
    scale = float(rng.uniform(*reach)) * min(size[0] / span[0], size[1] / span[1])
    corners = (corners - (corners.max(axis=0) + corners.min(axis=0)) / 2) * scale
    room = np.abs(np.array(size) - span * scale) / 2
    return np.asarray(corners + np.array(size) / 2 + rng.uniform(-1, 1, 2) * room * stay, np.float64)


def _side_by_side(rng: np.random.Generator, checks: Sequence[U8], size: tuple[int, int]) -> list[tuple[U8, F64]]:
    """Lay checks in one or two columns, touching or a little apart, and turn them all together."""
    n_columns = 1 if len(checks) < 4 else 2
    gap = 0.0 if rng.random() < 0.4 else float(rng.uniform(0.01, 0.12))
    placed, heights = [], np.zeros(n_columns)
    for index, check in enumerate(checks):
        column, high = index % n_columns, check.shape[0] / check.shape[1]
        x, y = column * (1 + gap) + float(rng.uniform(0, gap)) / 2, heights[column]
        heights[column] += high + gap
        box = np.array([[x, y], [x + 1, y], [x + 1, y + high], [x, y + high]])
        placed.append(np.roll(box, 2, axis=0) if rng.random() < 0.2 else box)
    every = np.concatenate(placed)
    span = every.max(axis=0) - every.min(axis=0)
    outline = _lay(rng, float(span[0] / span[1]), size, (0.6, 0.96), _turn(rng), 1.0)
    flat = np.array([[0, 0], [span[0], 0], span, [0, span[1]]], np.float32)
    to_frame = cv2.getPerspectiveTransform(flat, outline.astype(np.float32))
    corners = cv2.perspectiveTransform((every - every.min(axis=0))[None].astype(np.float64), to_frame)[0].reshape(-1, 4, 2)
    return list(zip(checks, np.asarray(corners, np.float64), strict=True))


def _lay_others(canvas: F32, rng: np.random.Generator, others: Callable[[], U8], size: tuple[int, int]) -> None:
    for _ in range(int(rng.integers(1, 6))):
        sheet = others()
        corners = _lay(rng, sheet.shape[1] / sheet.shape[0], size, (0.4, 1.5), float(rng.uniform(0, 360)), 1.6)
        _contact_shadow(canvas, corners, rng)
        _paste(canvas, sheet, corners)


def _paste(canvas: F32, sheet: U8, corners: F64) -> None:
    """Put a sheet into the canvas, averaged to the size it gets."""
    height, width = sheet.shape[:2]
    shrink = float(np.hypot(*(corners[1] - corners[0]))) / width
    if shrink < 0.7:
        sheet = np.asarray(cv2.resize(sheet, None, fx=1.2 * shrink, fy=1.2 * shrink, interpolation=cv2.INTER_AREA), np.uint8)
        height, width = sheet.shape[:2]
    x0, y0 = (int(v) for v in np.clip(np.floor(corners.min(axis=0)) - 1, 0, np.array(canvas.shape[1::-1])))
    x1, y1 = (int(v) for v in np.clip(np.ceil(corners.max(axis=0)) + 1, 0, np.array(canvas.shape[1::-1])))
    if x1 <= x0 or y1 <= y0:
        return
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, (corners - (x0, y0)).astype(np.float32))
    laid = cv2.warpPerspective(sheet, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillConvexPoly(mask, np.round((corners - (x0, y0) - 0.5) * 16).astype(np.int32), (255.0,), cv2.LINE_AA, 4)
    cover = mask.astype(np.float32)[:, :, None] / 255
    canvas[y0:y1, x0:x1] += cover * (laid.astype(np.float32) - canvas[y0:y1, x0:x1])


def _contact_shadow(canvas: F32, corners: F64, rng: np.random.Generator) -> None:
    """Darken the desk beside paper that does not lie quite flat."""
    longest = max(canvas.shape)
    mask = np.zeros(canvas.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners + rng.uniform(-1, 1, 2) * 0.008 * longest).astype(np.int32), (255.0,))
    soft = cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.001, 0.008)) * longest)
    canvas *= 1 - (float(rng.uniform(0, 0.45)) / 255) * soft.astype(np.float32)[:, :, None]


def _hold(canvas: F32, corners: F64, rng: np.random.Generator) -> None:
    """Lay a thumb or some fingers over the edges of a sheet."""
    colour = _SKIN * float(rng.uniform(0.35, 1.1))
    sheet_px = float(np.hypot(*(corners[1] - corners[0])))
    for _ in range(int(rng.integers(1, 4))):
        side = int(rng.integers(4))
        a, b = corners[side], corners[(side + 1) % 4]
        along = (b - a) / max(float(np.hypot(*(b - a))), 1.0)
        outward = np.array([along[1], -along[0]])
        wide = sheet_px * float(rng.uniform(0.05, 0.1))
        root = a + float(rng.uniform(0.1, 0.9)) * (b - a)
        tip = root - outward * wide * float(rng.uniform(0.2, 1.6)) + along * wide * float(rng.uniform(-0.5, 0.5))
        end = root + outward * sheet_px
        layer = np.zeros(canvas.shape[:2], np.uint8)
        cv2.line(layer, (round(tip[0]), round(tip[1])), (round(end[0]), round(end[1])), (255.0,), max(2, round(wide)), cv2.LINE_AA)
        cover = layer.astype(np.float32)[:, :, None] / 255
        round_side = cv2.GaussianBlur(layer, (0, 0), max(0.8, wide / 5)).astype(np.float32)[:, :, None] / 255
        canvas += cover * (colour * (0.55 + 0.5 * round_side) - canvas)


def _drop_pen(canvas: F32, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    centre = rng.uniform(0, 1, 2) * (width, height)
    angle, half = float(rng.uniform(0, 6.28)), 0.2 * width
    ends = [np.round(centre + sign * half * np.array([np.cos(angle), np.sin(angle)])).astype(int).tolist() for sign in (-1, 1)]
    cv2.line(canvas, ends[0], ends[1], rng.uniform(10, 230, 3).tolist(), max(2, round(0.016 * width)), cv2.LINE_AA)


def _photographed(rng: np.random.Generator, canvas: F32, corners: list[F64], layout: str) -> DrawnFrame:
    """Light the scene and take its picture; the lens bends it a little."""
    canvas *= _light(canvas.shape[1], canvas.shape[0], rng)
    if rng.random() < 0.25:
        _add_glare(canvas, corners, rng)
    if rng.random() < 0.5:
        canvas, corners = _bent(canvas, corners, float(rng.uniform(-0.03, 0.03)))
    return DrawnFrame(_sensed(rng, canvas), tuple(corners), layout)


def _light(width: int, height: int, rng: np.random.Generator) -> F32:
    """Return the light, about 1, (h, w, 3): a lamp to one side, its colour, and shadows with soft edges across."""
    xs, ys = np.linspace(-1, 1, width, dtype=np.float32)[None], np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    angle = float(rng.uniform(0, 6.28))
    across = xs * np.cos(angle) + ys * np.sin(angle)
    light = float(rng.uniform(0.45, 1.1)) * (1 + float(rng.uniform(0, 0.3)) * across)
    for _ in range(int(rng.choice([0, 0, 1, 1, 2]))):
        angle = float(rng.uniform(0, 6.28))
        across = xs * np.cos(angle) + ys * np.sin(angle) + float(rng.uniform(-0.4, 0.4)) * xs * ys
        reach = float(rng.uniform(-0.7, 0.7))
        if rng.random() < 0.35:  # the camera's own shadow, or an arm's: a band
            across = np.abs(across - reach) - float(rng.uniform(0.1, 0.5))
        else:
            across = across - reach
        edge = 1 / (1 + np.exp(np.clip(-across * float(rng.uniform(5, 60)), -30, 30)))
        light = light * (1 - float(rng.uniform(0.1, 0.55)) * edge)
    tint = 1 + rng.normal(0, 0.06, 3)
    return np.asarray(light[:, :, None] * tint, np.float32)


def _add_glare(canvas: F32, corners: list[F64], rng: np.random.Generator) -> None:
    """Let a lamp be mirrored in the paper: a spot or a bar that burns out."""
    height, width = canvas.shape[:2]
    at = corners[0].mean(axis=0) + rng.normal(0, 0.12 * width, 2) if corners else rng.uniform(0, 1, 2) * (width, height)
    axes = (float(rng.uniform(0.02, 0.12)) * width, float(rng.uniform(0.01, 0.08)) * width)
    spot = np.zeros((height, width), np.uint8)
    cv2.ellipse(spot, ((float(at[0]), float(at[1])), axes, float(rng.uniform(0, 180))), (255.0,), -1)
    soft = cv2.GaussianBlur(spot, (0, 0), 0.4 * axes[1] + 1).astype(np.float32)[:, :, None] / 255
    canvas += soft * float(rng.uniform(40, 260))


def _bent(canvas: F32, corners: list[F64], bend: float) -> tuple[F32, list[F64]]:
    """Return the picture through a lens that bends straight lines (one radial term, Brown 1971)."""
    height, width = canvas.shape[:2]
    middle, half = np.array([width, height]) / 2, max(width, height) / 2
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    dx, dy = (xs + 0.5 - middle[0]) / half, (ys + 0.5 - middle[1]) / half
    scale = 1 + bend * (dx**2 + dy**2)
    map_x, map_y = (dx * scale * half + middle[0] - 0.5).astype(np.float32), (dy * scale * half + middle[1] - 0.5).astype(np.float32)
    bent = cv2.remap(canvas, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    moved = []
    for quad in corners:
        source = (quad - middle) / half
        seen = source.copy()
        for _ in range(8):  # the inverse by repeated substitution
            seen = source / (1 + bend * (seen**2).sum(axis=1, keepdims=True))
        moved.append(seen * half + middle)
    return np.asarray(bent, np.float32), moved


def _sensed(rng: np.random.Generator, canvas: F32, steady: bool = False) -> U8:
    """Return what the sensor makes of the light: blur, grain, gamma, JPEG."""
    longest = max(canvas.shape)
    seen = canvas
    draw = rng.random()
    if draw < 0.6 and not steady:
        seen = cv2.GaussianBlur(seen, (0, 0), float(rng.uniform(0.3, 0.0012 * longest + 0.3)))
    elif draw < 0.72 and not steady:
        length = max(1, round(float(rng.uniform(0, 0.004)) * longest))
        seen = cv2.blur(seen, (length, 1) if rng.random() < 0.5 else (1, length))
    seen = seen + rng.standard_normal(seen.shape, np.float32) * np.float32(rng.uniform(0.3, 5))
    pixels = np.clip(seen, 0, 255)
    if rng.random() < 0.4:
        pixels = 255 * np.power(pixels / 255, np.float32(rng.uniform(0.7, 1.4)))
    _, data = cv2.imencode(".jpg", pixels.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 95))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
