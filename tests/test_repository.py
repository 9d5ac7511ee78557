"""What holds for the repository as a whole: its size, its locks, its targets, and what must not stand in it."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
MOST_LINES = 300

# Single letters stand in brackets, so that these lines do not match themselves.
REGISTRY = re.compile(r"py[p]i\.(?:org|io)|python[h]osted\.|pi[w]heels\.|--(?:extra-)?index-[u]rl|--(?:find)-links")
MACHINE_PATH = re.compile(r"""(?:^|[\s"'`=(:\[])(/(?:wor[k]|farm|root|mnt|Users|home/(?!pi\b))[\w./-]*|/tm[p]/\w[\w./-]*)""")


def tracked_files() -> list[Path]:
    """Return what git would hand to somebody who clones; without git, what a released archive holds."""
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    try:
        done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        done = None
    if done and done.returncode == 0 and done.stdout:
        return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]
    ours = [path for path in ROOT.iterdir() if path.name not in {"build", "dist", "runs"} and not path.name.startswith(".")]
    files = (path for top in ours for path in ([top] if top.is_file() else top.rglob("*")))
    return [path for path in files if path.is_file() and "__pycache__" not in path.parts]


def tracked_texts() -> list[tuple[str, str]]:
    texts = []
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" not in content:
            texts.append((str(path.relative_to(ROOT)), content.decode("utf-8")))
    return texts


def lines_that_match(pattern: re.Pattern[str], texts: list[tuple[str, str]]) -> list[str]:
    return [f"{name}: {line.strip()[:100]}" for name, text in texts for line in text.splitlines() if pattern.search(line)]


def locked(path: Path) -> dict[str, tuple[str, int]]:
    """Return requirement line -> version and number of hashes."""
    rows = {}
    for row in re.split(r"\n(?=\S)", path.read_text()):
        line = row.split("\\")[0].strip()
        assert re.match(r"[a-z0-9.-]+==\S+", line), f"{path.name}: not one pinned version: {line}"
        rows[line] = (line.split("==")[1].split()[0], row.count("--hash=sha256:"))
    return rows


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_no_python_file_is_longer_than_a_reader_can_hold() -> None:
    counts = {name: text.count("\n") for name, text in tracked_texts() if name.endswith(".py")}
    assert len(counts) > 5
    assert {name: n for name, n in counts.items() if n > MOST_LINES} == {}


def test_no_package_index_is_named() -> None:
    assert lines_that_match(REGISTRY, tracked_texts()) == []


def test_no_path_of_one_machine_is_named() -> None:
    assert lines_that_match(MACHINE_PATH, tracked_texts()) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [  # written in pieces, since this file is looked at as well
        (REGISTRY, "--extra-in" + "dex-url somewhere"),
        (REGISTRY, "see py" + "pi" + ".org"),
        (MACHINE_PATH, 'DATA = "/ho' + 'me/ann/strips"'),
        (MACHINE_PATH, "cd /t" + "mp/scratch"),
    ],
)
def test_an_index_or_a_path_of_one_machine_would_be_found(pattern: re.Pattern[str], line: str) -> None:
    assert lines_that_match(pattern, [("a.txt", line)]) == [f"a.txt: {line}"]


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_each_locked_file_has_its_hash_and_nothing_else_stands_there(path: Path) -> None:
    rows = locked(path)
    assert len(rows) > 10
    assert [line for line, (_, n_hashes) in rows.items() if n_hashes == 0] == []


def test_locks_agree_so_that_one_environment_can_grow() -> None:
    largest = {(line.split("==")[0], version) for line, (version, _) in locked(ROOT / "requirements/test.txt").items()}
    for name in ("read", "train", "serve"):
        rows = {(line.split("==")[0], version) for line, (version, _) in locked(ROOT / f"requirements/{name}.txt").items()}
        assert rows <= largest


def test_reading_installs_neither_tensorflow_nor_test_tools() -> None:
    names = {line.split("==")[0] for line in locked(ROOT / "requirements/read.txt")}
    assert {"numpy", "opencv-python-headless", "ai-edge-litert"} <= names
    assert names.isdisjoint({"tensorflow", "tensorflow-cpu", "keras", "scipy", "matplotlib", "pytest", "mypy", "ruff", "fastapi"})


@pytest.mark.parametrize("command", sorted(project()["scripts"]))
def test_each_command_has_its_module(command: str) -> None:
    module, _, function = project()["scripts"][command].partition(":")
    assert function == "main"
    assert importlib.util.find_spec(module) is not None


def test_the_wheel_carries_the_models_and_only_the_three_packages(tmp_path: Path) -> None:
    build = f"import hatchling.build; print(hatchling.build.build_wheel({str(tmp_path)!r}))"
    done = subprocess.run([sys.executable, "-c", build], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        tops = {name.partition("/")[0] for name in wheel.namelist()}
        assert {top for top in tops if not top.endswith(".dist-info")} == {"edge", "train", "firmware_tools"}
        assert wheel.read("edge/bundles/checkreader.bundle") == (ROOT / "edge/bundles/checkreader.bundle").read_bytes()


def test_make_alone_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = next(line for line in makefile.splitlines() if line.startswith(".PHONY:")).split()[1:]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # the tests may run under make
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, env=outside)
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()] == targets


def test_the_version_at_the_top_of_the_changelog_is_the_packages() -> None:
    version = re.search(r'__version__ = "(.+)"', (ROOT / "edge/__init__.py").read_text())
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert version is not None
    assert newest is not None
    assert newest[1] == version[1]


def test_each_decision_is_dated_and_at_most_eight_lines() -> None:
    decisions = re.split(r"^## ", (ROOT / "DECISIONS.md").read_text(), flags=re.MULTILINE)[1:]
    assert decisions
    for decision in decisions:
        lines = decision.strip().splitlines()
        assert re.match(r"\d{4}-\d\d-\d\d ", lines[0]), lines[0]
        assert len(lines) <= 8, lines[0]
