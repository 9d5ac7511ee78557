"""Where is accuracy lost? Each field read with everything given, with the page given, and with nothing given."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from edge.annotate import draw_checks
from edge.datatypes import F64, U8, Box, CheckReading, FieldName, Frame, Page, Reading
from edge.decode.amount import parse_amount
from edge.decode.currency import currency_of
from edge.decode.date import parse_date
from edge.locate.page import rectify
from edge.pipeline import Kind, Reader
from train.data.frames import draw_frame_without
from train.data.other_paper import draw_other_paper
from train.evaluate_pages import overlap
from train.labelled_checks import FIELDS, LabelledCheck, drawn_frames, labelled_sets
from train.measured import table

_GOOD_OVERLAP = 0.95
# A field is found where its box has so much of the labelled one.
_FOUND = 0.7
_MOST_FAILURES = 20
_KINDS: Mapping[FieldName, Kind] = {"amount": "amount", "date": "date", "micr": "micr"}


@dataclass(slots=True)
class StageCount:
    """One field of one set: how often it is right with so much given. ``n_boxes`` of the ``n`` have a labelled box."""

    n: int = 0
    n_boxes: int = 0
    right_strip: int = 0
    among_strip: int = 0
    found_field: int = 0
    right_page: int = 0
    right_page_boxed: int = 0
    right_frame: int = 0
    accepted: int = 0
    accepted_wrong: int = 0


@dataclass(slots=True)
class SetFigures:
    """All stages of one set; ``failures``: what was read wrongly from the frame, how sure it was, and its drawing's maker."""

    name: str
    n: int = 0
    good_corners: int = 0
    missed: int = 0
    fields: dict[FieldName, StageCount] = field(default_factory=lambda: {name: StageCount() for name in FIELDS})
    failures: list[tuple[float, str, Callable[[], U8]]] = field(default_factory=list)


def measure_set(reader: Reader, name: str, checks: Iterable[LabelledCheck]) -> SetFigures:
    """Read checks in every way."""
    figures = SetFigures(name)
    for check in checks:
        frame = Frame(check.pixels, check.name)
        width, height = frame.size
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64) if check.corners is None else check.corners
        given = rectify(frame, corners)
        on_page = reader.read_page(frame, given, check.currency)
        seen = reader.read_frame(frame, check.currency)
        best = max(seen, key=lambda reading: _overlap_of(reading, corners))
        figures.n += 1
        figures.good_corners += _overlap_of(best, corners) >= _GOOD_OVERLAP
        figures.missed += best.page is None
        for kind, text in check.texts.items():
            _count(figures.fields[kind], reader, kind, text, check, given, on_page, best)
            reading = best.fields[kind]
            if not is_read_rightly(reading, kind, text):
                said = "nothing" if reading is None or reading.text is None else reading.text
                sure = 0.0 if reading is None else reading.confidence
                label = f"{name} {kind}: {said} instead of {text} ({100 * sure:.0f} %)"
                figures.failures.append((sure, label, lambda f=frame, s=seen: draw_checks(f, s)))  # type: ignore[misc]
    return figures


def _count(
    count: StageCount,
    reader: Reader,
    kind: FieldName,
    text: str,
    check: LabelledCheck,
    given: Page,
    on_page: CheckReading,
    best: CheckReading,
) -> None:
    count.n += 1
    is_right_page = is_read_rightly(on_page.fields[kind], kind, text)
    is_right = is_read_rightly(best.fields[kind], kind, text)
    count.right_page += is_right_page
    count.right_frame += is_right
    reading = best.fields[kind]
    if reading is not None and reading.verdict == "accepted":
        count.accepted += 1
        count.accepted_wrong += not is_right
    if kind in check.shares:
        height, width = given.pixels.shape[:2]
        x, y, w, h = check.shares[kind]
        box = (x * width, y * height, w * width, h * height)
        left, top = max(0, int(box[0])), max(0, int(box[1]))
        cut = given.pixels[top : max(top + 1, round(box[1] + box[3])), left : max(left + 1, round(box[0] + box[2]))]
        strip = reader.read_strip(Frame(np.ascontiguousarray(cut)), _KINDS[kind], check.currency)
        is_strip = is_read_rightly(strip, kind, text)
        count.n_boxes += 1
        count.right_strip += is_strip
        count.among_strip += is_strip or any(_means(a.text, kind, text, strip) for a in strip.alternatives)
        found = on_page.fields[kind]
        count.found_field += found is not None and found.box is not None and _is_in(found.box, box)
        count.right_page_boxed += is_right_page


