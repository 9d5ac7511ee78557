"""Power cuts and SIGKILL at random moments: what the store told of is there, once and whole, and the store opens each time.

A few in the normal run; `make test-durability` takes POWER_CUTS=1000 and KILLS=200.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.service.record import Query
from edge.service.store import Store
from tests.end_to_end.power_cut import TRACED, Disk
from tests.end_to_end.storing import picture_of

ROOT = Path(__file__).resolve().parent.parent.parent
STORING = ROOT / "tests/end_to_end/storing.py"
POWER_CUTS = int(os.environ.get("POWER_CUTS", "50"))
KILLS = int(os.environ.get("KILLS", "10"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def look_into(folder: Path, told: list[int]) -> None:
    """Open a store as the next daemon does, and compare it with what was told of."""
    store = Store(folder)
    store.remove_stray_pictures()
    kept = [int(record.value("amount", "minor_units")) for record in store.records(Query())]
    assert len(kept) == len(set(kept)), "a reading is there twice"
    assert set(told) <= set(kept), f"lost: {sorted(set(told) - set(kept))}"
    assert set(kept) <= set(range(1, max([0, *told]) + 2)), "a reading that nobody stored"
    for record in store.records(Query()):
        assert store.picture(record) == picture_of(int(record.value("amount", "minor_units")))
    assert not list(folder.glob("*.damaged-*")), "the file was damaged, and repaired"
    store.close()


def traced(folder: Path, log: Path, n_readings: int) -> list[str]:
    """Return the log of a process that opens a store and stores."""
    words = ["strace", "-o", str(log), "-xx", "-s", "10000000", "-e", TRACED, sys.executable, str(STORING), str(folder), str(n_readings)]
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, timeout=300)
    if "ptrace" in done.stderr:
        pytest.skip("processes may not be traced here (ptrace)")
    assert done.returncode == 0, done.stderr
    return log.read_text(encoding="ascii").splitlines()


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace here: sudo apt install strace")
def test_no_power_cut_loses_or_doubles_a_reading(tmp_path: Path) -> None:
    chance = random.Random(5)
    root = tmp_path / "disk"
    root.mkdir()
    # Two processes, so that a store is opened again; in between its write-ahead log has been emptied into the file.
    lines = traced(root / "a/store", tmp_path / "log", 40) + traced(root / "a/store", tmp_path / "log", 40)
    disk = Disk(root)
    changing = [index for index, line in enumerate(lines) if disk.follow(line)]
    assert disk.told == list(range(1, 81))
    disk.root.sync()
    whole = tmp_path / "whole"
    disk.cut(whole, random.Random(1))
    written = [path for path in sorted((root / "a/store").rglob("*")) if path.is_file()]
    assert written, "the log is understood: all of it together makes the files that are there"
    assert all((whole / path.relative_to(root)).read_bytes() == path.read_bytes() for path in written)
    moments = sorted(chance.choice(changing) for _ in range(POWER_CUTS))
    disk, place = Disk(root), 0
    for number, moment in enumerate(moments):
        for line in lines[place : moment + 1]:
            disk.follow(line)
        place = moment + 1
        image = tmp_path / f"cut-{number}"
        disk.cut(image, chance)
        look_into(image / "a/store", disk.told)
        shutil.rmtree(image)


def test_no_kill_loses_or_doubles_a_reading(tmp_path: Path) -> None:
    chance = random.Random(6)
    told: list[int] = []
    for _ in range(KILLS):
        with subprocess.Popen([sys.executable, STORING, tmp_path, "100000"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as child:
            assert child.stdout is not None
            first = child.stdout.readline()
            time.sleep(chance.uniform(0, 0.2))
            child.send_signal(signal.SIGKILL)
            told += [int(line.split()[1]) for line in (first + child.stdout.read()).split("\n")[:-1]]
    assert len(told) >= KILLS
    look_into(tmp_path, told)


def test_what_was_never_synced_is_found_missing(tmp_path: Path) -> None:
    """The cut itself is a hard one: with the syncs taken out of the log, readings are lost."""
    if shutil.which("strace") is None:
        pytest.skip("no strace here: sudo apt install strace")
    root = tmp_path / "disk"
    root.mkdir()
    lines = [line for line in traced(root / "store", tmp_path / "log", 20) if "sync(" not in line]
    disk = Disk(root)
    for line in lines:
        disk.follow(line)
    n_lost = 0
    for number in range(10):
        image = tmp_path / f"cut-{number}"
        disk.cut(image, random.Random(number))
        try:
            look_into(image / "store", disk.told)
        except (AssertionError, StoreError, OSError):
            n_lost += 1
    assert n_lost == 10
