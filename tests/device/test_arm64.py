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


def answers(value: Any) -> Any:
    """Return what a reading says: texts, verdicts, values and reasons, without times, places and the digits of probabilities."""
    if isinstance(value, dict):
        left_out = {"timings_ms", "box", "corners", "confidence", "alternatives", "reason"}
        return {key: answers(part) for key, part in value.items() if key not in left_out}
    return [answers(part) for part in value] if isinstance(value, list) else value


def numbers(value: Any) -> list[float]:
    """Return every number but the times, in order."""
    if isinstance(value, dict):
        return [n for key in sorted(value) if key not in ("timings_ms", "alternatives") for n in numbers(value[key])]
    if isinstance(value, list):
        return [n for part in value for n in numbers(part)]
    return [float(value)] if isinstance(value, int | float) else []


@pytest.mark.parametrize("runtime", ["litert", "reference"])
def test_the_golden_set_gives_the_recorded_codes(runtime: str) -> None:
    rows = read(True, "doctor", "--parity", "--json", "--runtime", runtime)
    assert len(rows) == 6
    assert [row for row in rows if row["differing"]] == []


@pytest.mark.parametrize("kind", ["amount", "date", "micr"])
def test_strips_say_the_same(kind: str) -> None:
    strips = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "samples" / "strips").glob(f"{kind}_*.png"))
    arguments = ("read", "--json", "--strip", kind, "--today", "2026-01-31", *strips)
    here, there = read(False, *arguments), read(True, *arguments)
    assert len(here) == len(strips)
    assert answers(here) == answers(there)
    assert numbers(there) == pytest.approx(numbers(here), abs=0.02, rel=0.02)


def test_frames_say_the_same() -> None:
    arguments = ("read", "--json", "--today", "2026-01-31", "samples/frames")
    here, there = read(False, *arguments), read(True, *arguments)
    assert len(here) >= 7
    assert answers(here) == answers(there)
