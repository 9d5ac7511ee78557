"""The reader on 64-bit ARM answers as here: `make test-arm64` builds the root and runs this; see tests/device/arm64."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ARM64 = Path(__file__).with_name("arm64")

pytestmark = pytest.mark.skipif("TEST_ARM64" not in os.environ, reason="takes minutes under emulation: make test-arm64 runs it")


def read(arm64: bool, *arguments: str) -> list[dict[str, Any]]:
    """Return the JSON lines that `checkreader` prints here, or on the emulated machine."""
    words = [str(ARM64), "run", "python3"] if arm64 else [sys.executable]
    done = subprocess.run([*words, "-m", "edge", *arguments], capture_output=True, text=True, cwd=ROOT, timeout=1800)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(reading: dict[str, Any] | None) -> Any:
    """Return what a reading says: its text and values, without verdict, places and probabilities."""
    left_out = {"box", "confidence", "alternatives", "reason", "symbols", "verdict"}
    return None if reading is None else {key: value for key, value in reading.items() if key not in left_out}


def test_the_reference_gives_the_recorded_codes() -> None:
    rows = read(True, "doctor", "--parity", "--json", "--runtime", "reference")
    assert len(rows) == 6
    assert [row for row in rows if row["differing"]] == []


def test_litert_gives_the_recorded_codes_of_strips_and_the_answers_of_all() -> None:
    rows = {row["network"]: row for row in read(True, "doctor", "--parity", "--json", "--runtime", "litert")}
    assert [row for row in rows.values() if row["other_answers"]] == []
    assert {rows[name]["differing"] for name in ("strip", "date", "micr")} == {0}
    assert max(row["most"] for row in rows.values()) <= 8


@pytest.mark.parametrize("kind", ["amount", "date", "micr"])
def test_strips_say_the_same_with_the_same_verdict(kind: str) -> None:
    strips = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "samples" / "strips").glob(f"{kind}_*.png"))
    arguments = ("read", "--json", "--strip", kind, "--today", "2026-01-31", *strips)
    here, there = ([row["reading"] for row in read(arm64, *arguments)] for arm64 in (False, True))
    assert len(here) == len(strips)
    assert [(said(r), r["verdict"]) for r in here] == [(said(r), r["verdict"]) for r in there]
    assert [r["confidence"] for r in there] == pytest.approx([r["confidence"] for r in here], abs=0.03)


def test_frames_say_the_same() -> None:
    """The same texts; a verdict may change, since OpenCV scales and warps pictures by other last bits there."""
    arguments = ("read", "--json", "--today", "2026-01-31", "samples/frames")
    here, there = read(False, *arguments), read(True, *arguments)
    assert len(here) == len(there) >= 7
    for one, other in zip(here, there, strict=True):
        assert {name: said(r) for name, r in one["fields"].items()} == {name: said(r) for name, r in other["fields"].items()}
        within_px = 0.005 * one["frame_size"][0]
        assert other["page"]["corners"] == [pytest.approx(corner, abs=within_px) for corner in one["page"]["corners"]]
