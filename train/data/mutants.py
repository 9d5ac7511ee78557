"""Checks spoilt on purpose, and what may still be read from them: the reader must not answer with an amount that is not there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.datatypes import U8
from train.data.checks import DrawnCheck, draw_check
from train.data.layouts import draw_layout

_LONGEST_PX = (900, 1400)


@dataclass(frozen=True, slots=True, eq=False)
class Mutant:
    """A spoilt picture, BGR uint8 (h, w, 3). ``amounts`` are the amounts, as written, that a reader may accept.

    ``wiped`` is an amount parts of which were wiped out, leaving paper: what is left of it may be read, not all of it.
    """

    pixels: U8
    amounts: tuple[str, ...]
    wiped: str | None = None


Spoil = Callable[[DrawnCheck, DrawnCheck, np.random.Generator], Mutant]
Harm = Callable[[U8, np.random.Generator], U8]


def draw_originals(n: int, seed: int) -> list[DrawnCheck]:
    """Return whole checks, of our own two kinds in turn; some of them blank."""
    return [(draw_layout if index % 2 else draw_check)(np.random.default_rng((seed, index))) for index in range(n)]


def draw_mutant(originals: Sequence[DrawnCheck], spoil: str, harms: Sequence[str], seed: int) -> Mutant:
    """Return one of the checks, altered by one of `SPOILS`, photographed, and the frame harmed by some of `HARMS`, one after another."""
    rng = np.random.default_rng((seed, 77))
    first, second = (originals[int(i)] for i in rng.integers(len(originals), size=2))
    mutant = SPOILS[spoil](first, second, rng)
    frame = _laid(mutant.pixels, rng)
    amounts = mutant.amounts
    for name in harms:
        frame = HARMS[name](frame, rng)
    if "exposed twice" in harms:
        other = _laid(second.pixels, rng)
        other = np.asarray(cv2.resize(other, frame.shape[1::-1]), np.uint8)
        share = float(rng.uniform(0.2, 0.8))
        frame = np.asarray(cv2.addWeighted(frame, share, other, 1 - share, 0), np.uint8)
        amounts = (*amounts, *_written(second))
    return replace(mutant, pixels=np.ascontiguousarray(frame), amounts=amounts)


def _written(check: DrawnCheck) -> tuple[str, ...]:
    return (check.amount,) if check.amount else ()


def _untouched(check: DrawnCheck, _: DrawnCheck, rng: np.random.Generator) -> Mutant:
    return Mutant(check.pixels, _written(check))


def _amount_of(check: DrawnCheck, margin: float = 0.35) -> tuple[int, int, int, int]:
    """Return left, top, right, foot of the amount with a margin (a share of its height), within the check."""
    x, y, width, height = check.boxes["amount"]
    rows, columns = check.pixels.shape[:2]
    reach = margin * height
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    return left, top, min(columns, int(x + width + reach)), min(rows, int(y + height + reach))


def _paper_of(check: DrawnCheck) -> list[float]:
    left, top, right, foot = _amount_of(check)
    return np.percentile(check.pixels[top:foot, left:right].reshape(-1, 3), 75, axis=0).tolist()


def _wiped_out(check: DrawnCheck, _: DrawnCheck, rng: np.random.Generator) -> Mutant:
    left, top, right, foot = _amount_of(check)
    pixels = check.pixels.copy()
    cv2.rectangle(pixels, (left, top), (right, foot), _paper_of(check), -1)
    return Mutant(pixels, ())


def _part_wiped(check: DrawnCheck, _: DrawnCheck, rng: np.random.Generator) -> Mutant:
    """Wipe out whole digits: from one gap between columns of ink to another."""
    left, top, right, foot = _amount_of(check)
    grey = cv2.cvtColor(check.pixels[top:foot, left:right], cv2.COLOR_BGR2GRAY)
    depth = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, np.ones((1, 2 * (foot - top) + 1), np.uint8))
    x, _, width, _ = check.boxes["amount"]
    middle = depth[round(0.2 * len(depth)) : round(0.8 * len(depth))]  # not the lines of a frame
    is_gap = middle.max(axis=0) < 0.2 * max(1, int(depth.max()))
    gaps = left + np.flatnonzero(is_gap & (np.diff(is_gap, prepend=False) != 0))
    inside = [int(gap) for gap in gaps if x < gap < x + width]
    if not inside or not check.amount:
        return _wiped_out(check, check, rng)
    cut = inside[int(rng.integers(len(inside)))]
    start, end = (left, cut) if rng.random() < 0.5 else (cut, right)
    pixels = check.pixels.copy()
    cv2.rectangle(pixels, (start, top), (end, foot), _paper_of(check), -1)
    return Mutant(pixels, (), check.amount)


def _covered(check: DrawnCheck, _: DrawnCheck, rng: np.random.Generator) -> Mutant:
    """Lay something over a part of the amount: a finger, a stamp, a pen, a stain."""
    left, top, right, foot = _amount_of(check)
    pixels = check.pixels.copy()
    wide = (right - left) * float(rng.uniform(0.2, 0.6))
    x = float(rng.uniform(left, right - wide))
    colour = rng.uniform(0, 200, 3).tolist()
    if rng.random() < 0.5:
        cv2.rectangle(pixels, (round(x), top), (round(x + wide), foot + int(rng.integers(0, 80))), colour, -1)
    else:
        middle = (round(x + wide / 2), round((top + foot) / 2))
        cv2.ellipse(pixels, middle, (round(wide / 2), round(0.7 * (foot - top))), float(rng.uniform(0, 180)), 0, 360, colour, -1)
    return Mutant(pixels, ())


def _exchanged(check: DrawnCheck, other: DrawnCheck, rng: np.random.Generator) -> Mutant:
    """Paste another check's amount over the check's own."""
    if not other.amount:
        return _wiped_out(check, other, rng)
    mutant = _wiped_out(check, other, rng)
    left, top, right, foot = _amount_of(other, 0.15)
    patch = other.pixels[top:foot, left:right]
    x, y, _, _ = _amount_of(check, 0.15)
    pixels = mutant.pixels.copy()
    height, width = min(patch.shape[0], pixels.shape[0] - y), min(patch.shape[1], pixels.shape[1] - x)
    pixels[y : y + height, x : x + width] = patch[:height, :width]
    whole = (height, width) == patch.shape[:2]
    return Mutant(pixels, (other.amount,) if whole else (), None if whole else other.amount)


def _overwritten(check: DrawnCheck, _: DrawnCheck, rng: np.random.Generator) -> Mutant:
    """Write over some of the amount's digits with a broad pen of any colour, so that nobody can say what holds."""
    if not check.amount:
        return _untouched(check, check, rng)
    left, top, right, foot = _amount_of(check, 0.0)
    pixels = check.pixels.copy()
    for _ in range(int(rng.integers(1, 3))):
        digit, high, colour = str(rng.integers(10)), foot - top, rng.uniform(0, 110, 3).tolist()
        at = (round(float(rng.uniform(left, max(left + 1, right - 0.6 * high)))), foot)
        cv2.putText(pixels, digit, at, cv2.FONT_HERSHEY_SIMPLEX, high / 21, colour, max(3, high // 5), cv2.LINE_AA)
    return Mutant(pixels, ())


def _crossed_out(check: DrawnCheck, _: DrawnCheck, rng: np.random.Generator) -> Mutant:
    """Draw one to three strokes through the whole amount, so that it no longer holds."""
    left, top, right, foot = _amount_of(check, 0.1)
    pixels = check.pixels.copy()
    for _ in range(int(rng.integers(1, 4))):
        ends = [(int(x), round(top + (foot - top) * float(rng.uniform(0.3, 0.7)))) for x in (left, right)]
        cv2.line(pixels, ends[0], ends[1], (60.0, 40.0, 40.0), int(rng.integers(2, 6)), cv2.LINE_AA)
    return Mutant(pixels, ())


SPOILS: Mapping[str, Spoil] = {
    "untouched": _untouched,
    "wiped out": _wiped_out,
    "part wiped": _part_wiped,
    "covered": _covered,
    "exchanged": _exchanged,
    "overwritten": _overwritten,
    "crossed out": _crossed_out,
}


def _laid(check: U8, rng: np.random.Generator) -> U8:
    """Return a check as a scan, or seen from a little aside on a grained ground."""
    longest = int(rng.integers(*_LONGEST_PX))
    factor = longest / check.shape[1]
    if rng.random() < 0.3:
        return np.asarray(cv2.resize(check, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = check.shape[:2]
    ground = np.full((round(0.75 * longest), longest, 3), rng.uniform(20, 200, 3), np.uint8)
    grain = cv2.resize(rng.integers(0, 40, (60, 80, 1), np.uint8), (longest, ground.shape[0]))
    ground = np.asarray(cv2.add(ground, cv2.merge([grain] * 3)), np.uint8)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    scale = float(rng.uniform(0.75, 0.92)) * longest / width
    angle = np.deg2rad(rng.normal(0, 6))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = (flat - (width / 2, height / 2)) * scale @ turn.T + np.array(ground.shape[1::-1]) / 2 + rng.normal(0, 0.01 * longest, (4, 2))
    matrix = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    if scale < 0.7:
        check = np.asarray(cv2.blur(check, (2, 2)), np.uint8)
    return np.asarray(
        cv2.warpPerspective(check, matrix, ground.shape[1::-1], dst=ground, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT),
        np.uint8,
    )


def _cropped(pixels: U8, rng: np.random.Generator) -> U8:
    height, width = pixels.shape[:2]
    left, right = np.sort(rng.integers(0, [width // 2 + 1, width // 2 + 1])) if rng.random() < 0.5 else (0, int(rng.integers(width // 2)))
    top = int(rng.integers(height // 3 + 1)) if rng.random() < 0.3 else 0
    return pixels[top:, left : max(left + 1, width - right)]


def _painted(pixels: U8, rng: np.random.Generator) -> U8:
    painted = pixels.copy()
    height, width = pixels.shape[:2]
    for _ in range(int(rng.integers(1, 6))):
        ends = [(int(rng.integers(width)), int(rng.integers(height))) for _ in range(2)]
        colour, thick = rng.uniform(0, 255, 3).tolist(), int(rng.integers(1, 25))
        if rng.random() < 0.5:
            cv2.line(painted, ends[0], ends[1], colour, thick, cv2.LINE_AA)
        else:
            cv2.circle(painted, ends[0], 2 * thick, colour, -1)
    return painted


def _grained(pixels: U8, rng: np.random.Generator) -> U8:
    noise = rng.normal(0, float(rng.uniform(3, 60)), pixels.shape).astype(np.float32)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def _squeezed(pixels: U8, rng: np.random.Generator) -> U8:
    fx, fy = rng.uniform(0.25, 1.3, 2) if rng.random() < 0.5 else [float(rng.uniform(0.1, 0.8))] * 2
    size = (max(1, round(pixels.shape[1] * fx)), max(1, round(pixels.shape[0] * fy)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _compressed(pixels: U8, rng: np.random.Generator) -> U8:
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(2, 40))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _screened(pixels: U8, rng: np.random.Generator) -> U8:
    """Photograph a picture from a screen: its stripes of red, green and blue beat against the sensor's grid."""
    pitch, angle = float(rng.uniform(2.1, 5)), float(rng.uniform(-0.2, 0.2))
    ys, xs = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]].astype(np.float32)
    across = (xs * np.cos(angle) + ys * np.sin(angle)) * (2 * np.pi / pitch)
    beat = np.stack([1 + 0.6 * np.sin(across + shift) for shift in (0.0, 2.1, 4.2)], axis=2)
    return np.clip(pixels * beat, 0, 255).astype(np.uint8)


def _turned(pixels: U8, rng: np.random.Generator) -> U8:
    return np.asarray(np.rot90(pixels, int(rng.integers(1, 4))), np.uint8)


def _lit(pixels: U8, rng: np.random.Generator) -> U8:
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=float(rng.uniform(0.1, 2.5)), beta=float(rng.uniform(-20, 60))), np.uint8)


def _torn(pixels: U8, rng: np.random.Generator) -> U8:
    """Shift a part of the rows or columns, as a broken transfer does."""
    axis = int(rng.integers(2))
    start, shift = int(rng.integers(pixels.shape[axis])), int(rng.integers(-60, 60))
    rest = np.roll(np.take(pixels, np.arange(start, pixels.shape[axis]), axis), shift, 1 - axis)
    return np.concatenate([np.take(pixels, np.arange(start), axis), rest], axis)


def _blurred(pixels: U8, rng: np.random.Generator) -> U8:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.8, 5))), np.uint8)


HARMS: Mapping[str, Harm] = {
    "cropped": _cropped,
    "painted": _painted,
    "grained": _grained,
    "blurred": _blurred,
    "squeezed": _squeezed,
    "compressed": _compressed,
    "screened": _screened,
    "turned": _turned,
    "mirrored": lambda pixels, _: np.asarray(pixels[:, ::-1], np.uint8),
    "lit": _lit,
    "negative": lambda pixels, _: np.asarray(255 - pixels, np.uint8),
    "torn": _torn,
    "exposed twice": lambda pixels, _: pixels,
}


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file's bytes, some changed, left out, put in or cut off."""
    broken = bytearray(data)
    for _ in range(int(rng.integers(1, 12))):
        at = int(rng.integers(len(broken)))
        kind = int(rng.integers(4))
        if kind == 0:
            broken[at] = int(rng.integers(256))
        elif kind == 1:
            del broken[at : at + int(rng.integers(1, 40))]
        elif kind == 2:
            broken[at:at] = rng.bytes(int(rng.integers(1, 40)))
        elif rng.random() < 0.3:
            del broken[max(1, at) :]
        if not broken:
            return b""
    return bytes(broken)
