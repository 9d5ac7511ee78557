"""The daemon for long: how soon a check that lies still is stored, what an idle counter costs, memory, kills at random moments."""

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edge.capture.replay import Reel, ReplayCamera
from edge.capture.script import Scene, Script, counter_scenes
from edge.config import CameraConfig, Config
from edge.service.daemon import Daemon
from edge.service.event import Event
from edge.service.record import Query, Record
from edge.service.store import Store

FPS = 15
FRAMES = Path(__file__).resolve().parent.parent / "samples/frames"
_CHILD = "kill-me"


def replay(store: Store, scenes: list[Scene]) -> tuple[Daemon, Reel]:
    reel = Reel(Script(tuple(scenes), fps=FPS, is_looped=True))
    return Daemon(Config(camera=CameraConfig(source="replay:scripted")), store, lambda: ReplayCamera(reel)), reel


def measure_checks(minutes: float) -> None:
    """Seconds from the frame in which a check first lies still to the record that is told of."""
    scenes = [scene for picture in sorted(FRAMES.glob("*.jpg")) for scene in counter_scenes(picture, FPS, 2.5, 1.0)]
    starts = np.cumsum([0] + [scene.n_frames for scene in scenes])
    still = [int(start) for start, scene in zip(starts, scenes, strict=False) if scene.picture is not None and scene.motion == "lies"]
    loop = int(starts[-1])
    delays, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        daemon, reel = replay(store, scenes)

        def told(event: Event) -> None:
            if event.record is None:
                return
            now = reel.clock()
            begun = max(frame + turn * loop for turn in (reel.index // loop - 1, reel.index // loop) for frame in still
                        if frame + turn * loop <= reel.index)  # fmt: skip
            delays.append(now - reel.due_s(begun))

        daemon.subscribe(told)
        daemon.start()
        until, cpu, began = time.monotonic() + 60 * minutes, time.process_time(), time.monotonic()
        while time.monotonic() < until:
            time.sleep(2)
            memory.append(resident_mib())
        n_glances, n_records = daemon.n_glances, store.count(Query())
        n_shown = sum(1 for turn in range(reel.index // loop + 1) for frame in still if frame + turn * loop + FPS <= reel.index)
        daemon.stop()
        store.close()
    half = len(memory) // 2
    print(f"checks: {n_shown} lay still for a second, {n_records} records; still to told: median {np.median(delays):.3f} s, "
          f"p99 {np.quantile(delays, 0.99):.3f} s, worst {max(delays):.3f} s (n = {len(delays)})")  # fmt: skip
    slope = np.polyfit(np.arange(half, len(memory)) * 2 / 60, memory[half:], 1)[0]
    print(f"memory: {memory[-1]:.0f} MiB after {n_glances} glances, most {max(memory):.0f}; second half {slope:+.3f} MiB a minute")
    share = (time.process_time() - cpu) / (time.monotonic() - began)
    print(f"load: {100 * share:.1f} % of a core with a check every {loop / FPS / len(still):.1f} s")


def measure_idle(seconds: float) -> None:
    """Share of a core that a bare counter takes."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        daemon, _ = replay(store, [Scene(None, 10**6), Scene(FRAMES / "desk_1.jpg", 1)])
        daemon.start()
        time.sleep(5)
        cpu, began, n_glances = time.process_time(), time.monotonic(), daemon.n_glances
        time.sleep(seconds)
        share = (time.process_time() - cpu) / (time.monotonic() - began)
        rate = (daemon.n_glances - n_glances) / (time.monotonic() - began)
        daemon.stop()
        store.close()
    print(f"idle: {100 * share:.1f} % of a core at {rate:.1f} glances a second")


def kill_often(n_kills: int) -> None:
    """Kill a process that stores at random moments; whatever it told of has to be there once, with its picture."""
    n_told = 0
    with tempfile.TemporaryDirectory() as folder:
        told: list[int] = []
        for _ in range(n_kills):
            child = subprocess.Popen([sys.executable, __file__, f"--{_CHILD}", folder], stdout=subprocess.PIPE, text=True)
            assert child.stdout is not None
            told += [int(child.stdout.readline())]
            time.sleep(random.uniform(0, 0.2))
            child.send_signal(signal.SIGKILL)
            told += [int(line) for line in child.stdout.read().split("\n") if line.isdecimal()]
            child.wait()
        store = Store(Path(folder))
        kept = {int(record.value("amount", "minor_units")): record for record in store.records(Query())}
        assert len(kept) == store.count(Query()), "a reading is there twice"
        lost = [number for number in told if number not in kept]
        assert not lost, f"lost: {lost}"
        assert all(store.picture(record) for record in kept.values())
        n_told = len(told)
        store.close()
    print(f"kills: {n_kills} with SIGKILL, {n_told} readings told of, none lost, none there twice, every picture whole")


def store_until_killed(folder: str, make: Callable[[int], Record]) -> None:
    store = Store(Path(folder))
    number = max((int(record.value("amount", "minor_units")) for record in store.search(Query(limit=1))), default=0)
    while True:
        number += 1
        store.add(make(number), os.urandom(100_000), is_lying=True)
        print(number, flush=True)


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--idle-seconds", type=float, default=60.0)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument(f"--{_CHILD}", dest="child", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        import datetime

        def make(number: int) -> Record:
            fields = {"amount": {"text": str(number), "minor_units": number, "currency": "USD", "confidence": 1.0}, "micr": None}
            check = {"fields": fields, "timings_ms": {}, "bundle": {"sha256": ""}}
            return Record(time=datetime.datetime.now(datetime.UTC), status="accepted", first_status="accepted", check=check)

        store_until_killed(asked.child, make)
    measure_checks(asked.minutes)
    measure_idle(asked.idle_seconds)
    kill_often(asked.kills)


if __name__ == "__main__":
    main()
