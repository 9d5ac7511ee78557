"""The Debian package: what can be told here, and with `make test-deb` what becomes of a bare Debian that it is installed into."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import UsageError
from firmware_tools.debian import build_deb, target_of
from firmware_tools.keys import make_key, read_key
from firmware_tools.wheels import locked_lines
from tests.firmware_tools.conftest import signed_bundle

ROOT = Path(__file__).resolve().parents[2]
DEBIAN = ROOT / "tests/device/debian"
CONFIG, SLOTS, OLD = "etc/checkreader.toml", "var/lib/checkreader/firmware", "var/lib/checkreader/bundles"
slow = pytest.mark.skipif("TEST_DEB" not in os.environ, reason="takes minutes: make test-deb runs it")


@pytest.mark.parametrize(
    ("suite", "architecture", "words"),
    [
        ("bullseye", "arm64", "bullseye has Python 3.9, for which the interpreter has no wheel; supported are bookworm"),
        ("sid", "arm64", "sid is not known; supported are bookworm (Python 3.11), trixie (Python 3.13): write the card anew"),
        ("trixie", "armhf", "no parts for the architecture armhf; supported are arm64 and amd64: a Raspberry Pi 3 or later runs"),
    ],
)
def test_a_system_without_parts_is_refused_with_the_way_to_one_that_has_them(suite: str, architecture: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        target_of(suite, architecture)
    assert words in str(refused.value)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no checkout of this project"):
        build_deb(tmp_path, "trixie", "arm64", tmp_path)


@pytest.mark.parametrize(("suite", "numpy"), [("bookworm", "numpy==1."), ("trixie", "numpy==2.")])
def test_the_lock_is_read_for_the_target_and_not_for_this_machine(suite: str, numpy: str) -> None:
    lines = locked_lines(ROOT / "requirements/serve.txt", target_of(suite, "arm64"))
    names = [line.partition("==")[0] for line in lines]
    assert len(names) == len(set(names)) > 30
    assert [line for line in lines if line.startswith("numpy")] == [line for line in lines if line.startswith(numpy)] != []
    assert "ai-edge-litert" in names
    assert "colorama" not in names  # Windows alone
    assert all(" --hash=sha256:" in line for line in lines)


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Path]]]:
    """Give a root of a release, and two packages for it: the older and the newer."""
    suite, folder = str(request.param), tmp_path_factory.mktemp("deb")
    root = folder / "root"
    subprocess.run([DEBIAN, "copy", suite, root], check=True)
    os.environ["DPKG_DEB_COMPRESSOR_LEVEL"] = "0"  # dpkg-deb's own: a package for a test need not be small
    debs = [build_deb(ROOT, suite, "amd64", folder, revision) for revision in ("1", "2")]
    yield root, debs
    shutil.rmtree(root)


def inside(root: Path, *words: str) -> str:
    done = subprocess.run([DEBIAN, "run", root, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def dpkg(root: Path, action: str, deb: Path | None = None) -> str:
    if deb is not None:
        shutil.copy(deb, root / "srv")
    return inside(root, "sh", "-c", 'exec dpkg "$@" 2>&1', "-", action, f"/srv/{deb.name}" if deb else "checkreader")


def update(root: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the device's own command as the daemon's user, as the timer's unit and a deploy do."""
    command = [DEBIAN, "run", root, "runuser", "-u", "checkreader", "--", "checkreader-firmware", "update", *words]
    return subprocess.run(command, capture_output=True, text=True)


def offer(root: Path, version: str) -> str:
    """Lay a signed bundle into the root, and the key that signed it among those that are trusted."""
    private = root / "srv/site.key"
    if not private.exists():
        make_key(private, root / "etc/checkreader/trust/site.pub", None, "site", "2020-01-01", None)
    return f"/srv/{signed_bundle(root / 'srv', read_key(private, None), version).name}"


def versions_read_with(root: Path) -> list[str]:
    """Return what lies in the slot that is read with, as the doctor sees it, who finds no camera there."""
    words = [DEBIAN, "run", root, "runuser", "-u", "checkreader", "--", "checkreader", "doctor", "--json"]
    rows = map(json.loads, subprocess.run(words, capture_output=True, text=True).stdout.splitlines())
    return [row["words"].split()[1] for row in rows if row["check"] == "updates" and row["words"].startswith("version ")]


