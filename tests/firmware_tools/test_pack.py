"""The same input gives the same bytes wherever it lies; what the gate would refuse, or is not complete, is not packed."""

import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edge.errors import BundleError
from edge.recognize.bundle import parse_bundle, read_bundle
from firmware_tools.pack import read_parts, what_is_missing
from tests.firmware_tools.conftest import SHIPPED, bundle_with, firmware, members_of

# What the gate found of the shipped bundle's networks (docs/quantization.md).
PARITY = {
    "n": 8000, "n_right_float": 6683, "n_right_int8": 6681, "n_accepted_float": 5000, "n_accepted_int8": 5000,
    "n_wrong_accepted_float": 20, "n_wrong_accepted_int8": 21, "n_flipped": 2, "n_flipped_amounts": 0,
}  # fmt: skip


def missing(**card: Any) -> list[str]:
    return what_is_missing(parse_bundle(bundle_with(**{"parity": PARITY, **card}), "b"))


def test_two_folders_and_a_bundle_at_other_times_give_the_same_bytes(tmp_path: Path) -> None:
    made = tmp_path / "made.bundle"
    made.write_bytes(bundle_with(parity=PARITY))
    packed = []
    for number, place in enumerate(("here", "somewhere/else/with a longer name")):
        folder = tmp_path / place
        with zipfile.ZipFile(made) as archive:
            for name in sorted(archive.namelist(), reverse=bool(number)):
                archive.extract(name, folder)
        for file in folder.rglob("*"):
            os.utime(file, (1e9 + number, 1e9 + number))
        out = folder.with_name(f"out{number}.bundle")
        done = firmware("pack", folder, "-o", out)
        assert done.returncode == 0, done.stderr
        packed.append(out.read_bytes())
        time.sleep(0.01)
    assert firmware("pack", made, "-o", tmp_path / "third.bundle").returncode == 0
    assert packed[0] == packed[1] == (tmp_path / "third.bundle").read_bytes()
    assert firmware("pack", tmp_path / "third.bundle", "-o", tmp_path / "fourth.bundle").returncode == 0
    assert (tmp_path / "fourth.bundle").read_bytes() == packed[0]


def test_version_reader_and_limit_go_on_the_card(tmp_path: Path) -> None:
    made = tmp_path / "made.bundle"
    made.write_bytes(bundle_with(parity=PARITY))
    options = ("--version", "1.2.3", "--needs-reader", "0.3.0", "--case-ms", "80", "--json")
    done = firmware("pack", made, "-o", tmp_path / "out.bundle", *options)
    assert done.returncode == 0, done.stderr
    raw = read_bundle(tmp_path / "out.bundle").card.raw
    assert (raw["version"], raw["needs_reader"], raw["limits"]) == ("1.2.3", "0.3.0", {"case_ms": 80.0})
    assert json.loads(done.stdout)["sha256"] == read_bundle(tmp_path / "out.bundle").sha256


def test_a_bundle_whose_parity_was_never_proved_is_not_packed(tmp_path: Path) -> None:
    bundle = tmp_path / "unproved.bundle"
    bundle.write_bytes(bundle_with(parity=None))
    done = firmware("pack", bundle, "-o", tmp_path / "out.bundle")
    assert (done.returncode, "the field parity is None" in done.stderr) == (65, True)
    assert not (tmp_path / "out.bundle").exists()


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"n_right_int8": 6674}, "0.11 points less"),
        ({"n_wrong_accepted_int8": 26}, "0.12 points more"),
        ({"n_flipped_amounts": 1}, "1 accepted amounts of 8000 strings flip"),
        ({"n": 0}, "parity.n is 0"),
        ({"n_right_int8": "all"}, "parity.n_right_int8 is 'all'"),
        ({"n_flipped_amounts": None}, "parity.n_flipped_amounts is None"),
    ],
)
def test_what_the_gate_refused_is_not_packed(counts: dict[str, Any], said: str) -> None:
    assert missing() == []
    assert said in missing(parity={**PARITY, **counts})[0]


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({"accuracy": []}, "the field accuracy is empty"),
        ({"accuracy": [{"name": "x", "n": 0, "exact": 0.5, "exact_low": 0.4, "exact_high": 0.6}]}, "the field accuracy of x has n 0"),
        ({"accuracy": [{"name": "x"}]}, "the field accuracy[0].n is None, expected is int"),
        ({"sources": []}, "the field sources is empty"),
        ({"sources": [{"name": "s", "kind": "k", "licence": "", "sha256": "0" * 64, "is_open": True}]}, "the licence ''"),
        ({"tools": {}}, "the field tools is empty"),
        ({"calibration": {}}, "the field calibration lacks date, digit"),
        ({"version": "newest"}, "version: the version 'newest' cannot be ordered"),
    ],
)
def test_what_the_card_lacks_is_said_by_its_field(card: dict[str, Any], said: str) -> None:
    assert [said in reason for reason in missing(**card)] == [True]


def test_a_folder_with_a_file_of_another_bundle_or_without_a_golden_set_is_not_packed(tmp_path: Path) -> None:
    with zipfile.ZipFile(SHIPPED) as archive:
        archive.extractall(tmp_path / "b")
    assert read_parts(tmp_path / "b")[0]["version"] == read_bundle().version
    model = tmp_path / "b/models/date.tflite"
    model.write_bytes((tmp_path / "b/models/micr.tflite").read_bytes())
    with pytest.raises(BundleError, match=r"models/date\.tflite is not what the card has the hash of"):
        read_parts(tmp_path / "b")
    (tmp_path / "b/notes.txt").write_text("x")
    with pytest.raises(BundleError, match=r"holds 'notes\.txt'"):
        read_parts(tmp_path / "b")
    members = {name: content for name, content in members_of(read_bundle()).items() if not name.startswith("golden/")}
    (tmp_path / "n.bundle").write_bytes(bundle_with(members, parity=PARITY))
    done = firmware("pack", tmp_path / "n.bundle", "-o", tmp_path / "out.bundle")
    assert (done.returncode, "no golden set" in done.stderr) == (65, True)
