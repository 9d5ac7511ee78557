"""Devices for a deploy: each a real sshd on loopback with a host key, a home folder and a daemon of its own."""

import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.recognize.bundle import read_bundle
from edge.service.slots import Firmware
from firmware_tools.keys import make_key, read_key
from tests.firmware_tools.conftest import signed_bundle

ROOT = Path(__file__).resolve().parents[2]
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_SUPERVISE = """\
#!/bin/sh
# As systemd does with Restart=on-failure.
cd "$HOME" || exit 1
while :; do
    checkreader serve --config checkreader.toml >>daemon.log 2>&1 </dev/null &
    echo $! >daemon.pid
    wait $! && exit
    sleep 0.5
done
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Device:
    """One host: ``name`` is how ssh knows it through the fleet's configuration."""

    name: str
    home: Path
    port: int = field(default_factory=free_port)
    web_port: int = field(default_factory=free_port)
    sshd: "subprocess.Popen[bytes] | None" = None
    supervisor: "subprocess.Popen[bytes] | None" = None
    force: str = ""

    @property
    def config(self) -> Path:
        return self.home / "checkreader.toml"

    @property
    def firmware(self) -> Firmware:
        return Firmware(self.home / "firmware", self.home / "trust")

    @property
    def version(self) -> str:
        """Return which version is read with, as the slots say."""
        return read_bundle(self.firmware.active_file()).version

    @property
    def path(self) -> str:
        """Return where the device finds commands: what is installed on the desktop is not on it."""
        return f"{self.home}/bin:/usr/local/bin:/usr/bin:/bin"

    @property
    def running(self) -> str:
        """Return which version the daemon itself says that it reads with."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}/api/v1/state") as answer:
            return str(json.load(answer)["bundle"]["version"])

    def make(self, authorized_key: str, trusted_key: Path) -> None:
        for folder in ("bin", "trust"):
            (self.home / folder).mkdir(parents=True)
        shutil.copy(trusted_key, self.home / "trust")
        (self.home / "authorized_keys").write_text(authorized_key)
        self.command("checkreader", f'#!/bin/sh\nexec {sys.executable} -m edge "$@"\n')
        self.command("checkreader-firmware", f'#!/bin/sh\nexec {sys.executable} -m firmware_tools "$@"\n')
        self.command("supervise", _SUPERVISE)
        self.configure()
        self.new_host_key()

    def command(self, name: str, text: str) -> None:
        path = self.home / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def configure(self, healthy_s: float = 10.0, fps: float = 15.0, bare_s: float = 1.5) -> None:
        """Write what the daemon begins with; ``bare_s``: the pause between two checks, each of which lies on the counter for 4 s."""
        script, picture = self.home / "camera.json", ROOT / "samples" / "frames" / "desk_1.jpg"
        script.write_text(json.dumps({"checks": [{"picture": str(picture), "bare_s": bare_s}]}))
        self.config.write_text(
            f'[camera]\nsource = "replay:{script}"\nfps = {fps}\n'
            f'[store]\nfolder = "{self.home}/store"\n[web]\nport = {self.web_port}\n'
            f'[firmware]\nfolder = "{self.home}/firmware"\ntrust = "{self.home}/trust"\nhealthy_s = {healthy_s}\n'
        )

    def new_host_key(self) -> None:
        key = self.home / "host_key"
        key.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)

    def known_host(self) -> str:
        return f"[127.0.0.1]:{self.port} {(self.home / 'host_key.pub').read_text()}"

    def start(self) -> None:
        """Let sshd listen; ``PATH`` and ``HOME`` are those of this device."""
        environment = {"HOME": self.home, "PATH": self.path, "PYTHONPATH": ROOT, "PYTHONUNBUFFERED": "1"}
        lines = [
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.home}/host_key", "PidFile none", "StrictModes no",
            f"UsePAM {'yes' if os.geteuid() == 0 else 'no'}", "PermitRootLogin prohibit-password", "PasswordAuthentication no",
            "KbdInteractiveAuthentication no", f"AuthorizedKeysFile {self.home}/authorized_keys", "MaxStartups 100", "PrintMotd no",
            "SetEnv " + " ".join(f'"{key}={value}"' for key, value in environment.items()),
        ]  # fmt: skip
        if self.force:
            lines.append(f"ForceCommand {self.force}")
        settings = self.home / "sshd_config"
        settings.write_text("\n".join(lines) + "\n")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where sshd drops its privileges to
        assert SSHD is not None
        log = (self.home / "sshd.log").open("ab")
        self.sshd = subprocess.Popen([SSHD, "-D", "-e", "-f", str(settings)], stdout=log, stderr=log)
        log.close()
        for _ in range(200):
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise AssertionError((self.home / "sshd.log").read_text())

    def start_daemon(self) -> None:
        environment = {**os.environ, "HOME": str(self.home), "PATH": self.path, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        log = self.home / "daemon.log"
        self.supervisor = subprocess.Popen([str(self.home / "bin" / "supervise")], env=environment, start_new_session=True)
        for _ in range(600):
            if log.exists() and "the page is at" in log.read_text():
                return
            time.sleep(0.1)
        raise AssertionError(log.read_text())

    def daemon_pid(self) -> int:
        return int((self.home / "daemon.pid").read_text())

    def stop_sshd(self) -> None:
        if self.sshd is not None:
            self.sshd.terminate()
            self.sshd.wait()
            self.sshd = None

    def stop(self) -> None:
        self.stop_sshd()
        if self.supervisor is not None:
            with suppress(OSError):
                os.killpg(self.supervisor.pid, signal.SIGTERM)
            self.supervisor.wait()
            for _ in range(200):  # the daemon's last turn
                if not Path(f"/proc/{self.daemon_pid()}").exists():
                    break
                time.sleep(0.1)


class Fleet:
    """Devices in one folder, with a key that opens all of them, one that signs, and the configuration by which ssh finds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.devices: dict[str, Device] = {}
        make_key(folder / "site.key", folder / "site.pub", None, "site", "2020-01-01", None)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "id")], check=True)

    def add(self, name: str, force: str = "") -> Device:
        device = self.devices[name] = Device(name, self.folder / name, force=force)
        device.make((self.folder / "id.pub").read_text(), self.folder / "site.pub")
        device.start()
        self.write()
        return device

    def packed(self, version: str, **other: Any) -> Path:
        """Return a bundle that the devices trust, otherwise as :func:`signed_bundle` makes it."""
        return signed_bundle(self.folder, read_key(self.folder / "site.key", None), version, **other)

    def write(self) -> None:
        """Write the desktop's side: which host is where, and whose key is known."""
        known, config = self.folder / "known_hosts", self.folder / "ssh_config"
        known.write_text("".join(device.known_host() for device in self.devices.values()))
        config.write_text(
            # OpenSSH 9.2 would choose sntrup761, which takes 0.11 s of a core a connection; no test is about that.
            f"KexAlgorithms curve25519-sha256\n"
            f"IdentityFile {self.folder}/id\nIdentitiesOnly yes\nUserKnownHostsFile {known}\nGlobalKnownHostsFile none\n"
            + "".join(f"Host {name}\n  HostName 127.0.0.1\n  Port {device.port}\n" for name, device in self.devices.items())
        )

    def words(self, *arguments: str | Path, hosts: tuple[str, ...] = ()) -> list[str]:
        """Return the deploy's command line; all devices where no ``hosts`` are named."""
        command = [sys.executable, "-m", "firmware_tools", "deploy", *(hosts or tuple(self.devices))]
        # The home is the device's own: sshd sets it.
        own = ["--ssh-config", self.folder / "ssh_config", "--user", getpass.getuser(), "--config", "~/checkreader.toml"]
        own += ["--log", self.folder / "deploy.log"]
        return [*command, *map(str, own), *map(str, arguments)]

    def deploy(self, *arguments: str | Path, hosts: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.words(*arguments, hosts=hosts), capture_output=True, text=True, cwd=ROOT)

    def stop(self) -> None:
        for device in self.devices.values():
            device.stop()
