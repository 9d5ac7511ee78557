"""Readings as `read --json` prints them, and stores on the disk to keep them in."""

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.service.record import Record
from edge.service.store import Store

NOW = datetime.datetime(2026, 3, 2, 12, 0, tzinfo=datetime.UTC)
PICTURE = b"\xff\xd8 a picture of a check \xff\xd9"


def check_object(minor_units: int = 123456, number: str = "1042", account: str = "44748408", confidence: float = 0.997) -> dict[str, Any]:
    text = f"{minor_units // 100:,}.{minor_units % 100:02}"
    common = {"verdict": "accepted", "confidence": confidence, "reason": None, "symbols": [], "alternatives": []}
    line = f"A518872539A{account}C{number}"
    return {
        "file": "", "check_index": 0, "n_frames": 2, "frame_size": [1280, 960],
        "page": {"corners": [[0, 0], [10, 0], [10, 5], [0, 5]], "confidence": 0.9},
        "quality": {"verdict": "ok", "problems": [], "advice": ""},
        "country": {"currency": "USD", "layout": "us", "decided_by": "micr", "why": ""},
        "fields": {
            "amount": {"text": text, **common, "box": [10, 20, 200, 40], "minor_units": minor_units, "currency": "USD"},
            "date": {"text": "03/02/2026", **common, "box": [10, 80, 200, 40], "iso": "2026-03-02"},
            "check_number": {"text": number, **common, "box": [10, 120, 100, 40]},
            "micr": {
                "text": line, **common, "box": [10, 200, 600, 30], "routing": "518872539", "account": account,
                "check_number": number, "amount": None, "checksum_ok": True,
            },
        },
        "timings_ms": {"page": 20.0, "fields": 8.0, "strips": 1.0, "network": 2.0, "decode": 4.0, "total": 40.0},
        "bundle": {"version": "0.2.0", "sha256": "ab" * 32},
    }  # fmt: skip


@pytest.fixture
def make_record() -> Callable[..., Record]:
    def make(status: str = "accepted", time: datetime.datetime = NOW, is_drawn: bool = False, **check: Any) -> Record:
        return Record(time=time, status=status, first_status=status, check=check_object(**check), is_drawn=is_drawn)

    return make


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store")
    yield store
    store.close()
