"""Checks of any country and layout, for what finds the fields: where things stand is drawn anew each time, within what is usual."""

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from edge.datatypes import Box
from train.data.checks import DrawnCheck, write_line
from train.data.dates import date_text
from train.data.e13b import routing_number, set_line
from train.data.sheet import MONO, SANS, Sheet, cursive, draw_signature, security_paper, typeset
from train.data.strokes import Writer, make_writer
from train.data.styles import STYLES, Span, Style
from train.data.wording import BANKS, FIRMS, PEOPLE, STREETS, words_of

_SHARES = (0.3, 0.2, 0.22, 0.09, 0.09, 0.1)
_BLANK_SHARE = 0.1


def draw_layout(rng: np.random.Generator, px_per_inch: float = 213.0) -> DrawnCheck:
    """Return a new check of some country, filled in or blank; boxes of what is there, also ``legal`` and ``signature``."""
    style = STYLES[int(rng.choice(len(STYLES), p=_SHARES))]
    width, height = (inch * float(rng.uniform(0.94, 1.06)) * px_per_inch for inch in style.inches)
    sheet = Sheet(security_paper(round(width), round(height), rng), px_per_inch, rng)
    number = str(int(rng.integers(101, 10_000 if style.name.startswith("us") else 999_999)))
    is_blank, by_machine = bool(rng.random() < _BLANK_SHARE), bool(rng.random() < 0.3)
    size_px = 0.17 * px_per_inch * float(rng.uniform(0.75, 1.35))
    writer = replace(make_writer(rng), size_px=size_px, spacing=float(rng.uniform(0.05, 0.25)))
    _print_heads(sheet, style, number)
    amount, date = _fill(sheet, style, writer, by_machine, is_blank)
    micr = _print_micr(sheet, style, number)
    if rng.random() < 0.12 and not is_blank:
        _stamp(sheet)
    pixels = np.clip(sheet.paper, 0, 255).astype(np.uint8)
    return DrawnCheck(pixels, px_per_inch, amount, date, number if style.number else "", micr, dict(sheet.boxes), style.name)


def _at(rng: np.random.Generator, span: Span) -> float:
    return float(rng.uniform(*span))


