"""From a card that `provision` wrote to a page that answers, an update and a deploy: `make test-boot`.

Systemd, cloud-init, sudo, sshd and dpkg are the real ones, in a bare Debian in namespaces of its own: a Pi's firmware, kernel, Wi-Fi and
camera take no part.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware_tools.debian import build_deb
from firmware_tools.keys import read_key
from tests.firmware_tools.conftest import ROOT, firmware, signed_bundle
from tests.firmware_tools.test_provision import COMMAND_LINE

DEBIAN = ROOT / "tests/device/debian"
pytestmark = pytest.mark.skipif("TEST_BOOT" not in os.environ, reason="takes minutes: make test-boot runs it")
_PAGE = "import urllib.request as r; print(r.urlopen('http://localhost:8642/readyz').read().decode())"


class Pi:
    """A root that can be started, with what a desktop has of it in ``desk``."""

    def __init__(self, suite: str, folder: Path) -> None:
        self.suite, self.root, self.desk = suite, folder / "root", folder / "desk"
        subprocess.run([DEBIAN, "copy", suite, self.root], check=True)
        self.boot = self.root / "boot/firmware"
        self.boot.mkdir(parents=True)
        self.desk.mkdir()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        self.process = subprocess.Popen([DEBIAN, "boot", self.root, *words], stdin=subprocess.DEVNULL)

    def first(self) -> int:
        """Return the process that is the first one there."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        until(lambda: bool(children.read_text().split()), 30, lambda: "nothing was started")
        return int(children.read_text().split()[0])

    def words(self, *words: str | Path) -> list[str]:
        return [str(word) for word in (DEBIAN, "in", self.first(), *words)]

    def run(self, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.words(*words), capture_output=True, text=True)

    def said(self, *words: str | Path) -> str:
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout.strip()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.kill(self.first(), signal.SIGRTMIN + 4)  # systemd(1): power off
            self.process.wait(timeout=120)

    def packed(self, version: str, *, is_ill: bool = False) -> Path:
        return signed_bundle(self.desk, read_key(self.desk / "site.key", None), version, is_ill=is_ill)

    def deploy(self, bundle: Path, login: str) -> dict[str, str]:
        """Deploy over the real ssh; the loopback that it goes over is the started system's."""
        command = [sys.executable, "-m", "firmware_tools", "deploy", f"{login}@127.0.0.1", "--bundle", bundle]
        command += ["--json", "--accept-new", "--ssh-config", self.desk / "ssh_config", "--log", self.desk / "log"]
        words = ["nsenter", "--target", self.first(), "--net", "--", *command]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert "Traceback" not in done.stderr, done.stderr
        return dict(json.loads(done.stdout))


