"""Debian packages, as far as updates need to know them; what is in one is dpkg's affair, and so is the power that goes meanwhile."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edge.errors import BundleError, MissingDependencyError, OutputError, UsageError

MOST_PACKAGE_BYTES = 512 * 1024 * 1024
NAME = "checkreader"
_MAGIC = b"!<arch>\ndebian-binary"  # deb(5)
_FIELDS = ("Package", "Version", "Architecture", "Installed-Size")


@dataclass(frozen=True, slots=True)
class Package:
    """What a package says of itself; ``version`` without the packager's revision, by which signatures name it."""

    full_version: str
    architecture: str
    installed_kilobytes: int

    @property
    def version(self) -> str:
        return self.full_version.partition("-")[0]


def is_package(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def read_package(file: Path) -> Package:
    """Return what a package says it is.

    Raises:
        MissingDependencyError: dpkg-deb is not installed.
        BundleError: it is no package, or one of another program.
    """
    if shutil.which("dpkg-deb") is None:
        raise MissingDependencyError("packages need dpkg-deb: sudo apt install dpkg")
    done = subprocess.run(["dpkg-deb", "--field", file, *_FIELDS], check=False, capture_output=True, text=True)
    fields = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    if done.returncode or not fields.keys() >= {"Package", "Version", "Architecture"}:
        raise BundleError(f"{file} is a damaged package ({done.stderr.strip()}): fetch it again")
    if fields["Package"] != NAME:
        raise BundleError(f"{file}: the field Package is {fields['Package']}, expected is {NAME}: name a package of this project")
    return Package(fields["Version"], fields["Architecture"], int(fields.get("Installed-Size", "0")))


def installed_version() -> str | None:
    """Return the version of this project's package that is installed, without the revision; None: none is."""
    done = subprocess.run(["dpkg-query", "--show", "--showformat", "${Version}", NAME], check=False, capture_output=True, text=True)
    return done.stdout.strip().partition("-")[0] if not done.returncode and done.stdout.strip() else None


def install_package(data: bytes, version: str) -> Package:
    """Install a package whose signature was checked; ``version``: what that says it is.

    Raises:
        UsageError: we are not root.
        BundleError: it is for another kind of processor, or of another version.
        OutputError: there is no room for it, or dpkg could not install it.
    """
    if os.geteuid() != 0:
        raise UsageError("a package changes the system: run this as root (sudo)")
    with tempfile.TemporaryDirectory(prefix="checkreader-") as folder:  # which nobody else may write to
        file = Path(folder) / f"{NAME}.deb"
        file.write_bytes(data)
        package = read_package(file)
        if package.version != version:
            raise BundleError(f"the field Version is {package.full_version}, the one of its signature is {version}: sign it again")
        here = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
        if package.architecture not in (here, "all"):
            raise BundleError(f"the field Architecture is {package.architecture}, expected is {here}: fetch the package for this device")
        root = os.environ.get("DPKG_ROOT") or "/"
        free = shutil.disk_usage(root).free
        if free < package.installed_kilobytes * 1024:
            raise OutputError(f"{root} has {free} bytes left, expected are at least {package.installed_kilobytes * 1024}; make room")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # A configuration that its owner changed stays as it is.
        command = ["dpkg", "--force-confdef", "--force-confold", "--install", str(file)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["dpkg does not say why"]
        raise OutputError(f"dpkg could not install version {package.full_version}: {said[0]}; sudo dpkg --configure --pending, then again")
    return package
