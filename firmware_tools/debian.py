"""A Debian package of the reader for Raspberry Pi OS, made without a Pi: the locked wheels of that system unpacked into one folder."""

import gzip
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge import __version__
from edge.errors import MissingDependencyError, OutputError, UsageError
from firmware_tools.wheels import Target, download, needed, unpack

PACKAGE = "checkreader"
_LIBRARY = Path("usr/lib/checkreader")
_CONFIG = "/etc/checkreader.toml"
TRUST = "/etc/checkreader/trust"
_UNITS = ("checkreader.service", "checkreader-update.service", "checkreader-update.timer")
_MAINTAINER = "checkreader authors <authors@checkreader.invalid>"
_COMMANDS = {"checkreader": "edge.cli", "checkreader-firmware": "firmware_tools.cli"}
_SCRIPTS = ("postinst", "prerm", "postrm")
# What the daemon and its tools are at run time; train/ stays on the desktop.
_OWN = ("edge", "firmware_tools")


@dataclass(frozen=True, slots=True)
class Suite:
    """A release of Debian, and so of Raspberry Pi OS: its number, its Python and its glibc."""

    number: int
    python: str
    glibc_minor: int


SUITES: Mapping[str, Suite] = {"bookworm": Suite(12, "3.11", 36), "trixie": Suite(13, "3.13", 41)}
MACHINES: Mapping[str, str] = {"arm64": "aarch64", "amd64": "x86_64"}
# What people may ask for and cannot have, with the reason.
_TOO_OLD = {"bullseye": "3.9", "buster": "3.7"}


def target_of(suite: str, architecture: str) -> Target:
    """Return what wheels have to fit.

    Raises:
        UsageError: there is no interpreter for that system; says which are supported, and how to get there.
    """
    if architecture not in MACHINES:
        raise UsageError(
            f"there are no parts for the architecture {architecture}; supported are {' and '.join(MACHINES)}: "
            "a Raspberry Pi 3 or later runs the 64-bit Raspberry Pi OS, which is arm64"
        )
    if suite not in SUITES:
        python = f" has Python {_TOO_OLD[suite]}, for which the interpreter has no wheel" if suite in _TOO_OLD else " is not known"
        supported = ", ".join(f"{name} (Python {known.python})" for name, known in SUITES.items())
        raise UsageError(f"the release {suite}{python}; supported are {supported}: write the card anew with one of them")
    return Target(machine=MACHINES[architecture], python=SUITES[suite].python, glibc_minor=SUITES[suite].glibc_minor)


def build_deb(checkout: Path, suite: str, architecture: str, out: Path, revision: str = "1", wheels: Path | None = None) -> Path:
    """Make the package in ``out`` and return its file; the same checkout, time stamp and lock give the same bytes.

    The time stamp is SOURCE_DATE_EPOCH, or else that of the last commit (reproducible-builds.org).

    Raises:
        UsageError: the system is not supported, or ``checkout`` is not one.
        MissingDependencyError: dpkg-deb or a wheel is missing.
        OutputError: dpkg-deb could not write.
    """
    target = target_of(suite, architecture)
    templates, lock = checkout / "packaging" / "deb", checkout / "requirements" / "serve.txt"
    if not templates.is_dir() or not lock.is_file():
        raise UsageError(f"{checkout} is no checkout of this project; run the command in one")
    if shutil.which("dpkg-deb") is None:
        raise MissingDependencyError("dpkg-deb is missing; on other systems than Debian and its kin install the package dpkg")
    found = download(lock, target, wheels or checkout / "build" / "wheels" / f"{suite}-{architecture}")
    version = f"{__version__}-{revision}+deb{SUITES[suite].number}"
    epoch = _epoch(checkout)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        for wheel in needed(found, checkout / "pyproject.toml", "serve", target):
            unpack(wheel, root / _LIBRARY)
        _add_own(checkout, root, templates)
        _add_documents(checkout, root, templates, version, epoch)
        _add_control(root, templates, version, suite, architecture)
        _settle(root, epoch)
        return _pack(root, out, f"{PACKAGE}_{version}_{architecture}.deb", epoch)


