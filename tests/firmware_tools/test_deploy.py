"""Deploys over the system's ssh to real sshds on loopback, with the real daemon behind them."""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edge.recognize.bundle import read_bundle, write_bundle

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parents[1] / "edge/bundles/checkreader.bundle"


def _loaded(name: str) -> ModuleType:
    """Tests are no package: load the file beside this one."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


devices = _loaded("devices")

pytestmark = pytest.mark.skipif(devices.SSHD is None or shutil.which("ssh") is None, reason="needs sshd: apt install openssh-server")
slow = pytest.mark.skipif("TEST_FLEET" not in os.environ, reason="takes minutes: make test-fleet runs it")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")


def packed(path: Path, version: str, without_budget: str | None = None) -> Path:
    """Write the shipped bundle again under another version, and fitted for one error budget less."""
    shipped = read_bundle(SHIPPED)
    card: dict[str, Any] = json.loads(json.dumps(shipped.card.raw)) | {"version": version}
    if without_budget:
        for kinds in (part.get("accept", {}) for part in card["thresholds"].values()):
            for budgets in kinds.values():
                del budgets[without_budget]
    with zipfile.ZipFile(SHIPPED) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != "card.json"}
    path.write_bytes(write_bundle(card, members))
    return path


def rows(done: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, Any]]:
    assert "Traceback" not in done.stderr, done.stderr
    return {row["host"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Any]:
    fleet = devices.Fleet(tmp_path)
    yield fleet
    fleet.stop()


def test_a_bundle_reaches_the_daemon_and_one_that_makes_it_ill_is_taken_back(fleet: Any, tmp_path: Path) -> None:
    device = fleet.add("counter", SHIPPED)
    device.configure("budget = 0.02")
    device.restart()
    better, worse = packed(tmp_path / "better.bundle", "0.3.1"), packed(tmp_path / "worse.bundle", "0.3.2", without_budget="0.02")

    row = rows(done := fleet.deploy("--bundle", better, "--json"))["counter"]
    assert done.returncode == 0
    assert (row["outcome"], row["warning"], row["sent_bytes"]) == ("switched", "", better.stat().st_size)
    assert device.current.read_bytes() == better.read_bytes()

    row = rows(done := fleet.deploy("--bundle", better, "--json"))["counter"]
    assert done.returncode == 0
    assert (row["outcome"], row["sent_bytes"]) == ("already", 0)

    pid = device.daemon_pid()
    row = rows(done := fleet.deploy("--bundle", worse, "--json"))["counter"]
    assert done.returncode == 69
    assert (row["outcome"], row["check"], row["field"], row["expected"], row["warning"]) == ("rolled_back", "health", "readyz", "ready", "")
    assert "error budget 0.02 is none of those that this bundle was fitted for" in row["cause"]
    assert device.current.read_bytes() == better.read_bytes()
    assert device.daemon_pid() != pid
    # The device and the desktop say the same of it.
    assert row["cause"] in (device.home / "deploy.log").read_text().splitlines()[-1]
    assert json.loads((tmp_path / "deploy.log").read_text().splitlines()[-1])["cause"] == row["cause"]


def test_what_a_device_is_not_fit_for_is_refused_there_and_the_others_are_told_of_their_own(fleet: Any, tmp_path: Path) -> None:
    """None of these gets as far as a daemon."""
    new = packed(tmp_path / "new.bundle", "0.3.1")
    fleet.add("old-system", SHIPPED, force="""sh -c 'exec setarch i686 sh -c "$SSH_ORIGINAL_COMMAND"'""")
    bare = fleet.add("bare", SHIPPED)
    (bare.home / "bin" / "checkreader").unlink()
    older = fleet.add("older-reader", SHIPPED)
    program = "import edge.recognize.card as card; card.FORMAT = 0; from firmware_tools.cli import main; main()"
    older.command("checkreader-firmware", f"#!/bin/sh\nexec {sys.executable} -c '{program}' \"$@\"\n")
    unset = fleet.add("unset", SHIPPED)
    unset.config.write_text("[camera]\n")
    down = fleet.add("down", SHIPPED)
    down.stop_sshd()
    locked = fleet.add("locked", SHIPPED)
    (locked.home / "authorized_keys").write_text("")
    changed = fleet.add("changed", SHIPPED)
    changed.stop_sshd()
    changed.new_host_key()
    changed.start()

    done = fleet.deploy("--bundle", new, "--json", "--tries", "2")
    found = rows(done)
    assert done.returncode == 69, found
    expected = {
        "old-system": ("refused", "architecture", "machine", "this is a i686 system, the reader's parts are made for aarch64 and x86_64"),
        "bare": ("refused", "installation", "checkreader", "install the package: sudo apt install"),
        "older-reader": ("refused", "verify", "checkreader-firmware verify", "format 1, this reader knows format 0: update the reader"),
        "unset": ("refused", "configuration", "reading.bundle", "names no file; set it to"),
        "down": ("unreachable", "connection", "down", "Connection refused"),
        "changed": ("unreachable", "host key", "changed", "answers with another key (SHA256:"),
        "locked": ("unreachable", "login", "locked", "does not take our ssh key"),
    }
    for host, (outcome, check, field, words) in expected.items():
        row = found[host]
        assert (row["outcome"], row["check"], row["field"]) == (outcome, check, field), row
        assert words in row["cause"]
        assert row["expected"]
    assert found["down"]["tries"] == 2
    assert found["changed"]["tries"] == 1
    for device in fleet.devices.values():
        assert device.current.read_bytes() == SHIPPED.read_bytes()
        assert not device.current.is_symlink()
    logged = [json.loads(line) for line in (tmp_path / "deploy.log").read_text().splitlines()]
    assert {row["host"]: row["cause"] for row in logged} == {host: row["cause"] for host, row in found.items()}

    table = fleet.deploy("--bundle", new, hosts=("unset", "old-system")).stdout
    assert found["unset"]["cause"] in table
    assert "0 of 2 have it and are well" in table


def test_an_unknown_host_key_is_believed_only_when_told_to(fleet: Any) -> None:
    device = fleet.add("unseen", SHIPPED)
    device.config.unlink()
    (fleet.folder / "known_hosts").write_text("")
    row = rows(fleet.deploy("--json"))["unseen"]
    assert (row["outcome"], row["check"]) == ("unreachable", "host key")
    assert "--accept-new" in row["cause"]
    row = rows(fleet.deploy("--json", "--accept-new"))["unseen"]
    assert (row["outcome"], row["check"]) == ("refused", "configuration")
    assert f"[127.0.0.1]:{device.port}" in (fleet.folder / "known_hosts").read_text()


def test_when_the_canary_is_not_well_nobody_else_is_touched(fleet: Any, tmp_path: Path) -> None:
    first = fleet.add("first", SHIPPED)
    first.config.unlink()
    second = fleet.add("second", SHIPPED)
    found = rows(done := fleet.deploy("--bundle", packed(tmp_path / "new.bundle", "0.3.1"), "--canary", "1", "--json"))
    assert done.returncode == 69
    assert found["second"]["outcome"] == "not_tried"
    assert found["first"]["cause"] in found["second"]["cause"]
    assert not (second.home / "deploy.log").exists()


def test_a_damaged_bundle_and_a_host_that_is_an_option_are_refused_before_anything_is_sent(fleet: Any, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.bundle"
    damaged.write_bytes(SHIPPED.read_bytes()[:-1])
    assert (done := fleet.deploy("--bundle", damaged, hosts=("anywhere",))).returncode == 65
    assert "damaged.bundle" in done.stderr
    assert fleet.deploy("--", "-oProxyCommand=touch", hosts=("anywhere",)).returncode == 64


@as_root
def test_a_full_and_a_read_only_disk_are_told(fleet: Any, tmp_path: Path) -> None:
    device = fleet.add("small", SHIPPED)
    shutil.rmtree(device.home / "bundles")
    (device.home / "bundles").mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", device.home / "bundles"], stderr=subprocess.DEVNULL)
    if mounted.returncode:
        pytest.skip("nothing may be mounted here")
    try:
        row = rows(fleet.deploy("--json"))["small"]
        assert (row["outcome"], row["check"], row["field"]) == ("refused", "space", str(device.home / "bundles"))
        assert "1,048,576 bytes free" in row["cause"]
        subprocess.run(["mount", "-o", "remount,ro", str(device.home / "bundles")], check=True)
        row = rows(fleet.deploy("--json"))["small"]
        assert (row["outcome"], row["check"]) == ("refused", "room")
        assert "mounted read-only" in row["cause"]
    finally:
        subprocess.run(["umount", str(device.home / "bundles")], check=True)


@slow
def test_a_copy_that_broke_off_goes_on_where_it_was(fleet: Any, tmp_path: Path) -> None:
    device = fleet.add("far", SHIPPED)
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
    device.restart()
    new = packed(tmp_path / "new.bundle", "0.3.1")
    row = rows(done := fleet.deploy("--bundle", new, "--json"))["far"]
    assert done.returncode == 0, row
    assert (row["outcome"], row["tries"]) == ("switched", 2)
    assert device.current.read_bytes() == new.read_bytes()
    # Of the second connection only what was missing went over the wire; the first lost what was under way.
    last = json.loads((tmp_path / "deploy.log").read_text())
    assert new.stat().st_size <= last["sent_bytes"] < 2 * new.stat().st_size - 300_000


@slow
def test_a_connection_lost_during_the_switch_does_not_stop_it_and_its_outcome_is_still_learnt(fleet: Any, tmp_path: Path) -> None:
    device = fleet.add("far", SHIPPED)
    device.configure("budget = 0.02")
    device.restart()
    restart = (device.home / "bin" / "restart").read_text()
    device.command("restart", restart.replace("#!/bin/sh\n", f"#!/bin/sh\ntouch {device.home}/switching; sleep 1\n"))
    device.command("breaks", f"""#!/bin/sh
