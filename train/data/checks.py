"""Checks of our own: random layouts of personal and business checks, filled in by hand or by a printer, with every field's box."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge.datatypes import F32, U8, Box, FieldName
from train.data.e13b import routing_number, set_line
from train.data.printed import font_files
from train.data.strokes import Writer, draw_text, make_writer
from train.data.wording import BANKS, FIRMS, PEOPLE, STREETS, words_of

_SANS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "STIXGeneral.ttf")
_SERIF = ("DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", "STIXGeneralBol.ttf")
_MONO = "DejaVuSansMono.ttf"
_INK_COLOURS = ((60, 30, 20), (120, 50, 25), (35, 35, 35), (95, 25, 45), (20, 20, 20))  # BGR: blue-black, blue, grey, violet, black


@dataclass(frozen=True, slots=True, eq=False)
class DrawnCheck:
    """A check as it lies flat under the light, BGR uint8 (h, w, 3), with what it says and where."""

    pixels: U8
    px_per_inch: float
    amount: str
    date: str
    check_number: str
    micr: str
    boxes: Mapping[FieldName, Box]

    @property
    def iso_date(self) -> str:
        month, day, year = self.date.replace("-", "/").split("/")
        return f"{year if len(year) == 4 else '20' + year}-{int(month):02d}-{int(day):02d}"


def draw_check(rng: np.random.Generator, px_per_inch: float = 220.0) -> DrawnCheck:
    """Return a new check, filled in."""
    is_business = bool(rng.random() < 0.4)
    width_inch, height_inch = (8.25, 3.25) if is_business else (6.0, 2.75)
    width_inch, height_inch = width_inch * float(rng.uniform(0.97, 1.03)), height_inch * float(rng.uniform(0.97, 1.04))
    sheet = _Sheet(_paper(round(width_inch * px_per_inch), round(height_inch * px_per_inch), rng), px_per_inch, rng)
    cents = int(np.exp(rng.uniform(np.log(5_00), np.log(20_000_00))))
    cents = cents // 100 * 100 if rng.random() < 0.25 else cents
    number = str(int(rng.integers(101, 9999)))
    date = _date(rng)
    _print_form(sheet, number, is_business)
    micr = _print_micr(sheet, number, is_business)
    writer = replace(make_writer(rng), size_px=0.17 * px_per_inch * float(rng.uniform(0.85, 1.2)), spacing=float(rng.uniform(0.08, 0.22)))
    _fill_in(sheet, cents, date, writer, by_machine=is_business and bool(rng.random() < 0.5))
    pixels = np.clip(sheet.paper, 0, 255).astype(np.uint8)
    return DrawnCheck(pixels, px_per_inch, f"{cents // 100}.{cents % 100:02d}", date, number, micr, dict(sheet.boxes))


class _Sheet:
    """Paper being printed on: float32 BGR, positions in shares of its width and height."""

    def __init__(self, paper: F32, px_per_inch: float, rng: np.random.Generator) -> None:
        self.paper, self.px_per_inch, self.rng = paper, px_per_inch, rng
        self.height, self.width = paper.shape[:2]
        self.boxes: dict[FieldName, Box] = {}
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
        names = _SERIF if self.serif else _SANS
        ink = _typeset(text, file or names[0], height_inch * self.px_per_inch)
        return self.stamp(ink, x, foot_y - ink.shape[0], self.form_colour, strength)

    def rule(self, x0: float, x1: float, y: float) -> None:
        thickness = max(1, round(0.006 * self.px_per_inch))
        self.stamp(np.full((thickness, max(1, round(x1 - x0))), 255, np.uint8), x0, y, self.form_colour, 0.8)


def _paper(width: int, height: int, rng: np.random.Generator) -> F32:
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


def _typeset(text: str, file: str, height_px: float) -> U8:
    """Return printed text whose capitals are ``height_px`` high, cropped tight."""
    font = _font(file, max(6, round(height_px / 0.72)))
    canvas = Image.new("L", (round(font.getlength(text)) + 12, round(height_px * 2.4)))
    ImageDraw.Draw(canvas).text((4, 2), text, fill=255, font=font)
    return _tight(np.asarray(canvas, np.uint8))


def _tight(ink: U8) -> U8:
    rows, columns = np.flatnonzero(ink.max(axis=1) > 20), np.flatnonzero(ink.max(axis=0) > 20)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else ink[:1, :1]


def _cursive(text: str, height_px: float, slant: float, pen_px: float) -> U8:
    """Return words in a plotter's script face, sheared like a hand's; for what nobody has to read here."""
    scale = height_px / 22
    (width, height), baseline = cv2.getTextSize(text, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, scale, 1)
    canvas = np.zeros((height + 2 * baseline + 12, width + height + 20), np.uint8)
    at = (10, height + baseline + 4)
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, scale, 255.0, max(1, round(pen_px)), cv2.LINE_AA)  # type: ignore[call-overload]
    shear = np.array([[1, -slant * 0.5, slant * 0.5 * canvas.shape[0]], [0, 1, 0]], np.float64)
    return _tight(np.asarray(cv2.warpAffine(canvas, shear, (canvas.shape[1], canvas.shape[0])), np.uint8))


def _date(rng: np.random.Generator) -> str:
    month, day, year = int(rng.integers(1, 13)), int(rng.integers(1, 29)), int(rng.integers(2015, 2027))
    padded = rng.random() < 0.5
    mark = "/" if rng.random() < 0.75 else "-"
    shown_year = str(year) if rng.random() < 0.6 else f"{year % 100:02d}"
    return mark.join([f"{month:02d}" if padded else str(month), f"{day:02d}" if padded else str(day), shown_year])


def _print_form(sheet: _Sheet, number: str, is_business: bool) -> None:
    """Print all that stands on a blank check, and note where there is room to write."""
    rng, w, h, inch = sheet.rng, sheet.width, sheet.height, sheet.px_per_inch
    left, right = w * float(rng.uniform(0.035, 0.06)), w * float(rng.uniform(0.945, 0.97))
    owner = str(rng.choice(FIRMS if is_business else PEOPLE))
    y = h * float(rng.uniform(0.1, 0.13))
    file = (_SERIF if sheet.serif else _SANS)[int(rng.integers(3))]
    sheet.print_text(owner.upper() if rng.random() < 0.5 else owner, left, y, 0.1, file=file)
    for index, line in enumerate((str(rng.choice(STREETS)), f"Fernvale, ZZ {int(rng.integers(10000, 99999))}")):
        sheet.print_text(line, left, y + (0.13 + 0.11 * index) * inch, 0.07)
    bank = str(rng.choice(BANKS))
    high = 0.11 * float(rng.uniform(0.9, 1.4))
    ink = _typeset(number, _MONO if rng.random() < 0.3 else file, high * inch)
    x = right - ink.shape[1] - w * float(rng.uniform(0, 0.02))
    sheet.boxes["check_number"] = sheet.stamp(ink, x, y - high * inch * 0.9, (30, 30, 30), 0.9)

    date_y = h * float(rng.uniform(0.235, 0.28))
    date_x0 = w * float(rng.uniform(0.58, 0.66))
    date_x1 = min(right, date_x0 + w * float(rng.uniform(0.2, 0.26)))
    label = sheet.print_text(str(rng.choice(["DATE", "Date"])), date_x0, date_y, 0.055)
    sheet.rule(date_x0 + label[2] + 4, date_x1, date_y + 2)
    sheet.places["date"] = (date_x0 + label[2] + 10, date_y, date_x1 - date_x0 - label[2] - 10)

    payee_y = h * float(rng.uniform(0.40, 0.44))
    box_high = 0.31 * inch * float(rng.uniform(0.95, 1.25))
    box_x0 = w * float(rng.uniform(0.745, 0.79))
    sheet.print_text("PAY TO THE", left, payee_y - 0.09 * inch, 0.05)
    label = sheet.print_text("ORDER OF", left, payee_y, 0.05)
    sheet.rule(left + label[2] + 8, box_x0 - 0.22 * inch, payee_y + 2)
    sheet.places["payee"] = (left + label[2] + 20, payee_y, box_x0 - 0.3 * inch - left - label[2] - 20)
    sign = sheet.print_text("$", box_x0 - 0.16 * inch, payee_y - 0.02 * inch, 0.15, file=file)
    style = int(rng.integers(3))  # a frame, a line, a pale field
    top = payee_y + 0.07 * inch - box_high
    if style == 0:
        frame = np.zeros((round(box_high), round(right - box_x0)), np.uint8)
        cv2.rectangle(frame, (0, 0), (frame.shape[1] - 1, frame.shape[0] - 1), (255.0,), max(2, round(0.008 * inch)))
        sheet.stamp(frame, box_x0, top, sheet.form_colour, 0.8)
    elif style == 1:
        sheet.rule(box_x0, right, payee_y + 0.05 * inch)
    else:
        sheet.stamp(np.full((round(box_high), round(right - box_x0)), 255, np.uint8), box_x0, top, (250, 250, 250), 0.7)
    sheet.places["amount"] = (max(box_x0, sign[0] + sign[2]) + 0.05 * inch, payee_y, right - box_x0 - 0.1 * inch)

    legal_y = h * float(rng.uniform(0.555, 0.59))
    label = sheet.print_text("DOLLARS", right - 0.5 * inch, legal_y, 0.055)
    sheet.rule(left, label[0] - 6, legal_y + 2)
    sheet.places["legal"] = (left + 0.1 * inch, legal_y, label[0] - left - 0.3 * inch)
    sheet.print_text(bank, left, h * float(rng.uniform(0.66, 0.69)), 0.085, file=(_SERIF if sheet.serif else _SANS)[1])
    foot_y = h * float(rng.uniform(0.795, 0.815))
    label = sheet.print_text(str(rng.choice(["MEMO", "FOR"])), left, foot_y, 0.055)
    sheet.rule(left + label[2] + 6, w * 0.44, foot_y + 2)
    sheet.places["memo"] = (left + label[2] + 0.1 * inch, foot_y, w * 0.3)
    sheet.rule(w * 0.56, right, foot_y + 2)
    sheet.places["signature"] = (w * 0.6, foot_y, w * 0.3)


def _print_micr(sheet: _Sheet, number: str, is_business: bool) -> str:
    """Print the MICR line near the foot and return it without its spaces."""
    rng, inch = sheet.rng, sheet.px_per_inch
    account = "".join(str(d) for d in rng.integers(0, 10, int(rng.integers(8, 12))))
    if rng.random() < 0.15:
        account = account[:4] + "D" + account[4:]
    routing = routing_number(rng)
    if is_business:
        text = f"C{number.zfill(6)}C A{routing}A {account}C"
    else:
        text = f"A{routing}A {account}C {number.zfill(4)}" if rng.random() < 0.7 else f"A{routing}A{number.zfill(4)} {account}C"
    ink, boxes = set_line(text, inch, rng)
    x, y = (0.25 + 0.2 * float(rng.random())) * inch, sheet.height - (0.19 + 0.117 + 0.05 * float(rng.random())) * inch
    sheet.stamp(ink, x, y, (25, 25, 25), 0.95)
    shown = boxes[boxes.any(axis=1)]
    x0, y0, x1, y1 = shown[:, 0].min(), shown[:, 1].min(), shown[:, 2].max(), shown[:, 3].max()
    sheet.boxes["micr"] = (x + float(x0), y + float(y0), float(x1 - x0), float(y1 - y0))
    return text.replace(" ", "")


def _fill_in(sheet: _Sheet, cents: int, date: str, writer: Writer, by_machine: bool) -> None:
    """Write date, payee, amount in figures and words, memo and signature."""
    rng, inch = sheet.rng, sheet.px_per_inch
    whole, rest = divmod(cents, 100)
    amount = f"{whole:,}.{rest:02d}" if rng.random() < 0.5 else f"{whole}.{rest:02d}"
    if by_machine:
        amount = "*" * int(rng.integers(0, 4)) + amount
    elif rng.random() < 0.12:
        amount += "-"
    fields: tuple[tuple[FieldName, str], ...] = (("amount", amount), ("date", date))
    for name, text in fields:
        x, foot_y, room = sheet.places[name]
        if by_machine:
            ink, below = _typeset(text, _MONO, 0.11 * inch), 0.0
        else:
            ink, _, line_y = draw_text(text, writer, rng)
            below = ink.shape[0] - line_y
        shrink = min(1.0, room / ink.shape[1])
        if shrink < 1:
            ink = np.asarray(cv2.resize(ink, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
        x += (room - ink.shape[1]) * float(rng.uniform(0, 0.7))
        y = foot_y - ink.shape[0] + below * shrink - inch * float(rng.uniform(0.0, 0.03))
        sheet.boxes[name] = sheet.stamp(ink, x, y, sheet.pen_colour, 0.95 if by_machine else float(rng.uniform(0.75, 0.95)))
    pen_px = max(1.0, writer.pen * writer.size_px * 0.6)
    payee = str(rng.choice(PEOPLE + FIRMS))
    words = f"{words_of(whole)} and {rest:02d}/100"
    memo = str(rng.choice(["rent", "invoice", "thank you", "lessons", ""]))
    for place, text, height in (("payee", payee, 0.15), ("legal", words[0].upper() + words[1:], 0.14), ("memo", memo, 0.12)):
        x, foot_y, room = sheet.places[place]
        if not text:
            continue
        ink = _typeset(text, _MONO, 0.09 * inch) if by_machine else _cursive(text, height * inch, writer.slant, pen_px)
        shrink = min(1.0, room / ink.shape[1])
        ink = np.asarray(cv2.resize(ink, None, fx=shrink, fy=max(shrink, 0.75), interpolation=cv2.INTER_AREA), np.uint8)
        sheet.stamp(ink, x, foot_y - ink.shape[0] * 0.85, sheet.pen_colour, 0.85)
    x, foot_y, room = sheet.places["signature"]
    ink = _signature(room * 0.7, 0.3 * inch, pen_px, rng)
    sheet.stamp(ink, x, foot_y - ink.shape[0] * 0.8, sheet.pen_colour, 0.85)


def _signature(width: float, height: float, pen_px: float, rng: np.random.Generator) -> U8:
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
