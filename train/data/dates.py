"""Dates as they stand on checks: in figures, with the month's name, in cells, after a printed label, with the century printed."""

from calendar import monthrange
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from PIL import Image, ImageDraw

from edge.datatypes import F32, U8
from train.data.fonts import hand_fonts, load_font, print_fonts
from train.data.handwriting import InkBank, compose
from train.data.paper import lay_on_paper
from train.data.printed import font_files
from train.data.strips import Draw, TrainingStrip
from train.data.strokes import draw_text as write
from train.data.strokes import make_writer

MONTHS = (
    ("january", "enero"), ("february", "febrero"), ("march", "marzo"), ("april", "abril"), ("may", "mayo"), ("june", "junio"),
    ("july", "julio"), ("august", "agosto"), ("september", "septiembre"), ("october", "octubre"), ("november", "noviembre"),
    ("december", "diciembre"),
)  # fmt: skip
_SIZE_PX = 36
_N_WRITERS = 300
_LABELS = ("Date", "DATE", "date", "DATED", "Dt.", "Date:", "DATE:", "Fecha", "FECHA", "On")
_HINTS = ("DDMMYYYY", "MMDDYYYY", "ddmmyyyy")


# Writes a text in figures with one hand: ink and a box a symbol.
Figures = Callable[[str, np.random.Generator], tuple[U8, F32]]


def date_strip(banks: list[InkBank], papers: list[U8]) -> Draw:
    """Write or print a date on some paper, with what a form prints around it; without banks, in our own hands alone."""
    writers = [make_writer(np.random.default_rng(20_000 + seed)) for seed in range(_N_WRITERS)]

    def figures(text: str, rng: np.random.Generator) -> tuple[U8, F32]:
        if banks and rng.random() < 0.5:
            return compose(text, banks[int(rng.integers(len(banks)))], rng)
        ink, boxes, _ = write(text, writers[int(rng.integers(_N_WRITERS))], rng)
        return ink, boxes

    def draw(rng: np.random.Generator) -> TrainingStrip:
        style = rng.random()
        if style < 0.07:
            text, ink, boxes = _with_printed_century(figures, rng)
        elif style < 0.29:
            text = _figures(rng)
            ink, boxes = _in_cells(text, lambda symbol: figures(symbol, rng)[0], rng)
        elif style < 0.62:
            text = _separated(rng)
            ink, boxes = figures(text, rng)
        elif style < 0.85 and hand_fonts():
            text = _named(rng)
            ink, boxes = typeset(text, hand_fonts()[int(rng.integers(len(hand_fonts())))], rng, loose=True)
        else:
            text = _named(rng) if rng.random() < 0.6 else _separated(rng)
            ink, boxes = typeset(text, print_fonts()[int(rng.integers(len(print_fonts())))], rng, loose=False)
        return _on_form(ink, text, boxes, papers, rng)

    return draw


def date_text(rng: np.random.Generator, form: Literal["cells", "any"]) -> str:
    """Return a date as eight figures for cells, or in any other form."""
    if form == "cells":
        return _figures(rng)
    return _separated(rng)


def _date(rng: np.random.Generator) -> tuple[int, int, int]:
    year = int(rng.integers(1985, 2010) if rng.random() < 0.2 else rng.integers(2010, 2040))
    month = int(rng.integers(1, 13))
    return int(rng.integers(1, monthrange(year, month)[1] + 1)), month, year


def _figures(rng: np.random.Generator) -> str:
    day, month, year = _date(rng)
    return f"{day:02d}{month:02d}{year}" if rng.random() < 0.7 else f"{month:02d}{day:02d}{year}"


def _separated(rng: np.random.Generator, year_last: bool = False) -> str:
    day, month, year = _date(rng)
    parts = [f"{n:02d}" if rng.random() < 0.5 else str(n) for n in ((day, month) if rng.random() < 0.5 else (month, day))]
    parts.append(f"{year % 100:02d}" if rng.random() < 0.45 else str(year))
    mark = str(rng.choice(["/", "-", ".", ",", " "], p=[0.55, 0.22, 0.12, 0.03, 0.08]))
    return mark.join(parts if year_last or rng.random() < 0.95 else [str(year), f"{month:02d}", f"{day:02d}"])


