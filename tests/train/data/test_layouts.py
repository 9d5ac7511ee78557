"""Checks of every country: labels lie where the ink is, blank ones say so, and the same seed draws the same."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.datatypes import FIELD_PARTS
from edge.decode.country import country_of
from edge.decode.currency import currency_of
from edge.decode.date import parse_date
from train.data.checks import DrawnCheck
from train.data.generate import write_set
from train.data.layouts import draw_layout
from train.data.styles import STYLES
from train.fields import field_target, photographed_page


@pytest.fixture(scope="module")
def checks() -> list[DrawnCheck]:
    return [draw_layout(np.random.default_rng((5, index)), 80.0) for index in range(40)]


def test_every_layout_is_drawn_and_its_line_tells_the_country(checks: list[DrawnCheck]) -> None:
    assert {check.layout for check in checks} == {style.name for style in STYLES}
    expected = {"us_personal": "USD", "us_business": "USD", "india_cts": "INR", "britain": "GBP", "canada": "CAD"}
    for check in checks:
        if check.layout in expected:
            assert country_of("auto", check.micr).currency == expected[check.layout]


def test_labels_lie_on_the_check_and_hold_ink(checks: list[DrawnCheck]) -> None:
    for check in checks:
        height, width = check.pixels.shape[:2]
        assert set(check.boxes) <= set(FIELD_PARTS)
        for name, (x, y, w, h) in check.boxes.items():
            assert -1 <= x < x + w <= width + 1, name
            assert -1 <= y < y + h <= height + 1, name
        if check.amount:
            x, y, w, h = (round(v) for v in check.boxes["amount"])
            assert check.pixels[y : y + h, x : x + w].min() < np.median(check.pixels) - 50


def test_a_blank_check_has_places_and_no_texts(checks: list[DrawnCheck]) -> None:
    blank = [check for check in checks if not check.amount]
    assert blank
    for check in blank:
        assert check.date == ""
        assert {"amount", "date"} <= set(check.boxes)
        assert "signature" not in check.boxes


def test_dates_on_checks_exist(checks: list[DrawnCheck]) -> None:
    for check in checks:
        if check.date:
            text = check.date.replace(" ", ".")
            orders = [currency_of("USD").date_order, currency_of("INR").date_order]
            assert any(not isinstance(parse_date(text, order), str) for order in orders), check.date


def test_a_target_shares_each_cell_and_shows_the_amount_where_it_is(checks: list[DrawnCheck]) -> None:
    check = next(c for c in checks if c.amount)
    height, width = check.pixels.shape[:2]
    target = field_target(check.boxes, np.eye(3), (width, height))
    assert target.shape == (48, 96, len(FIELD_PARTS))
    assert np.allclose(target.sum(axis=-1), 1)
    x, y, w, h = check.boxes["amount"]
    row, column = int((y + h / 2) / height * 48), int((x + w / 2) / width * 96)
    assert target[row, column, FIELD_PARTS.index("amount")] > 0.5
    picture, seen = photographed_page(check, np.random.default_rng(1))
    assert picture.shape == (192, 384, 1)
    assert seen.shape == target.shape


def test_a_generated_set_is_the_same_for_the_same_seed_and_is_not_overwritten(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_set(tmp_path / name, "frames", 2, 3, (640, 480))
    assert (tmp_path / "one/labels.jsonl").read_bytes() == (tmp_path / "two/labels.jsonl").read_bytes()
    for line in (tmp_path / "one/labels.jsonl").read_text().splitlines():
        label = json.loads(line)
        assert cv2.imread(str(tmp_path / "one" / label["file"])).shape[:2] == (label["height"], label["width"])
        assert np.array(label["corners"]).shape == (4, 2)
        assert all(np.array(box).shape == (4, 2) for box in label["boxes"].values())
    with pytest.raises(FileExistsError, match="choose an empty folder"):
        write_set(tmp_path / "one", "frames", 1, 3, (640, 480))


def test_frames_without_a_check_are_labelled_so(tmp_path: Path) -> None:
    write_set(tmp_path, "empty", 2, 1, (320, 240))
    assert [json.loads(line)["corners"] for line in (tmp_path / "labels.jsonl").read_text().splitlines()] == [None, None]
