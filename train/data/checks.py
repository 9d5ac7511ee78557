"""Checks of our own: random layouts of personal and business checks, filled in by hand or by a printer, with every field's box."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.datatypes import U8, Box, FieldName
from train.data.e13b import routing_number, set_line
from train.data.sheet import MONO, SANS, SERIF, Sheet, cursive, draw_signature, security_paper, typeset
from train.data.strokes import Writer, draw_text, make_writer
from train.data.wording import BANKS, FIRMS, PEOPLE, STREETS, words_of


@dataclass(frozen=True, slots=True, eq=False)
class DrawnCheck:
    """A check as it lies flat under the light, BGR uint8 (h, w, 3), with what it says and where."""

    pixels: U8
    px_per_inch: float
    amount: str
    date: str
    check_number: str
    micr: str
    boxes: Mapping[str, Box]
    layout: str = "us"

    @property
    def iso_date(self) -> str:
        month, day, year = self.date.replace("-", "/").split("/")
        return f"{year if len(year) == 4 else '20' + year}-{int(month):02d}-{int(day):02d}"


def draw_check(rng: np.random.Generator, px_per_inch: float = 220.0) -> DrawnCheck:
    """Return a new check, filled in."""
    is_business = bool(rng.random() < 0.4)
    width_inch, height_inch = (8.25, 3.25) if is_business else (6.0, 2.75)
    width_inch, height_inch = width_inch * float(rng.uniform(0.97, 1.03)), height_inch * float(rng.uniform(0.97, 1.04))
    sheet = Sheet(security_paper(round(width_inch * px_per_inch), round(height_inch * px_per_inch), rng), px_per_inch, rng)
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


def _date(rng: np.random.Generator) -> str:
    month, day, year = int(rng.integers(1, 13)), int(rng.integers(1, 29)), int(rng.integers(2015, 2027))
    padded = rng.random() < 0.5
    mark = "/" if rng.random() < 0.75 else "-"
    shown_year = str(year) if rng.random() < 0.6 else f"{year % 100:02d}"
    return mark.join([f"{month:02d}" if padded else str(month), f"{day:02d}" if padded else str(day), shown_year])


def _print_form(sheet: Sheet, number: str, is_business: bool) -> None:
    """Print all that stands on a blank check, and note where there is room to write."""
    rng, w, h, inch = sheet.rng, sheet.width, sheet.height, sheet.px_per_inch
    left, right = w * float(rng.uniform(0.035, 0.06)), w * float(rng.uniform(0.945, 0.97))
    owner = str(rng.choice(FIRMS if is_business else PEOPLE))
    y = h * float(rng.uniform(0.1, 0.13))
    file = (SERIF if sheet.serif else SANS)[int(rng.integers(3))]
    sheet.print_text(owner.upper() if rng.random() < 0.5 else owner, left, y, 0.1, file=file)
    for index, line in enumerate((str(rng.choice(STREETS)), f"Fernvale, ZZ {int(rng.integers(10000, 99999))}")):
        sheet.print_text(line, left, y + (0.13 + 0.11 * index) * inch, 0.07)
    bank = str(rng.choice(BANKS))
    high = 0.11 * float(rng.uniform(0.9, 1.4))
    ink = typeset(number, MONO if rng.random() < 0.3 else file, high * inch)
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
    sheet.print_text(bank, left, h * float(rng.uniform(0.66, 0.69)), 0.085, file=(SERIF if sheet.serif else SANS)[1])
    foot_y = h * float(rng.uniform(0.795, 0.815))
    label = sheet.print_text(str(rng.choice(["MEMO", "FOR"])), left, foot_y, 0.055)
    sheet.rule(left + label[2] + 6, w * 0.44, foot_y + 2)
    sheet.places["memo"] = (left + label[2] + 0.1 * inch, foot_y, w * 0.3)
    sheet.rule(w * 0.56, right, foot_y + 2)
    sheet.places["signature"] = (w * 0.6, foot_y, w * 0.3)


def _print_micr(sheet: Sheet, number: str, is_business: bool) -> str:
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


def write_line(sheet: Sheet, text: str, place: tuple[float, float, float], writer: Writer, by_machine: bool) -> Box:
    """Write or type a text into a place (x, foot, room), smaller where it would not fit; return its box."""
    rng, inch = sheet.rng, sheet.px_per_inch
    x, foot_y, room = place
    if by_machine:
        ink, below = typeset(text, MONO, 0.11 * inch), 0.0
    else:
        ink, _, line_y = draw_text(text, writer, rng)
        below = ink.shape[0] - line_y
    shrink = min(1.0, room / ink.shape[1])
    if shrink < 1:
        ink = np.asarray(cv2.resize(ink, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
    x += (room - ink.shape[1]) * float(rng.uniform(0, 0.7))
    y = foot_y - ink.shape[0] + below * shrink - inch * float(rng.uniform(0.0, 0.03))
    return sheet.stamp(ink, x, y, sheet.pen_colour, 0.95 if by_machine else float(rng.uniform(0.75, 0.95)))


def _fill_in(sheet: Sheet, cents: int, date: str, writer: Writer, by_machine: bool) -> None:
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
        sheet.boxes[name] = write_line(sheet, text, sheet.places[name], writer, by_machine)
    pen_px = max(1.0, writer.pen * writer.size_px * 0.6)
    payee = str(rng.choice(PEOPLE + FIRMS))
    words = f"{words_of(whole)} and {rest:02d}/100"
    memo = str(rng.choice(["rent", "invoice", "thank you", "lessons", ""]))
    for place, text, height in (("payee", payee, 0.15), ("legal", words[0].upper() + words[1:], 0.14), ("memo", memo, 0.12)):
        x, foot_y, room = sheet.places[place]
        if not text:
            continue
        ink = typeset(text, MONO, 0.09 * inch) if by_machine else cursive(text, height * inch, writer.slant, pen_px)
        shrink = min(1.0, room / ink.shape[1])
        ink = np.asarray(cv2.resize(ink, None, fx=shrink, fy=max(shrink, 0.75), interpolation=cv2.INTER_AREA), np.uint8)
        box = sheet.stamp(ink, x, foot_y - ink.shape[0] * 0.85, sheet.pen_colour, 0.85)
        if place == "legal":
            sheet.boxes["legal"] = box
    x, foot_y, room = sheet.places["signature"]
    ink = draw_signature(room * 0.7, 0.3 * inch, pen_px, rng)
    sheet.boxes["signature"] = sheet.stamp(ink, x, foot_y - ink.shape[0] * 0.8, sheet.pen_colour, 0.85)