def _named(rng: np.random.Generator) -> str:
    day, month, year = _date(rng)
    is_spanish = rng.random() < 0.12
    name = MONTHS[month - 1][1 if is_spanish else 0]
    if rng.random() < 0.45:
        name = name[: 4 if name == "september" and rng.random() < 0.4 else 3] + ("." if rng.random() < 0.25 else "")
    name = {0: name.capitalize(), 1: name.upper(), 2: name}[int(rng.choice(3, p=[0.72, 0.2, 0.08]))]
    shown_year = f"{year % 100:02d}" if rng.random() < 0.25 else str(year)
    shown_day = str(day) + (_ordinal(day) if rng.random() < 0.12 and not is_spanish else "")
    draw = rng.random()
    if is_spanish and draw < 0.5:
        return f"{day} de {name} de {year}"
    if draw < 0.62:
        mark = str(rng.choice([", ", " ", ","], p=[0.7, 0.2, 0.1]))
        # Spaces have no symbol: "Dec 20 12" would say December 2012.
        return f"{name} {shown_day}{mark}{shown_year if mark != ' ' else year}"
    mark = str(rng.choice([" ", "-", "/", "."], p=[0.45, 0.35, 0.12, 0.08]))
    return mark.join([shown_day, name.rstrip("."), shown_year])


def _ordinal(day: int) -> str:
    return "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def typeset(text: str, path: Path, rng: np.random.Generator, loose: bool) -> tuple[U8, F32]:
    """Return a text set in a font as ink uint8 (h, w), cropped tight, and a box a symbol (a space's box is empty)."""
    font = load_font(path, _SIZE_PX)
    gap = float(rng.normal(0, 1.5)) if loose else float(rng.uniform(-0.5, 3.0))
    widths = [font.getlength(text[: i + 1]) + gap * (i + 1) for i in range(len(text))]
    canvas = Image.new("L", (round(widths[-1]) + 2 * _SIZE_PX, 3 * _SIZE_PX))
    pen = ImageDraw.Draw(canvas)
    starts = [0.0, *widths[:-1]]
    for symbol, start in zip(text, starts, strict=True):
        lift = float(rng.normal(0, 0.6)) if loose else 0.0
        pen.text((_SIZE_PX / 2 + start, 0.8 * _SIZE_PX + lift), symbol, fill=255, font=font)
    ink = np.asarray(canvas, np.uint8)
    if rng.random() < 0.3:
        ink = np.asarray(cv2.dilate(ink, np.ones((2, 2), np.uint8)), np.uint8)
    boxes = np.zeros((len(text), 4), np.float32)
    for row, (symbol, start, end) in enumerate(zip(text, starts, widths, strict=True)):
        left, right = max(0, round(_SIZE_PX / 2 + start)), round(_SIZE_PX / 2 + end)
        rows = np.flatnonzero(ink[:, left : right + 1].any(axis=1))
        if symbol != " " and len(rows):
            boxes[row] = left, rows[0], right, rows[-1] + 1
    return ink, boxes


