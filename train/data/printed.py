"""Printed symbols: the open fonts that matplotlib carries, OpenCV's plotter fonts, and a dot matrix of our own."""

from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge.datatypes import U8

_PLOTTER_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
_HEIGHT_PX = 40


@cache
def font_files() -> tuple[Path, ...]:
    """Return the text fonts of matplotlib (DejaVu, STIX, Computer Modern; all under open licences), in a fixed order."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    wanted = ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "cmr10", "cmb10", "cmss10", "cmtt10")
    return tuple(p for p in sorted(folder.glob("*.ttf")) if p.stem.startswith(wanted) and "Display" not in p.stem)


@cache
def _font(index: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_files()[index]), _HEIGHT_PX)


def draw_printed(text: str, rng: np.random.Generator) -> tuple[U8, list[tuple[int, int]]]:
    """Return printed text as ink, uint8 (h, w), cropped tight, and the first and last column of each symbol."""
    if rng.random() < 0.25:
        pieces = [_plotted(symbol, *_plotter_style(rng)) for symbol in text] if rng.random() < 0.5 else _plotted_alike(text, rng)
    else:
        font = _font(int(rng.integers(len(font_files()))))
        pieces = [_typeset(symbol, font) for symbol in text]
        if rng.random() < 0.15:
            pieces = [_as_dots(piece, rng) for piece in pieces]
    gap = int(rng.integers(0, 8))
    ink, columns = _in_a_row(pieces, gap)
    rows = np.flatnonzero(ink.any(axis=1))
    return ink[rows[0] : rows[-1] + 1], columns


def draw_currency_sign(rng: np.random.Generator) -> U8:
    """Return the tight ink of a sign that forms print before the amount; only DejaVu has the rupee sign."""
    with_rupee = [i for i, path in enumerate(font_files()) if path.stem.startswith("DejaVu")]
    font = _font(int(rng.choice(with_rupee)))
    pieces = [_typeset(symbol, font) for symbol in str(rng.choice(["$", "\u20b9", "Rs", "Rs."], p=[0.3, 0.45, 0.15, 0.1]))]
    ink, _ = _in_a_row(pieces, 0)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _plotter_style(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.choice(_PLOTTER_FONTS)), int(rng.integers(1, 5))


def _plotted_alike(text: str, rng: np.random.Generator) -> list[U8]:
    style = _plotter_style(rng)
    return [_plotted(symbol, *style) for symbol in text]


def _plotted(symbol: str, face: int, thickness: int) -> U8:
    (width, height), baseline = cv2.getTextSize(symbol, face, 1.3, thickness)
    canvas = np.zeros((max(height + baseline, _HEIGHT_PX) + 16, width + 12), np.uint8)
    cv2.putText(canvas, symbol, (6, _HEIGHT_PX + 2), face, 1.3, 255, thickness, cv2.LINE_AA)
    return canvas


def _typeset(symbol: str, font: ImageFont.FreeTypeFont) -> U8:
    width = max(2, round(font.getlength(symbol)))
    canvas = Image.new("L", (width + 4, _HEIGHT_PX + 16))
    ImageDraw.Draw(canvas).text((2, 2), symbol, fill=255, font=font)
    return np.asarray(canvas, np.uint8)


def _as_dots(ink: U8, rng: np.random.Generator) -> U8:
    """Strike the shape again with the needles of a dot-matrix printer."""
    pitch = int(rng.integers(4, 7))
    small = cv2.resize(ink, (max(1, ink.shape[1] // pitch), max(1, ink.shape[0] // pitch)), interpolation=cv2.INTER_AREA)
    dots = np.zeros_like(ink)
    for row, column in np.argwhere(small > 90):
        cv2.circle(dots, (int(column * pitch + pitch // 2), int(row * pitch + pitch // 2)), max(1, pitch // 2), 255, -1, cv2.LINE_AA)
    # A mark thinner than the needles' pitch would vanish.
    return dots if dots.any() else ink


def _in_a_row(pieces: list[U8], gap: int) -> tuple[U8, list[tuple[int, int]]]:
    height = max(p.shape[0] for p in pieces)
    columns, x = [], 0
    row = np.zeros((height, sum(p.shape[1] + gap for p in pieces)), np.uint8)
    for piece in pieces:
        row[: piece.shape[0], x : x + piece.shape[1]] = piece
        inked = np.flatnonzero(piece.any(axis=0))
        columns.append((x + int(inked[0]), x + int(inked[-1]) + 1) if len(inked) else (x, x + 1))
        x += piece.shape[1] + gap
    return row, columns
