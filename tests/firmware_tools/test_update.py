"""An update on the device: what is good and newer is taken, anything else is refused with the check, the field and what was expected."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.picture import load_picture
from edge.golden import answer_cases
from edge.pipeline import Reader
from edge.recognize.bundle import parse_bundle, read_bundle
from edge.service.record import Record
from edge.service.store import Store
from edge.trial import _time
from tests.edge.service.conftest import NOW, check_object
from tests.firmware_tools.conftest import ROOT, Device, bundle_with, firmware, members_of, with_changed_golden
from tests.firmware_tools.corruptions import zipped


def test_a_newer_bundle_is_tried_and_taken_and_the_same_one_is_not_taken_twice(device: Device) -> None:
    device.offer("0.3.1", name="older")
    device.offer("0.10", name="newer")
    device.offer("0.11", name="strange", signer="stranger")
    done = device.update(device.offered, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["is_changed"], facts["from"], facts["version"]) == (True, "0.3.0", "0.10")
    assert list(facts["findings"]) == ["codes", "strings", "decisions", "time", "confirmed readings"]
    assert parse_bundle(Path(device.firmware.begin() or "").read_bytes(), "active").version == "0.10"
    again = device.update(device.offered, "--json")
    assert (again.returncode, json.loads(again.stdout)["is_changed"]) == (0, False)


def test_a_dry_run_changes_nothing_and_going_back_is_for_good(device: Device) -> None:
    file = device.offer("0.4.0")
    assert device.update(file, "--dry-run").returncode == 0
    assert device.firmware.slots().active is None
    assert device.update(file).returncode == 0
    device.firmware.begin()
    busy = device.update(device.offer("0.5.0"))
    assert (busy.returncode, "0.4.0 is on trial" in busy.stderr) == (64, True)
    device.firmware.mark_healthy()
    back = firmware("rollback", "--config", device.config)
    assert (back.returncode, "version 0.3.0 takes the place of 0.4.0" in back.stdout) == (0, True), back.stderr
    assert "--again takes it" in device.refused(device.offer("0.4.0"))
    assert device.update(file, "--again").returncode == 0


def test_going_back_to_an_older_version_needs_a_word_on_both_sides(device: Device) -> None:
    file = device.offer("0.2.0")
    assert "the field version is 0.2.0, expected is one after 0.3.0" in device.refused(file)
    assert "not signed for going back" in device.refused(file, "--allow-downgrade")
    file = device.offer("0.2.0", allow_downgrade=True)
    assert "--allow-downgrade was not given here" in device.refused(file)
    assert device.update(file, "--allow-downgrade").returncode == 0
    assert read_bundle(device.firmware.begin()).version == "0.2.0"


BAD: dict[str, tuple[Callable[[Device], Path], str]] = {
    "an unknown key": (lambda d: d.offer("0.4.0", signer="stranger"), "check signature.*the field key is .*expected"),
    "a revoked key": (lambda d: d.offer("0.4.0", signer="revoked"), "check signature.*revokes"),
    "an old key": (lambda d: d.offer("0.4.0", signer="ended"), "check signature.*is valid from"),
    "another file": (lambda d: d.offer("0.4.0", file_sha256="ab" * 32), "check signature.*the field file_sha256"),
    "another version": (lambda d: d.offer("0.4.1", bundle_with(version="0.4.0")), "the field version of its card is 0.4.0"),
    "too much": (lambda d: d.offer("0.4.0", file_bytes=99_000_000), "check space.*file_bytes is 99000000, expected are at most 16777216"),
    "a newer reader": (lambda d: d.offer("0.4.0", bundle_with(version="0.4.0", needs_reader="9.0")), "check reader.*needs_reader is 9.0"),
    "other codes": (lambda d: d.offer("0.4.0", bundle_with(with_changed_golden(), version="0.4.0")), "refused at the check codes: strip"),
    "no version": (lambda d: d.offer("newest", bundle_with(version="newest")), "'newest' cannot be ordered, expected are numbers"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_wrong_with_an_update_is_said_in_one_sentence(device: Device, kind: str) -> None:
    offer, said = BAD[kind]
    assert re.search(said, device.refused(offer(device)))


def test_a_bundle_of_a_newer_format_is_refused_by_its_number(device: Device) -> None:
    bundle = read_bundle()
    card = json.dumps({**bundle.card.raw, "version": "0.4.0", "format": 2}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    data = zipped([*members_of(bundle).items(), ("card.json", card.encode())])
    assert "format 2, this reader knows format 1: update the reader" in device.refused(device.offer("0.4.0", data))


def test_a_missing_configuration_of_slots_or_keys_is_told(device: Device, tmp_path: Path) -> None:
    file = device.offer("0.4.0")
    device.config.write_text("")
    assert "firmware.folder is not set" in device.refused(file, code=78)
    device.config.write_text(f'[firmware]\nfolder = "{tmp_path}/firmware"\n')
    assert "firmware.trust is not" in device.refused(file, code=78)
    device.configure(trust=str(tmp_path))
    assert "no key is trusted" in device.refused(file, code=78)
    device.configure()
    assert "say where the update comes from" in device.refused(code=64)


def test_a_folder_without_a_signed_bundle_and_no_usb_stick_are_told(device: Device) -> None:
    assert "no bundle lies in" in device.refused(device.offered, code=74)
    (device.offer("0.4.0").with_name("new.bundle.sig")).unlink()
    assert "new.bundle.sig beside it" in device.refused(device.offered, code=74)


def in_small_disk(device: Device, options: str, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run an update whose slots lie on a file system of its own."""
    folder = device.firmware.folder
    folder.mkdir(exist_ok=True)
    script = f'mount -t tmpfs -o {options} none "{folder}" || exit 99; shift 0; exec "$@"'
    update = [sys.executable, "-m", "firmware_tools", "update", *command, "--config", device.config]
    unshare = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *update]
    done = subprocess.run([str(word) for word in unshare], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("no mount is allowed here")
    return done


@pytest.mark.parametrize(("options", "said"), [("size=1m", "bytes left, expected are at least"), ("ro", "Read-only file system|read-only")])
def test_a_full_or_read_only_disk_is_told_before_anything_is_written(device: Device, options: str, said: str) -> None:
    done = in_small_disk(device, options, device.offer("0.4.0"))
    assert (done.returncode, done.stdout) == (74, ""), done.stderr
    assert re.search(f"check space: .*{said}", done.stderr)


def site_with_confirmed_amounts(device: Device) -> None:
    """A store with pages on which an amount stands that a person confirmed as the present bundle reads it."""
    store, reader = Store(device.root / "store"), Reader(read_bundle())
    for file in sorted((ROOT / "samples/strips").glob("amount_*.png")):
        frame = load_picture(file)
        reading = reader.read_strip(frame, "amount", "USD")
        if reading.values.get("minor_units") is None:
            continue
        check = check_object()
        check["fields"]["amount"] |= {"text": reading.text, "box": [0, 0, *frame.size], "minor_units": reading.values["minor_units"]}
        picture = cv2.imencode(".jpg", np.asarray(frame.pixels), [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
        record = store.add(Record(time=NOW, status="unsure", first_status="unsure", check=check), picture)
        store.correct(record.id, {}, "ann")
    store.close()


def test_a_bundle_that_reads_this_site_worse_is_refused_while_the_store_is_open(device: Device) -> None:
    site_with_confirmed_amounts(device)
    store = Store(device.root / "store")  # as a daemon has it
    shipped = read_bundle()
    worse = {**shipped.card.raw["thresholds"], "strip": {**shipped.card.raw["thresholds"]["strip"], "rest": 0.9}}
    good = device.update(device.offer("0.4.0", bundle_with(version="0.4.0", thresholds=worse)), "--dry-run")
    assert (good.returncode, "confirmed readings: " in good.stdout) == (0, True), good.stderr
    assert int(good.stdout.split("confirmed readings: ")[1].split()[0]) >= 8
    networks = {**shipped.card.raw["networks"]}
    # Symbols in another order: the golden set's strings change alike on both sides, what people said does not.
    symbols = list(networks["strip"]["symbols"])
    three, seven = symbols.index("3"), symbols.index("7")
    symbols[three], symbols[seven] = "7", "3"
    networks["strip"] = {**networks["strip"], "symbols": symbols}
    said = device.refused(device.offer("0.5.0", bundle_with(version="0.5.0", networks=networks)))
    assert "refused at the check confirmed readings" in said
    store.close()


def test_a_slow_bundle_is_refused_where_the_one_before_was_fast(device: Device) -> None:
    new, old = parse_bundle(bundle_with(limits={"case_ms": 10.0}), "new"), read_bundle()
    answers = [replace(answer, ms=1000.0) for answer in answer_cases(new, "auto")]
    found = _time(new, old, answers, "auto", 1)
    assert (found.is_passed, "expected are at most 10 (limits.case_ms on the card)" in found.words) == (False, True)


def test_an_update_takes_less_time_than_a_person_notices(device: Device) -> None:
    """No limit is asserted, since others may use this machine; the figure is printed."""
    file, started = device.offer("0.4.0"), time.perf_counter()
    assert device.update(file).returncode == 0
    print(f"an update took {time.perf_counter() - started:.2f} s")
