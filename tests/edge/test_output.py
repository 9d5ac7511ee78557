"""JSON as the contract says it, rows of a table, and names that no encoding fits."""

import json
import os

import numpy as np
import pytest

from edge.datatypes import FIELD_NAMES, Alternative, CheckReading, Page, Quality, Reading, Symbol
from edge.output import ReadingTable, check_object, complain, is_accepted, shown_name, strip_object, write_line

BUNDLE = {"version": "1", "sha256": "ab"}
AMOUNT = Reading(
    "1,234.56", "accepted", 0.99123456789, None, (10, 20, 30, 40), (Symbol("1", (1.234567, 2, 3, 4), 0.9),),
    (Alternative("1,234.50", 0.01),), {"minor_units": 123456, "currency": "USD"},
)  # fmt: skip


def check(page: bool = True, **fields: Reading) -> CheckReading:
    corners = np.array([[1, 2], [101, 2], [101, 52], [1, 52]], np.float64)
    found = Page(np.zeros((50, 100, 3), np.uint8), np.zeros((50, 100), np.uint8), corners, np.eye(3), 0.87654321) if page else None
    return CheckReading(0, (200, 100), found, Quality(), {**dict.fromkeys(FIELD_NAMES), **fields}, {"total": 1.23456})


def test_every_key_of_the_contract_is_there_also_when_nothing_is() -> None:
    nothing = check_object("a.png", check(page=False), BUNDLE)
    assert nothing == {
        "file": "a.png",
        "check_index": 0,
        "n_frames": 1,
        "frame_size": [200, 100],
        "country": None,
        "page": None,
        "quality": {"verdict": "ok", "problems": [], "advice": ""},
        "fields": {"amount": None, "date": None, "check_number": None, "micr": None},
        "timings_ms": {"page": None, "fields": None, "strips": None, "network": None, "decode": None, "total": 1.235},
        "bundle": BUNDLE,
    }


def test_an_amount_has_its_minor_units_and_symbols() -> None:
    reading = check_object("a.png", check(amount=AMOUNT), BUNDLE)["fields"]["amount"]
    assert reading == {
        "text": "1,234.56",
        "verdict": "accepted",
        "confidence": 0.991235,
        "reason": None,
        "box": [10.0, 20.0, 30.0, 40.0],
        "symbols": [{"symbol": "1", "box": [1.23, 2.0, 3.0, 4.0], "confidence": 0.9}],
        "alternatives": [{"text": "1,234.50", "confidence": 0.01}],
        "minor_units": 123456,
        "currency": "USD",
    }


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("digits", []),
        ("amount", ["minor_units", "currency"]),
        ("date", ["iso"]),
        ("micr", ["routing", "account", "check_number", "amount", "checksum_ok"]),
    ],
)
def test_what_only_one_kind_has_is_null_when_unread(kind: str, keys: list[str]) -> None:
    unread = Reading(None, "unreadable", 0.0, "no ink", None)
    line = strip_object("a.png", (20, 10), kind, unread, {}, BUNDLE)
    common = ["text", "verdict", "confidence", "reason", "box", "symbols", "alternatives"]
    assert list(line["reading"]) == common + keys
    assert all(line["reading"][key] is None for key in keys)
    assert line["frame_size"] == [20, 10]
    assert not {"page", "fields"} & line.keys()


def test_a_name_that_is_not_utf8_survives_json(capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    write_line({"file": name})
    line = capsys.readouterr().out
    assert line.isascii()
    assert os.fsencode(json.loads(line)["file"]) == b"caf\xe9.png"


def test_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_line({"confidence": float("nan")})


def test_names_cannot_play_tricks_on_the_terminal() -> None:
    assert shown_name(os.fsdecode(b"caf\xe9\x1b[2J\n.png")) == r"caf\xe9\x1b[2J\n.png"
    assert shown_name("schön.png") == "schön.png"


def test_the_table_grows_row_by_row_under_one_header(capsys: pytest.CaptureFixture[str]) -> None:
    table = ReadingTable()
    table.add_check("a.png", check(amount=AMOUNT))
    first = capsys.readouterr().out
    assert "verdict" in first
    assert all(word in first for word in ("a.png", "amount", "1,234.56", "accepted", "99.1 %"))
    table.add_check("[bold]b.png", check(page=False))
    second = capsys.readouterr().out
    assert "verdict" not in second
    assert "[bold]b.png" in second
    assert "no check found" in second


def test_a_long_path_is_cut_at_its_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    ReadingTable().add_strip("folder/" * 30 + "strip.png", "amount", AMOUNT)
    assert "/folder/strip.png" in capsys.readouterr().out


def test_the_table_says_why_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    unsure = Reading("12", "unsure", 0.5, "the 2 may be a 7", None)
    poor = Quality(("blur",), "hold still")
    shot = check(check_number=unsure)
    ReadingTable().add_check("a.png", CheckReading(1, shot.frame_size, shot.page, poor, shot.fields, {}))
    out = capsys.readouterr().out
    assert all(word in out for word in ("a.png #2", "check number", "unsure", "the 2 may be a 7", "blur", "hold still"))


def test_only_an_accepted_amount_is_accepted() -> None:
    assert is_accepted(check(amount=AMOUNT))
    assert not is_accepted(check(date=AMOUNT))
    assert not is_accepted(check())


def test_complaints_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    complain("no paper")
    assert capsys.readouterr() == ("", "checkreader: no paper\n")
