"""Paper that is no check: banknotes, envelopes, receipts, newspaper, letters, forms, cards and bare sheets, all drawn."""

from collections.abc import Callable

import cv2
import numpy as np

from edge.datatypes import F32, U8
from train.data.surfaces import smooth_noise


def draw_other_paper(rng: np.random.Generator, kind: str | None = None) -> U8:
    """Return a sheet of one of `KINDS`, or of any, lying flat: BGR uint8, its longer side 600 to 900 px."""
    name = KINDS[int(rng.integers(len(KINDS)))] if kind is None else kind
    return np.clip(_DRAW[name](rng), 0, 255).astype(np.uint8)


def _sheet(rng: np.random.Generator, aspect: float, white: tuple[float, float] = (215, 252)) -> F32:
    longest = int(rng.integers(600, 900))
    width, height = (longest, round(longest / aspect)) if aspect > 1 else (round(longest * aspect), longest)
    tint = rng.uniform(*white) - rng.uniform(0, 14, 3)
    return np.asarray(np.ones((height, width, 3), np.float32) * tint.astype(np.float32), np.float32)


def _print_lines(sheet: F32, box: tuple[float, float, float, float], size: float, rng: np.random.Generator, dark: float = 40) -> None:
    """Print lines of words, ``size`` pixels high, into a box x0, y0, x1, y1 of the sheet."""
    x0, y0, x1, y1 = box
    scale, face = size / 21, int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX]))
    colour = (dark + rng.uniform(0, 50, 3)).tolist()
    y = y0 + size
    while y < y1:
        end = x1 if rng.random() < 0.7 else x0 + (x1 - x0) * float(rng.uniform(0.2, 0.9))
        x = x0
        while x < end - 2 * size:
            word = "".join(rng.choice(list("abcdefghilmnoprstuvABCDEMNRST0123456789"), int(rng.integers(2, 10))))
            if x + len(word) * size * 0.75 > end:
                break
            cv2.putText(sheet, word, (round(x), round(y)), face, scale, colour, max(1, round(size / 14)), cv2.LINE_AA)
            x += (len(word) * 0.8 + 0.7) * size
        y += size * 1.7