@slow
def test_install_upgrade_downgrade_and_purge_in_a_bare_debian(installed: tuple[Path, list[Path]]) -> None:
    root, (older, newer) = installed
    before = {path.relative_to(root) for path in root.rglob("*") if "repo" not in path.parts}

    dpkg(root, "--install", older)
    rows = [json.loads(line) for line in inside(root, "checkreader", "doctor", "--parity", "--json").splitlines()]
    assert len(rows) == 6
    assert not any(row["differing"] for row in rows)
    read = [json.loads(line) for line in inside(root, "checkreader", "read", "--json", "samples/frames/desk_1.jpg").splitlines()]
    assert read[0]["fields"]["amount"]["verdict"] == "accepted"
    assert (root / "etc/systemd/system/multi-user.target.wants/checkreader.service").is_symlink()
    assert "checkreader" in (root / "etc/passwd").read_text()
    assert inside(root, "stat", "-c", "%U %a", "/var/lib/checkreader") == "checkreader 700\n"
    assert inside(root, "stat", "-c", "%U %a", "/etc/checkreader/trust") == "root 755\n"
    assert not (root / "etc/systemd/system/timers.target.wants/checkreader-update.timer").exists()
    # The daemon's user may not write where its program lies, so that it has to be compiled already.
    assert list((root / "usr/lib/checkreader/edge").glob("__pycache__/cli.*.pyc"))

    refused = update(root, "/srv")
    assert (refused.returncode, "no key is trusted" in refused.stderr) == (78, True)
    as_root = subprocess.run([DEBIAN, "run", root, "checkreader-firmware", "update", offer(root, "0.4.0")], capture_output=True, text=True)
    assert (as_root.returncode, "run this as that user" in as_root.stderr) == (64, True)
    taken = update(root, offer(root, "0.4.0"))
    assert (taken.returncode, "version 0.4.0 takes the place of 0.3.0" in taken.stdout) == (0, True), taken.stderr
    assert inside(root, "stat", "-c", "%U", f"/{SLOTS}/slots.json") == "checkreader\n"

    changed = (root / CONFIG).read_text() + "\n[web]\nport = 9000\n"
    (root / CONFIG).write_text(changed)
    said = dpkg(root, "--install", newer)
    assert (root / CONFIG).read_text() == changed
    assert "checkreader: " not in said
    assert versions_read_with(root) == ["0.4.0"]
    # From a package whose configuration named a bundle, which its owner changed, so that it stays.
    old = '[camera]\nsource = "webcam"\n[reading]\nbundle = "/var/lib/checkreader/bundles/current.bundle"\n'
    (root / CONFIG).write_text(old)
    (root / OLD).mkdir()
    (root / OLD / "current.bundle").symlink_to("/usr/lib/checkreader/edge/bundles/checkreader.bundle")
    said = dpkg(root, "--install", older)
    assert (root / CONFIG).read_text() == old
    assert "reading.bundle in /etc/checkreader.toml keeps updates out" in said
    assert (root / OLD).exists()
    (root / CONFIG).write_text((root / "usr/share/doc/checkreader/examples/checkreader.toml").read_text())
    assert "checkreader: " not in dpkg(root, "--install", newer)
    assert not (root / OLD).exists()
    assert versions_read_with(root) == ["0.4.0"]
    inside(root, "checkreader", "doctor", "--parity")

    dpkg(root, "--remove")
    assert (root / CONFIG).exists()
    assert not (root / "usr/lib/checkreader").exists()
    dpkg(root, "--purge")
    left = {path.relative_to(root) for path in root.rglob("*") if "repo" not in path.parts} - before
    dpkgs_own = re.compile(r"srv/|run/|var/(lib/dpkg|log|cache)/|etc/(passwd|group|shadow|gshadow|subuid|subgid)-|.*__pycache__")
    assert {str(path) for path in left if not dpkgs_own.match(str(path))} == set()
    assert "checkreader" not in (root / "etc/passwd").read_text()


@slow
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_units(installed: tuple[Path, list[Path]]) -> None:
    root, (older, _) = installed
    subprocess.run(["dpkg-deb", "--extract", older, root], check=True)
    verified = inside(
        root, "sh", "-c", "systemd-analyze verify checkreader.service checkreader-update.service checkreader-update.timer 2>&1"
    )
    assert "checkreader" not in verified, verified
    for unit in ("checkreader.service", "checkreader-update.service"):
        judged = inside(root, "systemd-analyze", "security", "--offline=true", "--no-pager", unit)
        exposure = float(re.findall(rf"Overall exposure level for {unit}: ([\d.]+)", judged)[0])
        assert exposure <= 3.0, judged


@slow
def test_the_same_checkout_gives_the_same_bytes_and_lintian_finds_no_error(installed: tuple[Path, list[Path]], tmp_path: Path) -> None:
    _, (older, _) = installed
    suite = "bookworm" if "deb12" in older.name else "trixie"
    again = build_deb(ROOT, suite, "amd64", tmp_path, "1")
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(older.read_bytes()).digest()
    if shutil.which("lintian") is None:
        pytest.skip("needs lintian")
    done = subprocess.run(["lintian", "--fail-on", "error", older], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@slow
def test_a_release_without_a_wheel_would_be_told_by_pip(tmp_path: Path) -> None:
    """The lock, held against a Python that the interpreter has no wheel for."""
    from edge.errors import MissingDependencyError
    from firmware_tools.wheels import Target, download

    lock = tmp_path / "lock.txt"
    text = (ROOT / "requirements/serve.txt").read_text()
    lock.write_text(re.search(r"^ai-edge-litert.*?(?=^\S)", text, re.DOTALL | re.MULTILINE)[0])  # type: ignore[index]
    with pytest.raises(MissingDependencyError, match=r"Python 3\.9 on aarch64 cannot be had \(ERROR: .*ai-edge-litert"):
        download(lock, Target(machine="aarch64", python="3.9", glibc_minor=31), tmp_path / "wheels")
