"""Training lines of E-13B: real binarised lines, the same as a camera would see them, and lines set from open glyphs."""

from pathlib import Path

import cv2
import numpy as np

from edge.datatypes import U8
from train.data.paper import lay_on_paper
from train.data.sources import LabelledStrip, decode_grey
from train.data.strips import Draw, TrainingStrip

# The glyphs' order in the label alphabet: transit, amount, on-us, dash are U+2446 to U+2449.
_CODEPOINTS = {**{str(d): f"u003{d}" for d in range(10)}, "A": "u2446", "B": "u2447", "C": "u2448", "D": "u2449"}
# ANSI X9.27 / ISO 1004: characters are 0.117 inch high and stand 0.125 inch apart.
_HEIGHT_PX = 36
_PITCH_PX = _HEIGHT_PX * 0.125 / 0.117


def load_glyphs(folder: Path) -> dict[str, U8]:
    """Return tight ink of each E-13B symbol, from the OFL glyphs among the labelled sets."""
    glyphs = {}
    for symbol, name in _CODEPOINTS.items():
        path = folder / "micr/fonts/micr-e13b-ofl/png" / f"{name}.png"
        picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        ink = (
            picture[:, :, 3]
            if picture.ndim == 3 and picture.shape[2] == 4 and picture[:, :, 3].min() < 255
            else 255 - decode_grey(path.read_bytes())
        )
        rows, columns = np.flatnonzero(ink.max(axis=1) > 127), np.flatnonzero(ink.max(axis=0) > 127)
        glyphs[symbol] = np.asarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], np.uint8)
    tallest = max(g.shape[0] for g in glyphs.values())
    scale = _HEIGHT_PX / tallest
    return {
        s: np.asarray(
            cv2.resize(g, (max(2, round(g.shape[1] * scale)), max(2, round(g.shape[0] * scale))), interpolation=cv2.INTER_AREA), np.uint8
        )
        for s, g in glyphs.items()
    }


def real_line(lines: list[LabelledStrip], papers: list[U8]) -> Draw:
    """Draw one of the real lines; half of them are printed again in grey on some paper, as a camera would see them."""

    def draw(rng: np.random.Generator) -> TrainingStrip:
        line = lines[int(rng.integers(len(lines)))]
        picture = line.picture
        ink = _worn(255 - picture, rng, 0.25)
        # Labels end where the cut ends; a little more paper around changes no text.
        pads = rng.integers(0, 1 + picture.shape[0] // 3, 4)
        ink = np.pad(ink, ((pads[0] // 2, pads[1] // 2), (pads[2], pads[3])))
        return TrainingStrip(_on_some_paper(ink, papers, rng), line.text, None, True)

    return draw


def set_line(glyphs: dict[str, U8], papers: list[U8]) -> Draw:
    """Set a random line from the glyphs, with worn or fat print."""

    def draw(rng: np.random.Generator) -> TrainingStrip:
        text, ink, boxes = _set_text(glyphs, rng)
        margin = _HEIGHT_PX
        ink = _worn(ink, rng, 0.7)
        top, bottom = (round(margin * float(rng.uniform(0.35, 0.97))) for _ in range(2))
        picture = _on_some_paper(ink[top : ink.shape[0] - bottom], papers, rng)
        return TrainingStrip(picture, text, boxes - np.array([0, top, 0, top], np.float32), True)

    return draw


def _set_text(glyphs: dict[str, U8], rng: np.random.Generator) -> tuple[str, U8, np.ndarray]:
    text = _line_text(rng)
    ink = np.zeros((3 * _HEIGHT_PX, round(_PITCH_PX * (len(text) + 2))), np.uint8)
    stretch = float(rng.uniform(0.93, 1.1))
    x, boxes, shown = _PITCH_PX / 2, [], ""
    foot = 2 * _HEIGHT_PX
    for symbol in text:
        if symbol != " ":
            glyph = glyphs[symbol]
            # Glyphs stand right-aligned in their cell; the dash and the on-us bars hang in the middle of the height.
            left = round(x * stretch + _PITCH_PX * 0.86 - glyph.shape[1])
            lift = 0 if symbol in "0123456789" else (_HEIGHT_PX - glyph.shape[0]) // 2
            top = foot - lift - glyph.shape[0] + int(rng.integers(-1, 2))
            if left < 0 or left + glyph.shape[1] > ink.shape[1]:
                break
            at = ink[top : top + glyph.shape[0], left : left + glyph.shape[1]]
            np.maximum(at, glyph, out=at)
            boxes.append((left, top, left + glyph.shape[1], top + glyph.shape[0]))
            shown += symbol
        x += _PITCH_PX
    return shown, ink, np.array(boxes, np.float32)


def _line_text(rng: np.random.Generator) -> str:
    def digits(least: int, most: int) -> str:
        return "".join(map(str, rng.integers(0, 10, int(rng.integers(least, most + 1)))))

    spaces = " " * int(rng.integers(0, 3))
    kind = int(rng.integers(5))
    if kind == 0:
        return f"A{digits(9, 9)}A{spaces}{digits(6, 14)}C{spaces}{digits(2, 6)}"
    if kind == 1:
        return f"C{digits(3, 7)}C{spaces}A{digits(9, 9)}A{spaces}{digits(3, 8)}D{digits(2, 5)}C"
    if kind == 2:
        return f"C{digits(6, 6)}C{spaces}{digits(9, 9)}A{spaces}{digits(6, 6)}C{spaces}{digits(2, 2)}"
    if kind == 3:
        return f"A{digits(5, 5)}D{digits(3, 3)}A{spaces}{digits(3, 10)}C{spaces}B{digits(10, 10)}B"
    return "".join(rng.choice(list("0123456789ABCD "), int(rng.integers(6, 26)))).strip() or "0"


def _worn(ink: U8, rng: np.random.Generator, often: float) -> U8:
    """Make print fatter or thinner, drop specks of ink, or break it by a ragged threshold."""
    if rng.random() > often:
        return ink
    draw = rng.random()
    if draw < 0.3:
        ink = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    elif draw < 0.55:
        ink = cv2.erode(ink, np.ones((2, 2), np.uint8))
    elif draw < 0.8:
        rough = cv2.GaussianBlur(rng.standard_normal(ink.shape, np.float32), (0, 0), float(rng.uniform(0.8, 2.0)))
        soft = cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.8, 1.8))).astype(np.float32) / 255
        ink = ((soft + rough / rough.std() * float(rng.uniform(0.08, 0.22))) > float(rng.uniform(0.35, 0.6))).astype(np.uint8) * 255
    specks = int(rng.integers(0, 6))
    for _ in range(specks):
        y, x = int(rng.integers(ink.shape[0])), int(rng.integers(ink.shape[1]))
        cv2.circle(ink := np.ascontiguousarray(ink), (x, y), int(rng.integers(1, 3)), 255 if rng.random() < 0.7 else 0, -1)
    return np.asarray(ink, np.uint8)


def _on_some_paper(ink: U8, papers: list[U8], rng: np.random.Generator) -> U8:
    if rng.random() < 0.55:
        return np.asarray(255 - ink, np.uint8)
    soft = cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.3, 1.6)))
    return lay_on_paper(np.asarray(soft, np.uint8), papers, rng)
