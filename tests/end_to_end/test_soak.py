"""The real daemon for two minutes: checks come and go, the camera fails in every way it can, people look on, and nothing is lost or grows.

`make soak` takes SOAK_ROUNDS=60 of these rounds of 23 seconds by hand, and writes down what it found.
"""

import contextlib
import json
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import cv2
import pytest

from edge.capture.picture import load_picture
from edge.capture.script import FaultKind
from tests.edge.conftest import ROOT

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "6"))
FRAMES = ROOT / "samples/frames"
# Seconds: a check comes and goes, lies there, and lies there while the camera fails once; the counter is bare.
MOVES_S, LIES_S, FAULTY_S, BARE_S, FIRST_BARE_S = 0.5, 3.5, 10.0, 1.0, 5.0
FAULT_S = 3.0
# A process that keeps each frame, or each picture of the page, takes more within a minute.
MOST_MIB, MOST_GROWTH_MIB = 230.0, 25.0

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


@dataclass
class Looked:
    """What was seen of the daemon's process, at each moment."""

    mebibytes: list[float] = field(default_factory=list)
    n_files: list[int] = field(default_factory=list)
    n_threads: list[int] = field(default_factory=list)

    def look(self, pid: int) -> None:
        status = Path(f"/proc/{pid}/status").read_text()
        self.mebibytes.append(int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024)  # type: ignore[index]
        self.n_threads.append(int(re.search(r"Threads:\s+(\d+)", status)[1]))  # type: ignore[index]
        self.n_files.append(sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))


def script(folder: Path) -> tuple[Path, list[str], float]:
    """Return rounds of three checks, the third of which sees a fault; their numbers as they come; and how many seconds it all takes."""
    numbers = {line["file"]: line["check_number"] for line in map(json.loads, (ROOT / "samples/labels.jsonl").read_text().splitlines())}
    names = ["desk_1.jpg", "desk_2.jpg", "desk_4.jpg"]
    for name in names:
        cv2.imwrite(str(folder / name), cv2.resize(load_picture(FRAMES / name).pixels, (1280, 960), interpolation=cv2.INTER_AREA))
    checks, faults, shown, at_s = [], [], [], 0.0
    for turn in range(ROUNDS):
        for place in range(3):
            name, lies_s = names[(turn + place) % 3], FAULTY_S if place == 2 else LIES_S
            bare_s = BARE_S if checks else FIRST_BARE_S
            checks.append({"picture": name, "lies_s": lies_s, "bare_s": bare_s})
            shown.append(numbers[f"frames/{name}"])
            at_s += bare_s + MOVES_S
            if place == 2:
                kinds = get_args(FaultKind)
                # Before it can have been read, or after.
                faults.append({"kind": kinds[turn % len(kinds)], "at_s": at_s + (0.0 if turn % 2 else 3.0), "lasts_s": FAULT_S})
            at_s += lies_s + MOVES_S
    path = folder / "script.json"
    path.write_text(json.dumps({"checks": checks, "faults": faults}))
    return path, shown, at_s


@contextlib.contextmanager
def looking_on(url: str, told: list[int]) -> Iterator[None]:
    """Be a browser that shows the page: news and moving picture; ``told`` gets the number of each record that is told of."""
    is_over = threading.Event()

    def hear() -> None:
        with urllib.request.urlopen(f"{url}/api/v1/events", timeout=30) as news:
            for line in news:
                if line.startswith(b"data:") and b'"check_number"' in line:
                    told.append(json.loads(line[5:])["id"])
                if is_over.is_set():
                    return

    def see() -> None:
        with urllib.request.urlopen(f"{url}/api/v1/live.mjpeg", timeout=30) as picture:
            while not is_over.is_set() and picture.read(1 << 14):
                pass

    def ended(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            with contextlib.suppress(OSError):  # the daemon ends first
                work()

        return run

    for work in (hear, see):
        threading.Thread(target=ended(work), daemon=True).start()
    yield
    is_over.set()


def asked(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        found: bytes = answer.read()
        return found


def test_nothing_is_lost_doubled_or_leaked(tmp_path: Path, serve: Callable[..., AbstractContextManager[Any]]) -> None:
    path, shown, seconds = script(tmp_path)
    looked, told = Looked(), []
    with serve(tmp_path / "store", f"replay:{path}") as site, looking_on(site.url, told):
        started = time.monotonic()
        while True:
            looked.look(site.pid)
            for where in ("/", "/api/v1/records?limit=20", "/metrics", "/api/v1/live.jpg"):
                with contextlib.suppress(urllib.error.HTTPError):  # no live picture while the camera is at fault
                    asked(site.url + where)
            state = json.loads(asked(f"{site.url}/api/v1/state"))
            if time.monotonic() - started >= seconds and state["phase"] == "absent":
                break
            assert time.monotonic() - started < seconds + 60
            time.sleep(1.0)
        records = json.loads(asked(f"{site.url}/api/v1/records?limit=500"))["records"][::-1]
    third = len(looked.mebibytes) // 3
    n_faults, n_ends = (len(re.findall(words, site.log())) for words in ("the camera is at fault: ", "the camera is back after "))
    waits = [float(found) for found in re.findall(r"the camera is back after ([\d.]+) s", site.log())]
    with contextlib.suppress(KeyError):
        Path(os.environ["SOAK_TABLE"]).write_text(table(shown, records, looked, third, waits))
    assert [record["check_number"] for record in records] == shown
    assert told == [record["id"] for record in records]
    assert n_faults == n_ends == ROUNDS
    assert max(looked.mebibytes) < MOST_MIB
    assert max(looked.mebibytes[-third:]) - max(looked.mebibytes[third:-third]) < MOST_GROWTH_MIB
    assert max(looked.n_files[-third:]) <= max(looked.n_files[:-third]) + 3
    assert max(looked.n_threads[-third:]) <= max(looked.n_threads[:-third]) + 2


def table(shown: list[str], records: list[Any], looked: Looked, third: int, waits: list[float]) -> str:
    """Return what was found, as a table in Markdown."""
    rows = (
        ("checks shown / records", f"{len(shown)} / {len(records)}"),
        ("faults of the camera, longest after its return", f"{len(waits)}, {max(waits, default=0) - FAULT_S:.1f} s"),
        ("resident MiB: median, highest", f"{sorted(looked.mebibytes)[len(looked.mebibytes) // 2]:.0f}, {max(looked.mebibytes):.0f}"),
        ("resident MiB, median of the first and last third",
         f"{sorted(looked.mebibytes[:third])[third // 2]:.1f}, {sorted(looked.mebibytes[-third:])[third // 2]:.1f}"),
        ("open files, first and last third", f"{max(looked.n_files[:third])}, {max(looked.n_files[-third:])}"),
        ("threads, first and last third", f"{max(looked.n_threads[:third])}, {max(looked.n_threads[-third:])}"),
    )  # fmt: skip
    return "\n".join(["| what | value |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)]) + "\n"
