"""Deploys over the system's ssh to real sshds on loopback, with the real daemon behind them."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.recognize.bundle import read_bundle
from tests.firmware_tools.conftest import SHIPPED, with_changed_golden
from tests.firmware_tools.devices import SSHD, Fleet

pytestmark = pytest.mark.skipif(SSHD is None or shutil.which("ssh") is None, reason="needs sshd: apt install openssh-server")
slow = pytest.mark.skipif("TEST_FLEET" not in os.environ, reason="takes minutes: make test-fleet runs it")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")


def rows(done: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, Any]]:
    assert "Traceback" not in done.stderr, done.stderr
    return {row["host"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


def test_a_bundle_reaches_the_daemon_and_one_that_makes_it_ill_is_taken_back(fleet: Fleet, tmp_path: Path) -> None:
    device = fleet.add("counter")
    device.start_daemon()
    better, worse = fleet.packed("0.4.0"), fleet.packed("0.5.0", is_ill=True)
    pid = device.daemon_pid()

    row = rows(done := fleet.deploy("--bundle", better, "--json"))["counter"]
    assert done.returncode == 0, row
    assert (row["outcome"], row["before"], row["warning"], row["sent_bytes"]) == ("switched", "0.3.0", "", better.stat().st_size)
    assert (device.version, device.running, device.firmware.slots().trial) == ("0.4.0", "0.4.0", None)

    row = rows(done := fleet.deploy("--bundle", better, "--json"))["counter"]
    assert done.returncode == 0
    assert (row["outcome"], row["sent_bytes"]) == ("already", 0)

    other = fleet.packed("0.4.1", members=with_changed_golden())
    row = rows(done := fleet.deploy("--bundle", other, "--json"))["counter"]
    assert done.returncode == 69
    said = "the daemon refused it: codes: strip: other answers than where the bundle was built, expected are the same"
    assert row["cause"] == f"taken back at the check health: version 0.4.1: {said}; version 0.4.0 is read with again"
    assert device.running == "0.4.0"

    row = rows(done := fleet.deploy("--bundle", worse, "--json"))["counter"]
    assert done.returncode == 69
    assert (row["outcome"], row["check"], row["warning"]) == ("rolled_back", "health", "")
    said = r"taken back at the check health: version 0.5.0: the daemon did not run well with it within 10 s: "
    assert row["cause"].startswith(said), row
    assert "turns of its loop failed, the last with BundleError: models/page.tflite: the input's shape is" in row["cause"]
    assert row["cause"].endswith("version 0.4.0 is read with again")
    assert device.version == "0.4.0"
    until_s = time.monotonic() + 30
    while device.running != "0.4.0":
        assert time.monotonic() < until_s
        time.sleep(0.2)
    assert device.daemon_pid() == pid  # it never stopped
    # The device and the desktop say the same of it.
    assert row["cause"] in (device.firmware.folder / "update.log").read_text().splitlines()[-1]
    assert json.loads((tmp_path / "deploy.log").read_text().splitlines()[-1])["cause"] == row["cause"]


def test_what_a_device_is_not_fit_for_is_refused_there_and_the_others_are_told_of_their_own(fleet: Fleet, tmp_path: Path) -> None:
    """None of these gets as far as the switch."""
    new = fleet.packed("0.4.0")
    fleet.add("old-system", force="""sh -c 'exec setarch i686 sh -c "$SSH_ORIGINAL_COMMAND"'""")
    bare = fleet.add("bare")
    (bare.home / "bin" / "checkreader-firmware").unlink()
    old_python = fleet.add("old-python")
    (old_python.home / "bin" / "checkreader-firmware").unlink()
    old_python.command("python3", "#!/bin/sh\necho 3.9\n")
    older = fleet.add("older-reader")
    program = "from firmware_tools.commands import app; app()"  # knows no receive
    older.command("checkreader-firmware", f"#!/bin/sh\nexec {sys.executable} -c '{program}' \"$@\"\n")
    old_way = fleet.add("old-way")
    old_way.config.write_text(old_way.config.read_text() + '[reading]\nbundle = "/var/lib/checkreader/bundles/current.bundle"\n')
    stranger = fleet.add("strange-key")
    (stranger.home / "trust" / "site.pub").unlink()
    fleet.add("no-daemon")
    down = fleet.add("down")
    down.stop_sshd()
    locked = fleet.add("locked")
    (locked.home / "authorized_keys").write_text("")
    changed = fleet.add("changed")
    changed.stop_sshd()
    changed.new_host_key()
    changed.start()

    done = fleet.deploy("--bundle", new, "--json", "--tries", "2")
    found = rows(done)
    assert done.returncode == 69, found
    expected = {
        "old-system": ("refused", "architecture", "this is a i686 system, expected is aarch64 or x86_64: install the 64-bit"),
        "bare": ("refused", "installation", "install the package: sudo apt install"),
        "old-python": ("refused", "python", "Python 3.9 has no wheel of the interpreter, expected is 3.11 to 3.13: write the card"),
        "older-reader": ("refused", "installation", "the reader on older-reader is older than deploy needs; install a newer package"),
        "old-way": ("refused", "configuration", "reading.bundle is '/var/lib/checkreader/bundles/current.bundle', so that the slots are"),
        "strange-key": ("refused", "configuration", "no key is trusted, since"),
        "no-daemon": ("refused", "daemon", "expected is one that runs: sudo systemctl restart checkreader"),
        "down": ("unreachable", "connection", "Connection refused"),
        "changed": ("unreachable", "host key", "answers with another key (SHA256:"),
        "locked": ("unreachable", "login", "does not take our ssh key"),
    }
    for host, (outcome, check, words) in expected.items():
        row = found[host]
        assert (row["outcome"], row["check"]) == (outcome, check), row
        assert words in row["cause"]
    assert found["down"]["tries"] == 2
    assert found["changed"]["tries"] == 1
    assert {device.version for device in fleet.devices.values()} == {"0.3.0"}
    logged = [json.loads(line) for line in (tmp_path / "deploy.log").read_text().splitlines()]
    assert {row["host"]: row["cause"] for row in logged} == {host: row["cause"] for host, row in found.items()}
    assert found["no-daemon"]["cause"] in (fleet.devices["no-daemon"].firmware.folder / "update.log").read_text()

    table = fleet.deploy("--bundle", new, hosts=("old-way", "old-system")).stdout
    assert found["old-way"]["cause"] in table
    assert "0 of 2 have it and are well" in table


def test_a_device_checks_what_a_deploy_brings_as_it_checks_every_update(fleet: Fleet) -> None:
    device = fleet.add("counter")
    older = fleet.packed("0.2.0")
    row = rows(fleet.deploy("--bundle", older, "--json"))["counter"]
    assert (row["outcome"], row["check"]) == ("refused", "version")
    assert "the field version is 0.2.0, expected is one after 0.3.0; it is not signed for going back" in row["cause"]
    (device.home / "trust" / "revoked").write_text(f"{read_bundle(older).sha256}\n")
    row = rows(fleet.deploy("--bundle", older, "--json"))["counter"]
    assert (row["outcome"], row["check"]) == ("refused", "signature")
    assert "revokes" in row["cause"]
    assert device.version == "0.3.0"
    assert len((device.firmware.folder / "update.log").read_text().splitlines()) == 2


def test_a_bundle_that_nobody_signed_or_with_the_signature_of_another_is_not_sent(fleet: Fleet) -> None:
    other = fleet.packed("0.4.0", file_bytes=99_000_000)
    done = fleet.deploy("--bundle", other, hosts=("anywhere",))
    assert (done.returncode, "the field file_bytes of its signature is 99000000" in done.stderr) == (65, True)
    other.with_name("0.4.0.bundle.sig").unlink()
    done = fleet.deploy("--bundle", other, hosts=("anywhere",))
    assert (done.returncode, "sign the bundle with checkreader-firmware sign" in done.stderr) == (65, True)


def test_an_unknown_host_key_is_believed_only_when_told_to(fleet: Fleet) -> None:
    device = fleet.add("unseen")
    device.config.unlink()
    (fleet.folder / "known_hosts").write_text("")
    new = fleet.packed("0.4.0")
    row = rows(fleet.deploy("--bundle", new, "--json"))["unseen"]
    assert (row["outcome"], row["check"]) == ("unreachable", "host key")
    assert "--accept-new" in row["cause"]
    row = rows(fleet.deploy("--bundle", new, "--json", "--accept-new"))["unseen"]
    assert (row["outcome"], row["check"]) == ("refused", "configuration")
    assert f"[127.0.0.1]:{device.port}" in (fleet.folder / "known_hosts").read_text()


def test_when_the_canary_is_not_well_nobody_else_is_touched(fleet: Fleet) -> None:
    first = fleet.add("first")
    first.config.unlink()
    second = fleet.add("second")
    found = rows(done := fleet.deploy("--bundle", fleet.packed("0.4.0"), "--canary", "1", "--json"))
    assert done.returncode == 69
    assert found["second"]["outcome"] == "not_tried"
    assert found["first"]["cause"] in found["second"]["cause"]
    assert not second.firmware.folder.exists()


def test_a_damaged_bundle_and_a_host_that_is_an_option_are_refused_before_anything_is_sent(fleet: Fleet, tmp_path: Path) -> None:
    damaged = fleet.packed("0.4.0")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert (done := fleet.deploy("--bundle", damaged, hosts=("anywhere",))).returncode == 65
    assert "0.4.0.bundle" in done.stderr
    assert fleet.deploy("--bundle", SHIPPED, "--", "-oProxyCommand=touch", hosts=("anywhere",)).returncode == 64


@as_root
def test_a_full_and_a_read_only_disk_are_told(fleet: Fleet) -> None:
    device, new = fleet.add("small"), fleet.packed("0.4.0")
    folder = device.firmware.folder
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], stderr=subprocess.DEVNULL)
    if mounted.returncode:
        pytest.skip("nothing may be mounted here")
    try:
        row = rows(fleet.deploy("--bundle", new, "--json"))["small"]
        assert (row["outcome"], row["check"]) == ("refused", "space")
        assert f"{folder} has 1048576 bytes left, expected are at least " in row["cause"]
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        row = rows(fleet.deploy("--bundle", new, "--json"))["small"]
        assert (row["outcome"], row["check"]) == ("refused", "space")
        assert "mounted read-only" in row["cause"]
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@slow
def test_a_copy_that_broke_off_goes_on_where_it_was(fleet: Fleet, tmp_path: Path) -> None:
    device = fleet.add("far")
    breaks = device.home / "bin" / "breaks"
    relay = (
        "import os, signal, sys, time\nleft = 700000\n"
        "while left > 0:\n    left -= os.write(1, os.read(0, min(left, 65536)))\n"
        "time.sleep(0.5)\nos.kill(int(sys.argv[1]), signal.SIGKILL)\n"
    )
    (device.home / "relay.py").write_text(relay)
    device.command("breaks", f"""#!/bin/sh
