"""Draw what was found: the outline of the check, its fields, every symbol under its ink, and a card of readings below."""

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge.datatypes import F64, FIELD_NAMES, U8, CheckReading, Frame, Reading

Colour = tuple[int, int, int]
Rectangle = tuple[float, float, float, float]  # left, top, right, foot on the canvas

# The drawing is at least so wide that the letters can be read, and no wider than a screen.
_WIDTHS_PX = (800, 1600)
_COLOURS: dict[str, Colour] = {"accepted": (11, 128, 67), "unsure": (201, 104, 0), "unreadable": (190, 36, 36)}  # RGB
_OUTLINE, _TEXT, _FAINT, _PAPER, _RULE = (26, 115, 232), (32, 33, 36), (95, 99, 104), (255, 255, 255), (225, 227, 230)
_BAND_ROWS = 128
_LEAST_TEXT_PX = 13.0
# A reason of more lines than this is told in full by the JSON.
_MOST_LINES = 2


def draw_checks(frame: Frame, checks: Sequence[CheckReading]) -> U8:
    """Return the frame, 800 to 1,600 pixels wide, with everything that was found, and a card of the readings under it.

    It is turned by quarters until the first check is about upright: nobody reads figures on their heads.
    """
    turns = next((_quarter_turns(check.page.corners) for check in checks if check.page is not None), 0)
    picture, frame_to_canvas = _canvas(frame.pixels, turns)
    pen = ImageDraw.Draw(picture, "RGBA")
    for check in checks:
        if check.page is None:
            continue
        page_to_canvas = frame_to_canvas @ check.page.page_to_frame
        _outline(pen, _mapped(frame_to_canvas, check.page.corners), _OUTLINE, 3)
        shown = {name: r for name, r in check.fields.items() if r is not None and r.box is not None}
        taken = [_draw_reading(pen, reading, page_to_canvas, picture.width) for reading in shown.values()]
        for (name, reading), own in zip(shown.items(), tuple(taken), strict=True):
            corner = _top_left(reading, page_to_canvas)
            taken.append(_draw_tab(pen, name, _COLOURS[reading.verdict], corner, own, [r for r in taken if r != own], picture.size))
    card = _with_card(picture, [row for check in checks for row in _rows_of(check)])
    del pen, picture  # each is as large as the card
    return _pixels(card)


def draw_strip(frame: Frame, kind: str, reading: Reading) -> U8:
    """Return the strip at least 800 pixels wide with its symbols, and a card with the reading under it."""
    strip, strip_to_canvas = _canvas(frame.pixels)
    picture = Image.new("RGB", (strip.width, strip.height + round(3.2 * _text_px(strip.width))), _PAPER)
    picture.paste(strip)
    pen = ImageDraw.Draw(picture, "RGBA")
    _draw_symbols(pen, reading, strip_to_canvas, (0.0, 0.0), picture.width, below=strip.height)
    return _pixels(_with_card(picture, [_row_of(kind, reading)]))


def _quarter_turns(corners: F64) -> int:
    """Return by how many quarter turns clockwise a check with these corners lies, 0 to 3."""
    right = corners[1] - corners[0] + corners[2] - corners[3]
    return round(float(np.arctan2(right[1], right[0])) / (np.pi / 2)) % 4


def _canvas(pixels: U8, turns: int = 0) -> tuple[Image.Image, F64]:
    """Return a picture turned back by ``turns`` quarters at the size that it is drawn at, and what leads from its pixels there."""
    height, width = pixels.shape[:2]
    shown_width, shown_height = (height, width) if turns % 2 else (width, height)
    scale = float(np.clip(shown_width, *_WIDTHS_PX)) / shown_width
    scale = min(scale, 2 * _WIDTHS_PX[1] / shown_height)  # a narrow, high picture would grow out of all bounds
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    to_canvas = np.diag([scale, scale, 1.0])
    for _ in range(turns):
        to_canvas = np.array([[0, 1, 0], [-1, 0, small.shape[1]], [0, 0, 1]], np.float64) @ to_canvas
        small = np.rot90(small)
    return Image.frombuffer("RGB", (small.shape[1], small.shape[0]), np.ascontiguousarray(small), "raw", "BGR", 0, 1), to_canvas


