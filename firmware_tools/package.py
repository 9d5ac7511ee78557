"""Debian packages, as far as updates need to know them; what is in one is dpkg's affair."""

import shutil
import subprocess
from pathlib import Path

from edge.errors import BundleError, MissingDependencyError

MOST_PACKAGE_BYTES = 512 * 1024 * 1024
NAME = "checkreader"
_MAGIC = b"!<arch>\ndebian-binary"  # deb(5)


def is_package(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def package_version(file: Path) -> str:
    """Return the version that a package says it has.

    Raises:
        MissingDependencyError: dpkg-deb is not installed.
        BundleError: it is no package, or one of another program.
    """
    if shutil.which("dpkg-deb") is None:
        raise MissingDependencyError("packages need dpkg-deb: sudo apt install dpkg")
    done = subprocess.run(["dpkg-deb", "--field", file, "Package", "Version"], check=False, capture_output=True, text=True)
    fields = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    if done.returncode or not fields.keys() >= {"Package", "Version"}:
        raise BundleError(f"{file} is a damaged package ({done.stderr.strip()}): fetch it again")
    if fields["Package"] != NAME:
        raise BundleError(f"{file}: the field Package is {fields['Package']}, expected is {NAME}: name a package of this project")
    return fields["Version"].partition("-")[0]  # without the packager's revision
