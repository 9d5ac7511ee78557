"""The locked packages for another machine and Python: what holds there, downloaded by hash, unpacked, and only what is needed."""

import email
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import TYPE_CHECKING

from edge.errors import BundleError, MissingDependencyError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

# glibc versions that wheels are named after (PEP 600); a wheel for an older one runs on a newer one.
_GLIBC_MINORS = (41, 39, 36, 35, 34, 31, 28, 27, 24, 17)
# Folders that nobody needs who runs a package, and compilers for other chips than a Pi's.
_LEFT_OUT = {"test", "tests", "__pycache__"}
_OTHERS = {("ai_edge_litert", "vendors"), ("ai_edge_litert", "tools"), ("numpy", "distutils"), ("numpy", "f2py")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A system that packages are for: ``machine`` as uname says it, ``python`` such as "3.13", ``glibc_minor`` of glibc 2."""

    machine: str
    python: str
    glibc_minor: int

    def environment(self) -> dict[str, str]:
        """Return what environment markers are held against (PEP 508)."""
        return {
            "python_version": self.python, "python_full_version": f"{self.python}.0", "platform_machine": self.machine,
            "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "implementation_name": "cpython",
            "platform_python_implementation": "CPython", "extra": "",
        }  # fmt: skip

    def platforms(self) -> Iterator[str]:
        yield from (f"manylinux_2_{minor}_{self.machine}" for minor in _GLIBC_MINORS if minor <= self.glibc_minor)
        yield f"manylinux2014_{self.machine}"


def locked_lines(lock: Path, target: Target) -> list[str]:
    """Return the lock's requirements that hold on the target, each with its hashes in one line."""
    markers = _markers()
    lines = []
    for block in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        requirement, *hashes = block.split(" --hash=")
        name, _, marker = requirement.partition(";")
        if name.strip() and (not marker.strip() or markers.Marker(marker).evaluate(target.environment())):
            lines.append(" ".join([name.strip(), *(f"--hash={value.strip()}" for value in hashes)]))
    return lines


def download(lock: Path, target: Target, to: Path) -> list[Path]:
    """Fetch the wheels of a lock for the target, each checked against its hash; what is there already is not fetched again.

    Raises:
        MissingDependencyError: a package has no wheel for the target, or the registry does not answer.
    """
    to.mkdir(parents=True, exist_ok=True)
    lines = to / "requirements.txt"
    lines.write_text("\n".join(locked_lines(lock, target)) + "\n", encoding="utf-8")
    words = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps", "--only-binary", ":all:"]
    words += ["--require-hashes", "--implementation", "cp", "--python-version", target.python, "--dest", str(to), "-r", str(lines)]
    words += [word for platform in target.platforms() for word in ("--platform", platform)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")), done.stderr.strip()[-300:])
        raise MissingDependencyError(f"the packages for Python {target.python} on {target.machine} cannot be had ({last})")
    wanted = {_wheel_name(line.partition("==")[0]) + "-" + line.partition("==")[2].split()[0] for line in lines.read_text().splitlines()}
    return [path for path in sorted(to.glob("*.whl")) if "-".join(_split(path)) in wanted]


def needed(wheels: list[Path], project: Path, extra: str, target: Target) -> list[Path]:
    """Return the wheels that the project needs at run time, with what those need: not what only builds it.

    Raises:
        BundleError: a package that is needed is in no wheel.
    """
    by_name = {_split(path)[0]: path for path in wheels}
    table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    waiting = [*table["dependencies"], *table["optional-dependencies"][extra]]
    found: dict[str, Path] = {}
    while waiting:
        requirement = _requirement(waiting.pop())
        name = _wheel_name(requirement.name)
        if name in found or (requirement.marker and not requirement.marker.evaluate(target.environment())):
            continue
        if name not in by_name:
            raise BundleError(f"{requirement.name} is needed and not in the lock; resolve it again with make lock")
        found[name] = by_name[name]
        waiting += _metadata(by_name[name]).get_all("Requires-Dist", [])
    return sorted(found.values())


def unpack(wheel: Path, to: Path) -> None:
    """Lay a wheel's packages into a folder that is on the path; commands, headers and tests of its own stay behind."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            path = PurePosixPath(entry.filename)
            parts = path.parts
            if parts[0].endswith(".data"):
                if parts[1] not in ("purelib", "platlib"):
                    continue
                parts = parts[2:]
            if entry.is_dir() or path.name == "RECORD" or _LEFT_OUT & set(parts[:-1]) or parts[:2] in _OTHERS:
                continue
            place = to.joinpath(*parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.read(entry))


def _metadata(wheel: Path) -> "email.message.Message":
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.count("/") == 1 and name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def _split(wheel: Path) -> tuple[str, str]:
    name, version, *_ = wheel.name.split("-")
    return _wheel_name(name), version


def _wheel_name(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _requirement(line: str) -> "Requirement":
    from packaging.requirements import Requirement

    return Requirement(line)


def _markers() -> ModuleType:
    try:
        import packaging.markers
    except ImportError:
        raise MissingDependencyError("the package `packaging` is missing; set the environment up with make read") from None
    return packaging.markers