def until(is_so: Callable[[], bool], seconds: float, why: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, why()
        time.sleep(0.5)


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def pi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pi]:
    """A device that came up from its card by itself."""
    suite = str(request.param)
    pi = Pi(suite, tmp_path_factory.mktemp("boot"))
    os.environ["DPKG_DEB_COMPRESSOR_LEVEL"] = "0"
    deb = build_deb(ROOT, suite, "amd64", pi.desk)
    for name, text in (("config.txt", ""), ("cmdline.txt", COMMAND_LINE + "\n"), ("kernel8.img", "")):
        (pi.boot / name).write_text(text)
    if suite == "trixie":  # as Raspberry Pi OS ships it
        (pi.boot / "meta-data").write_text("instance-id: rpi-image\n")
        place = pi.root / "etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg"
        place.write_text("datasource_list: [ NoCloud ]\ndatasource:\n  NoCloud:\n    seedfrom: file:///boot/firmware\n")
    (pi.root / "etc/hosts").write_text("127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n")
    (pi.root / "srv/camera").mkdir()
    shutil.copy(ROOT / "samples/frames/desk_1.jpg", pi.root / "srv/camera")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", pi.desk / "id"], check=True)
    (pi.desk / "ssh_config").write_text(f"IdentityFile {pi.desk}/id\nIdentitiesOnly yes\nUserKnownHostsFile {pi.desk}/known\n")
    assert firmware("keygen", pi.desk / "site").returncode == 0
    config = (ROOT / "packaging/deb/checkreader.toml").read_text().replace('"picam"', '"replay:/srv/camera"')
    (pi.desk / "site.toml").write_text(f'{config}healthy_s = 20.0\nsource = "/srv/offered"\n')
    own = ("--ssh-key", pi.desk / "id.pub", "--deb", deb, "--config", pi.desk / "site.toml", "--trust", pi.desk / "site.pub")
    done = firmware("provision", pi.boot, "--hostname", "counter-1", *own)
    assert done.returncode == 0, done.stderr
    for path in pi.boot.rglob("*"):  # FAT knows no modes: on a card every file may be run
        path.chmod(0o755)
    try:
        if suite == "bookworm":  # what the card's command line asks for happens in the first start, which ends in another one
            pi.start(*re.findall(r"systemd\.\S+", (pi.boot / "cmdline.txt").read_text()))
            assert pi.process is not None
            pi.process.wait(timeout=300)
            assert (pi.boot / "cmdline.txt").read_text() == COMMAND_LINE + "\n"
        pi.start()
        log = pi.boot / "checkreader/first-boot.log"
        until(lambda: log.exists() and log.read_text().endswith("done\n"), 400, lambda: pi.run("journalctl", "-n", "60").stdout)
        yield pi
    finally:
        pi.stop()
        shutil.rmtree(pi.root)


def test_the_page_answers_and_nothing_of_the_first_start_is_left(pi: Pi) -> None:
    until(
        lambda: pi.run("python3", "-c", _PAGE).stdout.strip() == "ready", 60, lambda: pi.said("journalctl", "-u", "checkreader", "-n", "30")
    )
    assert pi.said("systemctl", "show", "-P", "User", "checkreader") == "checkreader"
    assert pi.said("hostname") == "counter-1"
    assert pi.said("sh", "-c", "ls /boot/firmware/checkreader") == "checkreader.toml\nfirst-boot.log\ntrust"
    assert "counter-1" in (pi.root / "etc/hosts").read_text()
    rows = [json.loads(line) for line in pi.run("checkreader", "doctor", "--json").stdout.splitlines()]
    trust = [(row["level"], row["words"]) for row in rows if row["check"] in ("updates", "key trust")]
    assert trust[0] == ("ok", "the bundle that came with the reader is read with")
    assert trust[1][0] == "ok"
    assert trust[1][1].startswith("site (")
    assert pi.run("systemctl", "is-enabled", "checkreader-update.timer").stdout.strip() == "enabled"


def test_a_deploy_goes_through_the_login_by_sudo_to_the_daemons_user(pi: Pi) -> None:
    row = pi.deploy(pi.packed("0.4.0"), "pi")
    assert (row["outcome"], row.get("before"), row["warning"]) == ("switched", "0.3.0", ""), row
    assert pi.said("stat", "-c", "%U", "/var/lib/checkreader/firmware/slots.json") == "checkreader"
    assert "version 0.4.0 takes the place of 0.3.0" in pi.said("journalctl", "-t", "checkreader-update", "-o", "cat")
    ill = pi.deploy(pi.packed("0.5.0", is_ill=True), "pi")
    assert (ill["outcome"], ill["check"]) == ("rolled_back", "health"), ill
    assert ill["cause"] in pi.said("journalctl", "-t", "checkreader-update", "-o", "cat")
    assert ill["cause"] in pi.said("cat", "/var/lib/checkreader/firmware/update.log")


def test_a_login_as_root_and_one_without_rights(pi: Pi) -> None:
    pi.said("sh", "-c", "install -d -m 700 ~root/.ssh && cp ~pi/.ssh/authorized_keys ~root/.ssh/")
    row = pi.deploy(pi.packed("0.4.0"), "root")
    assert row["outcome"] == "already", row
    pi.said("sh", "-c", "useradd -m guest && usermod -p '*' guest && cp -r ~pi/.ssh ~guest/ && chown -R guest ~guest/.ssh")
    row = pi.deploy(pi.packed("0.4.0"), "guest")
    assert (row["outcome"], row["check"]) == ("unreachable", "login"), row
    assert "may not become the daemon's user without a password" in row["cause"]


