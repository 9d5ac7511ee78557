"""A sheet of paper being printed and written on: security paper, typeset text, rules, script that nobody has to read."""

from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge.datatypes import F32, U8, Box
from train.data.printed import font_files

SANS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "STIXGeneral.ttf")
SERIF = ("DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", "STIXGeneralBol.ttf")
MONO = "DejaVuSansMono.ttf"
_INK_COLOURS = ((60, 30, 20), (120, 50, 25), (35, 35, 35), (95, 25, 45), (20, 20, 20))  # BGR: blue-black, blue, grey, violet, black


class Sheet:
    """Paper being printed on: float32 BGR, positions in shares of its width and height."""

    def __init__(self, paper: F32, px_per_inch: float, rng: np.random.Generator) -> None:
        self.paper, self.px_per_inch, self.rng = paper, px_per_inch, rng
        self.height, self.width = paper.shape[:2]
        self.boxes: dict[str, Box] = {}
        self.places: dict[str, tuple[float, float, float]] = {}  # x, foot y and width in pixels of the lines to write on
        self.serif = bool(rng.random() < 0.5)
        self.form_colour = tuple(float(v) for v in rng.uniform(20, 110, 3))
        self.pen_colour = _INK_COLOURS[int(rng.integers(len(_INK_COLOURS)))]

    def stamp(self, ink: U8, x: float, y: float, colour: tuple[float, ...], strength: float = 0.92) -> Box:
        """Lay ink on the paper, top-left at x, y, cut at the edges; return its box."""
        left, top = max(0, round(x)), max(0, round(y))
        ink = ink[: max(0, self.height - top), : max(0, self.width - left)]
        if ink.size:
            at = self.paper[top : top + ink.shape[0], left : left + ink.shape[1]]
            cover = (ink.astype(np.float32) * (strength / 255))[:, :, None]
            at += cover * (np.array(colour, np.float32) - at)
        return float(left), float(top), float(ink.shape[1]), float(ink.shape[0])

    def print_text(self, text: str, x: float, foot_y: float, height_inch: float, *, file: str = "", strength: float = 0.9) -> Box:
        names = SERIF if self.serif else SANS
        ink = typeset(text, file or names[0], height_inch * self.px_per_inch)
        return self.stamp(ink, x, foot_y - ink.shape[0], self.form_colour, strength)

    def rule(self, x0: float, x1: float, y: float) -> None:
        thickness = max(1, round(0.006 * self.px_per_inch))
        self.stamp(np.full((thickness, max(1, round(x1 - x0))), 255, np.uint8), x0, y, self.form_colour, 0.8)


def security_paper(width: int, height: int, rng: np.random.Generator) -> F32:
    """Return tinted paper with a security pattern of waves."""
    tint = 255 - rng.uniform(4, 42, 3) * rng.uniform(0.3, 1)
    paper = np.ones((height, width, 3), np.float32) * tint.astype(np.float32)
    paper *= np.linspace(1, float(rng.uniform(0.93, 1.0)), height, dtype=np.float32)[:, None, None]
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    kind = int(rng.integers(4))
    pitch = float(rng.uniform(7, 16))
    bow = float(rng.uniform(4, 30)) * np.sin(xs / float(rng.uniform(30, 160)))
    if kind == 2:
        phase = np.hypot(xs - width * 0.5, 2 * (ys - height * 0.5)) / pitch
    else:
        phase = (xs * 0.5 * kind + ys + bow) / pitch
    if kind < 3:
        depth = float(rng.uniform(3, 17))
        lines = np.clip(np.sin(phase * 6.28) * 2 - 0.9, 0, 1)
        paper -= (lines * depth)[:, :, None] * rng.uniform(0.5, 1, 3).astype(np.float32)
    return (paper + rng.normal(0, 1.2, paper.shape).astype(np.float32)).astype(np.float32)


@cache
def _font(file: str, size: int) -> ImageFont.FreeTypeFont:
    path = next(p for p in font_files() if p.name == file)
    return ImageFont.truetype(str(path), size)


def typeset(text: str, file: str, height_px: float) -> U8:
    """Return printed text whose capitals are ``height_px`` high, cropped tight."""
    font = _font(file, max(6, round(height_px / 0.72)))
    canvas = Image.new("L", (round(font.getlength(text)) + 12, round(height_px * 2.4)))
    ImageDraw.Draw(canvas).text((4, 2), text, fill=255, font=font)
    return _tight(np.asarray(canvas, np.uint8))


def _tight(ink: U8) -> U8:
    rows, columns = np.flatnonzero(ink.max(axis=1) > 20), np.flatnonzero(ink.max(axis=0) > 20)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else ink[:1, :1]


def cursive(text: str, height_px: float, slant: float, pen_px: float) -> U8:
    """Return words in a plotter's script face, sheared like a hand's; for what nobody has to read here."""
    scale = height_px / 22
    (width, height), baseline = cv2.getTextSize(text, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, scale, 1)
    canvas = np.zeros((height + 2 * baseline + 12, width + height + 20), np.uint8)
    at = (10, height + baseline + 4)
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, scale, 255.0, max(1, round(pen_px)), cv2.LINE_AA)  # type: ignore[call-overload]
    shear = np.array([[1, -slant * 0.5, slant * 0.5 * canvas.shape[0]], [0, 1, 0]], np.float64)
    return _tight(np.asarray(cv2.warpAffine(canvas, shear, (canvas.shape[1], canvas.shape[0])), np.uint8))


def draw_signature(width: float, height: float, pen_px: float, rng: np.random.Generator) -> U8:
    """Return a name that nobody can read: loops that lose height."""
    t = np.linspace(0, 1, 300)
    fall = 1 - 0.65 * t**0.6
    loops = float(rng.uniform(7, 13))
    x = width * t + 0.12 * height * np.sin(t * loops * 6.28 * 1.02)
    y = 0.5 * height * (1 + fall * np.sin(t * loops * 6.28 + 1) * (0.6 + 0.4 * np.sin(t * float(rng.uniform(8, 25)))))
    canvas = np.zeros((round(height * 1.3) + 8, round(width * 1.2) + 8), np.uint8)
    points = np.round(np.column_stack([x + 0.12 * height + 4, y + 4]) * 16).astype(np.int32)
    cv2.polylines(canvas, [points.reshape(-1, 1, 2)], False, (255.0,), max(1, round(pen_px)), cv2.LINE_AA, shift=4)
    return _tight(canvas)
