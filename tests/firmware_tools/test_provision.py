import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import ConfigError, UsageError
from edge.service.trust import read_trust
from firmware_tools.debian import TRUST
from firmware_tools.keys import make_key
from firmware_tools.provision import Wish, derived_key, look_at, plan_for

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ3yYtq0 ann@desk"
COMMAND_LINE = "console=tty1 root=PARTUUID=4f2a-02 rootfstype=ext4 rootwait"


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    """The files by which a boot partition of Raspberry Pi OS is known; those of trixie with cloud-init's beside them."""
    boot = tmp_path / "bootfs"
    boot.mkdir()
    (boot / "config.txt").write_text("arm_64bit=1\n")
    (boot / "cmdline.txt").write_text(COMMAND_LINE + "\n")
    (boot / "kernel8.img").write_bytes(b"kernel")
    (boot / "meta-data").write_text("instance-id: rpi-image\n")
    (tmp_path / "id.pub").write_text(KEY + "\n")
    (tmp_path / "passphrase").write_text("correct horse\n")
    return boot


def provision(boot: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "firmware_tools", "provision", boot, "--hostname", "counter-1"]
    words += ["--ssh-key", boot.parent / "id.pub", *arguments]
    return subprocess.run(list(map(str, words)), capture_output=True, text=True)


def test_the_derived_key_is_that_of_the_standard() -> None:
    """IEEE 802.11-2020, J.4.3, test vectors."""
    assert derived_key("IEEE", "password") == "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    assert derived_key("ThisIsASSID", "ThisIsAPassword") == "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af"


def test_a_card_of_trixie_gets_cloud_inits_files_and_the_passphrase_is_nowhere(boot: Path) -> None:
    deb, key, config = (boot.parent / name for name in ("checkreader_1_arm64.deb", "site.pub", "site.toml"))
    deb.write_bytes(b"!<arch>\n")
    make_key(key.with_suffix(".key"), key, None, "site", "2026-01-01", None)
    config.write_text('[firmware]\nfolder = "/var/lib/checkreader/firmware"\ntrust = "/etc/site"\nsource = "usb"\n')
    wifi = ("--wifi", "Counter 5", "--country", "US", "--passphrase-file", boot.parent / "passphrase")
    done = provision(boot, *wifi, "--deb", deb, "--trust", key, "--config", config)
    assert done.returncode == 0, done.stderr
    psk = derived_key("Counter 5", "correct horse")
    network = json.loads((boot / "network-config").read_text())["network"]
    assert network["wifis"]["wlan0"]["access-points"] == {"Counter 5": {"password": psk}}
    assert network["wifis"]["wlan0"]["regulatory-domain"] == "US"
    user = (boot / "user-data").read_text()
    assert user.startswith("#cloud-config\n")
    said = json.loads(user.partition("\n")[2])
    assert (said["hostname"], said["users"][0]["ssh_authorized_keys"]) == ("counter-1", [KEY])
    assert (boot / "checkreader" / deb.name).read_bytes() == deb.read_bytes()
    assert (boot / "checkreader/trust/site.pub").read_bytes() == key.read_bytes()
    assert (boot / "cmdline.txt").read_text() == COMMAND_LINE + "\n"
    everything = b"".join(path.read_bytes() for path in boot.rglob("*") if path.is_file())
    assert b"correct horse" not in everything
    assert psk not in done.stdout
    first_boot = (boot / "checkreader/first-boot.sh").read_text()
    assert "rm -f /boot/firmware/network-config" in first_boot
    assert "systemctl enable --now checkreader-update.timer" in first_boot
    # The keys come to where the configuration looks for them, in the form that it wants.
    copied = next(line for line in first_boot.splitlines() if "/etc/site" in line).replace("/etc/site", str(boot.parent / "etc"))
    subprocess.run(["sh", "-c", f"here={boot}/checkreader; {copied}"], check=True)
    assert [key.name for key in read_trust(boot.parent / "etc").keys.values()] == ["site"]
    assert provision(boot).returncode == 64  # twice is a mistake