def _draw_reading(pen: ImageDraw.ImageDraw, reading: Reading, to_canvas: F64, canvas_width: int) -> Rectangle:
    """Draw a field's box and its symbols; return what they take of the canvas."""
    assert reading.box is not None
    colour = _COLOURS[reading.verdict]
    corners = _mapped(to_canvas, _corners(*reading.box))
    pen.polygon([tuple(corner) for corner in corners.tolist()], fill=(*colour, 22))
    _outline(pen, corners, colour, 2)
    foot = _draw_symbols(pen, reading, to_canvas, reading.box[:2], canvas_width)
    low, high = corners.min(axis=0), corners.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), max(float(high[1]), foot)


def _draw_tab(
    pen: ImageDraw.ImageDraw,
    name: str,
    colour: Colour,
    corner: tuple[float, float],
    own: Rectangle,
    taken: Sequence[Rectangle],
    canvas: tuple[int, int],
) -> Rectangle:
    """Write a field's name over the top-left corner of its box, or beside it where that hides less; return its place."""
    size = max(_LEAST_TEXT_PX, 0.6 * _text_px(canvas[0]))
    title, font = name.replace("_", " "), _font(size)
    width, height = font.getlength(title) + 0.9 * size, 1.35 * size
    x0, y0, x1, foot = own
    beside = (y0 + foot - height) / 2
    places = [
        (corner[0] - 1, corner[1] - height),
        (x1 - width, y0 - height),
        (x0 - width - 3, beside),
        (x1 + 3, beside),
        (x0 - 1, foot + 2),
    ]
    inside = [(max(0.0, min(x, canvas[0] - width)), max(0.0, min(y, canvas[1] - height))) for x, y in places]
    x, y = min(inside, key=lambda at: sum(_common((*at, at[0] + width, at[1] + height), other) for other in taken))
    pen.rounded_rectangle((x, y, x + width, y + height), radius=0.25 * size, fill=(*colour, 235))
    pen.text((x + 0.45 * size, y + 0.68 * size), title, _PAPER, font, anchor="lm")
    return x, y, x + width, y + height


def _top_left(reading: Reading, to_canvas: F64) -> tuple[float, float]:
    assert reading.box is not None
    corners = _mapped(to_canvas, _corners(*reading.box))
    x, y = corners[np.argmin(corners.sum(axis=1))]
    return float(x), float(y)


def _common(one: Rectangle, other: Rectangle) -> float:
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)


def _draw_symbols(
    pen: ImageDraw.ImageDraw, reading: Reading, to_canvas: F64, offset: tuple[float, ...], canvas_width: int, below: float | None = None
) -> float:
    """Write each symbol under its ink, with a bar as long as it is sure; ``below`` is a line that all letters go under.

    Returns:
        How far down that reaches, 0 without symbols.
    """
    colour = _COLOURS[reading.verdict]
    boxes = [_mapped(to_canvas, _corners(s.box[0] + offset[0], s.box[1] + offset[1], *s.box[2:])) for s in reading.symbols]
    feet = np.array([box[2:].mean(axis=0) for box in boxes])  # bottom right and bottom left
    pitch = float(np.median(np.linalg.norm(np.diff(feet, axis=0), axis=1))) if len(feet) > 1 else 2.0 * _LEAST_TEXT_PX
    # Letters are as large as their neighbours leave room for.
    size = float(np.clip(1.3 * pitch, _LEAST_TEXT_PX, (1.1 if below is None else 1.6) * _text_px(canvas_width)))
    if len(feet):
        feet[:, 1] = below if below is not None else _lowest_line(feet)
    edge = max(1, round(size / 9))
    for symbol, box, (x, y) in zip(reading.symbols, boxes, feet.tolist(), strict=True):
        _outline(pen, box, (*colour, 130), 1)
        pen.text((x, y + size), symbol.symbol, colour, _font(size), anchor="ms", stroke_width=edge, stroke_fill=_PAPER)
        half, top, thick = 0.42 * min(pitch, size), y + 1.3 * size, max(2.0, 0.12 * size)
        pen.rectangle((x - half, top, x + half, top + thick), fill=(*_PAPER, 210))
        pen.rectangle((x - half, top, x - half + 2 * half * symbol.confidence, top + thick), fill=_COLOURS[_grade(symbol.confidence)])
    return float(feet[:, 1].max()) + 1.45 * size if len(feet) else 0.0


def _lowest_line(feet: F64) -> F64:
    """Return for each foot the height of one straight line under all of them, however high the symbols are."""
    slope = float(np.polyfit(feet[:, 0], feet[:, 1], 1)[0]) if np.ptp(feet[:, 0]) > 1 else 0.0
    along = slope * (feet[:, 0] - feet[0, 0])
    return np.asarray(along + (feet[:, 1] - along).max(), np.float64)


