"""No picture, however spoilt, may crash the reader, keep it busy, or bring it to accept an amount that does not stand there.

`make fuzz` tries thousands; FUZZ_CASES says how many. What went wrong is left as a picture in FUZZ_FOLDER.
"""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.capture.picture import load_pages
from edge.datatypes import FIELD_NAMES, CheckReading, Frame
from edge.decode.amount import parse_amount
from edge.decode.currency import currency_of
from edge.errors import PictureError
from edge.output import VALUES, check_object, strip_object
from edge.pipeline import KINDS, Kind, Reader
from edge.recognize.bundle import read_bundle
from train.data.checks import DrawnCheck
from train.data.mutants import HARMS, SPOILS, Mutant, damaged, draw_mutant, draw_originals

CASES = int(os.environ.get("FUZZ_CASES", "500"))
FOLDER = os.environ.get("FUZZ_FOLDER")
# Seconds of processor time, not of the clock: other programs on this machine do not fail the test.
MOST_SECONDS = 2.0
BUNDLE = {"version": "0", "sha256": "0"}
READING_KEYS = {"text", "verdict", "confidence", "reason", "box", "symbols", "alternatives"}


def examples(share: float) -> Any:
    """So many of the cases; the same ones in each run of the short test, others in each run of a longer one."""
    n = max(1, round(share * CASES))
    return settings(
        max_examples=n, deadline=None, derandomize=CASES <= 500, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@cache
def shared_reader() -> Reader:
    reader = Reader(read_bundle())
    reader.read_frame(Frame(originals()[0].pixels))  # opening the networks is not reading
    return reader


@cache
def originals() -> list[DrawnCheck]:
    return draw_originals(max(24, CASES // 12), seed=3 if CASES <= 500 else CASES)


@contextmanager
def watched() -> Iterator[None]:
    """End what takes too long, also where it would never end by itself."""

    def bark(*_: object) -> None:
        raise TimeoutError(f"busy for more than {MOST_SECONDS} s")

    before = signal.signal(signal.SIGPROF, bark)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def read(frame: Frame) -> tuple[CheckReading, ...]:
    """Read a frame within the time, and hold what was read against the contract of `read --json`."""
    with watched():
        checks = shared_reader().read_frame(frame)
    assert checks
    for index, check in enumerate(checks):
        row = json.loads(json.dumps(check_object(frame.name, check, BUNDLE), allow_nan=False))
        assert row["check_index"] == index
        assert row["frame_size"] == [round(side * frame.scale) for side in frame.size]
        assert row["quality"]["verdict"] in ("ok", "poor")
        assert (row["quality"]["verdict"] == "poor") == bool(row["quality"]["problems"]) == bool(row["quality"]["advice"])
        assert set(row["fields"]) == set(FIELD_NAMES)
        if row["page"] is None:
            assert not any(row["fields"].values())
            continue
        assert np.isfinite(row["page"]["corners"]).all()
        assert np.shape(row["page"]["corners"]) == (4, 2)
        for name, reading in row["fields"].items():
            if reading is not None:
                assert_contract(name, reading)
    return checks


def assert_contract(kind: str, reading: dict[str, Any]) -> None:
    assert set(reading) == READING_KEYS | set(VALUES.get(kind, ()))
    assert reading["verdict"] in ("accepted", "unsure", "unreadable")
    assert (reading["text"] is None) == (reading["verdict"] == "unreadable")
    assert (reading["reason"] is None) == (reading["verdict"] == "accepted")
    assert 0 <= reading["confidence"] <= 1
    shares = [other["confidence"] for other in reading["alternatives"]]
    assert shares == sorted(shares, reverse=True)
    assert reading["confidence"] + sum(shares) < 1.001
    for symbol in reading["symbols"]:
        assert 0 <= symbol["confidence"] <= 1
        assert min(symbol["box"]) >= 0
    if kind == "amount":
        assert (reading["text"] is None) == (reading["minor_units"] is None)


def wrong_amount(checks: tuple[CheckReading, ...], mutant: Mutant) -> str | None:
    """Return what was accepted although it does not stand on the check."""
    for check in checks:
        amount = check.fields["amount"]
        if amount is None or amount.verdict != "accepted":
            continue
        said, money = amount.values["minor_units"], currency_of(amount.values["currency"])
        if said in [parse_amount(text.lstrip("*").replace(" ", "."), money) for text in mutant.amounts]:
            continue
        if mutant.wiped is not None and _is_left_of(str(amount.text), mutant.wiped):
            continue
        return f"accepted {amount.text}; {mutant.amounts or mutant.wiped or 'nothing'} stands there"
    return None


def _is_left_of(said: str, wiped: str) -> bool:
    """Return whether the digits of an amount, zeros of cents aside, are some of those of another one, in their order."""
    digits = [c for c in said.removesuffix(".00") if c.isdigit()]
    written = iter(c for c in wiped if c.isdigit())
    return all(digit in written for digit in digits)


def keep(pixels: np.ndarray, name: str) -> None:
    if FOLDER:
        Path(FOLDER).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(Path(FOLDER) / f"{name}.png"), pixels)


@examples(0.7)
@given(
    spoil=st.sampled_from(list(SPOILS)),
    harms=st.lists(st.sampled_from(list(HARMS)), max_size=2, unique=True),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_spoilt_check_is_never_accepted_with_an_amount_that_does_not_stand_on_it(spoil: str, harms: list[str], seed: int) -> None:
    mutant = draw_mutant(originals(), spoil, harms, seed)
    wrong = wrong_amount(read(Frame(mutant.pixels, "mutant")), mutant)
    if wrong:
        keep(mutant.pixels, f"{spoil}-{'-'.join(harms)}-{seed}".replace(" ", "_"))
    assert wrong is None, (wrong, spoil, harms, seed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@examples(0.15)
@given(suffix=st.sampled_from([".jpg", ".jpg", ".png", ".tif", ".bmp", ".webp"]), seed=st.integers(0, 2**32 - 1))
def test_a_damaged_file_is_refused_or_read_without_a_wrong_amount(folder: Path, suffix: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    check = originals()[int(rng.integers(len(originals())))]
    small = cv2.resize(check.pixels, (800, round(800 * check.pixels.shape[0] / check.pixels.shape[1])), interpolation=cv2.INTER_AREA)
    path = folder / f"damaged{suffix}"
    path.write_bytes(damaged(cv2.imencode(suffix, small)[1].tobytes(), rng))
    frames = []
    with watched(), suppress(PictureError):
        frames += load_pages(path)
    for frame in frames[:3]:
        wrong = wrong_amount(read(frame), Mutant(frame.pixels, (check.amount,) if check.amount else ()))
        if wrong:
            keep(frame.pixels, f"damaged{suffix}-{seed}")
        assert wrong is None, (wrong, suffix, seed)


@examples(0.15)
@given(
    picture=arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 90), st.just(3))),
    factor=st.integers(1, 12), kind=st.sampled_from(KINDS),
)  # fmt: skip
def test_any_pixels_are_a_result(picture: np.ndarray, factor: int, kind: Kind) -> None:
    frame = Frame(np.repeat(np.repeat(picture, factor, 0), factor, 1), "any")
    for check in read(frame):
        assert not any(reading is not None and reading.verdict == "accepted" for reading in check.fields.values())
    with watched():
        reading = shared_reader().read_strip(Frame(picture, "any"), kind)
    row = json.loads(json.dumps(strip_object("any", frame.size, kind, reading, {}, BUNDLE), allow_nan=False))
    assert_contract(kind, row["reading"])
