"""Thousands of checks over a counter in simulated time: each is stored exactly once, in its order, whatever the camera does meanwhile.

The loop, the camera with its faults, the watcher, the networks and the store are the real ones; a picture that has been read is not read
again, since its answer would be the same. `make test-durability` takes CHECKS=10000.
"""

import os
import random
from pathlib import Path
from typing import get_args

import cv2

from edge.capture.picture import load_picture
from edge.capture.replay import Reel, ReplayCamera
from edge.capture.script import Fault, FaultKind, Scene, Script, counter_scenes
from edge.config import CameraConfig, Config
from edge.datatypes import CheckReading, Frame
from edge.service.daemon import Daemon
from edge.service.record import Query
from edge.service.store import Store
from tests.edge.conftest import ROOT, Clock

CHECKS = int(os.environ.get("CHECKS", "60"))
FPS = 15
CONFIG = Config(camera=CameraConfig(source="replay:scripted"))


def remember_readings(daemon: Daemon, known: dict[bytes, tuple[CheckReading, ...]]) -> None:
    """Read each picture once, however often it comes."""
    read = daemon._reader.read

    def remembered(frame: Frame) -> tuple[CheckReading, ...]:
        key = frame.pixels[::6, ::6].tobytes()
        if key not in known:
            if len(known) > 64:
                known.clear()
            known[key] = read(frame)
        return known[key]

    daemon._reader.read = remembered  # type: ignore[method-assign]


def played(pictures: list[Path], n_checks: int, chance: random.Random) -> tuple[Script, list[Path]]:
    """Return checks in a random order and rhythm, the camera at fault during some of them, and the order."""
    scenes: list[Scene] = []
    faults: list[Fault] = []
    shown: list[Path] = []
    n_frames = 0
    for _ in range(n_checks):
        picture = chance.choice(pictures)
        is_faulty = chance.random() < 0.1
        come = list(counter_scenes(picture, FPS, 9.0 if is_faulty else chance.uniform(1.0, 2.5), chance.uniform(0.5, 1.2)))
        if is_faulty:  # somewhere while it lies there, before or after it was recorded
            first = n_frames + come[0].n_frames + come[1].n_frames + chance.randrange(40)
            faults.append(Fault(chance.choice(get_args(FaultKind)), first, chance.randrange(1, 40)))
        n_frames += sum(scene.n_frames for scene in come)
        scenes += come
        shown.append(picture)
    return Script((*scenes, Scene(None, FPS)), tuple(faults), fps=FPS), shown


def test_each_check_is_stored_exactly_once(tmp_path: Path) -> None:
    pictures, expected = [], {}
    for source in sorted((ROOT / "samples/frames").glob("desk_*.jpg")):
        pictures.append(tmp_path / source.name)
        cv2.imwrite(str(pictures[-1]), cv2.resize(load_picture(source).pixels, (960, 720), interpolation=cv2.INTER_AREA))
    store, clock, known = Store(tmp_path / "store"), Clock(), {}
    chance = random.Random(9)

    def run(script: Script) -> int:
        """Play a script to its end, now and then with a new daemon in the old one's place; return how many daemons it took."""
        reel = Reel(script, clock, clock.sleep)
        n_daemons = 0
        while True:
            daemon = Daemon(CONFIG, store, lambda: ReplayCamera(reel), clock, lambda: 1.77e9 + clock(), random.Random(1), clock.sleep)
            remember_readings(daemon, known)
            n_daemons += 1
            until = reel.index + chance.randrange(300, 1500)
            while reel.index < until and not daemon._watchdog.is_over:
                daemon.turn()
            daemon.stop()
            if daemon._watchdog.is_over:
                return n_daemons

    for picture in pictures:  # what each says, and that it says it
        run(Script((*counter_scenes(picture, FPS, 2.0, 1.0), Scene(None, FPS)), fps=FPS))
        expected[picture] = store.search(Query(limit=1))[0].value("micr", "text")
    n_before = store.count(Query())
    assert n_before == len(pictures) == len(set(expected.values())), expected
    wanted, n_daemons, left = [], 0, CHECKS
    while left:
        script, shown = played(pictures, min(left, 200), chance)
        left -= len(shown)
        wanted += [expected[picture] for picture in shown]
        n_daemons += run(script)
    found = [record.value("micr", "text") for record in store.records(Query(limit=500))][::-1][n_before:]
    store.close()
    assert n_daemons > CHECKS // 40
    differing = [index for index, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]]
    assert len(found) == len(wanted), f"{len(found)} records of {len(wanted)} checks; the first that differs is {differing[:1]}"
    assert found == wanted