def test_a_card_of_bookworm_gets_a_script_that_removes_itself(boot: Path) -> None:
    (boot / "meta-data").unlink()
    done = provision(boot, "--wifi", "Ann's; net", "--country", "US", "--passphrase-file", boot.parent / "passphrase")
    assert done.returncode == 0, done.stderr
    line = (boot / "cmdline.txt").read_text()
    assert line.startswith(COMMAND_LINE + " systemd.run=/boot/firmware/checkreader/firstrun.sh ")
    assert line.count("\n") == 1
    # The script's own way back gives the line that was there.
    undone = subprocess.run(["sed", r"s/ systemd\.[^ ]*//g"], input=line, capture_output=True, text=True).stdout
    assert undone == COMMAND_LINE + "\n"
    for name in ("firstrun.sh", "first-boot.sh"):
        script = boot / "checkreader" / name
        assert subprocess.run(["sh", "-n", script]).returncode == 0
    assert "rm -f /boot/firmware/checkreader/firstrun.sh" in (boot / "checkreader/firstrun.sh").read_text()


def test_a_dry_run_shows_everything_but_the_secret_and_writes_nothing(boot: Path) -> None:
    before = sorted(boot.rglob("*"))
    done = provision(boot, "--dry-run", "--wifi", "net", "--country", "US", "--passphrase-file", boot.parent / "passphrase")
    assert done.returncode == 0, done.stderr
    assert sorted(boot.rglob("*")) == before
    assert "--- user-data" in done.stdout
    assert '"password": "***"' in done.stdout
    assert derived_key("net", "correct horse") not in done.stdout


@pytest.mark.parametrize("name", ["config.txt", "cmdline.txt", "kernel8.img"])
def test_what_is_no_boot_partition_is_refused(boot: Path, name: str) -> None:
    (boot / name).unlink()
    with pytest.raises(UsageError, match=f"has no {name}"):
        look_at(boot)


def test_a_device_is_never_written_to() -> None:
    with pytest.raises(UsageError, match="never a device"):
        look_at(Path("/dev/null"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host_name": "Counter_1"}, "is no host name"),
        ({"user": "root"}, "root is taken"),
        ({"ssh_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]}, "never leaves this machine"),
        ({"ssh_keys": []}, "nobody could log in"),
        ({"wifi": ("net", "0" * 64)}, "Wi-Fi stays off without the country"),
    ],
)
def test_a_wish_that_the_device_could_not_fulfil_is_refused(change: dict[str, object], words: str) -> None:
    wish = Wish(**{"host_name": "counter-1", "user": "pi", "ssh_keys": [KEY], **change})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=words):
        plan_for("cloud-init", wish, COMMAND_LINE)


def test_a_key_that_would_not_count_on_the_device_is_refused(tmp_path: Path) -> None:
    def plan(key: Path, config: Path | None = None) -> str:
        wish = Wish(host_name="counter-1", user="pi", ssh_keys=[KEY], trusted_keys=[key], config=config)
        return plan_for("cloud-init", wish, COMMAND_LINE).texts["checkreader/first-boot.sh"]

    private, public, config = (tmp_path / name for name in ("site.key", "site.pub", "site.toml"))
    make_key(private, public, None, "site", "2026-01-01", None)
    assert f"{TRUST}/\n" in plan(public)
    config.write_text('[camera]\nsource = "picam"\n')
    with pytest.raises(UsageError, match="would not let the keys count"):
        plan(public, config)
    with pytest.raises(UsageError, match="never leaves this machine"):
        plan(private)
    with pytest.raises(UsageError, match=r"end in \.pub"):
        plan(Path(shutil.copy(public, tmp_path / "site.txt")))
    public.write_text("{}")
    with pytest.raises(ConfigError, match="is no public key of this project"):
        plan(public)


def test_a_short_passphrase_is_refused_without_being_repeated() -> None:
    with pytest.raises(UsageError) as refused:
        derived_key("net", "s3cret")
    assert "s3cret" not in str(refused.value)


@pytest.mark.skipif(shutil.which("cloud-init") is None, reason="needs cloud-init: apt install cloud-init")
def test_cloud_init_itself_finds_nothing_wrong(boot: Path) -> None:
    assert provision(boot).returncode == 0
    done = subprocess.run(["cloud-init", "schema", "--config-file", boot / "user-data"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
