"""Readings to text: one JSON object a line, or rows of a table that grows while the reading goes on."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from edge.datatypes import FIELD_NAMES, Box, CheckReading, FieldName, Quality, Reading

STAGES = ("page", "fields", "strips", "network", "decode", "total")
# What a reading has beside the common keys; null where it is not known.
VALUES: Mapping[str, tuple[str, ...]] = {
    "amount": ("minor_units", "currency"),
    "date": ("iso",),
    "micr": ("routing", "account", "check_number", "amount", "checksum_ok"),
}
_STYLES = {"accepted": "green", "unsure": "yellow", "unreadable": "red"}
# Columns that a redirected table may take: there is no window to fit into, and 80 would fold every reason.
_REDIRECTED_WIDTH = 160
_COLUMNS = (("field", 12), ("reading", 36), ("verdict", 10), ("probability", 11))


def check_object(file: str, check: CheckReading, bundle: Mapping[str, str]) -> dict[str, Any]:
    """Return what `read --json` says of one check of one picture."""
    page = None
    if check.page is not None:
        corners = [_rounded(point) for point in check.page.corners * check.frame_scale]
        page = {"corners": corners, "confidence": round(check.page.confidence, 4)}
    return {
        "file": file,
        "check_index": check.check_index,
        "n_frames": check.n_frames,
        "frame_size": [round(side * check.frame_scale) for side in check.frame_size],
        "page": page,
        "quality": quality_object(check.quality),
        "country": None if check.country is None else asdict(check.country),
        "fields": {name: reading_object(name, check.fields.get(name)) for name in FIELD_NAMES},
        "timings_ms": timings_object(check.timings_ms),
        "bundle": dict(bundle),
    }


def strip_object(
    file: str, frame_size: tuple[int, int], kind: str, reading: Reading, timings_ms: Mapping[str, float], bundle: Mapping[str, str]
) -> dict[str, Any]:
    """Return what `read --strip --json` says of one picture; nobody looked for a page, so its timings and the quality are null."""
    return {
        "file": file,
        "check_index": 0,
        "frame_size": list(frame_size),
        "quality": None,
        "reading": reading_object(kind, reading),
        "timings_ms": timings_object(timings_ms),
        "bundle": dict(bundle),
    }


def reading_object(kind: str, reading: Reading | None) -> dict[str, Any] | None:
    if reading is None:
        return None
    return {
        "text": reading.text,
        "verdict": reading.verdict,
        "confidence": round(reading.confidence, 6),
        "reason": reading.reason,
        "box": _box(reading.box),
        "symbols": [{"symbol": s.symbol, "box": _box(s.box), "confidence": round(s.confidence, 6)} for s in reading.symbols],
        "alternatives": [{"text": a.text, "confidence": round(a.confidence, 6)} for a in reading.alternatives],
        **{name: reading.values.get(name) for name in VALUES.get(kind, ())},
    }


def quality_object(quality: Quality) -> dict[str, Any]:
    return {"verdict": quality.verdict, "problems": list(quality.problems), "advice": quality.advice}


def timings_object(timings_ms: Mapping[str, float]) -> dict[str, float | None]:
    return {stage: round(timings_ms[stage], 3) if stage in timings_ms else None for stage in STAGES}


def _rounded(numbers: Any) -> list[float]:
    return [round(float(number), 2) for number in numbers]


def _box(box: Box | None) -> list[float] | None:
    return None if box is None else _rounded(box)


def write_line(line: object) -> None:
    """Write one JSON object as one line, at once; bytes of a file name that are not UTF-8 are escaped as lone surrogates."""
    sys.stdout.write(json.dumps(line, allow_nan=False) + "\n")
    sys.stdout.flush()


def complain(message: str) -> None:
    """Tell the person, not the program that reads our output."""
    print(f"checkreader: {message}", file=sys.stderr)  # Python escapes there what the terminal's encoding lacks


def shown_name(name: str) -> str:
    r"""Return a file name fit for a terminal: bytes that are not UTF-8 and control characters as \x.., the rest as it is."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


class ReadingTable:
    """A table whose rows are written as soon as they are known; the widths are set before the first row."""

    def __init__(self) -> None:
        from rich.console import Console

        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a name may not fit the terminal's encoding
        self._console = Console(width=None if sys.stdout.isatty() else _REDIRECTED_WIDTH, highlight=False, soft_wrap=False)
        rest = self._console.width - sum(width + 1 for _, width in _COLUMNS) - 1
        name_width = max(12, min(40, rest // 2))
        self._widths = (("picture", name_width), *_COLUMNS, ("why", max(12, rest - name_width)))
        self._is_begun = False

    def add_check(self, file: str, check: CheckReading) -> None:
        name = shown_name(file) + (f" #{check.check_index + 1}" if check.check_index else "")
        rows = list(_check_rows(check))
        self._add([(name if not index else "", *row) for index, row in enumerate(rows)])

    def add_strip(self, file: str, kind: str, reading: Reading) -> None:
        self._add([(shown_name(file), *_row(kind, reading))])

    def _add(self, rows: list[tuple[str, ...]]) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=not self._is_begun, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        for title, width in self._widths:
            table.add_column(title, width=width, overflow="fold", justify="right" if title == "probability" else "left")
        for name, *cells in rows:
            row = (self._fitting(name), *cells)
            table.add_row(*(Text(cell, _STYLES.get(row[3], "") if index in (2, 3) else "") for index, cell in enumerate(row)))
        self._is_begun = True
        self._console.print(table)
        sys.stdout.flush()

    def _fitting(self, name: str) -> str:
        """Return the end of a path that is too long for its column: the file's own name is what one looks for."""
        width = self._widths[0][1]
        return name if len(name) <= width else "..." + name[3 - width :]


def _check_rows(check: CheckReading) -> Iterator[tuple[str, ...]]:
    if check.page is None:
        yield "-", "no check found", "", "", check.quality.advice
        return
    for name in FIELD_NAMES:
        reading = check.fields.get(name)
        if reading is not None:
            yield _row(name.replace("_", " "), reading)
    if not any(check.fields.values()):
        yield "-", "no field found", "", "", ""
    if check.quality.problems:
        yield "quality", ", ".join(check.quality.problems), "poor", "", check.quality.advice


def _row(field: str, reading: Reading) -> tuple[str, ...]:
    return field, reading.text or "-", reading.verdict, f"{100 * reading.confidence:.1f} %", reading.reason or ""


def is_accepted(check: CheckReading, name: FieldName = "amount") -> bool:
    reading = check.fields.get(name)
    return reading is not None and reading.verdict == "accepted"
