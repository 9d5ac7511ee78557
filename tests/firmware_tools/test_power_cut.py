"""The power goes at any system call that writes, and what was not synced is lost or not: the reader starts with a bundle that works."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.recognize.bundle import parse_bundle, read_bundle
from edge.service.slot_state import Slot
from edge.service.slots import Firmware
from tests.firmware_tools.conftest import ROOT, Keys, bundle_with, signature_of
from tests.firmware_tools.power_cut import WAYS, lay_out, watched

VERSIONS = ("0.3.1", "0.3.2", "0.3.3")
BUNDLES = {version: bundle_with(version=version) for version in VERSIONS}
EVERY = int(os.environ.get("POWER_CUTS", "0"))  # 1: each system call; 0: a few


def install(firmware: Firmware, keys: Keys, version: str) -> None:
    data = BUNDLES[version]
    firmware.install(data, signature_of(data, keys.good, version), Slot(parse_bundle(data, version).sha256, version))


def start(firmware: Firmware) -> str:
    return read_bundle(firmware.begin()).version


def settle(firmware: Firmware, keys: Keys, version: str) -> None:
    install(firmware, keys, version)
    assert start(firmware) == version
    firmware.mark_healthy()


def prepared(firmware: Firmware, keys: Keys, *versions: str) -> None:
    for version in versions:
        settle(firmware, keys, version)


def fall_back(firmware: Firmware) -> None:
    assert start(firmware) == "0.3.2"
    assert start(Firmware(firmware.folder, firmware._trust)) == "0.3.1"


# What is done, after what, and with which versions a reader may start that was cut off meanwhile.
STORIES: dict[str, tuple[tuple[str, ...], Callable[[Firmware, Keys], object], set[str]]] = {
    "the first update": ((), lambda f, k: install(f, k, "0.3.1"), {"0.3.0", "0.3.1"}),
    "an update over the slot before": (("0.3.1", "0.3.2"), lambda f, k: install(f, k, "0.3.3"), {"0.3.2", "0.3.3"}),
    "a start that begins the trial": (("0.3.1",), lambda f, k: (install(f, k, "0.3.2"), start(f)), {"0.3.1", "0.3.2"}),
    "a trial that ends well": (("0.3.1",), lambda f, k: settle(f, k, "0.3.2"), {"0.3.1", "0.3.2"}),
    "a start that goes back": (("0.3.1",), lambda f, k: (install(f, k, "0.3.2"), fall_back(f)), {"0.3.1", "0.3.2"}),
    "a stop on purpose in a trial": (("0.3.1",), lambda f, k: (install(f, k, "0.3.2"), start(f), f.pause()), {"0.3.1", "0.3.2"}),
    "going back by hand": (("0.3.1", "0.3.2"), lambda f, k: f.roll_back(), {"0.3.1", "0.3.2"}),
}


@pytest.mark.parametrize("story", STORIES)
def test_at_whatever_write_the_power_goes_the_reader_starts_and_can_be_updated(tmp_path: Path, keys: Keys, story: str) -> None:
    before, done, allowed = STORIES[story]
    disk_folder = tmp_path / "disk"
    disk_folder.mkdir()
    firmware = Firmware(disk_folder / "firmware", keys.folder)
    prepared(firmware, keys, *before)
    with watched(disk_folder) as disk:
        done(firmware, keys)
    assert len(disk.images) >= 5 * len(WAYS)
    seen, known = set(), {}
    for number, (step, way, image) in enumerate(disk.images):
        key = tuple(sorted((name, content) for name, content in image.items() if content is not None)), tuple(sorted(image))
        if key not in known:
            lay_out(image, tmp_path / str(number))
            cut = Firmware(tmp_path / str(number) / "firmware", keys.folder)
            version = start(cut)
            again = start(Firmware(cut.folder, keys.folder))  # the power stays, and nothing was judged meanwhile
            if again != "0.3.3":  # the next update goes through
                settle(cut, keys, "0.3.3")
            known[key] = version, again
            shutil.rmtree(tmp_path / str(number))
        version, again = known[key]
        assert {version, again} <= allowed, f"before {step}, {way}: started with {version}, then {again}"
        seen.add(version)
    assert seen <= allowed
    assert len(known) > 1
    print(f"{story}: {len(disk.steps)} system calls, {len(disk.images)} cuts, {len(known)} different disks, started with {sorted(seen)}")


def test_a_program_that_forgets_to_sync_would_be_found_out(tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is no judge that always says yes: without the sync of the bundle there are cuts that lose it, and begin sees that."""
    import edge.service.durable

    firmware = Firmware(tmp_path / "firmware", keys.folder)
    firmware.folder.mkdir()
    real = os.fsync
    with watched(tmp_path) as disk:
        noted = os.fsync
        monkeypatch.setattr(os, "fsync", real)
        install(firmware, keys, "0.3.1")
        monkeypatch.setattr(os, "fsync", noted)
    assert edge.service.durable.os is os
    lost = [image for _, way, image in disk.images if way == "names before contents" and image.get("firmware/slots.json") == b""]
    assert lost
    lay_out(lost[-1], tmp_path / "lost")
    assert start(Firmware(tmp_path / "lost/firmware", keys.folder)) == "0.3.0"


