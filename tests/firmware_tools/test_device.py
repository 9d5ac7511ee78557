"""Whoever brings a bundle may wait until the daemon has judged it, and is told how it ended."""

import datetime
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import firmware_tools.device
from edge.config import Config, FirmwareConfig
from edge.errors import BundleError, UpdateError
from edge.service.slots import Firmware
from edge.service.trust import check_signature
from firmware_tools.device import Taken, Wish, open_device, take
from firmware_tools.guards import alone, noted
from firmware_tools.sources import find_offers
from tests.firmware_tools.conftest import Keys, signed_bundle


@pytest.fixture
def bring(tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Taken]:
    monkeypatch.setattr(firmware_tools.device, "_TAKEN_UP_S", 0.0)
    config = Config(firmware=FirmwareConfig(folder=str(tmp_path / "firmware"), trust=str(keys.folder), healthy_s=3.0))

    def bring() -> Taken:
        offer = find_offers(str(signed_bundle(tmp_path, keys.good, "0.4.0")))[0]
        statement = check_signature(offer.signature, offer.name, keys.trust, datetime.datetime.now(datetime.UTC).date())
        return take(open_device(config), offer, statement, Wish(is_judged=True), lambda step: None, lambda n_bytes: None)

    return bring


def daemon(folder: Path, keys: Keys, judge: Callable[[Firmware], None]) -> threading.Thread:
    """Begin with a bundle as a daemon does, as soon as it comes, and judge it."""

    def work() -> None:
        firmware = Firmware(folder, keys.folder)
        while firmware.slots().trial is None:
            time.sleep(0.05)
        firmware.begin()
        judge(firmware)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_bundle_that_the_daemon_keeps_is_taken(bring: Callable[[], Taken], tmp_path: Path, keys: Keys) -> None:
    thread = daemon(tmp_path / "firmware", keys, lambda firmware: firmware.mark_healthy())
    taken = bring()
    thread.join()
    assert (taken.is_changed, taken.version) == (True, "0.4.0")
    assert not bring().is_changed


def test_one_that_it_takes_back_is_told_with_its_reason(bring: Callable[[], Taken], tmp_path: Path, keys: Keys) -> None:
    thread = daemon(tmp_path / "firmware", keys, lambda firmware: firmware.give_up("it read nothing"))
    with pytest.raises(BundleError) as refused:
        bring()
    thread.join()
    assert str(refused.value) == "taken back at the check health: version 0.4.0: it read nothing; version 0.3.0 is read with again"
    assert refused.value.check == "health"


def test_one_that_no_daemon_takes_up_does_not_stay_and_is_no_failure_of_its_own(
    bring: Callable[[], Taken], tmp_path: Path, keys: Keys
) -> None:
    with pytest.raises(BundleError, match="no daemon has taken it up: sudo systemctl status checkreader"):
        bring()
    slots = Firmware(tmp_path / "firmware", keys.folder).slots()
    assert (slots.active, slots.trial, dict(slots.failures)) == (None, None, {})


def test_a_second_update_waits_as_long_as_it_may(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(UpdateError, match="another update is going on"), alone(tmp_path, wait_s=0.3):
        pass
    with alone(tmp_path):
        pass


def test_the_log_of_a_device_does_not_grow_for_ever(tmp_path: Path) -> None:
    for number in range(30):
        with pytest.raises(BundleError), noted(tmp_path):
            raise BundleError(f"number {number} is refused {'x' * 5000}")
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 200_000
    assert "number 29" in (tmp_path / "update.log").read_text()
