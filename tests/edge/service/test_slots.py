"""The reader starts with a bundle that works, whatever lies in its slots, and a new one stays only where the daemon runs well with it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.capture.camera import Camera
from edge.config import Config, FirmwareConfig, ReadingConfig, parse_config
from edge.errors import CameraError, ConfigError, UsageError
from edge.recognize.bundle import parse_bundle, read_bundle
from edge.service.daemon import Daemon
from edge.service.health import watch_trial
from edge.service.reader import SiteReader
from edge.service.slot_state import Slot
from edge.service.slots import MOST_FAILURES, Firmware, firmware_of
from edge.service.store import Store
from tests.edge.conftest import ROOT
from tests.edge.service.test_daemon import CHECK, checks, make_daemon
from tests.firmware_tools.conftest import Keys, bundle_with, make_keys, signature_of, with_changed_golden


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    for name in ("trust", "private"):
        (tmp_path / name).mkdir()
    return make_keys(tmp_path / "trust", tmp_path / "private")


@pytest.fixture
def firmware(tmp_path: Path, keys: Keys) -> Firmware:
    return Firmware(tmp_path / "firmware", keys.folder)


def install(firmware: Firmware, keys: Keys, version: str, is_downgrade: bool = False) -> None:
    data = bundle_with(version=version)
    slot = Slot(parse_bundle(data, version).sha256, version, is_downgrade)
    firmware.install(data, signature_of(data, keys.good, version), slot)


def begun(firmware: Firmware) -> str:
    return read_bundle(firmware.begin()).version


def test_without_any_update_the_bundle_that_came_along_is_used(firmware: Firmware) -> None:
    assert firmware.begin() is None
    with pytest.raises(UsageError, match="nothing to go back to"):
        firmware.roll_back()


def test_a_start_that_finds_a_trial_begun_goes_back_and_remembers(firmware: Firmware, keys: Keys) -> None:
    for n_failures in range(1, MOST_FAILURES + 1):
        install(firmware, keys, "0.4.0")
        assert [begun(firmware), begun(firmware)] == ["0.4.0", "0.3.0"]
        assert [failure.times for failure in firmware.slots().failures.values()] == [n_failures]
        assert all("a crash, or the power" in failure.why for failure in firmware.slots().failures.values())
    install(firmware, keys, "0.4.0")
    assert begun(firmware) == "0.4.0"
    firmware.mark_healthy()
    assert begun(firmware) == begun(firmware) == "0.4.0"
    assert not firmware.slots().failures


def test_a_trial_that_has_not_begun_gives_way_to_the_next_update(firmware: Firmware, keys: Keys) -> None:
    install(firmware, keys, "0.4.0")
    install(firmware, keys, "0.5.0")
    assert [begun(firmware), begun(firmware)] == ["0.5.0", "0.3.0"]


@pytest.mark.parametrize("spoil", ["bundle", "signature", "state", "gone"])
def test_what_is_damaged_is_not_begun_with(firmware: Firmware, keys: Keys, spoil: str) -> None:
    for version in ("0.4.0", "0.5.0"):
        install(firmware, keys, version)
        assert begun(firmware) == version
        firmware.mark_healthy()
    name = firmware.slots().active or ""
    file = firmware.file(name)
    files = {"bundle": file, "signature": file.with_name("checkreader.bundle.sig"), "state": firmware.folder / "slots.json"}
    if spoil == "gone":
        file.unlink()
    else:
        content = bytearray(files[spoil].read_bytes())
        content[len(content) // 2] ^= 4
        files[spoil].write_bytes(content)
    assert begun(firmware) in ({"0.3.0"} if spoil == "state" else {"0.4.0"})
    if spoil != "state":
        firmware.file(firmware.slots().active or "").unlink()
        assert begun(firmware) == "0.3.0"


def test_a_key_that_is_revoked_afterwards_takes_its_bundles_with_it(firmware: Firmware, keys: Keys) -> None:
    install(firmware, keys, "0.4.0")
    assert begun(firmware) == "0.4.0"
    firmware.mark_healthy()
    (keys.folder / "revoked").write_text(firmware.slots().slots["a"].sha256 + "\n")
    assert firmware.problem("a") is not None
    assert begun(firmware) == "0.3.0"


def test_while_the_keys_cannot_be_trusted_the_slots_wait(firmware: Firmware, keys: Keys) -> None:
    install(firmware, keys, "0.4.0")
    assert begun(firmware) == "0.4.0"
    firmware.mark_healthy()
    keys.folder.chmod(0o777)
    broken = Firmware(firmware.folder, keys.folder)
    assert begun(broken) == "0.3.0"
    assert broken.active_file() is None
    keys.folder.chmod(0o755)
    assert begun(Firmware(firmware.folder, keys.folder)) == "0.4.0"


def test_a_newer_reader_uses_the_bundle_that_came_with_it_unless_an_older_one_was_meant(firmware: Firmware, keys: Keys) -> None:
    install(firmware, keys, "0.2.0", is_downgrade=True)
    assert begun(firmware) == "0.2.0"
    firmware.mark_healthy()
    assert begun(firmware) == "0.2.0"
    install(firmware, keys, "0.1.0")
    assert begun(firmware) == "0.3.0"


def test_where_nothing_can_be_written_no_trial_begins(firmware: Firmware, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    install(firmware, keys, "0.4.0")
    real = os.open

    def read_only(path: object, flags: int, *rest: int, **more: int) -> int:
        if flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR) and str(path).startswith(str(firmware.folder)):
            raise OSError(30, "Read-only file system")
        return real(path, flags, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", read_only)
    assert begun(firmware) == "0.3.0"
    assert firmware.active_file() is None
    monkeypatch.undo()
    assert begun(Firmware(firmware.folder, keys.folder)) == "0.4.0"


def test_the_slots_are_used_where_no_bundle_is_named_and_keys_are(tmp_path: Path) -> None:
    given = FirmwareConfig(folder=str(tmp_path), trust=str(tmp_path))
    assert firmware_of(Config(firmware=given)) is not None
    assert firmware_of(Config()) is None
    assert firmware_of(Config(firmware=given, reading=ReadingConfig(bundle="x"))) is None
    with pytest.raises(ConfigError, match=r"firmware\.trust"):
        firmware_of(parse_config({"firmware": {"folder": str(tmp_path)}}))


def test_a_reader_takes_up_what_comes_and_goes_while_it_runs(firmware: Firmware, keys: Keys) -> None:
    firmware.begin()
    reader = SiteReader(ReadingConfig(), None, firmware)
    assert reader.identity()["version"] == "0.3.0"
    assert not reader.renew()
    install(firmware, keys, "0.4.0")
    assert reader.renew()
    assert reader.identity()["version"] == "0.4.0"
    trial = firmware.slots().trial
    assert trial is not None
    assert trial.starts == 1
    firmware.give_up("somebody did not like it")
    assert [failure.why for failure in firmware.slots().failures.values()] == ["somebody did not like it"]
    assert reader.renew()
    assert reader.identity()["version"] == "0.3.0"


def install_one_that_answers_otherwise(firmware: Firmware, keys: Keys) -> None:
    data = bundle_with(with_changed_golden(), version="0.4.0")
    firmware.install(data, signature_of(data, keys.good, "0.4.0"), Slot(parse_bundle(data, "0.4.0").sha256, "0.4.0"))


def test_what_came_is_tried_before_it_is_read_with(firmware: Firmware, keys: Keys) -> None:
    firmware.begin()
    reader = SiteReader(ReadingConfig(), None, firmware)
    install_one_that_answers_otherwise(firmware, keys)
    assert not reader.renew()
    assert (reader.identity()["version"], firmware.slots().active) == ("0.3.0", None)
    said = "the daemon refused it: codes: strip: other answers than where the bundle was built, expected are the same"
    assert [(failure.times, failure.why) for failure in firmware.slots().failures.values()] == [(1, said)]


@pytest.mark.parametrize("is_begun", [True, False], ids=["by the daemon's start", "by nobody yet"])
def test_what_came_before_the_reader_began_is_tried_as_well(firmware: Firmware, keys: Keys, is_begun: bool) -> None:
    install(firmware, keys, "0.3.1")
    if is_begun:
        firmware.begin()
    assert SiteReader(ReadingConfig(), None, firmware).identity()["version"] == "0.3.1"
    trial = firmware.slots().trial
    assert trial is not None
    assert trial.starts == 1
    firmware.mark_healthy()

    install_one_that_answers_otherwise(firmware, keys)
    if is_begun:
        firmware.begin()
    assert SiteReader(ReadingConfig(), None, firmware).identity()["version"] == "0.3.1"
    assert [failure.times for failure in firmware.slots().failures.values()] == [1]


def _wait(is_so: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_bundle_with_which_the_loop_stands_still_is_given_up(firmware: Firmware, keys: Keys, store: Store) -> None:
    install(firmware, keys, "0.4.0")
    firmware.begin()
    config = Config(firmware=FirmwareConfig(folder=str(firmware.folder), trust=str(keys.folder)))
    daemon = Daemon(config, store, make_daemon(store, *checks(CHECK))[0]._given_opener, firmware=firmware)  # never started
    is_over = threading.Event()
    thread = watch_trial(firmware, daemon, 2.0, is_over)
    _wait(lambda: firmware.slots().trial is None)
    is_over.set()
    thread.join(5)
    assert firmware.active_file() is None
    assert [(failure.times, failure.why.partition(": ")[2]) for failure in firmware.slots().failures.values()] == [
        (1, "its loop stands still")
    ]


def test_a_camera_at_fault_keeps_no_update_out(firmware: Firmware, keys: Keys, store: Store) -> None:
    def no_camera() -> Camera:
        raise CameraError("no camera is there")

    firmware.begin()
    config = Config(firmware=FirmwareConfig(folder=str(firmware.folder), trust=str(keys.folder)))
    daemon, is_over = Daemon(config, store, no_camera, firmware=firmware), threading.Event()
    daemon.start()
    thread = watch_trial(firmware, daemon, 30.0, is_over)
    _wait(lambda: daemon.state().fault is not None)
    install(firmware, keys, "0.4.0")
    _wait(lambda: firmware.slots().trial is None)
    is_over.set()
    thread.join(5)
    daemon.stop()
    assert begun(firmware) == "0.4.0"
    assert not firmware.slots().failures


def test_the_daemon_judges_an_update_keeps_a_good_one_and_goes_back_after_a_crash(firmware: Firmware, keys: Keys, tmp_path: Path) -> None:
    config, log = tmp_path / "checkreader.toml", tmp_path / "log"
    slots = f'[firmware]\nfolder = "{firmware.folder}"\ntrust = "{keys.folder}"\n'
    config.write_text(f'{slots}[camera]\nsource = "replay:{ROOT}/samples/frames"\n[store]\nfolder = "{tmp_path}/s"\n[web]\nport = 0\n')
    command = [sys.executable, "-m", "edge", "serve", "--config", str(config)]

    @contextmanager
    def serving(ended_by: signal.Signals) -> Iterator[None]:
        before = log.read_text().count("the page is at") if log.exists() else 0
        with (
            log.open("a") as said,
            subprocess.Popen(command, stderr=said, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process,
        ):
            try:
                _wait(lambda: log.read_text().count("the page is at") > before)
                yield
            finally:
                process.send_signal(ended_by)
        assert process.returncode == (0 if ended_by == signal.SIGTERM else -ended_by)

    with serving(signal.SIGTERM):
        install(firmware, keys, "0.4.0")
        _wait(lambda: "bundle 0.4.0" in log.read_text())
    assert firmware.slots().trial is not None  # ended on purpose before it was judged: that is no failure
    with serving(signal.SIGTERM):
        _wait(lambda: firmware.slots().trial is None)
    assert "the bundle 0.4.0 runs well and stays" in log.read_text()
    install(firmware, keys, "0.5.0")
    with serving(signal.SIGKILL):
        assert firmware.slots().trial is not None
    with serving(signal.SIGTERM):
        assert "the bundle 0.5.0 did not become healthy at its last start; going back" in log.read_text()
    assert begun(firmware) == "0.4.0"
