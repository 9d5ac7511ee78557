"""Several readings of one check: which place and reading to believe, and what on the rest of the page speaks against one."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from edge.datatypes import Box, CheckReading, FieldName, FieldRegion, Page, Reading
from edge.locate.cells import has_empty_cells
from edge.locate.spoilt import has_cover, has_two_inks, is_crossed_out, is_cut, is_torn, odd_digit

# A field is accepted only where its place is this sure: the threshold was fitted on strips that were known to be the field.
_SURE_PLACE = 0.5
# A field whose box ends this near to where the picture of the check ends may go on beyond, as a share of the box's height: less than a
# space between two digits.
_AT_EDGE = 0.3
# A check is mirrored when its MICR line makes so little sense as it stands, and so much on the page turned over.
_LEGIBLE, _SURE_IN_MIRROR, _LEAST_LINE = 0.5, 0.9, 10
# Nor is a field accepted of whose box another field may have so much.
_SHARED = 0.3
# Four figures without a sign, a mark or cents, as the year of a date that a check can bear.
_YEAR = re.compile(r"(?:19|20)\d\d")
# A point that is overlooked makes the amount a hundred times too large: so little probability of one is enough to ask.
_POINT_SEEN = 0.001
# Minor units of the least amount that is more than cents.
_ONE = 100
# A reading likelier than this needs no second look at a part of its field.
_LIKELY = 0.5
# What is read from a part is worth showing from here on; an empty field reads as something, too.
_LEAST_PART = 0.05
# What is read from a part has to be so much likelier than what is read from the whole.
_PART = 0.5
# No digit of an accepted amount is less sure than this against its rivals. Whole strings may be: many rivals share what a digit leaves.
_SURE_DIGIT = 0.97
# Figures of one number stand no further apart than this share of their width.
_WIDE_SPACE = 0.75
# Cents after a point that has grown into a figure stand apart by so much more than other figures of the number.
_APART = 0.1
# A check number has at least so many figures.
_LEAST_NUMBER = 3
MIRRORED = "the picture is mirrored"
CMC7 = "the MICR line is printed in CMC-7; only E-13B can be read"


def most_likely(found: list[tuple[FieldRegion, Reading]]) -> Reading | None:
    """Return the reading whose place and content are likeliest together; None where there are no candidates.

    A second place that says something else and is half as likely makes an accepted reading unsure: the threshold was fitted on strips
    that were known to be the field.
    """
    ranked = sorted(found, key=lambda pair: -pair[0].confidence * pair[1].confidence)
    if not ranked:
        return None
    region, best = ranked[0]
    if best.verdict == "accepted" and region.confidence < _SURE_PLACE:
        best = replace(best, verdict="unsure", reason="it is not sure enough that the field is here")
    score = region.confidence * best.confidence
    for other_region, other in ranked[1:]:
        is_rival = other.text is not None and other.text != best.text and other_region.confidence * other.confidence > score / 2
        if is_rival and best.verdict == "accepted":
            return replace(best, verdict="unsure", reason=f"another place may be this field too: {other.text}")
    return best


def is_likely(reading: Reading) -> bool:
    """Return whether a reading is likelier than not, or says for sure that nothing is written there."""
    return reading.reason == "empty" or reading.confidence >= _LIKELY


def in_part(region: FieldRegion) -> FieldRegion | None:
    """Return the part of a region that was surely seen, as a place less likely than the whole; None where there is no such part."""
    if region.narrow_box is None:
        return None
    return replace(region, page_box=region.narrow_box, confidence=_PART * region.confidence, narrow_box=None)


def seen_in_part(reading: Reading, whole: Reading) -> Reading:
    """Return what was read from a part of a field: never accepted, as a figure beside it may belong to it.

    Nothing, where it is hardly likely, or where the ``whole`` begins with the same figures and goes on: there it was cut.
    """
    if reading.text is None:
        return reading
    is_cut = whole.text is not None and str(whole.values.get("minor_units")).startswith(str(reading.values.get("minor_units")))
    if reading.confidence < _LEAST_PART or (is_cut and whole.text != reading.text):
        return Reading(None, "unreadable", 0.0, reading.reason, reading.box, values={**reading.values, "minor_units": None})
    return replace(reading, verdict="unsure", reason="more may stand beside it than was read")


def checked_number(printed: Reading | None, line: Reading | None) -> Reading | None:
    """Return the printed check number, unsure where the MICR line has another one: one of the two is wrong."""
    serial = line.values.get("check_number") if line is not None else None
    if printed is None or printed.text is None or not serial or printed.text.lstrip("0") == serial.lstrip("0"):
        return printed
    reason = f"the MICR line has the check number {serial}"
    return replace(printed, verdict="unsure" if printed.verdict == "accepted" else printed.verdict, reason=reason)


def checked_figures(amount: Reading | None, numbers: Sequence[str | None], has_date: bool) -> Reading | None:
    """Return an amount, unsure where its figures may be the check's number, cents of the amount in words or a year, or lack a point.

    ``has_date`` says whether a date was read elsewhere; where none was, four bare figures may be the year of one that is torn.
    """
    if amount is None or amount.verdict != "accepted":
        return amount
    said = "".join(symbol.symbol for symbol in amount.symbols)
    figures = _figures(said)
    if len(figures) >= _LEAST_NUMBER and any(number is not None and number.endswith(figures) for number in numbers):
        return replace(amount, verdict="unsure", reason="it has the figures of the check number, and may be it")
    if not has_date and _YEAR.fullmatch(said):
        return replace(amount, verdict="unsure", reason="it may be the year of a date that could not be read")
    if "/" in said and amount.values["minor_units"] < _ONE:  # "54/100" ends the amount in words
        return replace(amount, verdict="unsure", reason="cents alone stand there: they may be the end of the amount in words")
    if said.strip("$*-")[:1] in (".", ","):
        return replace(amount, verdict="unsure", reason="cents alone stand there: figures before the point may be missing")
    if len(said.strip("$*-/=")) == 1:
        return replace(amount, verdict="unsure", reason="a figure alone may be the printed sign of the currency")
    pointed = next((other for other in amount.alternatives if _figures(other.text) == figures and other.confidence > _POINT_SEEN), None)
    if said.strip("$*-/=") == figures and pointed is not None:
        return replace(amount, verdict="unsure", reason=f"a point may have been overlooked: {pointed.text}")
    if said == figures:
        return replace(amount, verdict="unsure", reason="no sign, mark or cents say that the figures are money: they may be another number")
    return amount


def checked_digits(amount: Reading | None) -> Reading | None:
    """Return an amount, unsure where one of its digits is not sure against its rivals, or stands apart from the others."""
    digits = [symbol for symbol in amount.symbols if symbol.symbol.isdigit()] if amount is not None else []
    if amount is None or amount.verdict != "accepted" or not digits:
        return amount
    widest = _WIDE_SPACE * float(np.median([digit.box[2] for digit in digits]))
    for before, after in pairwise(amount.symbols):
        # Between whole and cents of a fraction there is room; a sign that was read as a figure stands apart as well.
        is_wide = before.symbol.isdigit() and after.symbol.isdigit() and after.box[0] - before.box[0] - before.box[2] > widest
        if is_wide and not any(symbol.symbol == "/" for symbol in amount.symbols):
            reason = f"a wide space stands after {before.symbol!r}: it may not be a figure of the amount"
            return replace(amount, verdict="unsure", reason=reason)
    if len(digits) >= _LEAST_NUMBER and all(symbol.symbol.isdigit() or symbol.symbol in "$*" for symbol in amount.symbols):
        gaps = [after.box[0] - before.box[0] - before.box[2] for before, after in pairwise(digits)]
        if gaps.pop(-2) > max(gaps) + _APART * float(np.median([digit.box[2] for digit in digits])):
            return replace(amount, verdict="unsure", reason="the last two figures stand apart: cents, whose point is not seen?")
    place, weakest = min(enumerate(digits, 1), key=lambda pair: pair[1].confidence)
    if weakest.confidence >= _SURE_DIGIT:
        return amount
    sure = f"{100 * weakest.confidence:.0f} %"
    return replace(amount, verdict="unsure", reason=f"digit {place} of {len(digits)}, {weakest.symbol!r}, is not sure enough ({sure})")


def checked_again(reading: Reading, name: FieldName, check: CheckReading) -> Reading:
    """Return what several frames accept together, unsure where the page that it is shown on speaks against it; ``check``: of that page."""
    if check.page is None:
        return reading
    seen: Reading | None = reading
    if name == "amount":
        number, line, date = (check.fields.get(other) for other in ("check_number", "micr", "date"))
        numbers = [number.text if number else None, line.values.get("check_number") if line else None]
        seen = checked_figures(checked_ink(seen, check.page), numbers, date is not None and date.text is not None)
    return checked_cover(checked_edges(seen, check.page, check.frame_size), check.page) or reading


def checked_edges(reading: Reading | None, page: Page, frame_size: tuple[int, int]) -> Reading | None:
    """Return the reading, unsure where the edge of the page or of the frame may cut through its field."""
    if reading is None or reading.verdict != "accepted" or reading.box is None or not _is_at_edge(reading.box, page, frame_size):
        return reading
    return replace(reading, verdict="unsure", reason="it reaches the edge of the check, and a part may be missing")


def _figures(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def checked_cover(reading: Reading | None, page: Page) -> Reading | None:
    """Return the reading, unsure where something may cover a part of its field: a finger, a clip, a stain."""
    if reading is None or reading.verdict != "accepted" or reading.box is None or not has_cover(page.pixels, reading.box):
        return reading
    return replace(reading, verdict="unsure", reason="something lies on it or beside it, and may cover a part")


def checked_ink(reading: Reading | None, page: Page) -> Reading | None:
    """Return an amount, unsure where somebody may have changed it, or where its ink goes on beyond its field."""
    if reading is None or reading.verdict != "accepted" or reading.box is None:
        return reading
    x, y, width, height = (round(v) for v in reading.box)
    field = page.pixels[y : y + height, x : x + width]
    digits = [symbol for symbol in reading.symbols if symbol.symbol.isdigit()]
    boxes = [digit.box for digit in digits]
    if (odd := odd_digit(field, boxes)) is not None:
        reason = f"digit {odd + 1} of {len(digits)}, {digits[odd].symbol!r}, is in broader, fainter or other ink: it may have been changed"
    elif is_crossed_out(field, boxes):
        reason = "a stroke goes through it: it may have been crossed out"
    elif has_two_inks(field, boxes):
        reason = "its figures are in two inks: they may have been changed"
    elif is_torn(page.ink, reading.box, boxes):
        reason = "the box around it is torn beside its figures, and more may have stood there"
    elif is_cut(page.ink, reading.box, boxes):
        reason = "a mark as high as its figures goes on beyond where it was read"
    else:
        return reading
    return replace(reading, verdict="unsure", reason=reason)


def checked_place(reading: Reading | None, regions: Sequence[FieldRegion], name: FieldName) -> Reading | None:
    """Return the reading, unsure where it stands in what may be another field, or where a likelier place of its own could not be read."""
    if reading is None or reading.verdict != "accepted" or reading.box is None:
        return reading
    box = reading.box
    of_others = next((r.name for r in regions if r.name != name and _common(r.page_box, box) > _SHARED * box[2] * box[3]), None)
    if of_others is not None:
        return replace(reading, verdict="unsure", reason=f"it may be a part of the {of_others.replace('_', ' ')}")
    own = [region for region in regions if region.name == name]
    if own and _common(max(own, key=lambda r: r.confidence).page_box, box) == 0:
        return replace(reading, verdict="unsure", reason="another place is likelier to be this field, and cannot be read")
    return reading


def _is_at_edge(box: Box, page: Page, frame_size: tuple[int, int]) -> bool:
    x, y, width, height = box
    reach = _AT_EDGE * height
    left, right = x - reach, x + width + reach
    if left < 0 or right > page.pixels.shape[1] or y <= 0 or y + height >= page.pixels.shape[0]:
        return True
    ends = np.array([[left, y, 1], [right, y, 1], [right, y + height, 1], [left, y + height, 1]]) @ page.page_to_frame.T
    points = ends[:, :2] / ends[:, 2:]
    return bool((points < 0).any() or (points > np.array(frame_size)).any())


def is_check(check: CheckReading) -> bool:
    """Return whether a page is a check after all, now that it has been read.

    What no network takes for one, but only shape and print suggest, as a banknote's do, has to have a MICR line that reads as one, or
    one of which it is known why it cannot be read.
    """
    line = check.fields["micr"]
    is_told = line is not None and line.reason in (MIRRORED, CMC7)
    return check.page is not None and (check.page.is_seen or is_told or is_legible(line))


def is_legible(line: Reading | None) -> bool:
    """Return whether a MICR line makes sense as it stands, so that nobody need ask whether the check is mirrored."""
    return _is_line(line, _LEGIBLE)


def is_sure_in_mirror(line: Reading | None) -> bool:
    """Return whether a MICR line read on the page turned over makes so much sense that the check is mirrored."""
    return _is_line(line, _SURE_IN_MIRROR)


def _is_line(line: Reading | None, least: float) -> bool:
    return line is not None and line.text is not None and len(line.text) >= _LEAST_LINE and line.confidence > least


def without_sign(amount: Reading | None) -> Reading | None:
    """Return an amount, or that there is none where all that was taken for a digit is the printed sign of the currency."""
    if amount is None or amount.text is None:
        return amount
    signs = [symbol.box for symbol in amount.symbols if symbol.symbol == "$"]
    digits = [symbol.box for symbol in amount.symbols if symbol.symbol.isdigit()]
    if not signs or not all(is_covered(box, signs) for box in digits):
        return amount
    return Reading(None, "unreadable", 0.0, "empty", amount.box, values={**amount.values, "minor_units": None})


def without_cells(date: Reading, page: Page) -> Reading:
    """Return a date, or that there is none where what was hardly read are the sides of empty cells."""
    if is_likely(date) or date.box is None:
        return date
    x, y, width, height = (round(side) for side in date.box)
    if not has_empty_cells(page.ink[y : y + height, x : x + width]):
        return date
    return Reading(None, "unreadable", 0.0, "empty", date.box, values={"iso": None})


def is_covered(box: Box, by: Sequence[Box]) -> bool:
    """Return whether one of the boxes ``by`` covers more than half of ``box``."""
    return any(_common(box, other) > box[2] * box[3] / 2 for other in by)


def _common(one: Box, other: Box) -> float:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)
