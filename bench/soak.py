"""The daemon for long: how soon a check that lies still is stored, what an idle counter costs, how old the live picture is, memory."""

import argparse
import resource
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import uvicorn

from edge.capture.replay import Reel, ReplayCamera
from edge.capture.script import Scene, Script, counter_scenes
from edge.config import CameraConfig, Config
from edge.datatypes import Glance
from edge.service.auth import FailureLimit, Sessions, Token
from edge.service.context import Context
from edge.service.daemon import Daemon
from edge.service.event import Event
from edge.service.feed import Feed
from edge.service.heap import keep_heap_small
from edge.service.record import Query
from edge.service.store import Store
from edge.service.web import make_app

FPS = 15
SQUARE_PX = 16
FRAMES = Path(__file__).resolve().parent.parent / "samples/frames"


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


class Stamped(ReplayCamera):
    """Writes the number of each frame into its glance, as sixteen squares of black and white."""

    def __init__(self, reel: Reel) -> None:
        super().__init__(reel)
        self._stamped = reel

    def look(self) -> Glance | None:
        glance = super().look()
        if glance is None:
            return None
        pixels = glance.pixels.copy()
        for bit in range(16):
            pixels[:SQUARE_PX, bit * SQUARE_PX : (bit + 1) * SQUARE_PX] = 255 * (self._stamped.index >> bit & 1)
        return Glance(pixels, glance.time_s)


def measure_live(seconds: float) -> None:
    """How old the moving picture is that a browser gets, counted from the moment at which the camera gave it, while checks are read."""
    scenes = [scene for picture in sorted(FRAMES.glob("*.jpg")) for scene in counter_scenes(picture, FPS, 2.5, 1.0)]
    reel, behind_s = Reel(Script(tuple(scenes), fps=FPS, is_looped=True)), []
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        store = Store(Path(folder))
        daemon = Daemon(Config(camera=CameraConfig(source="replay:scripted")), store, lambda: Stamped(reel))
        context = Context(daemon, store, Feed(daemon), Token(Path(folder) / "token"), Sessions(), FailureLimit(), is_open=True)
        server = uvicorn.Server(uvicorn.Config(make_app(context), log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listener],))
        daemon.start()
        thread.start()
        port = listener.getsockname()[1]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/live.mjpeg") as stream:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                line = stream.readline()
                if not line.startswith(b"Content-Length"):
                    continue
                stream.readline()
                jpeg, now = stream.read(int(line.split(b":")[1])), reel.clock()
                seen = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
                middle = SQUARE_PX // 2
                index = sum(1 << bit for bit in range(16) if seen[middle, bit * SQUARE_PX + middle] > 127)
                behind_s.append(now - reel.due_s(index))
        context.feed.end()
        server.should_exit = True
        thread.join()
        daemon.stop()
        store.close()
    behind_ms = 1000 * np.array(behind_s[FPS:])
    print(f"live picture: behind by {np.median(behind_ms):.0f} ms at the median, {np.quantile(behind_ms, 0.95):.0f} at p95, "
          f"{np.quantile(behind_ms, 0.99):.0f} at p99 (n = {len(behind_ms)})")  # fmt: skip


def measure_memory(n_frames: int) -> None:
    """Memory in simulated time, each glance and each reading a real one: lowest and highest of each round of the pictures."""
    scenes = [scene for picture in sorted(FRAMES.glob("*.jpg")) for scene in counter_scenes(picture, FPS, 2.5, 1.0)]
    now_s, rounds, began = 0.0, [], time.monotonic()

    def sleep(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        reel = Reel(Script(tuple(scenes), fps=FPS, is_looped=True), lambda: now_s, sleep)
        config = Config(camera=CameraConfig(source="replay:scripted"))
        daemon = Daemon(config, store, lambda: ReplayCamera(reel), lambda: now_s, lambda: 1.77e9 + now_s, sleep=sleep)
        while reel.index < n_frames:
            until, seen = reel.index + reel.script.n_frames, []
            while reel.index < until:
                daemon.turn()
                seen.append(resident_mib())
            rounds.append((reel.index, min(seen), max(seen)))
            if len(rounds) % 20 == 0:
                print(f"{reel.index} frames: {min(seen):.1f} to {max(seen):.1f} MiB", file=sys.stderr, flush=True)
        n_records = store.count(Query())
        daemon.stop()
        store.close()
    print(f"frames: {reel.index} frames, {n_records} records in {time.monotonic() - began:.0f} s")
    later = np.array(rounds[len(rounds) // 4 :])  # the first quarter fills what is kept for good: SQLite's pages, the allocator's
    for name, mib in (("lowest", later[:, 1]), ("highest", later[:, 2])):
        slope = np.polyfit(later[:, 0], mib, 1)
        spread = 1.96 * np.std(mib - np.polyval(slope, later[:, 0])) / (np.std(later[:, 0]) * np.sqrt(len(later)))
        print(f"memory, {name} of each round of pictures: median {np.median(mib):.1f} MiB, last {mib[-1]:.1f}; "
              f"slope after the first quarter {1e5 * slope[0]:+.2f} (+- {1e5 * spread:.2f}) MiB in 100,000 frames")  # fmt: skip


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--idle-seconds", type=float, default=60.0)
    parser.add_argument("--live-seconds", type=float, default=30.0)
    parser.add_argument("--frames", type=int, default=0, help="instead: memory over so many frames, as fast as they can be looked at")
    asked = parser.parse_args()
    keep_heap_small()
    if asked.frames:
        measure_memory(asked.frames)
        return
    measure_checks(asked.minutes)
    measure_idle(asked.idle_seconds)
    measure_live(asked.live_seconds)


if __name__ == "__main__":
    main()