def _print_heads(sheet: Sheet, style: Style, number: str) -> None:
    """Print owner, bank, number and the small print that could be taken for something else."""
    rng, w, h, inch = sheet.rng, sheet.width, sheet.height, sheet.px_per_inch
    left = w * float(rng.uniform(0.025, 0.06))
    y = h * float(rng.uniform(0.08, 0.14))
    if rng.random() < 0.5:  # a logo
        side = round(inch * float(rng.uniform(0.18, 0.4)))
        logo = np.zeros((side, side), np.uint8)
        cv2.circle(logo, (side // 2, side // 2), side // 2 - 1, (255.0,), -1 if rng.random() < 0.5 else 3, cv2.LINE_AA)
        sheet.stamp(logo, left, y - 0.1 * inch, tuple(float(v) for v in rng.uniform(30, 200, 3)), 0.8)
        left += 1.2 * side
    is_bank_first = style.name in ("india_cts", "britain", "latin_america") or rng.random() < 0.2
    head = str(rng.choice(BANKS if is_bank_first else FIRMS + PEOPLE))
    sheet.print_text(head.upper() if rng.random() < 0.5 else head, left, y, 0.09 * float(rng.uniform(0.8, 1.5)))
    for index in range(int(rng.integers(1, 4))):
        line = str(
            rng.choice(
                [
                    *STREETS,
                    f"Fernvale, ZZ {int(rng.integers(10000, 99999))}",
                    f"(555) {int(rng.integers(100, 999))}-{int(rng.integers(1000, 9999))}",
                ]
            )
        )
        sheet.print_text(line, left, y + (0.14 + 0.11 * index) * inch, 0.06 * float(rng.uniform(0.8, 1.2)))
    if style.number is not None:
        high = 0.11 * float(rng.uniform(0.75, 1.5))
        ink = typeset(number, MONO if rng.random() < 0.3 else SANS[int(rng.integers(2))], high * inch)
        x, top = w * _at(rng, style.number[0]), h * _at(rng, style.number[1])
        x = min(x, w * 0.98 - ink.shape[1])
        if rng.random() < 0.25:
            sheet.print_text(str(rng.choice(["No.", "CHECK NO.", "Serie A"])), x - 0.45 * inch, top + high * inch, 0.05)
        sheet.boxes["check_number"] = sheet.stamp(ink, x, top, (30, 30, 30) if rng.random() < 0.8 else (40, 40, 170), 0.9)
        if style.name.startswith("us") and rng.random() < 0.6:  # the fractional routing number stands near it
            part = f"{int(rng.integers(10, 99))}-{int(rng.integers(100, 9999))}/{int(rng.integers(100, 9999))}"
            sheet.print_text(part, x - inch * float(rng.uniform(-0.1, 1.2)), top + high * inch + inch * float(rng.uniform(0.1, 0.2)), 0.05)
    elif rng.random() < 0.7:  # an account number in a box
        x, y = w * float(rng.uniform(0.05, 0.12)), h * float(rng.uniform(0.55, 0.66))
        ink = typeset("".join(str(d) for d in rng.integers(0, 10, int(rng.integers(10, 16)))), MONO, 0.1 * inch)
        box = sheet.stamp(ink, x + 0.4 * inch, y, (40, 40, 40), 0.9)
        _frame(sheet, (x, y - 0.06 * inch, box[2] + 0.5 * inch, 0.24 * inch))
        sheet.print_text("A/c No.", x + 4, y + 0.1 * inch, 0.05)
    for text in ("VOID AFTER 90 DAYS", "40-12-34", "CTS-2010", "IFSC FERN0001234", "Valid for three months only"):
        if rng.random() < 0.12:
            sheet.print_text(text, w * float(rng.uniform(0.1, 0.8)), h * float(rng.uniform(0.05, 0.8)), 0.045)


def _fill(sheet: Sheet, style: Style, writer: Writer, by_machine: bool, is_blank: bool) -> tuple[str, str]:
    """Print the lines to write on, with their labels, and write on them; return amount and date as they stand there, or nothing."""
    rng, w, h, inch = sheet.rng, sheet.width, sheet.height, sheet.px_per_inch
    right, left = w * float(rng.uniform(0.94, 0.985)), w * float(rng.uniform(0.03, 0.06))
    whole = int(np.exp(rng.uniform(np.log(5), np.log(900_000))))
    cents = 0 if rng.random() < 0.4 else int(rng.integers(100))
    # The date.
    x, foot = w * _at(rng, style.date[0]), h * _at(rng, style.date[1])
    in_cells = rng.random() < style.date_in_cells
    room = min(right, x + w * float(rng.uniform(0.2, 0.3))) - x
    date = date_text(rng, "cells" if in_cells else "any")
    if in_cells:
        sheet.boxes["date"] = _cells(sheet, date, (x, foot, room), writer, is_blank)
    else:
        label = sheet.print_text(str(rng.choice(style.labels["date"])), x, foot, 0.05)
        sheet.rule(x + label[2] + 3, x + room, foot + 2)
        place = (x + label[2] + 0.06 * inch, foot, max(0.5 * inch, room - label[2] - 0.1 * inch))
        sheet.boxes["date"] = _written(sheet, "" if is_blank else date, place, writer, by_machine)
    # The amount in figures, with its sign and whatever is printed around it.
    x, foot = w * _at(rng, style.amount[0]), h * _at(rng, style.amount[1])
    high = inch * float(rng.uniform(0.26, 0.42))
    if rng.random() < 0.92:
        sign_inch = float(rng.uniform(0.09, 0.17) if rng.random() < 0.8 else rng.uniform(0.17, 0.32))
        sign = sheet.print_text(style.sign, x, foot + (sign_inch - 0.13) * 0.4 * inch, sign_inch, file="DejaVuSans-Bold.ttf")
        x = sign[0] + sign[2] + inch * float(rng.uniform(0.02, 0.08))
    kind = rng.random()
    if kind < 0.6:
        start = x if rng.random() < 0.6 else x - 0.2 * inch
        _frame(sheet, (start, foot + 0.07 * inch - high, right - start, high))
    elif kind < 0.8:
        sheet.rule(x, right, foot + 3)
    amount = "" if is_blank else amount_text(whole, cents, style, by_machine, rng)
    sheet.boxes["amount"] = _written(sheet, amount, (x, foot, max(0.5 * inch, right - x - 0.06 * inch)), writer, by_machine)
    # Payee, amount in words, memo, signature.
    pen_px = max(1.0, writer.pen * writer.size_px * 0.6)
    edge = w * (style.amount[0][0] - 0.06)
    for field, y, text in (
        ("pay", _at(rng, style.payee_y), str(rng.choice(PEOPLE + FIRMS))),
        ("legal", _at(rng, style.legal_y), f"{words_of(min(whole, 999_999)).capitalize()} and {cents:02d}/100"),
        ("memo", float(rng.uniform(0.76, 0.86)), str(rng.choice(["rent", "invoice 204", "thank you", ""]))),
    ):
        foot = h * y
        end = edge if field == "pay" else w * 0.42 if field == "memo" else w * float(rng.uniform(0.7, 0.9))
        if field == "legal" and style.sign == "$" and rng.random() < 0.75:
            label = (left, foot, 0.0, 0.0)
            _print_lock(sheet, end + 0.05 * inch, foot, str(rng.choice(style.labels["legal"])))
        else:
            label = sheet.print_text(str(rng.choice(style.labels[field])), left, foot, 0.05)
        if field == "pay" and style.name == "india_cts":
            sheet.print_text("Or Bearer", w * float(rng.uniform(0.84, 0.9)), foot, 0.05)
        start = left + label[2] + 0.08 * inch
        sheet.rule(start, end, foot + 2)
        if is_blank or not text:
            continue
        ink = typeset(text, MONO, 0.09 * inch) if by_machine else cursive(text, inch * float(rng.uniform(0.12, 0.18)), writer.slant, pen_px)
        shrink = min(1.0, (end - start) / ink.shape[1])
        ink = np.asarray(cv2.resize(ink, None, fx=shrink, fy=max(shrink, 0.75), interpolation=cv2.INTER_AREA), np.uint8)
        box = sheet.stamp(ink, start, foot - ink.shape[0] * 0.85, sheet.pen_colour, 0.85)
        if field == "legal":
            sheet.boxes["legal"] = box
    x, foot = w * _at(rng, style.signature[0]), h * _at(rng, style.signature[1])
    sheet.rule(x, right, foot + 2)
    if not is_blank:
        ink = draw_signature((right - x) * float(rng.uniform(0.4, 0.8)), inch * float(rng.uniform(0.22, 0.4)), pen_px, rng)
        sheet.boxes["signature"] = sheet.stamp(ink, x + 0.1 * inch, foot - ink.shape[0] * 0.8, sheet.pen_colour, 0.85)
    return amount, "" if is_blank else date


def _print_lock(sheet: Sheet, x: float, foot: float, word: str) -> None:
    """Print the word that ends the amount in words, and often a padlock with small print behind it."""
    rng, inch = sheet.rng, sheet.px_per_inch
    word_box = sheet.print_text(word, x, foot, float(rng.uniform(0.05, 0.085)))
    if rng.random() < 0.35:
        return
    side = round(inch * float(rng.uniform(0.1, 0.17)))
    lock = np.zeros((round(1.5 * side), side), np.uint8)
    cv2.rectangle(lock, (0, side // 2), (side - 1, lock.shape[0] - 1), (255.0,), -1 if rng.random() < 0.4 else max(1, side // 7))
    cv2.ellipse(lock, (side // 2, side // 2), (side // 3, side // 2 - 1), 0, 180, 360, (255.0,), max(1, side // 8))
    x = word_box[0] + word_box[2] + inch * float(rng.uniform(0.05, 0.25))
    sheet.stamp(lock, x, foot - lock.shape[0] * float(rng.uniform(0.6, 1.0)), (30, 30, 30), 0.9)
    for line, text in enumerate(("Security features", "included. Details", "on back.")):
        sheet.print_text(text, x + 1.3 * side, foot + (line - 1.2) * 0.055 * inch, 0.035)


def amount_text(whole: int, cents: int, style: Style, by_machine: bool, rng: np.random.Generator) -> str:
    """Return an amount as people of a country write it into the box."""
    if style.name == "india_cts":
        head, tail = divmod(whole, 1000)
        pairs = f"{head:,}" if head < 100 else f"{head // 100},{head % 100:02d}"
        grouped = f"{pairs},{tail:03d}" if head else str(tail)
        return grouped + str(rng.choice(["/-", "/-", "/-", "", ".00"]))
    grouped = f"{whole:,}" if rng.random() < 0.5 else str(whole)
    if style.name == "latin_america" and rng.random() < 0.7:
        return grouped.replace(",", ".") + str(rng.choice(["", "-", f",{cents:02d}"]))
    if by_machine:
        return "*" * int(rng.integers(0, 5)) + f"{grouped}.{cents:02d}"
    ending = rng.random()
    return f"{grouped} {cents:02d}/100" if ending < 0.15 else f"{grouped}.{cents:02d}" + ("-" if ending > 0.9 else "")


def _written(sheet: Sheet, text: str, place: tuple[float, float, float], writer: Writer, by_machine: bool) -> Box:
    """Write into a place (x, foot, room), or return the place itself where nothing is written."""
    if not text:
        x, foot, room = place
        return x, foot - 0.2 * sheet.px_per_inch, room, 0.2 * sheet.px_per_inch
    return write_line(sheet, text, place, writer, by_machine)


def _cells(sheet: Sheet, text: str, place: tuple[float, float, float], writer: Writer, is_blank: bool) -> Box:
    """Draw cells for the figures of a date and write one figure into each; return the box of them all."""
    rng, inch = sheet.rng, sheet.px_per_inch
    x, foot, room = place
    if rng.random() < 0.6:
        label = sheet.print_text(str(rng.choice(["DATE", "Date", "DATED"])), x - 0.42 * inch, foot - 0.02 * inch, 0.055)
        if rng.random() < 0.5:
            sheet.print_text("Fecha", label[0], foot + 0.08 * inch, 0.05)
    if rng.random() < 0.3:
        sheet.print_text("Valid for three months only from the date of instrument", x - 0.8 * inch, foot - 0.32 * inch, 0.04)
    hints, has_hints = str(rng.choice(["DDMMYYYY", "MMDDYYYY", "YYYYMMDD"])), rng.random() < 0.75
    hint_inch, lower = float(rng.uniform(0.04, 0.075)), (float(rng.uniform(0.07, 0.12)) if rng.random() < 0.75 else -0.04) * inch
    pitch, high = room / len(text), inch * float(rng.uniform(0.17, 0.28))
    gap = pitch * float(rng.choice([0.0, 0.35]))
    pitch = (room - 2 * gap) / len(text)
    for index, digit in enumerate(text):
        left = x + index * pitch + gap * ((index >= 2) + (index >= 4))
        _frame(sheet, (left, foot - high, pitch, high))
        if has_hints:
            sheet.print_text(hints[index], left + 0.3 * pitch, foot + lower, hint_inch, strength=0.6)
        if not is_blank:
            small = replace(writer, size_px=min(writer.size_px, 0.9 * high))
            write_line(sheet, digit, (left + 0.15 * pitch, foot - 0.1 * high, 0.8 * pitch), small, by_machine=False)
    return x, foot - high, room, high


def _frame(sheet: Sheet, box: Box) -> None:
    x, y, width, height = box
    ink = np.zeros((max(4, round(height)), max(4, round(width))), np.uint8)
    thickness = max(1, round(float(sheet.rng.uniform(0.004, 0.012)) * sheet.px_per_inch))
    cv2.rectangle(ink, (0, 0), (ink.shape[1] - 1, ink.shape[0] - 1), (255.0,), thickness)
    sheet.stamp(ink, x, y, sheet.form_colour, 0.8)


def _print_micr(sheet: Sheet, style: Style, number: str) -> str:
    """Print the MICR line of the country near the foot and return it without its spaces."""
    rng, inch = sheet.rng, sheet.px_per_inch

    def digits(n: int) -> str:
        return "".join(str(d) for d in rng.integers(0, 10, n))

    account, serial = digits(int(rng.integers(7, 12))), number.zfill(6)
    text = {
        "us_personal": f"A{routing_number(rng)}A {account}C {number.zfill(4)}"
        if rng.random() < 0.7
        else f"A{routing_number(rng)}A{number.zfill(4)} {account}C",
        "us_business": f"C{serial}C A{routing_number(rng)}A {account}C",
        "india_cts": f"C{serial}C {digits(9)}A {digits(6)}C {digits(2)}",
        "britain": f"C{serial}C {digits(2)}D{digits(4)}A {digits(8)}C",
        "canada": f"C{serial[-3:]}C A{digits(5)}D{digits(3)}A {digits(3)}D{digits(3)}D{digits(1)}C",
        "latin_america": f"C{serial}C A{digits(9)}A {account}C",
    }[style.name]
    ink, boxes = set_line(text, inch, rng)
    room = max(0.0, sheet.width - ink.shape[1] - 0.4 * inch)
    x, y = 0.2 * inch + room * float(rng.uniform(0, 0.8)), sheet.height - (0.19 + 0.117 + 0.06 * float(rng.random())) * inch
    sheet.stamp(ink, x, y, (25, 25, 25), 0.95)
    shown = boxes[boxes.any(axis=1)]
    x0, y0, x1, y1 = shown[:, 0].min(), shown[:, 1].min(), shown[:, 2].max(), shown[:, 3].max()
    sheet.boxes["micr"] = (x + float(x0), y + float(y0), float(x1 - x0), float(y1 - y0))
    return text.replace(" ", "")


def _stamp(sheet: Sheet) -> None:
    """Press a rubber stamp somewhere, askew."""
    rng, inch = sheet.rng, sheet.px_per_inch
    ink = np.pad(
        typeset(str(rng.choice(["PAID", "FOR DEPOSIT ONLY", "A/C PAYEE"])), SANS[1], inch * float(rng.uniform(0.1, 0.2))),
        round(0.08 * inch),
    )
    cv2.rectangle(ink, (2, 2), (ink.shape[1] - 3, ink.shape[0] - 3), (255.0,), 2)
    side = ink.shape[1]
    square = np.pad(ink, ((side // 2, side // 2), (8, 8)))
    turn = cv2.getRotationMatrix2D((square.shape[1] / 2, square.shape[0] / 2), float(rng.normal(0, 15)), 1.0)
    turned = cv2.warpAffine(square, turn, (square.shape[1], square.shape[0]))
    x, y = sheet.width * float(rng.uniform(0.05, 0.6)), sheet.height * float(rng.uniform(-0.1, 0.4))
    sheet.stamp(np.asarray(turned, np.uint8), x, y, (170, 60, 60) if rng.random() < 0.5 else (60, 60, 170), 0.6)


def largest_first(boxes: Mapping[str, Box]) -> list[tuple[str, Box]]:
    """Return the boxes with the largest first, so that a small one is drawn over a large one."""
    return sorted(boxes.items(), key=lambda pair: -pair[1][2] * pair[1][3])
