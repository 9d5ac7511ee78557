"""Measure a bundle on strips that neither trained it nor fitted its thresholds, through the reader that runs on the device."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.datatypes import U8, Frame, Reading
from edge.decode.currency import currency_of
from edge.decode.date import parse_date
from edge.pipeline import Kind, Reader
from train.calibrate import upper_bound, wilson_interval
from train.data.parts import load_part
from train.data.sources import LabelledDigits, LabelledStrip, sources_of
from train.data.splits import Part, split

# The sets of whole checks are read with the currency of their country; ORAND's amounts are Uruguayan.
_CURRENCIES = {"dbgt": "USD", "idrbt": "INR", "dbgt_dates": "USD", "idrbt_dates": "INR", "orand_car_a": "UYU"}


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured on one set; shares in 0..1, intervals at 95 %. ``errors`` names the files read wrongly."""

    name: str
    n: int
    n_right: int
    exact: float
    exact_low: float
    exact_high: float
    accepted: float | None = None
    n_accepted: int | None = None
    error_among_accepted: float | None = None
    error_upper: float | None = None
    box_iou_x: float | None = None


def frame_of(picture: U8, name: str = "") -> Frame:
    return Frame(np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8), name)


def tasks(folder: Path, part: Part) -> Iterator[tuple[str, Kind, str, list[LabelledStrip]]]:
    """Yield (name, kind, currency, strips) for everything that a bundle is measured on."""
    for source in sources_of("strings"):
        strips = load_part(source, folder, part)
        yield f"{source.name}/digits", "digits", "USD", strips
        if source.name in _CURRENCIES:
            yield f"{source.name}/amount", "amount", _CURRENCIES[source.name], strips
    for source in sources_of("micr"):
        yield f"{source.name}/micr", "micr", "USD", load_part(source, folder, part)
    if part == "measure":
        for source in sources_of("amounts"):
            yield f"{source.name}/amount", "amount", _CURRENCIES[source.name], load_part(source, folder, part)
        for source in sources_of("dates"):
            yield f"{source.name}/date", "date", _CURRENCIES[source.name], load_part(source, folder, part)


def is_right(reading: Reading, strip: LabelledStrip, kind: Kind, currency: str) -> bool:
    """Return whether a reading says what the label says: the same money, the same day, or the same symbols."""
    if kind == "date":
        day = parse_date(strip.text, currency_of(currency).date_order)
        return reading.values.get("iso") == (day if isinstance(day, str) else day.isoformat())
    if kind != "amount":
        return reading.text == strip.text
    minor_units = round(float(strip.text) * 10 ** currency_of(currency).n_minor_digits)
    return reading.values.get("minor_units") == minor_units


def measure_strips(
    reader: Reader, name: str, kind: Kind, currency: str, strips: Sequence[LabelledStrip]
) -> tuple[Figure, list[tuple[LabelledStrip, Reading]]]:
    """Read strips; return the figure and what was read wrongly, the surest first."""
    readings = [reader.read_strip(frame_of(s.picture, s.file), kind, currency) for s in strips]
    right = [is_right(r, s, kind, currency) for r, s in zip(readings, strips, strict=True)]
    accepted = [r.verdict == "accepted" for r in readings]
    n_accepted = sum(accepted)
    n_wrong = sum(a and not ok for a, ok in zip(accepted, right, strict=True))
    overlaps = [o for r, s, ok in zip(readings, strips, right, strict=True) if ok and s.boxes is not None for o in _overlaps(r, s)]
    figure = Figure(
        **asdict(_share(name, sum(right), len(strips)))
        | {
            "accepted": n_accepted / max(1, len(strips)),
            "n_accepted": n_accepted,
            "error_among_accepted": n_wrong / n_accepted if n_accepted else 0.0,
            "error_upper": upper_bound(n_wrong, n_accepted),
            "box_iou_x": float(np.mean(overlaps)) if overlaps else None,
        }
    )
    wrong = [(s, r) for s, r, ok in zip(strips, readings, right, strict=True) if not ok]
    return figure, sorted(wrong, key=lambda pair: -pair[1].confidence)


def _share(name: str, n_right: int, n: int) -> Figure:
    return Figure(name, n, n_right, n_right / max(1, n), *wilson_interval(n_right, n))


def _overlaps(reading: Reading, strip: LabelledStrip) -> Iterator[float]:
    """Yield the horizontal intersection over union of each digit's box."""
    digits = [s.box for s in reading.symbols if s.symbol.isdigit()]
    for (x, _, width, _), box in zip(digits, strip.boxes if strip.boxes is not None else (), strict=False):
        left, right = float(box[0]), float(box[2])
        both = max(0.0, min(x + width, right) - max(x, left))
        yield both / (max(x + width, right) - min(x, left))


def measure_digits(reader: Reader, folder: Path) -> Iterator[Figure]:
    """Yield the accuracy on isolated digits: MNIST's test set, and the measuring part of sets that have one."""
    for source in (*sources_of("digits_test"), *sources_of("digits")):
        digits = source.load(folder)
        assert isinstance(digits, LabelledDigits)
        rows = np.arange(len(digits.labels))
        if source.kind == "digits":
            parts = np.array(split(source.name, [f"{source.name}-{g}" for g in digits.groups]))
            rows = np.flatnonzero(parts == "measure")
        if len(rows):
            guesses = reader.classify(digits.pictures[rows])
            n_right = sum(g.label == str(label) for g, label in zip(guesses, digits.labels[rows], strict=True))
            yield _share(f"{source.name}/digits", n_right, len(rows))


def draw_errors(wrong: Sequence[tuple[LabelledStrip, Reading]], path: Path, most: int = 60) -> None:
    """Write a sheet of wrongly read strips, the surest first: label, reading and confidence under each."""
    is_long = bool(wrong) and float(np.median([s.picture.shape[1] / s.picture.shape[0] for s, _ in wrong])) > 8
    cell_width, strip_height, columns = (640, 40, 2) if is_long else (250, 64, 5)
    rows = -(-min(most, len(wrong)) // columns)
    sheet = np.full((max(1, rows) * (strip_height + 20), columns * cell_width), 255, np.uint8)
    for place, (strip, reading) in enumerate(wrong[:most]):
        scale = min((cell_width - 6) / strip.picture.shape[1], strip_height / strip.picture.shape[0])
        small = cv2.resize(strip.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        y, x = place // columns * (strip_height + 20), place % columns * cell_width
        sheet[y : y + small.shape[0], x : x + small.shape[1]] = small
        mark = "!" if reading.verdict == "accepted" else ""
        said = f"{strip.text} > {reading.text} {reading.confidence:.2f}{mark}"
        cv2.putText(sheet, said, (x, y + strip_height + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 0, 1, cv2.LINE_AA)
    cv2.imwrite(str(path), sheet)
