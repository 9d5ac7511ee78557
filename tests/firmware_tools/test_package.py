"""A signed package of the reader, with the real dpkg, into a folder that stands for the whole system."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.firmware_tools.conftest import Device, firmware, signature_of

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg is not installed")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may install packages")
Build = Callable[..., Path]


@pytest.fixture
def build(device: Device) -> Build:
    def make(
        version: str, name: str = "checkreader", architecture: str = "all", signer: str = "good", upstream: str = "", **more: bool
    ) -> Path:
        root = device.root / "tree"
        shutil.rmtree(root, ignore_errors=True)
        (root / "DEBIAN").mkdir(parents=True)
        (root / "usr/share/checkreader").mkdir(parents=True)
        (root / "usr/share/checkreader/version").write_text(version)
        fields = {"Package": name, "Version": version, "Architecture": architecture, "Maintainer": "a <a@b.example>", "Description": "test"}
        (root / "DEBIAN/control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
        file = device.offered / f"{name}_{version}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", root, file], check=True, capture_output=True)
        data = file.read_bytes()
        signature = signature_of(data, getattr(device.keys, signer), upstream or version.partition("-")[0], **more)
        file.with_name(file.name + ".sig").write_bytes(signature)
        return file

    return make


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty system that dpkg installs into."""
    root = tmp_path / "system"
    for folder in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / folder).mkdir(parents=True)
    for file in ("status", "available"):
        (root / "var/lib/dpkg" / file).write_text("")
    monkeypatch.setenv("DPKG_ROOT", str(root))
    monkeypatch.setenv("DPKG_ADMINDIR", str(root / "var/lib/dpkg"))
    return root


@needs_root
def test_a_signed_package_is_installed_once_and_an_older_one_is_not(device: Device, build: Build, system: Path) -> None:
    file = build("0.9.0-1+deb12")
    done = device.update(file)
    assert (done.returncode, "the package of version 0.9.0 takes the place of" in done.stdout) == (0, True), done.stderr
    assert (system / "usr/share/checkreader/version").read_text() == "0.9.0-1+deb12"
    assert "the field version is 0.9.0, expected is one after 0.9.0" in device.refused(file)
    older = build("0.8.0-1", allow_downgrade=True)
    assert "--allow-downgrade was not given here" in device.refused(older)
    assert device.update(older, "--allow-downgrade").returncode == 0
    assert (system / "usr/share/checkreader/version").read_text() == "0.8.0-1"


@needs_root
def test_what_is_wrong_with_a_package_is_told_and_nothing_is_installed(device: Device, build: Build, system: Path) -> None:
    assert "the field key is" in device.refused(build("0.9.0-1", signer="stranger"))
    assert "Architecture is armel, expected is" in device.refused(build("0.9.0-1", architecture="armel"))
    assert "Package is other, expected is checkreader" in device.refused(build("0.9.0-1", name="other"))
    assert "Version is 0.9.0-1, the one of its signature is 0.9.5" in device.refused(build("0.9.0-1", upstream="0.9.5"))
    file = build("0.9.0-1")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert "the field file_sha256 of its signature" in device.refused(file)
    bundle = device.offer("0.9.0")
    for suffix in ("", ".sig"):
        bundle.with_name(bundle.name + suffix).rename(device.offered / f"new.deb{suffix}")
    assert "is no Debian package" in device.refused(device.offered / "new.deb")
    assert not (system / "usr").exists()


def test_a_package_is_signed_and_verified_by_its_own_version(device: Device, build: Build, tmp_path: Path) -> None:
    file = build("0.9.0-1+deb12")
    firmware("keygen", tmp_path / "k")
    signed = firmware("sign", file, "--key", tmp_path / "k.key", "--json")
    assert (signed.returncode, '"version": "0.9.0"' in signed.stdout) == (0, True), signed.stderr
    (tmp_path / "trust").mkdir()
    (tmp_path / "k.pub").rename(tmp_path / "trust/k.pub")
    verified = firmware("verify", file, "--trust", tmp_path / "trust")
    assert (verified.returncode, "a package of version 0.9.0" in verified.stdout) == (0, True), verified.stderr