def _banknote(rng: np.random.Generator) -> F32:
    note = _sheet(rng, float(rng.uniform(1.8, 2.5)), (150, 235))
    height, width = note.shape[:2]
    note *= rng.uniform(0.65, 1.0, 3).astype(np.float32)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    for _ in range(3):
        phase = np.hypot(xs - rng.uniform(0, width), ys - rng.uniform(0, height)) / float(rng.uniform(4, 14))
        note -= (np.clip(np.sin(phase + 3 * np.sin(xs / 37)), 0, 1) * float(rng.uniform(8, 40)))[:, :, None]
    dark = rng.uniform(20, 110, 3).tolist()
    centre = (round(width * float(rng.uniform(0.25, 0.75))), height // 2)
    cv2.ellipse(note, centre, (round(0.2 * height), round(0.32 * height)), 0, 0, 360, dark, -1, cv2.LINE_AA)
    cv2.ellipse(note, centre, (round(0.1 * height), round(0.15 * height)), 0, 0, 360, rng.uniform(90, 210, 3).tolist(), -1, cv2.LINE_AA)
    value = str(rng.choice(["5", "10", "20", "50", "100", "500", "2000"]))
    for place in ((0.03, 0.24), (0.82, 0.24), (0.03, 0.94), (0.82, 0.94)):
        at = (round(place[0] * width), round(place[1] * height))
        cv2.putText(note, value, at, cv2.FONT_HERSHEY_COMPLEX, height / 190, dark, 3, cv2.LINE_AA)
    serial = "".join(rng.choice(list("ABCDEFGH0123456789"), 10))
    at = (round(0.55 * width), round(0.9 * height))
    cv2.putText(note, serial, at, cv2.FONT_HERSHEY_DUPLEX, height / 420, (40.0, 40.0, 40.0), 1, cv2.LINE_AA)
    cv2.rectangle(note, (8, 8), (width - 9, height - 9), dark, 3)
    return note


def _envelope(rng: np.random.Generator) -> F32:
    paper = _sheet(rng, float(rng.uniform(1.4, 2.4)), (150, 250))
    height, width = paper.shape[:2]
    size = width / float(rng.uniform(38, 60))
    _print_lines(paper, (0.04 * width, 0.06 * height, 0.3 * width, 0.24 * height), size * 0.7, rng)
    _print_lines(paper, (0.42 * width, 0.5 * height, 0.8 * width, 0.75 * height), size, rng)
    if rng.random() < 0.7:
        colour = rng.uniform(30, 200, 3).tolist()
        cv2.rectangle(paper, (round(0.86 * width), round(0.06 * height)), (round(0.96 * width), round(0.3 * height)), colour, -1)
    if rng.random() < 0.4:
        for x in np.arange(0.45 * width, 0.95 * width, width / 160):  # the sorting machine's bars
            cv2.line(paper, (round(x), round(0.93 * height)), (round(x), round((0.93 - 0.03 * rng.random()) * height)), (60.0,) * 3, 2)
    return paper


def _receipt(rng: np.random.Generator) -> F32:
    paper = _sheet(rng, float(rng.uniform(0.25, 0.6)), (200, 250))
    height, width = paper.shape[:2]
    _print_lines(paper, (0.06 * width, 0.04 * height, 0.94 * width, 0.9 * height), width / float(rng.uniform(16, 26)), rng, 70)
    if rng.random() < 0.5:
        for x in np.arange(0.1 * width, 0.9 * width, 4):
            cv2.line(paper, (round(x), round(0.92 * height)), (round(x), round(0.97 * height)), (50.0,) * 3, int(rng.integers(1, 4)))
    return paper


def _newspaper(rng: np.random.Generator) -> F32:
    paper = _sheet(rng, float(rng.uniform(0.65, 1.5)), (185, 225))
    height, width = paper.shape[:2]
    n_columns = int(rng.integers(2, 6))
    _print_lines(paper, (0.03 * width, 0.02 * height, 0.97 * width, 0.12 * height), width / 18, rng)
    for column in range(n_columns):
        x0, x1 = (0.03 + 0.94 * column / n_columns) * width, (0.02 + 0.94 * (column + 1) / n_columns) * width
        top = 0.16 * height
        if rng.random() < 0.4:
            foot = float(rng.uniform(0.3, 0.5)) * height
            picture = 110 + 45 * smooth_noise(round(x1 - x0), round(foot - top), (40, 40), rng)
            paper[round(top) : round(top) + picture.shape[0], round(x0) : round(x0) + picture.shape[1]] = picture[:, :, None]
            top = foot + 6
        _print_lines(paper, (x0, top, x1, 0.98 * height), float(rng.uniform(7, 11)), rng)
    return paper


def _letter(rng: np.random.Generator) -> F32:
    paper = _sheet(rng, float(rng.choice([0.707, 0.773, 1.41])))
    height, width = paper.shape[:2]
    size = width / float(rng.uniform(45, 75))
    _print_lines(paper, (0.1 * width, 0.07 * height, 0.5 * width, 0.17 * height), size, rng)
    _print_lines(paper, (0.1 * width, 0.25 * height, 0.9 * width, float(rng.uniform(0.5, 0.95)) * height), size, rng)
    return paper


def _form(rng: np.random.Generator) -> F32:
    """Boxes and ruled lines as a check has them, a deposit slip or a voucher, without a MICR line."""
    paper = _sheet(rng, float(rng.uniform(0.7, 2.6)), (190, 250))
    height, width = paper.shape[:2]
    colour = rng.uniform(30, 150, 3).tolist()
    for _ in range(int(rng.integers(3, 9))):
        x0, y = float(rng.uniform(0.03, 0.5)) * width, float(rng.uniform(0.1, 0.95)) * height
        x1 = min(0.97 * width, x0 + float(rng.uniform(0.2, 0.6)) * width)
        cv2.line(paper, (round(x0), round(y)), (round(x1), round(y)), colour, 2)
        _print_lines(paper, (x0, y - 0.05 * width, x1, y - 0.03 * width), width / 60, rng)
    for _ in range(int(rng.integers(1, 5))):
        x0, y0 = round(float(rng.uniform(0.03, 0.7)) * width), round(float(rng.uniform(0.05, 0.8)) * height)
        cv2.rectangle(paper, (x0, y0), (x0 + round(0.25 * width), y0 + round(0.1 * width)), colour, 2)
    return paper


def _card(rng: np.random.Generator) -> F32:
    card = _sheet(rng, float(rng.uniform(1.5, 1.8)), (40, 250))
    card *= rng.uniform(0.4, 1.0, 3).astype(np.float32)
    height, width = card.shape[:2]
    _print_lines(card, (0.08 * width, 0.5 * height, 0.7 * width, 0.9 * height), width / 24, rng)
    return card


def _plain_sheet(rng: np.random.Generator) -> F32:
    paper = _sheet(rng, float(rng.uniform(0.6, 2.8)), (150, 252))
    if rng.random() < 0.4:
        step = max(8, round(paper.shape[1] / float(rng.uniform(20, 60))))
        paper[::step] -= 45
        if rng.random() < 0.5:
            paper[:, ::step] -= 45
    return paper


_DRAW: dict[str, Callable[[np.random.Generator], F32]] = {
    "banknote": _banknote,
    "envelope": _envelope,
    "receipt": _receipt,
    "newspaper": _newspaper,
    "letter": _letter,
    "form": _form,
    "card": _card,
    "plain": _plain_sheet,
}
KINDS = tuple(_DRAW)