if [ -e {device.home}/switching ]; then exec sh -c "$SSH_ORIGINAL_COMMAND"; fi
exec 3<&0
sh -c "$SSH_ORIGINAL_COMMAND" <&3 &
while ! [ -e {device.home}/switching ]; do sleep 0.1; done
kill -9 $PPID
""")  # fmt: skip
    device.stop_sshd()
    device.force = str(device.home / "bin" / "breaks")
    device.start()
    worse = packed(tmp_path / "worse.bundle", "0.3.2", without_budget="0.02")
    row = rows(fleet.deploy("--bundle", worse, "--json"))["far"]
    assert (row["outcome"], row["tries"]) == ("rolled_back", 2), row
    assert device.current.read_bytes() == SHIPPED.read_bytes()
    # It was not done twice: the log of the device has the first connection's outcome, and the second's that repeats it.
    assert [line.split()[4] for line in (device.home / "deploy.log").read_text().splitlines()] == ["rolled_back:", "rolled_back:"]
    assert row["sent_bytes"] == worse.stat().st_size


@slow
def test_twenty_devices_take_it_and_those_that_cannot_make_it_partial(fleet: Any, tmp_path: Path) -> None:
    for number in range(20):
        device = fleet.add(f"counter-{number:02}", SHIPPED)
        if number not in (7, 13):
            device.restart()
    fleet.devices["counter-07"].stop_sshd()
    fleet.devices["counter-13"].config.unlink()
    new = packed(tmp_path / "new.bundle", "0.3.1")
    found = rows(done := fleet.deploy("--bundle", new, "--canary", "1", "--json", "--tries", "1"))
    assert done.returncode == 75, found
    outcomes = {host: row["outcome"] for host, row in found.items()}
    assert outcomes.pop("counter-07") == "unreachable"
    assert outcomes.pop("counter-13") == "refused"
    assert set(outcomes.values()) == {"switched"}
    again = rows(done := fleet.deploy("--bundle", new, "--json", "--tries", "1"))
    assert done.returncode == 75
    assert {row["outcome"] for host, row in again.items() if host in outcomes} == {"already"}


@pytest.mark.parametrize("module", sorted((HERE.parents[1] / "firmware_tools/device").glob("*.py")), ids=lambda path: path.stem)
def test_what_runs_on_the_device_can_be_read_by_a_python_that_is_too_old_to_run_the_reader(module: Path) -> None:
    ast.parse(module.read_text(), feature_version=(3, 8))
