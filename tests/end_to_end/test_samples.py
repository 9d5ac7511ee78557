"""The shipped bundle reads the project's own sample frames and strips: what was written on them comes out again."""

import datetime
import json
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.capture.picture import load_picture
from edge.datatypes import CheckReading
from edge.pipeline import Kind, Reader
from edge.recognize.bundle import read_bundle

TODAY = datetime.date(2026, 11, 25)
SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples"


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


FRAMES = rows(SAMPLES / "labels.jsonl")
STRIPS = rows(SAMPLES / "strips" / "labels.jsonl")


@cache
def shared_reader() -> Reader:
    return Reader(read_bundle(), today=TODAY)


@cache
def checks_in(file: str) -> tuple[CheckReading, ...]:
    return shared_reader().read_frame(load_picture(SAMPLES / file))


@pytest.mark.parametrize("row", FRAMES, ids=lambda row: Path(row["file"]).stem)
def test_one_check_is_found_where_it_lies_and_the_right_way_up(row: dict[str, Any]) -> None:
    (check,) = checks_in(row["file"])
    assert check.page is not None
    found, meant = np.float32(check.page.corners), np.float32(row["corners"])
    both, _ = cv2.intersectConvexConvex(found, meant)
    assert both / (cv2.contourArea(found) + cv2.contourArea(meant) - both) > 0.95
    assert np.hypot(*(found[0] - meant[0])) < 0.05 * row["width"]


def minor_units(amount: str | None) -> int | None:
    return None if amount is None else int(amount.replace(".", ""))


def test_a_blank_check_has_an_empty_amount_and_what_is_printed_on_it() -> None:
    (row,) = [row for row in FRAMES if row["kind"] == "blank"]
    fields = checks_in(row["file"])[0].fields
    amount, number, micr = fields["amount"], fields["check_number"], fields["micr"]
    assert amount is not None
    assert (amount.text, amount.verdict, amount.reason, amount.values["minor_units"]) == (None, "unreadable", "empty", None)
    assert number is not None
    assert number.text == row["check_number"]
    assert micr is not None
    assert micr.text == row["micr"]


def test_there_are_photographs_from_a_desk_a_scan_and_a_blank_check() -> None:
    assert {row["kind"] for row in FRAMES} == {"desk", "scan", "blank"}


def test_nothing_that_is_accepted_is_wrong() -> None:
    for row in FRAMES:
        fields = checks_in(row["file"])[0].fields
        amount, date, number, micr = (fields[name] for name in ("amount", "date", "check_number", "micr"))
        if amount and amount.verdict == "accepted":
            assert amount.values["minor_units"] == minor_units(row["amount"]), row["file"]
        if date and date.verdict == "accepted":
            assert date.values["iso"] == row["iso"], row["file"]
        if number and number.verdict == "accepted":
            assert number.text == row["check_number"], row["file"]
        if micr and micr.verdict == "accepted":
            assert micr.text == row["micr"], row["file"]


@pytest.mark.parametrize(
    ("field", "least"),
    [("amount", 5), ("date", 4), ("check_number", 6), ("micr", 5)],
)
def test_most_fields_of_the_sample_frames_are_read(field: str, least: int) -> None:
    right = []
    for row in FRAMES:
        reading = checks_in(row["file"])[0].fields[field]  # type: ignore[index]
        said = {"amount": "minor_units", "date": "iso"}.get(field)
        meant = minor_units(row["amount"]) if field == "amount" else row["iso"] if field == "date" else row[field]
        right.append(reading is not None and (reading.values.get(said) if said else reading.text) == meant)
    assert sum(right) >= least, right


def is_right(kind: Kind, row: dict[str, Any]) -> tuple[bool, str]:
    reading = shared_reader().read_strip(load_picture(SAMPLES / "strips" / row["file"]), kind)
    meant = row["minor_units"] if kind == "amount" else row["iso"] if kind == "date" else row["text"]
    said = {"amount": "minor_units", "date": "iso"}.get(kind)
    return (reading.values.get(said) if said else reading.text) == meant, reading.verdict


@pytest.mark.parametrize("kind", ["amount", "date", "micr"])
def test_most_sample_strips_are_read_and_no_accepted_one_wrongly(kind: Kind) -> None:
    results = [is_right(kind, row) for row in STRIPS if row["kind"] == kind]
    assert results
    assert sum(right for right, _ in results) >= 0.75 * len(results)
    assert all(right for right, verdict in results if verdict == "accepted")