def _with_printed_century(figures: Figures, rng: np.random.Generator) -> tuple[str, U8, F32]:
    """Write day and month, and the last two figures of the year behind a printed 20 (or 19)."""
    text = _separated(rng, year_last=True) if rng.random() < 0.5 or not hand_fonts() else _named(rng)
    head, year = text.rstrip("0123456789"), f"{int(rng.integers(0, 100)):02d}"
    century = "20" if rng.random() < 0.85 else "19"
    if any(letter.isalpha() for letter in head):
        written = typeset(head, hand_fonts()[int(rng.integers(len(hand_fonts())))], rng, loose=True)
    else:
        written = figures(head, rng)
    printed = typeset(century, print_fonts()[int(rng.integers(len(print_fonts())))], rng, loose=False)
    pieces = [written, printed, figures(year, rng)]
    inks, rows, x = [], [], 0
    for index, (ink, boxes) in enumerate(pieces):
        shown = boxes[boxes.any(axis=1)]
        scale = _SIZE_PX * (0.8 if index == 1 else 1.0) / max(6.0, float(np.percentile(shown[:, 3] - shown[:, 1], 80)))
        left, right, foot = float(shown[:, 0].min()), float(shown[:, 2].max()), float(np.median(shown[:, 3]))
        cut = ink[:, max(0, int(left)) : round(right) + 1]
        small = cv2.resize(cut, (max(2, round(cut.shape[1] * scale)), max(4, round(cut.shape[0] * scale))), interpolation=cv2.INTER_AREA)
        canvas = np.zeros((4 * _SIZE_PX, small.shape[1]), np.uint8)
        top = round(2.6 * _SIZE_PX - foot * scale)
        visible = small[max(0, -top) : max(0, canvas.shape[0] - top)]
        canvas[max(0, top) : max(0, top) + visible.shape[0]] = visible
        moved = (boxes - np.array([max(0, int(left)), 0, max(0, int(left)), 0])) * scale + np.array([x, top, x, top])
        rows.append(np.where(boxes.any(axis=1, keepdims=True), moved, 0.0))
        gap = round(_SIZE_PX * float(rng.uniform(0.0, 0.5 if index else 1.2)))
        inks.append(np.pad(canvas, ((0, 0), (0, gap))))
        x += canvas.shape[1] + gap
    ink, boxes = np.hstack(inks), np.concatenate(rows).astype(np.float32)
    return head + century + year, ink, boxes


def typeset_named(rng: np.random.Generator) -> U8:
    """Return a date with a month's name in a font that every machine has, as ink."""
    ink, boxes = typeset(_named(rng), font_files()[int(rng.integers(len(font_files())))], rng, loose=False)
    x0, y0, x1, y1 = boxes[boxes.any(axis=1)].T
    top, left = max(0, int(y0.min()) - 8), max(0, int(x0.min()) - 8)
    return np.ascontiguousarray(ink[top : round(y1.max()) + 8, left : round(x1.max()) + 8])


