"""A fresh card of Raspberry Pi OS, made ready for a first start without keyboard and screen: files on its boot partition, nothing else.

Trixie's images read cloud-init's files (NoCloud); bookworm's run a script that cmdline.txt names. Either hands over to one script that
installs the package and then removes from the card what is secret.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import pbkdf2_hmac
from pathlib import Path
from shlex import quote
from typing import Literal

from edge.config import FirmwareConfig, read_config
from edge.errors import ConfigError, OutputError, UsageError
from edge.service.trust import read_public_key
from firmware_tools.debian import TRUST

Method = Literal["cloud-init", "firstrun"]
FOLDER = "checkreader"
_BOOT_FILES = ("config.txt", "cmdline.txt", "kernel8.img")
_ON_DEVICE = "/boot/firmware"
_SPARE_BYTES = 16 << 20
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_SSH_KEY = re.compile(r"(ssh-(ed25519|rsa)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/=]+( .*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a card is to become; ``wifi`` is the network's name and its derived key (64 hexadecimal digits)."""

    host_name: str
    user: str
    ssh_keys: Sequence[str]
    wifi: tuple[str, str] | None = None
    country: str = ""
    package: Path | None = None
    config: Path | None = None
    trusted_keys: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be written, by place on the boot partition; ``copies`` are files as they are, ``secret`` the places with a key inside."""

    method: Method
    texts: Mapping[str, str]
    copies: Mapping[str, Path] = field(default_factory=dict)
    secret: Sequence[str] = ()


def derived_key(name: str, passphrase: str) -> str:
    """Return the pre-shared key of a Wi-Fi network (IEEE 802.11-2020, J.4): the passphrase itself need not be on the card.

    Raises:
        UsageError: the passphrase has not 8 to 63 printable ASCII characters, or the name not 1 to 32 bytes.
    """
    if not 8 <= len(passphrase) <= 63 or not (passphrase.isascii() and passphrase.isprintable()):
        raise UsageError("a Wi-Fi passphrase has 8 to 63 printable ASCII characters; look at it again")
    if not 1 <= len(name.encode()) <= 32 or not name.isprintable():
        raise UsageError(f"{name!r} is no name of a Wi-Fi network, which has 1 to 32 bytes")
    return pbkdf2_hmac("sha1", passphrase.encode(), name.encode(), 4096, 32).hex()


def look_at(boot: Path) -> Method:
    """Say how the system on a card is told what to do at its first start.

    Raises:
        UsageError: this is not the mounted boot partition of 64-bit Raspberry Pi OS, or it has been started already.
    """
    if boot.is_block_device() or not boot.is_dir():
        raise UsageError(f"{boot} is no folder; name where the card's boot partition is mounted, such as /media/you/bootfs, never a device")
    missing = [name for name in _BOOT_FILES if not (boot / name).is_file()]
    if missing:
        raise UsageError(f"{boot} has no {missing[0]}, so it is not the boot partition of 64-bit Raspberry Pi OS; name that one")
    if "root=" not in (boot / "cmdline.txt").read_text(encoding="utf-8", errors="replace"):
        raise UsageError(f"{boot}/cmdline.txt names no root=; write the card anew with Raspberry Pi Imager")
    if (boot / FOLDER).exists():
        raise UsageError(f"{boot}/{FOLDER} is there already: this card was made ready before; write it anew, or remove that folder")
    return "cloud-init" if (boot / "meta-data").exists() or (boot / "user-data").exists() else "firstrun"


def plan_for(method: Method, wish: Wish, command_line: str) -> Plan:
    """Return what to write for a wish; ``command_line`` is what stands in the card's cmdline.txt.

    Raises:
        UsageError: a name, key or country that the system would not take.
        ConfigError: the reader would not start with the configuration.
    """
    firmware = _checked(wish)
    folder = f"{_ON_DEVICE}/{FOLDER}"
    copies: dict[str, Path] = {}
    if wish.package:
        copies[f"{FOLDER}/{wish.package.name}"] = wish.package
    if wish.config:
        copies[f"{FOLDER}/checkreader.toml"] = wish.config
    copies |= {f"{FOLDER}/trust/{key.name}": key for key in wish.trusted_keys}
    texts = {f"{FOLDER}/first-boot.sh": _first_boot(wish, method, firmware)}
    if method == "cloud-init":
        secret = ["network-config"] if wish.wifi else []
        texts |= {"meta-data": f"instance-id: checkreader-{wish.host_name}\n", "user-data": _user_data(wish, folder)}
        if wish.wifi:
            texts["network-config"] = _network_config(wish)
    else:
        secret = [f"{FOLDER}/firstrun.sh"] if wish.wifi else []
        texts[f"{FOLDER}/firstrun.sh"] = _firstrun(wish, folder)
        run = f"systemd.run={folder}/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target"
        texts["cmdline.txt"] = f"{command_line.strip()} {run}\n"
    return Plan(method, texts, copies, secret)


def write_plan(plan: Plan, boot: Path) -> None:
    """Write a plan to the boot partition; what makes the system act on it comes last, so that half a card is a card as before.

    Raises:
        OutputError: the partition has no room, or cannot be written to.
    """
    n_bytes = sum(path.stat().st_size for path in plan.copies.values())
    free = shutil.disk_usage(boot).free
    if free < n_bytes + _SPARE_BYTES:
        raise OutputError(f"{boot} has {free:,} bytes free and {n_bytes + _SPARE_BYTES:,} are needed; write the card anew")
    try:
        for place, source in plan.copies.items():
            (boot / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, boot / place)
        for place in sorted(plan.texts, key=lambda name: name in ("cmdline.txt", "user-data")):
            (boot / place).parent.mkdir(parents=True, exist_ok=True)
            with (boot / place).open("w", encoding="utf-8", newline="\n") as file:
                file.write(plan.texts[place])
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"{boot} cannot be written to ({error.strerror}); is the card's switch on lock?") from error


def _checked(wish: Wish) -> FirmwareConfig:
    """Return how the device will take updates, if all that is wished is possible."""
    if not _HOST_NAME.fullmatch(wish.host_name):
        raise UsageError(f"{wish.host_name!r} is no host name; it has lower-case letters, digits and dashes, at most 63")
    if not _USER_NAME.fullmatch(wish.user) or wish.user == "root":
        raise UsageError(f"{wish.user!r} is no name for a user; it begins with a lower-case letter, and root is taken")
    for key in wish.ssh_keys:
        if "PRIVATE KEY" in key:
            raise UsageError("this is a private key, which never leaves this machine; give the file that ends in .pub")
        if not _SSH_KEY.fullmatch(key):
            raise UsageError(f"{key[:40]!r} is no public ssh key; make one with ssh-keygen and give the file that ends in .pub")
    if not wish.ssh_keys:
        raise UsageError("without an ssh key nobody could log in; give --ssh-key FILE.pub")
    if wish.wifi and not re.fullmatch("[A-Z]{2}", wish.country):
        raise UsageError(f"--country is {wish.country!r}; Wi-Fi stays off without the country that it is used in, such as US or IN")
    # Without a configuration of one's own, that of the package.
    firmware = read_config(wish.config).firmware if wish.config else FirmwareConfig(folder="/var/lib/checkreader/firmware", trust=TRUST)
    for key_file in wish.trusted_keys:
        _check_key(key_file)
    if wish.trusted_keys and not (firmware.folder and firmware.trust.startswith("/")):
        raise UsageError(
            f"{wish.config} would not let the keys count: it needs [firmware] with folder, and trust as a whole path such as {TRUST}"
        )
    return firmware


def _check_key(file: Path) -> None:
    try:
        if b"PRIVATE KEY" in file.read_bytes():
            raise UsageError(f"{file} is a private key, which never leaves this machine; give the file that ends in .pub")
        read_public_key(file)
    except OSError as error:
        raise ConfigError(f"the key {file} cannot be read ({error.strerror}); name another with --trust") from None
    if file.suffix != ".pub":
        raise UsageError(f"{file} would not be found among the trusted keys, whose names end in .pub; rename it")


def _user_data(wish: Wish, folder: str) -> str:
    # JSON is YAML, and quotes whatever stands in a name.
    said = {
        "hostname": wish.host_name, "manage_etc_hosts": True, "ssh_pwauth": False,
        "users": [{
            "name": wish.user, "groups": "adm,sudo,video,plugdev,netdev", "shell": "/bin/bash", "lock_passwd": True,
            "sudo": "ALL=(ALL) NOPASSWD:ALL", "ssh_authorized_keys": list(wish.ssh_keys),
        }],
        "runcmd": [["systemctl", "enable", "--now", "ssh"], ["sh", f"{folder}/first-boot.sh"]],
    }  # fmt: skip
    return "#cloud-config\n" + json.dumps(said, indent=1) + "\n"


def _network_config(wish: Wish) -> str:
    assert wish.wifi is not None
    name, key = wish.wifi
    points = {name: {"password": key}}
    wlan = {"dhcp4": True, "optional": True, "regulatory-domain": wish.country, "access-points": points}
    wired = {"match": {"name": "e*"}, "dhcp4": True, "optional": True}
    return json.dumps({"network": {"version": 2, "ethernets": {"wired": wired}, "wifis": {"wlan0": wlan}}}, indent=1) + "\n"


def _firstrun(wish: Wish, folder: str) -> str:
    """Return bookworm's script: it runs once, before the network, and hands over to a unit of the next start."""
    keys = "\n".join(wish.ssh_keys)
    wifi = ""
    if wish.wifi:
        name, key = wish.wifi
        connection = (
            f"[connection]\nid=wifi\ntype=wifi\n[wifi]\nmode=infrastructure\nssid={';'.join(str(b) for b in name.encode())};\n"
            f"[wifi-security]\nkey-mgmt=wpa-psk\npsk={key}\n[ipv4]\nmethod=auto\n[ipv6]\nmethod=auto\n"
        )
        wifi = f"""
place=/etc/NetworkManager/system-connections/wifi.nmconnection
(umask 077 && printf %s {quote(connection)} >$place)
raspi-config nonint do_wifi_country {wish.country} || true
"""
    return f"""#!/bin/sh
# Written by checkreader-firmware provision; runs once and removes itself.
set -u
sed -i 's/ systemd\\.[^ ]*//g' {_ON_DEVICE}/cmdline.txt
echo {wish.host_name} >/etc/hostname
sed -i 's/^127\\.0\\.1\\.1.*/127.0.1.1 {wish.host_name}/' /etc/hosts
first=$(getent passwd 1000 | cut -d: -f1)
homes=$(dirname "$(getent passwd 1000 | cut -d: -f6)")
if [ -z "$first" ]; then useradd -m -u 1000 -s /bin/bash {wish.user}
elif [ "$first" != {wish.user} ]; then usermod -l {wish.user} -d "$homes/{wish.user}" -m "$first" && groupmod -n {wish.user} "$first"; fi
usermod -p '*' {wish.user}
for group in sudo video plugdev netdev; do usermod -a -G $group {wish.user} || true; done
echo '{wish.user} ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/010_{wish.user}
chmod 440 /etc/sudoers.d/010_{wish.user}
home=$(getent passwd {wish.user} | cut -d: -f6)
install -d -m 700 -o {wish.user} -g {wish.user} "$home/.ssh"
printf '%s\\n' {quote(keys)} >"$home/.ssh/authorized_keys"
chown {wish.user}:{wish.user} "$home/.ssh/authorized_keys"
systemctl enable ssh
systemctl disable userconfig || true
{wifi}
cat >/etc/systemd/system/checkreader-first-boot.service <<'UNIT'
[Unit]
After=network-online.target
Wants=network-online.target
[Service]
Type=oneshot
ExecStart=/bin/sh {folder}/first-boot.sh
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable checkreader-first-boot.service
rm -f {folder}/firstrun.sh
exit 0
"""