def _is_in(found: Box, box: Box) -> bool:
    """Return whether the middle of each box lies in the other, and they are about equally high: margins differ."""
    inside = [
        abs(a[0] + a[2] / 2 - b[0] - b[2] / 2) < b[2] / 2 and abs(a[1] + a[3] / 2 - b[1] - b[3] / 2) < b[3] / 2
        for a, b in ((found, box), (box, found))
    ]
    return all(inside)


def is_read_rightly(reading: Reading | None, kind: FieldName, text: str) -> bool:
    return reading is not None and reading.text is not None and _means(reading.text, kind, text, reading)


def _means(said: str, kind: FieldName, text: str, reading: Reading) -> bool:
    """Return whether what was read means what stands there; the reading says the currency."""
    if kind == "amount":
        money = currency_of(str(reading.values.get("currency") or "USD"))
        meant = parse_amount(text.lstrip("*").replace(" ", "."), money)
        return parse_amount(said, money) == meant and not isinstance(meant, str)
    if kind == "date":
        orders = ("month_first", "day_first")
        meant_days = {str(parse_date(text.lower().replace(" ", ""), order)) for order in orders}  # type: ignore[arg-type]
        iso = reading.values.get("iso") if said == reading.text else None
        return iso in meant_days or bool({str(parse_date(said, order)) for order in orders} & meant_days)  # type: ignore[arg-type]
    return said == text


def _overlap_of(reading: CheckReading, corners: F64) -> float:
    return overlap(reading.page.corners, corners) if reading.page is not None else 0.0


def frames_without(folder: Path, n_drawn: int, seed: int = 91) -> Iterator[tuple[str, U8]]:
    """Yield (kind, frame) without a check: drawn ones, and what real pictures show beside their checks."""
    for index in range(n_drawn):
        rng = np.random.default_rng((seed, index))
        frame = draw_frame_without(rng, lambda rng=rng: draw_other_paper(rng), (1280, 960))  # type: ignore[misc]
        yield "drawn", frame.pixels
    for path in sorted(folder.glob("checks/ssbi_templates/dummy_text/data/*")):
        sheet = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if sheet is not None:
            for rows in np.array_split(np.asarray(sheet, np.uint8), 4):
                yield "handwriting", rows
    for path in sorted(folder.glob("strings/orand_car_a/images/*"))[::20]:
        yield "amount alone", np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR), np.uint8)
    for name, checks in labelled_sets(folder):
        for check in checks if name == "camera" else checks[::4]:
            yield from _without_check(check)


def _without_check(check: LabelledCheck) -> Iterator[tuple[str, U8]]:
    """Yield a camera's frame beside the check, or a check's upper half: paper with the same print and hand, but no check."""
    height, width = check.pixels.shape[:2]
    if check.corners is None:
        yield "half a check", check.pixels[: round(0.45 * height)]
        return
    low, high = check.corners.min(axis=0), check.corners.max(axis=0)
    sides = (
        check.pixels[: max(0, int(low[1]))],
        check.pixels[int(high[1]) + 1 :],
        check.pixels[:, : max(0, int(low[0]))],
        check.pixels[:, int(high[0]) + 1 :],
    )
    yield from (("desk", np.ascontiguousarray(side)) for side in sides if min(side.shape[:2]) > 0.1 * min(height, width))


