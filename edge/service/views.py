"""Records as the page and the API show them: plain objects, account numbers masked unless the owner asked."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import cv2
import numpy as np

from edge.datatypes import U8, Box
from edge.decode.amount import format_amount
from edge.decode.currency import CURRENCIES
from edge.errors import StoreError
from edge.service.privacy import masked_check, masked_line
from edge.service.record import LogLine, Record, Summary, Total

CSV_COLUMNS = (
    "id", "time", "status", "first_status", "amount", "currency", "minor_units", "date", "iso_date",
    "check_number", "routing", "account", "confidence", "possible_duplicate_of",
)  # fmt: skip
# Around a field, as a share of its height: enough to see what the cut left out.
_MARGIN = 0.35
_LEAST_STRIP_PX, _MOST_STRIP_PX = 96, 480
_JPEG_QUALITY = 88
# A spreadsheet takes a text that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def summary_object(summary: Summary) -> dict[str, Any]:
    """Return what a list shows of a record; nothing in it needs a mask."""
    return {
        "id": summary.id,
        "time": summary.time.isoformat(timespec="milliseconds"),
        "status": summary.status,
        "is_review_due": summary.is_review_due,
        "is_audit_due": summary.is_audit_due,
        "possible_duplicate_of": summary.possible_duplicate_of,
        "amount": summary.amount,
        "minor_units": summary.minor_units,
        "currency": summary.currency,
        "date": summary.date,
        "check_number": summary.check_number,
        "confidence": summary.confidence,
    }


def record_object(record: Record, is_revealed: bool) -> dict[str, Any]:
    """Return all of a record: ``check`` is what `read --json` prints, ``truth`` what a person said."""
    truth = {name: dict(value) for name, value in record.truth.items()}
    if "micr" in truth and not is_revealed:
        truth["micr"] = masked_line(truth["micr"]) or {}
    return {
        **summary_object(record.summary),
        "first_status": record.first_status,
        "has_picture": record.picture is not None,
        "picture_sha256": record.picture_sha256,
        "is_account_masked": not is_revealed,
        "truth": truth,
        "check": dict(record.check) if is_revealed else masked_check(record.check),
    }


def total_object(total: Total) -> dict[str, Any]:
    return {
        "currency": total.currency or None,
        "n_records": total.n_records,
        "n_review_due": total.n_review_due,
        "n_rejected": total.n_rejected,
        "minor_units": total.minor_units,
        "amount": shown_amount(total.minor_units, total.currency),
    }


def log_object(line: LogLine) -> dict[str, Any]:
    return {
        "time": line.time.isoformat(timespec="seconds"),
        "who": line.who,
        "action": line.action,
        "record_id": line.record_id,
        "detail": line.detail,
    }


def shown_amount(minor_units: int, currency: str) -> str:
    """Return an amount as people write it; of an unknown currency, two decimals."""
    return format_amount(minor_units, CURRENCIES.get(currency, CURRENCIES["USD"]))


def json_lines(records: Iterable[Record], is_revealed: bool) -> Iterator[str]:
    for record in records:
        yield json.dumps(record_object(record, is_revealed), ensure_ascii=False) + "\n"


def csv_lines(records: Iterable[Record], is_revealed: bool) -> Iterator[str]:
    """Yield a table for a spreadsheet, RFC 4180, line by line."""
    line = io.StringIO()
    writer = csv.writer(line)

    def taken() -> str:
        text = line.getvalue()
        line.seek(0)
        line.truncate()
        return text

    writer.writerow(CSV_COLUMNS)
    yield taken()
    for record in records:
        writer.writerow([_cell(value) for value in _csv_row(record, is_revealed)])
        yield taken()


def _csv_row(record: Record, is_revealed: bool) -> tuple[Any, ...]:
    shown = record_object(record, is_revealed)
    line: Mapping[str, Any] = shown["truth"].get("micr") or shown["check"]["fields"].get("micr") or {}
    return (
        record.id, shown["time"], record.status, record.first_status, shown["amount"], shown["currency"], shown["minor_units"],
        record.value("date", "text"), record.value("date", "iso"), shown["check_number"],
        line.get("routing"), line.get("account"), shown["confidence"], record.possible_duplicate_of,
    )  # fmt: skip


def _cell(value: Any) -> Any:
    return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value


def page_picture(record: Record, jpeg: bytes, is_revealed: bool) -> bytes:
    """Return the picture of the check; unless revealed, with the MICR line painted over, which holds the account number."""
    if is_revealed:
        return jpeg
    pixels = _decoded(jpeg)
    return _encoded(_covered(record, pixels)) if _line_box(record) else jpeg


def field_picture(record: Record, jpeg: bytes, name: str, is_revealed: bool) -> bytes | None:
    """Return one field cut out with some of what is around it, None where it was not found."""
    box = (record.fields.get(name) or {}).get("box")
    if box is None:
        return None
    pixels = _decoded(jpeg)
    if not is_revealed:
        pixels = _covered(record, pixels)
    height, width = pixels.shape[:2]
    margin = _MARGIN * box[3]
    left, right = _span(box[0] - 2 * margin, box[0] + box[2] + 2 * margin, width)
    top, bottom = _span(box[1] - margin, box[1] + box[3] + margin, height)
    cut = pixels[top:bottom, left:right]
    times = float(np.clip(cut.shape[0], _LEAST_STRIP_PX, _MOST_STRIP_PX)) / cut.shape[0]
    return _encoded(np.asarray(cv2.resize(cut, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC), np.uint8))


def _line_box(record: Record) -> Box | None:
    box = (record.fields.get("micr") or {}).get("box")
    return None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))


def _covered(record: Record, pixels: U8) -> U8:
    """Return the pixels with the MICR line under a grey bar."""
    box = _line_box(record)
    if box is None:
        return pixels
    height, width = pixels.shape[:2]
    (left, right), (top, bottom) = _span(box[0], box[0] + box[2], width), _span(box[1] - 0.2 * box[3], box[1] + 1.2 * box[3], height)
    covered = pixels.copy()
    covered[top:bottom, left:right] = (160, 166, 163)
    return covered


def _span(first: float, last: float, most: int) -> tuple[int, int]:
    """Return two ends within 0 and ``most``, at least one pixel apart."""
    begin = min(max(0, int(first)), most - 1)
    return begin, max(begin + 1, min(most, round(last)))


def _decoded(jpeg: bytes) -> U8:
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise StoreError("a stored picture is no picture; put it back from a backup")
    return np.asarray(pixels, np.uint8)


def _encoded(pixels: U8) -> bytes:
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()