def test_the_timers_unit_takes_an_update_within_its_limits_and_tells_a_refusal(pi: Pi) -> None:
    offered = pi.root / "srv/offered"
    offered.mkdir()
    for file in (new := pi.packed("0.6.0"), new.with_name(f"{new.name}.sig")):
        shutil.copy(file, offered)
    pi.said("systemctl", "start", "checkreader-update.service")  # comes back when the daemon has judged it
    assert "version 0.6.0 takes the place of 0.4.0; the daemon runs well with it" in pi.said(
        "journalctl", "-u", "checkreader-update", "-o", "cat"
    )
    new.with_name(f"{new.name}.sig").write_text("{}")
    shutil.copy(new.with_name(f"{new.name}.sig"), offered)
    assert pi.run("systemctl", "start", "checkreader-update.service").returncode != 0
    assert "refused at the check signature" in pi.said("journalctl", "-u", "checkreader-update", "-o", "cat")


def test_a_daemon_that_is_killed_in_a_trial_starts_with_the_bundle_before(pi: Pi) -> None:
    command = "runuser -u checkreader -- checkreader-firmware update /srv/0.7.0.bundle && cat /var/lib/checkreader/firmware/slots.json"
    for file in (new := pi.packed("0.7.0"), new.with_name(f"{new.name}.sig")):
        shutil.copy(file, pi.root / "srv")
    assert '"trial": {' in pi.said("sh", "-c", command)
    slots = pi.root / "var/lib/checkreader/firmware/slots.json"
    until(
        lambda: json.loads(slots.read_text())["trial"] is None or json.loads(slots.read_text())["trial"]["starts"] == 1, 30, slots.read_text
    )
    pi.said("systemctl", "kill", "--signal=KILL", "checkreader")
    until(lambda: json.loads(slots.read_text())["trial"] is None, 30, slots.read_text)
    after = json.loads(slots.read_text())
    assert after["slots"][after["active"]]["version"] == "0.6.0"
    assert [failure["times"] for failure in after["failures"].values()] == [1, 1]
    until(lambda: pi.run("python3", "-c", _PAGE).stdout.strip() == "ready", 60, lambda: pi.said("systemctl", "status", "checkreader"))


def test_an_upgrade_restarts_the_daemon_and_a_purge_ends_it_and_leaves_nothing(pi: Pi) -> None:
    pid = pi.said("systemctl", "show", "-P", "MainPID", "checkreader")
    deb = build_deb(ROOT, pi.suite, "amd64", pi.desk, revision="2")
    shutil.copy(deb, pi.root / "srv/new.deb")
    pi.said("dpkg", "--install", "/srv/new.deb")
    until(lambda: pi.run("python3", "-c", _PAGE).stdout.strip() == "ready", 60, lambda: pi.said("systemctl", "status", "checkreader"))
    assert pi.said("systemctl", "show", "-P", "MainPID", "checkreader") not in (pid, "0")
    rows = [json.loads(line) for line in pi.run("checkreader", "doctor", "--json").stdout.splitlines()]
    assert "version 0.6.0 in slot" in next(row["words"] for row in rows if row["check"] == "updates")
    pi.said("dpkg", "--purge", "checkreader")
    assert pi.run("systemctl", "is-active", "checkreader").stdout.strip() in ("inactive", "unknown")
    assert pi.run("systemctl", "is-active", "checkreader-update.timer").stdout.strip() in ("inactive", "unknown")
    left = pi.said("find", "/etc", "/usr/lib", "/var/lib", "/var/log", "-name", "*checkreader*", "-not", "-path", "/var/lib/cloud/*")
    assert left in ("", "/etc/systemd/system/checkreader-first-boot.service")