if [ -e {device.home}/broke ]; then exec sh -c "$SSH_ORIGINAL_COMMAND"; fi
touch {device.home}/broke
python3 {device.home}/relay.py $PPID | sh -c "$SSH_ORIGINAL_COMMAND"
""")  # fmt: skip
    device.stop_sshd()
    device.force = str(breaks)
    device.start()
    device.start_daemon()
    new = fleet.packed("0.4.0")
    row = rows(done := fleet.deploy("--bundle", new, "--json"))["far"]
    assert done.returncode == 0, row
    assert (row["outcome"], row["tries"]) == ("switched", 2)
    assert device.version == "0.4.0"
    # Of the second connection only what was missing went over the wire; the first lost what was under way.
    last = json.loads((tmp_path / "deploy.log").read_text())
    assert new.stat().st_size <= last["sent_bytes"] < 2 * new.stat().st_size - 300_000
    assert not list(device.firmware.folder.glob("*.part"))


@slow
@pytest.mark.parametrize("is_ill", [False, True])
def test_a_connection_lost_during_the_trial_does_not_stop_it_and_its_outcome_is_still_learnt(fleet: Fleet, is_ill: bool) -> None:
    device = fleet.add("far")
    device.start_daemon()
    device.command("breaks", f"""#!/bin/sh