def _first_boot(wish: Wish, method: Method, firmware: FirmwareConfig) -> str:
    """Return what installs the package on the running system, writes down how it went, and removes what is secret from the card."""
    lines = [
        "#!/bin/sh", "# Written by checkreader-firmware provision; first-boot.log says how it went.", "set -u",
        f"here={_ON_DEVICE}/{FOLDER}", "exec >$here/first-boot.log 2>&1",
    ]  # fmt: skip
    if method == "cloud-init" and wish.wifi:
        # The system keeps the network where only root reads; cloud-init does not ask again for the same instance.
        lines.append(f"rm -f {_ON_DEVICE}/network-config && echo 'the Wi-Fi key is off the card'")
    if wish.config:
        lines.append("install -m 644 $here/checkreader.toml /etc/checkreader.toml")
    if wish.trusted_keys:
        trust = quote(firmware.trust)
        lines.append(f"install -d -m 755 {trust} && install -m 644 $here/trust/*.pub {trust}/")
    if wish.package:
        name = quote(wish.package.name)
        mend = "apt-get --yes --fix-broken -o Dpkg::Options::=--force-confold install"
        lines.append(f"dpkg --force-confold --install $here/{name} || {mend}")
        lines.append(f"rm -f $here/{name}")
        if firmware.source and wish.trusted_keys:
            lines.append("systemctl enable --now checkreader-update.timer")
    lines += ["systemctl disable checkreader-first-boot.service 2>/dev/null", "rm -f $here/first-boot.sh", "echo done"]
    return "\n".join(lines) + "\n"