def _add_own(checkout: Path, root: Path, templates: Path) -> None:
    for package in _OWN:
        shutil.copytree(checkout / package, root / _LIBRARY / package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    launcher = (templates / "launcher").read_text(encoding="utf-8")
    for command, module in _COMMANDS.items():
        _write(root / "usr/bin" / command, launcher.replace("{module}", module), 0o755)
    _write(root / _CONFIG.removeprefix("/"), (templates / "checkreader.toml").read_text(encoding="utf-8"))
    (root / TRUST.removeprefix("/")).mkdir(parents=True)
    for name in _UNITS:
        unit = (checkout / "packaging" / name).read_text(encoding="utf-8")
        _write(root / "usr/lib/systemd/system" / name, unit.replace("/opt/checkreader/bin/", "/usr/bin/"))


def _add_documents(checkout: Path, root: Path, templates: Path, version: str, epoch: int) -> None:
    documents = root / "usr/share/doc" / PACKAGE
    _write(documents / "examples" / "checkreader.toml", (templates / "checkreader.toml").read_text(encoding="utf-8"))
    licence = (checkout / "LICENSE").read_text(encoding="utf-8")
    _write(documents / "copyright", (templates / "copyright").read_text(encoding="utf-8").replace("{licence}", _indented(licence)))
    date = subprocess.run(["date", "-u", "-R", "-d", f"@{epoch}"], capture_output=True, text=True, check=True).stdout.strip()
    entry = f"{PACKAGE} ({version}) unstable; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n -- {_MAINTAINER}  {date}\n"
    _write_gzip(documents / "changelog.Debian.gz", entry)
    _write_gzip(documents / "changelog.gz", (checkout / "CHANGELOG.md").read_text(encoding="utf-8"))
    _write(root / "usr/share/lintian/overrides" / PACKAGE, (templates / "lintian-overrides").read_text(encoding="utf-8"))
    for command in _COMMANDS:
        _write_gzip(root / "usr/share/man/man1" / f"{command}.1.gz", (templates / f"{command}.1").read_text(encoding="utf-8"))


def _add_control(root: Path, templates: Path, version: str, suite: str, architecture: str) -> None:
    control = root / "DEBIAN"
    for script in _SCRIPTS:
        _write(control / script, (templates / script).read_text(encoding="utf-8"), 0o755)
    _write(control / "conffiles", f"{_CONFIG}\n")
    files = sorted(path for path in root.rglob("*") if path.is_file() and control not in path.parents)
    sums = (f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(root)}\n" for path in files)
    _write(control / "md5sums", "".join(sums))
    major, minor = SUITES[suite].python.split(".")
    words = {
        "version": version, "architecture": architecture, "maintainer": _MAINTAINER,
        "python": f"python3 (>= {major}.{minor}), python3 (<< {major}.{int(minor) + 1})", "glibc": f"2.{SUITES[suite].glibc_minor}",
        "kilobytes": str(sum(-(-path.stat().st_size // 1024) for path in files)),
    }  # fmt: skip
    _write(control / "control", (templates / "control").read_text(encoding="utf-8").format(**words))


def _settle(root: Path, epoch: int) -> None:
    """Give every file and folder the mode and the time that it has on every machine that builds."""
    for path in sorted(root.rglob("*"), reverse=True):
        is_command = path.parent in (root / "usr/bin", root / "DEBIAN") and os.access(path, os.X_OK)
        path.chmod(0o755 if path.is_dir() or is_command else 0o644)
        os.utime(path, (epoch, epoch))
    root.chmod(0o755)
    os.utime(root, (epoch, epoch))


def _pack(root: Path, out: Path, name: str, epoch: int) -> Path:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    out.mkdir(parents=True, exist_ok=True)
    words = ["dpkg-deb", "--root-owner-group", "-Zxz", "--uniform-compression", "--build", str(root), str(out / f".{name}.part")]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        (out / f".{name}.part").unlink(missing_ok=True)
        raise OutputError(f"dpkg-deb left with {done.returncode}: {done.stderr.strip().splitlines()[-1]}")
    return (out / f".{name}.part").replace(out / name)


def _epoch(checkout: Path) -> int:
    if stated := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(stated)
    words = ["git", "-c", "safe.directory=*", "log", "-1", "--format=%ct"]
    done = subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=False) if shutil.which("git") else None
    if done is None or done.returncode:
        raise UsageError("the time of the last commit is not known; set SOURCE_DATE_EPOCH (seconds since 1970)")
    return int(done.stdout)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _write_gzip(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _indented(text: str) -> str:
    return "\n".join(f" {line}" if line.strip() else " ." for line in text.strip().splitlines())