def _in_cells(text: str, draw: Callable[[str], U8], rng: np.random.Generator) -> tuple[U8, F32]:
    """Write one digit a cell; frames between the cells or combs under them, faint letters in them that say what belongs there."""
    pitch, height = round(_SIZE_PX * float(rng.uniform(0.85, 1.5))), round(_SIZE_PX * float(rng.uniform(1.05, 1.5)))
    left, top = 8, round(0.6 * _SIZE_PX)
    wide = round(pitch * float(rng.uniform(0.0, 0.4))) if rng.random() < 0.4 else 0
    offsets = [left + i * pitch + (wide if i >= 2 else 0) + (wide if i >= 4 else 0) for i in range(len(text))]
    canvas = np.zeros((height + 2 * top, offsets[-1] + pitch + 10), np.uint8)
    boxes = np.zeros((len(text), 4), np.float32)
    for row, (symbol, x) in enumerate(zip(text, offsets, strict=True)):
        ink = draw(symbol)
        inked = np.argwhere(ink > 60)
        ink = ink[inked[:, 0].min() : inked[:, 0].max() + 1, inked[:, 1].min() : inked[:, 1].max() + 1] if len(inked) else ink
        scale = min(height * float(rng.uniform(0.6, 1.05)) / ink.shape[0], 1.1 * pitch / ink.shape[1])
        ink = cv2.resize(ink, (max(2, round(ink.shape[1] * scale)), max(4, round(ink.shape[0] * scale))), interpolation=cv2.INTER_AREA)
        x0 = int(np.clip(x + (pitch - ink.shape[1]) / 2 + rng.normal(0, 0.08 * pitch), 0, canvas.shape[1] - ink.shape[1]))
        y0 = int(np.clip(top + (height - ink.shape[0]) / 2 + rng.normal(0, 0.08 * height), 0, canvas.shape[0] - ink.shape[0]))
        at = canvas[y0 : y0 + ink.shape[0], x0 : x0 + ink.shape[1]]
        np.maximum(at, ink, out=at)
        boxes[row] = x0, y0, x0 + ink.shape[1], y0 + ink.shape[0]
    printed = np.zeros_like(canvas)
    if rng.random() < 0.85:
        pen, is_comb, level = int(rng.integers(1, 3)), rng.random() < 0.2, int(rng.integers(90, 256))
        for x in (*offsets, offsets[-1] + pitch):
            cv2.line(printed, (x, top + (height // 2 if is_comb else 0)), (x, top + height), level, pen)
        for y in (top + height,) if is_comb else (top, top + height):
            cv2.line(printed, (offsets[0], y), (offsets[-1] + pitch, y), level, pen)
    if rng.random() < 0.6:
        hint = str(rng.choice(_HINTS))
        size, below, level = float(rng.uniform(0.3, 0.6)), rng.random() < 0.5, int(rng.integers(40, 200))
        font = load_font(print_fonts()[int(rng.integers(len(print_fonts())))], max(7, round(size * _SIZE_PX)))
        page = Image.fromarray(printed)
        for letter, x in zip(hint, offsets, strict=True):
            y = top + height + 2 if below else top + height * (1 - size) / 2
            ImageDraw.Draw(page).text((x + pitch * (1 - size) / 2, y), letter, fill=level, font=font)
        printed = np.asarray(page, np.uint8)
    return np.maximum(canvas, printed), boxes


def _on_form(ink: U8, text: str, boxes: F32, papers: list[U8], rng: np.random.Generator) -> TrainingStrip:
    """Add the form's label and line, cut around the date as a field would be cut, and lay it on paper; spaces leave the text."""
    shown = boxes[boxes.any(axis=1)]
    x0, y0, x1, y1 = shown[:, 0].min(), shown[:, 1].min(), shown[:, 2].max(), shown[:, 3].max()
    tall = float(y1 - y0)
    room = round(2.2 * tall)
    canvas = np.pad(ink, ((room // 2, room // 2), (room, room // 2)))
    moved = boxes + np.array([room, room // 2, room, room // 2], np.float32) * boxes.any(axis=1, keepdims=True)
    left, top, right, foot = x0 + room, y0 + room // 2, x1 + room, y1 + room // 2
    start = left
    page = Image.fromarray(canvas)
    pen = ImageDraw.Draw(page)
    if rng.random() < 0.45:
        font = load_font(print_fonts()[int(rng.integers(len(print_fonts())))], max(8, round(tall * float(rng.uniform(0.22, 0.5)))))
        label = str(rng.choice(_LABELS))
        start = max(1.0, left - font.getlength(label) - tall * float(rng.uniform(0.05, 0.5)))
        pen.text((start, foot - tall * float(rng.uniform(0.3, 0.7))), label, fill=int(rng.integers(120, 256)), font=font)
    if rng.random() < 0.4:
        y = foot + tall * float(rng.uniform(-0.12, 0.12))
        ends = (start if rng.random() < 0.5 else left, y, right + tall * float(rng.uniform(0, 1)), y)
        pen.line(ends, fill=int(rng.integers(120, 256)), width=int(rng.integers(1, 3)))
    canvas = np.asarray(page, np.uint8)
    margins = tall * rng.uniform([-0.02, -0.03, -0.02, -0.03], [0.5, 0.5, 0.7, 0.5])
    first = start if rng.random() < 0.8 else left
    a, b = max(0, round(first - margins[0])), max(0, round(top - margins[1]))
    cut = canvas[b : round(foot + margins[3]), a : round(right + margins[2])]
    kept = [i for i, symbol in enumerate(text) if symbol != " "]
    placed = (moved[kept] - np.array([a, b, a, b], np.float32)).astype(np.float32)
    return TrainingStrip(lay_on_paper(cut, papers, rng), "".join(text[i] for i in kept).lower(), placed, True)