if [ -e {device.home}/firmware/slots.json ]; then exec sh -c "$SSH_ORIGINAL_COMMAND"; fi
exec 3<&0
sh -c "$SSH_ORIGINAL_COMMAND" <&3 &
while ! [ -e {device.home}/firmware/slots.json ]; do sleep 0.1; done
kill -9 $PPID
""")  # fmt: skip
    device.stop_sshd()
    device.force = str(device.home / "bin" / "breaks")
    device.start()
    new = fleet.packed("0.4.0", is_ill=is_ill)
    row = rows(fleet.deploy("--bundle", new, "--json"))["far"]
    assert (row["outcome"], row["tries"]) == ("rolled_back" if is_ill else "switched", 2), row
    assert device.version == ("0.3.0" if is_ill else "0.4.0")
    # It was not done twice.
    assert len((device.firmware.folder / "update.log").read_text().splitlines()) == 1
    assert row["sent_bytes"] == new.stat().st_size


@slow
def test_twenty_devices_take_it_and_those_that_cannot_make_it_partial(fleet: Fleet) -> None:
    for number in range(20):
        device = fleet.add(f"counter-{number:02}")
        device.configure(healthy_s=60.0, fps=2.0)  # all share the cores of one machine
        if number not in (7, 13):
            device.start_daemon()
    fleet.devices["counter-07"].stop_sshd()
    fleet.devices["counter-13"].config.unlink()
    new = fleet.packed("0.4.0")
    found = rows(done := fleet.deploy("--bundle", new, "--canary", "1", "--json", "--tries", "1"))
    assert done.returncode == 75, found
    outcomes = {host: row["outcome"] for host, row in found.items()}
    assert outcomes.pop("counter-07") == "unreachable"
    assert outcomes.pop("counter-13") == "refused"
    assert set(outcomes.values()) == {"switched"}
    again = rows(done := fleet.deploy("--bundle", new, "--json", "--tries", "1"))
    assert done.returncode == 75
    assert {row["outcome"] for host, row in again.items() if host in outcomes} == {"already"}
