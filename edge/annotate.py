"""Draw what was found: the outline of the check, its fields, every symbol under its ink, and what it all says."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.datatypes import F64, FIELD_NAMES, U8, CheckReading, Frame, Reading
from edge.errors import OutputError

# The drawing is at least so wide that the letters can be read, and no wider than a screen.
_WIDTHS_PX = (800, 1600)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_COLOURS = {"accepted": (60, 140, 0), "unsure": (0, 120, 230), "unreadable": (40, 40, 210)}  # BGR
_OUTLINE = (200, 90, 0)
_INK, _PAPER = (30, 30, 30), (255, 255, 255)
_JPEG_QUALITY = 90
_LEAST_TEXT_PX = 11.0


def prepare_folder(folder: Path) -> None:
    """Make the folder and see that it can be written to, before hours of reading end in an error.

    Raises:
        OutputError: it cannot.
    """
    probe = folder / f".checkreader-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"{folder}: annotated pictures cannot be written there ({error.strerror}); choose a folder of yours") from None


def free_name(folder: Path, file: str, taken: set[Path]) -> Path:
    """Return where the drawing of ``file`` goes, and remember it: pictures of the same name in two folders get two drawings."""
    stem, number = Path(file).stem, 1
    path = folder / f"{stem}-read.jpg"
    while path in taken:
        number += 1
        path = folder / f"{stem}-read-{number}.jpg"
    taken.add(path)
    return path


def write_drawing(path: Path, drawing: U8) -> None:
    """Write a JPEG so that the file is there whole or not at all.

    Raises:
        OutputError: the disk is full, or the folder is gone.
    """
    _, encoded = cv2.imencode(".jpg", drawing, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(encoded.tobytes())
        unfinished.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); make room or choose another folder") from None
    finally:
        unfinished.unlink(missing_ok=True)


def draw_checks(frame: Frame, checks: Sequence[CheckReading]) -> U8:
    """Return the frame, 800 to 1,600 pixels wide, with everything that was found, and the readings in lines under it."""
    canvas, scale = _canvas(frame)
    lines: list[tuple[str, tuple[int, int, int]]] = []
    for check in checks:
        lines += _check_lines(check)
        if check.page is None:
            continue
        page_to_canvas = np.diag([scale, scale, 1.0]) @ check.page.page_to_frame
        _outline(canvas, check.page.corners * scale, _OUTLINE)
        for reading in check.fields.values():
            if reading is not None and reading.box is not None:
                _draw_reading(canvas, reading, page_to_canvas, reading.box[:2])
    return _with_lines(canvas, lines)


def draw_strip(frame: Frame, kind: str, reading: Reading) -> U8:
    """Return the strip at least 800 pixels wide with its symbols, and the reading in a line under it."""
    canvas, scale = _canvas(frame)
    room = np.full((_text_px(canvas) * 3, canvas.shape[1], 3), 255, np.uint8)
    canvas = np.vstack([canvas, room])
    _draw_reading(canvas, reading, np.diag([scale, scale, 1.0]), (0.0, 0.0), below=frame.size[1])
    return _with_lines(canvas, [_reading_line(kind, reading)])


def _canvas(frame: Frame) -> tuple[U8, float]:
    width, height = frame.size
    scale = float(np.clip(width, *_WIDTHS_PX)) / width
    scale = min(scale, 2 * _WIDTHS_PX[1] / height)  # a narrow, high picture would grow out of all bounds
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    canvas = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return np.asarray(canvas, np.uint8), scale


def _draw_reading(canvas: U8, reading: Reading, to_canvas: F64, offset: tuple[float, ...], below: float | None = None) -> None:
    """Draw one field's box and its symbols; ``offset`` is where the strip's picture lies, ``below`` a line that all letters go under."""
    colour = _COLOURS[reading.verdict]
    if reading.box is not None:
        _outline(canvas, _mapped(to_canvas, _corners(*reading.box)), colour)
    feet = []
    for symbol in reading.symbols:
        x, y, width, height = symbol.box
        corners = _mapped(to_canvas, _corners(x + offset[0], y + offset[1], width, height))
        _outline(canvas, corners, colour, 1)
        foot = corners[2:].mean(axis=0)  # bottom right and bottom left
        if below is not None:
            foot[1] = below * to_canvas[1, 1]
        feet.append(foot)
    # Letters are as wide as their neighbours leave room for; a confidence that would run into the next one is left to the JSON.
    pitch = float(np.median(np.linalg.norm(np.diff(feet, axis=0), axis=1))) if len(feet) > 1 else math.inf
    size_px = min(_text_px(canvas), max(_LEAST_TEXT_PX, pitch))
    for symbol, foot in zip(reading.symbols, feet, strict=True):
        _write(canvas, symbol.symbol, (foot[0] - _width(symbol.symbol, size_px) / 2, foot[1] + size_px * 1.2), size_px, colour)
        share, small = f"{100 * symbol.confidence:.0f}", size_px * 0.6
        if _width(share, small) < pitch:
            _write(canvas, share, (foot[0] - _width(share, small) / 2, foot[1] + size_px * 1.2 + small * 1.3), small, colour)


def _check_lines(check: CheckReading) -> list[tuple[str, tuple[int, int, int]]]:
    lines = []
    if check.page is None:
        lines.append(("no check found", _COLOURS["unreadable"]))
    lines += [_reading_line(name, reading) for name in FIELD_NAMES if (reading := check.fields.get(name)) is not None]
    if check.quality.problems:
        lines.append((f"quality: {', '.join(check.quality.problems)}. {check.quality.advice}", _COLOURS["unsure"]))
    return lines


def _reading_line(name: str, reading: Reading) -> tuple[str, tuple[int, int, int]]:
    said = f"{name.replace('_', ' ')}: {reading.text or '-'}   {reading.verdict} {100 * reading.confidence:.1f} %"
    return said + (f"   {reading.reason}" if reading.reason else ""), _COLOURS[reading.verdict]


def _with_lines(canvas: U8, lines: list[tuple[str, tuple[int, int, int]]]) -> U8:
    """Return the canvas on a panel of text; letters shrink where a line would not fit."""
    width = max(canvas.shape[1], _WIDTHS_PX[0])
    size_px = _text_px(canvas)
    step = round(size_px * 1.8)
    panel = np.full((canvas.shape[0] + step * len(lines) + size_px, width, 3), _PAPER, np.uint8)
    panel[: canvas.shape[0], : canvas.shape[1]] = canvas
    for index, (text, colour) in enumerate(lines):
        fitting = min(1.0, (width - 2 * size_px) / max(1, _width(text, size_px)))
        _write(panel, text, (size_px, canvas.shape[0] + step * (index + 0.9)), size_px * fitting, colour)
    return panel


def _text_px(canvas: U8) -> int:
    """Height of a capital letter: a fiftieth of the width can be read when the picture is shown small."""
    return max(12, round(max(canvas.shape[1], _WIDTHS_PX[0]) / 55))


def _width(text: str, size_px: float) -> float:
    return float(cv2.getTextSize(text, _FONT, size_px / 22, 1)[0][0])  # Hershey capitals are 22 pixels high at scale 1


def _write(canvas: U8, text: str, at: tuple[float, float], size_px: float, colour: tuple[int, int, int]) -> None:
    where = (round(float(at[0])), round(float(at[1])))
    shown = text.encode("ascii", "replace").decode()  # the font has no other letters
    thickness = max(1, round(size_px / 10))
    cv2.putText(canvas, shown, where, _FONT, size_px / 22, _PAPER, thickness + 3, cv2.LINE_AA)
    cv2.putText(canvas, shown, where, _FONT, size_px / 22, colour, thickness, cv2.LINE_AA)


def _outline(canvas: U8, corners: F64, colour: tuple[int, int, int], thickness: int = 2) -> None:
    cv2.polylines(canvas, [np.round(corners).astype(np.int32)], True, colour, thickness, cv2.LINE_AA)


def _corners(x: float, y: float, width: float, height: float) -> F64:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float64)


def _mapped(matrix: F64, points: F64) -> F64:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)
