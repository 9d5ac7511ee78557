"""Records as others see them: account numbers masked in words and in pictures, tables safe to open."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from edge.service.record import Record
from edge.service.views import CSV_COLUMNS, csv_lines, field_picture, json_lines, page_picture, record_object, summary_object

ACCOUNT = "44748408"


def jpeg(width: int = 800, height: int = 360) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), 255, np.uint8))[1].tobytes()


def darkest(picture: bytes) -> int:
    return int(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE).min())


def test_the_account_number_stands_in_no_view_that_nobody_asked_for(make_record: Callable[..., Record]) -> None:
    record = make_record()
    record = replace(record, truth={"micr": dict(record.fields["micr"] or {})}, status="confirmed")
    shown = json.dumps([summary_object(record.summary), record_object(record, False)]) + "".join(
        [*json_lines([record], False), *csv_lines([record], False)]
    )
    assert ACCOUNT not in shown
    assert ACCOUNT in json.dumps(record_object(record, True))
    assert ACCOUNT in "".join(json_lines([record], True))
    assert ACCOUNT in "".join(csv_lines([record], True))


def test_the_picture_shows_the_line_to_the_owner_alone(make_record: Callable[..., Record]) -> None:
    record = make_record()
    assert page_picture(record, jpeg(), is_revealed=True) == jpeg()
    assert darkest(page_picture(record, jpeg(), is_revealed=False)) < 200
    for is_revealed, is_covered in ((True, False), (False, True)):
        cut = field_picture(record, jpeg(), "micr", is_revealed)
        assert cut is not None
        assert (darkest(cut) < 200) is is_covered


def test_a_field_is_cut_out_large_enough_to_be_read_wherever_it_lies(make_record: Callable[..., Record]) -> None:
    for box in ([10, 20, 200, 40], [-50, -50, 60, 60], [790, 350, 100, 100], [5000, 5000, 10, 10], [0, 0, 0.2, 0.2]):
        record = make_record()
        amount = {**(record.fields["amount"] or {}), "box": box}
        record = replace(record, check={**record.check, "fields": {**record.fields, "amount": amount}})
        cut = field_picture(record, jpeg(), "amount", is_revealed=True)
        assert cut is not None
        assert 96 <= cv2.imdecode(np.frombuffer(cut, np.uint8), cv2.IMREAD_COLOR).shape[0] <= 480


def test_a_field_that_was_not_found_has_no_picture(make_record: Callable[..., Record]) -> None:
    record = make_record()
    record = replace(record, check={**record.check, "fields": {**record.fields, "amount": None}})
    assert field_picture(record, jpeg(), "amount", is_revealed=True) is None


def test_a_table_has_a_row_for_each_record_and_no_formula(make_record: Callable[..., Record]) -> None:
    record = replace(make_record(), id=7, truth={"date": {"text": "=cmd()", "iso": None}}, status="corrected")
    rows = list(csv.DictReader("".join(csv_lines([record, make_record()], False)).splitlines()))
    assert list(rows[0]) == list(CSV_COLUMNS)
    assert rows[0]["date"] == "'=cmd()"
    assert (rows[0]["amount"], rows[0]["minor_units"], rows[0]["currency"]) == ("1,234.56", "123456", "USD")
    assert len(rows) == 2


def test_json_lines_are_json_each(make_record: Callable[..., Record]) -> None:
    lines = list(json_lines([make_record(), make_record(minor_units=5)], False))
    assert [json.loads(line)["minor_units"] for line in lines] == [123456, 5]
    assert all(line.count("\n") == 1 for line in lines)