@pytest.fixture
def device(tmp_path: Path, keys: Keys) -> Path:
    (tmp_path / "new.bundle").write_bytes(BUNDLES["0.3.2"])
    (tmp_path / "new.bundle.sig").write_bytes(signature_of(BUNDLES["0.3.2"], keys.good, "0.3.2"))
    firmware = Firmware(tmp_path / "firmware", keys.folder)
    prepared(firmware, keys, "0.3.1")
    (tmp_path / "config.toml").write_text(f'[firmware]\nfolder = "{firmware.folder}"\ntrust = "{keys.folder}"\n')
    return tmp_path


CALLS = "openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,ftruncate,link,linkat"


def traced_update(device: Path, *options: str) -> subprocess.CompletedProcess[str]:
    update = ["-m", "firmware_tools", "update", device / "new.bundle", "--config", device / "config.toml"]
    trace = ["strace", "-qq", "-o", device / "trace", "-e", f"trace={CALLS}", *options]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run([*trace, sys.executable, *update], capture_output=True, text=True, env=environment, cwd=ROOT)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: apt install strace")
def test_an_update_that_is_killed_at_a_system_call_leaves_a_reader_that_starts(device: Path, keys: Keys) -> None:
    copy = device.with_name(device.name + "-copy")
    shutil.copytree(device, copy)
    whole = traced_update(device)
    assert whole.returncode == 0, whole.stderr
    # Which call of its kind, counted from the start of the program, was each that changed something in the folder of the slots.
    counts: dict[str, int] = {}
    cuts = []
    for line in (device / "trace").read_text().splitlines():
        call = line.partition("(")[0]
        counts[call] = counts.get(call, 0) + 1
        if (call != "openat" or "O_CREAT" in line or "O_TRUNC" in line) and re.search(
            r"firmware|slots\.json|^write\((?![12],)|^fsync", line
        ):
            cuts.append((call, counts[call]))
    assert len(cuts) >= 15
    versions = set()
    for call, number in cuts if EVERY else cuts[:: len(cuts) // 4]:
        shutil.rmtree(device)
        shutil.copytree(copy, device)
        killed = traced_update(device, "-e", f"inject={call}:signal=KILL:when={number}")
        assert killed.returncode == -9 or killed.returncode == 137, f"{call} {number}: {killed.returncode} {killed.stderr}"
        firmware = Firmware(device / "firmware", keys.folder)
        versions.add(version := start(firmware))
        assert version in {"0.3.1", "0.3.2"}, f"{call} {number}"
    print(f"killed at {len(cuts) if EVERY else 'some of ' + str(len(cuts))} system calls, started with {sorted(versions)}")