def _grade(confidence: float) -> str:
    """Return the colour of a single symbol; whether the whole reading passes is another matter."""
    return "accepted" if confidence > 0.98 else "unsure" if confidence > 0.6 else "unreadable"


# A row of the card: colour, name, what was read, verdict and probability, the reason.
_Row = tuple[Colour, str, str, str, str]


def _rows_of(check: CheckReading) -> list[_Row]:
    rows: list[_Row] = []
    if check.page is None:
        rows.append((_COLOURS["unreadable"], "page", "no check found", "", check.quality.advice))
    rows += [_row_of(name, reading) for name in FIELD_NAMES if (reading := check.fields.get(name)) is not None]
    if check.page is not None and check.quality.problems:
        rows.append((_COLOURS["unsure"], "quality", ", ".join(check.quality.problems).replace("_", " "), "", check.quality.advice))
    return rows


def _row_of(name: str, reading: Reading) -> _Row:
    verdict = f"{reading.verdict}  {100 * reading.confidence:.1f} %"
    return _COLOURS[reading.verdict], name.replace("_", " "), reading.text or "-", verdict, reading.reason or ""


def _with_card(picture: Image.Image, rows: Sequence[_Row]) -> Image.Image:
    """Return the picture on a card of readings: name, text and verdict in columns, the reason under them."""
    width = max(picture.width, _WIDTHS_PX[0])
    size = float(_text_px(width))
    name_font, text_font, small_font = _font(0.8 * size), _font(1.1 * size), _font(0.72 * size)
    left, middle, right = 0.8 * size, 6.4 * size, width - 0.8 * size
    reasons = [_wrapped(reason, small_font, right - middle) for *_, reason in rows]
    heights = [2.0 * size + len(lines) * 1.05 * size for lines in reasons]
    canvas = Image.new("RGB", (width, picture.height + round(sum(heights) + size)), _PAPER)
    canvas.paste(picture)
    pen, y = ImageDraw.Draw(canvas), picture.height + 0.4 * size
    for (colour, name, text, verdict, _), lines, height in zip(rows, reasons, heights, strict=True):
        line = y + 1.05 * size
        pen.text((left, line), name, _FAINT, name_font, anchor="lm")
        room = right - middle - name_font.getlength(verdict) - 2.2 * size
        fitting = text_font if text_font.getlength(text) <= room else _font(1.1 * size * max(0.5, room / text_font.getlength(text)))
        pen.text((middle, line), text, _TEXT, fitting, anchor="lm")
        if verdict:
            chip = right - name_font.getlength(verdict) - 1.2 * size
            pen.rounded_rectangle((chip, line - 0.72 * size, right, line + 0.72 * size), radius=0.7 * size, fill=colour)
            pen.text((right - 0.6 * size, line), verdict, _PAPER, name_font, anchor="rm")
        for index, part in enumerate(lines):
            pen.text((middle, line + (1.15 + 1.05 * index) * size), part, _FAINT, small_font, anchor="lm")
        y += height
        pen.line((left, y + 0.15 * size, right, y + 0.15 * size), fill=_RULE)
    return canvas


def _pixels(canvas: Image.Image) -> U8:
    """Return the canvas as BGR, some rows at a time: Pillow's own copy takes twice the memory."""
    pixels = np.empty((canvas.height, canvas.width, 3), np.uint8)
    for top in range(0, canvas.height, _BAND_ROWS):
        band = canvas.crop((0, top, canvas.width, min(top + _BAND_ROWS, canvas.height)))
        pixels[top : top + band.height] = np.asarray(band)[:, :, ::-1]
    return pixels


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1] + " ..."]


def _font(size_px: float) -> ImageFont.FreeTypeFont:
    """Return the font that Pillow carries, so that a drawing looks alike on every machine."""
    font = ImageFont.load_default(max(6.0, round(size_px)))
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels are built with FreeType
    return font


def _text_px(width: int) -> int:
    """Return a size of letters that can be read when the picture is shown small."""
    return max(16, round(max(width, _WIDTHS_PX[0]) / 45))


def _outline(pen: ImageDraw.ImageDraw, corners: F64, colour: tuple[int, ...], thickness: int) -> None:
    ring = [tuple(corner) for corner in corners.tolist()]
    pen.line([*ring, ring[0], ring[1]], fill=colour, width=thickness, joint="curve")


def _corners(x: float, y: float, width: float, height: float) -> F64:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float64)


def _mapped(matrix: F64, points: F64) -> F64:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)
