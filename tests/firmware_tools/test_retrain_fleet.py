"""The circle closed over the network: what people corrected on devices comes back to their sshds and daemons, or stops at the canary."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.pipeline import Reader
from edge.recognize.bundle import parse_bundle, read_bundle
from edge.service.slot_state import Slot
from edge.service.store import Store
from firmware_tools.keys import read_key
from firmware_tools.retrain import LEAST_TRAINED
from tests.firmware_tools.conftest import bundle_with, firmware, signature_of
from tests.firmware_tools.devices import SSHD, Device, Fleet
from tests.firmware_tools.test_compare import with_swapped_digits
from tests.firmware_tools.test_retrain import RELEASED, retrained, trained
from train.data.other_site import keep_day, site_strips

pytestmark = [
    pytest.mark.skipif(SSHD is None or shutil.which("scp") is None, reason="needs sshd: apt install openssh-server openssh-client"),
    pytest.mark.skipif("TEST_RETRAIN" not in os.environ, reason="takes minutes: make test-retrain runs it"),
]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


def add_site(fleet: Fleet, name: str, n_checks: int, seed: int, base: bytes | None = None) -> Device:
    """Let a device read a day, with ``base`` in its slots where one is given, and start its daemon."""
    device = fleet.add(name)
    device.configure(healthy_s=60.0, fps=2.0)
    if base is not None:
        bundle = parse_bundle(base, "base")
        signature = signature_of(base, read_key(fleet.folder / "site.key", None), bundle.version)
        device.firmware.install(base, signature, Slot(bundle.sha256, bundle.version))
        device.firmware.begin()
        device.firmware.mark_healthy()
    keep(device, n_checks, seed)
    device.start_daemon()
    return device


def keep(device: Device, n_checks: int, seed: int, day: int = 0) -> None:
    """Let people correct what the device's bundle was unsure of on a day, and half of the rest."""
    with closing(Store(device.home / "store")) as store:
        keep_day(store, Reader(read_bundle(device.firmware.active_file())), site_strips(n_checks, seed, day), drawn_one_in=2)


def exported(fleet: Fleet, name: str, folder: Path) -> Path:
    """Fetch a device's corrections as docs/retraining.md says, while its daemon runs."""
    config, there = fleet.folder / "ssh_config", f"~/{folder.name}"
    words = f"checkreader store backup {there}-copy --config ~/checkreader.toml"
    words += f" && checkreader store export-training {there} --config ~/checkreader.toml --store {there}-copy"
    subprocess.run(["ssh", "-F", config, name, words], check=True, capture_output=True)
    subprocess.run(["scp", "-O", "-q", "-r", "-F", config, f"{name}:{fleet.devices[name].home}/{folder.name}", folder], check=True)
    return folder


def canary_first(fleet: Fleet) -> list[str]:
    """Return what a retraining hands to `deploy`."""
    words = fleet.words("--canary", "1", "--json")
    return ["--deploy", " ".join(words[words.index("deploy") + 1 :])]


def test_what_a_site_corrected_reaches_its_devices_unless_the_canary_falls_ill(fleet: Fleet, tmp_path: Path) -> None:
    base = with_swapped_digits(version="0.3.9")
    canary, other = add_site(fleet, "canary", 120, 3, base), add_site(fleet, "other", 40, 4, base)
    exports = [exported(fleet, name, tmp_path / f"{name}-corrections") for name in fleet.devices]

    networks = json.loads(json.dumps(read_bundle().card.raw["networks"]))
    networks["page"]["input"]["height"] -= 8  # reads every strip, and no frame
    (tmp_path / "ill").mkdir()
    words = trained(tmp_path / "ill", bundle_with(version="0.4.0", networks=networks), parse_bundle(base, "base"), *exports)
    for device in fleet.devices.values():
        shutil.copy(tmp_path / "ill" / "release.pub", device.home / "trust" / "ill.pub")
    done = retrained([*words, *canary_first(fleet)])
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (69, "promote"), done.stderr
    outcomes = [json.loads(line) for line in (fleet.folder / "deploy.log").read_text().splitlines()]
    assert [row["outcome"] for row in outcomes] == ["rolled_back", "not_tried"]
    assert (canary.version, other.version) == ("0.3.9", "0.3.9")

    (tmp_path / "well").mkdir()
    words = trained(tmp_path / "well", bundle_with(version="0.4.0"), parse_bundle(base, "base"), *exports)
    for device in fleet.devices.values():
        shutil.copy(tmp_path / "well" / "release.pub", device.home / "trust" / "well.pub")
    done = retrained([*words, *canary_first(fleet)])
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "promote"), done.stderr
    assert [device.running for device in (canary, other)] == ["0.4.0", "0.4.0"]

    # A later day of the canary settles it: checks that no training saw, read with the new bundle.
    canary.stop()
    keep(canary, 80, seed=3, day=1)
    canary.start()
    canary.start_daemon()
    later = exported(fleet, "canary", tmp_path / "later")
    bundles = tmp_path / "well" / "base.bundle", tmp_path / "well" / "run" / "checkreader.bundle"
    found = firmware("compare", *bundles, "--on", later)
    assert found.returncode == 0, found.stdout + found.stderr
    assert firmware("compare", *reversed(bundles), "--on", later).returncode == 65


@pytest.mark.sets
def test_corrections_of_devices_become_a_bundle_at_the_canary_or_the_reason_why_there_is_none(fleet: Fleet, tmp_path: Path) -> None:
    """Whether so short a fit passes the gate is the gate's affair; either way the outcome has to be whole."""
    devices = [add_site(fleet, "canary", 180, 3), add_site(fleet, "other", 80, 4)]
    exports = [exported(fleet, name, tmp_path / f"{name}-corrections") for name in fleet.devices]
    run, bundle = tmp_path / "run", tmp_path / "run" / "checkreader.bundle"
    words: list[str | Path] = ["retrain", *exports, "--run", run, "--version", "0.3.1", "--epochs", "2", "--batches", "60", "--json"]
    words += ["--key", fleet.folder / "site.key", *canary_first(fleet)]
    done = retrained(words)
    facts = json.loads(done.stdout)
    print(facts["cause"])
    config = json.loads((run / "runs/strip/config.json").read_text())
    assert config["n_corrected"] > LEAST_TRAINED
    assert (run / "runs/micr/weights.npz").read_bytes() == (RELEASED / "micr/weights.npz").read_bytes()
    assert (done.returncode, facts["verdict"]) in ((0, "promote"), (65, "refuse")), done.stderr
    if done.returncode:
        assert re.search(r"quantize: the bundle is not packed.*(flip|are wrong|points less)|^refused: ", facts["cause"]), facts["cause"]
        assert not bundle.with_name("checkreader.bundle.sig").exists()
        assert [device.running for device in devices] == ["0.3.0", "0.3.0"]
        return
    assert list(facts["seconds"]) == ["fit strip", "keep strip", "quantize", "evaluate", "pack", "sign"]
    assert facts["comparison"]["new"]["n_right"] > facts["comparison"]["old"]["n_right"]
    assert "corrections (strip)" in [source["name"] for source in read_bundle(bundle).card.raw["sources"]]
    assert [device.running for device in devices] == ["0.3.1", "0.3.1"]
    again = retrained(words)
    assert (again.returncode, json.loads(again.stdout)) == (0, facts)
    outcomes = [json.loads(line)["outcome"] for line in (fleet.folder / "deploy.log").read_text().splitlines()]
    assert outcomes == ["switched", "switched", "already", "already"]