def measure_without(
    reader: Reader, frames: Iterable[tuple[str, U8]]
) -> tuple[dict[str, tuple[int, int]], list[tuple[float, str, Callable[[], U8]]]]:
    """Return for each kind of frame without a check how many there are and on how many a page was invented, and those."""
    counts: dict[str, tuple[int, int]] = {}
    invented = []
    for kind, pixels in frames:
        frame = Frame(np.ascontiguousarray(pixels), kind)
        checks = reader.read_frame(frame)
        is_invented = checks[0].page is not None
        n, n_invented = counts.get(kind, (0, 0))
        counts[kind] = n + 1, n_invented + is_invented
        if is_invented:
            label = f"{kind}: a page where there is none"
            invented.append((1.0, label, lambda f=frame, s=checks: draw_checks(f, s)))  # type: ignore[misc]
    return counts, invented


def stage_tables(figures: Sequence[SetFigures], without: Mapping[str, tuple[int, int]]) -> Iterator[tuple[str, list[str]]]:
    """Yield (mark, lines) of each table in docs/stages.md."""
    yield (
        "pages",
        table(
            ["set", "n", "corners right (overlap of 0.95)", "no page found"],
            [[f.name, str(f.n), _share(f.good_corners, f.n), _share(f.missed, f.n)] for f in figures],
        ),
    )
    yield (
        "without",
        table(["frames without a check", "n", "a page was invented on"], [[kind, str(n), str(bad)] for kind, (n, bad) in without.items()]),
    )
    rows = [(f.name, kind, c) for f in figures for kind, c in f.fields.items() if c.n]
    boxed = [(name, kind, c) for name, kind, c in rows if c.n_boxes]
    yield (
        "fields",
        table(
            ["set", "field", "n", "found on the true page", "read right there"],
            [[n, k, str(c.n_boxes), _share(c.found_field, c.n_boxes), _share(c.right_page_boxed, c.n_boxes)] for n, k, c in boxed],
        ),
    )
    yield (
        "strips",
        table(
            ["set", "field", "n", "right from the labelled box", "right or among the alternatives"],
            [[n, k, str(c.n_boxes), _share(c.right_strip, c.n_boxes), _share(c.among_strip, c.n_boxes)] for n, k, c in boxed],
        ),
    )
    yield (
        "budget",
        table(
            ["set", "field", "n", "right", "lost by page", "lost by field", "lost by strip and decoding", "accepted", "wrong among them"],
            [[n, k, str(c.n), _share(c.right_frame, c.n), *_losses(c), _share(c.accepted, c.n), str(c.accepted_wrong)] for n, k, c in rows],
        ),
    )


def _losses(count: StageCount) -> tuple[str, str, str]:
    """Return what is lost from one stage to the next, in shares of all; what a stage wins by luck is a loss below zero."""
    page = count.right_page - count.right_frame
    if not count.n_boxes:
        return _share(page, count.n), "-", "-"
    return (
        _share(page, count.n),
        _share(count.right_strip - count.right_page_boxed, count.n_boxes),
        _share(count.n_boxes - count.right_strip, count.n_boxes),
    )


def _share(part: int, n: int) -> str:
    return f"{100 * part / max(1, n):.1f} %"


def write_failures(failures: Sequence[tuple[float, str, Callable[[], U8]]], folder: Path) -> None:
    """Write the worst failures, those that were surest, as annotated pictures with ``failures.txt`` that says what each is."""
    folder.mkdir(parents=True, exist_ok=True)
    worst = sorted(failures, key=lambda failure: -failure[0])[:_MOST_FAILURES]
    for index, (_, _, draw) in enumerate(worst, 1):
        cv2.imwrite(str(folder / f"{index:02d}.jpg"), draw())
    lines = [f"{index:02d}.jpg {label}\n" for index, (_, label, _) in enumerate(worst, 1)]
    (folder / "failures.txt").write_text("".join(lines), encoding="utf-8")


def measure_stages(reader: Reader, folder: Path, n_drawn: int) -> Iterator[SetFigures]:
    for name, checks in labelled_sets(folder):
        yield measure_set(reader, name, checks)
    yield measure_set(reader, "drawn", drawn_frames(n_drawn))
