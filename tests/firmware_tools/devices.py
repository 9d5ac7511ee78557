"""Devices for a deploy: each a real sshd on loopback with a host key, a home folder and a daemon of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_RESTART = """\
#!/bin/sh
# As `systemctl restart`: comes back when the daemon runs, or says why it does not.
cd "$HOME" || exit 1
if [ -f daemon.pid ]; then
    kill "$(cat daemon.pid)" 2>/dev/null
    while kill -0 "$(cat daemon.pid)" 2>/dev/null; do sleep 0.1; done
fi
: >daemon.log
setsid checkreader serve --config checkreader.toml >daemon.log 2>&1 </dev/null &
echo $! >daemon.pid
while ! grep -q "the page is at" daemon.log; do
    kill -0 $! 2>/dev/null || { grep '^checkreader: ' daemon.log >&2; exit 1; }
    sleep 0.1
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
    force: str = ""

    @property
    def config(self) -> Path:
        return self.home / "checkreader.toml"

    @property
    def current(self) -> Path:
        return self.home / "bundles" / "current.bundle"

    @property
    def path(self) -> str:
        """Return where the device finds commands: what is installed on the desktop is not on it."""
        return f"{self.home}/bin:/usr/local/bin:/usr/bin:/bin"

    def make(self, authorized_key: str, bundle: Path) -> None:
        (self.home / "bin").mkdir(parents=True)
        (self.home / "bundles").mkdir()
        (self.home / "camera").mkdir()
        shutil.copy(ROOT / "samples" / "frames" / "desk_1.jpg", self.home / "camera")
        shutil.copy(bundle, self.current)
        (self.home / "authorized_keys").write_text(authorized_key)
        self.command("checkreader", f'#!/bin/sh\nexec {sys.executable} -m edge "$@"\n')
        program = "from firmware_tools.cli import main; main()"
        self.command("checkreader-firmware", f"#!/bin/sh\nexec {sys.executable} -c '{program}' \"$@\"\n")
        self.command("restart", _RESTART)
        self.configure()
        self.new_host_key()

    def command(self, name: str, text: str) -> None:
        path = self.home / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def configure(self, reading: str = "") -> None:
        self.config.write_text(
            f'[camera]\nsource = "replay:{self.home}/camera"\n[reading]\nbundle = "{self.current}"\n{reading}\n'
            f'[store]\nfolder = "{self.home}/store"\n[web]\nport = {self.web_port}\n'
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

    def restart(self) -> None:
        environment = {**os.environ, "HOME": str(self.home), "PATH": self.path, "PYTHONPATH": str(ROOT)}
        subprocess.run([str(self.home / "bin" / "restart")], env={**environment, "PYTHONUNBUFFERED": "1"}, check=True)

    def daemon_pid(self) -> int:
        return int((self.home / "daemon.pid").read_text())

    def stop_sshd(self) -> None:
        if self.sshd is not None:
            self.sshd.terminate()
            self.sshd.wait()
            self.sshd = None

    def stop(self) -> None:
        self.stop_sshd()
        with suppress(OSError, ValueError):
            os.kill(self.daemon_pid(), signal.SIGTERM)


class Fleet:
    """Devices in one folder, with a key that opens all of them and the configuration by which ssh finds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.devices: dict[str, Device] = {}
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "id")], check=True)

    def add(self, name: str, bundle: Path, force: str = "") -> Device:
        device = self.devices[name] = Device(name, self.folder / name, force=force)
        device.make((self.folder / "id.pub").read_text(), bundle)
        device.start()
        self.write()
        return device

    def write(self) -> None:
        """Write the desktop's side: which host is where, and whose key is known."""
        known, config = self.folder / "known_hosts", self.folder / "ssh_config"
        known.write_text("".join(device.known_host() for device in self.devices.values()))
        config.write_text(
            f"IdentityFile {self.folder}/id\nIdentitiesOnly yes\nUserKnownHostsFile {known}\nGlobalKnownHostsFile none\n"
            + "".join(f"Host {name}\n  HostName 127.0.0.1\n  Port {device.port}\n" for name, device in self.devices.items())
        )

    def words(self, *arguments: str | Path, hosts: tuple[str, ...] = ()) -> list[str]:
        """Return the deploy's command line; all devices where no ``hosts`` are named."""
        command = [sys.executable, "-c", "from firmware_tools.cli import main; main()", "deploy", *(hosts or tuple(self.devices))]
        # The home is the device's own: sshd sets it.
        own = ["--ssh-config", self.folder / "ssh_config", "--no-sudo", "--config", "~/checkreader.toml", "--device-log", "~/deploy.log"]
        own += ["--restart", "restart", "--settle", "0.5", "--patience", "120", "--log", self.folder / "deploy.log"]
        return [*command, *map(str, own), *map(str, arguments)]

    def deploy(self, *arguments: str | Path, hosts: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.words(*arguments, hosts=hosts), capture_output=True, text=True, cwd=ROOT)

    def stop(self) -> None:
        for device in self.devices.values():
            device.stop()
