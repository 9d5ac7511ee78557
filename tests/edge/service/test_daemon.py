"""The loop with the real networks, on sample checks that come and go: each is kept once, whatever happens around it."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.picture import load_picture
from edge.capture.replay import Reel, ReplayCamera
from edge.capture.script import Fault, Scene, Script, counter_scenes
from edge.config import AuditConfig, CameraConfig, Config, ReadingConfig
from edge.datatypes import Frame
from edge.errors import BundleError, ConfigError, StoreError
from edge.service.daemon import Daemon
from edge.service.event import Event
from edge.service.record import Query, Record
from edge.service.store import Store
from tests.edge.conftest import ROOT, Clock

FIRST, CHECK, OTHER = (ROOT / f"samples/frames/desk_{number}.jpg" for number in (1, 2, 4))
CONFIG = Config(camera=CameraConfig(source="replay:unused"))


def make_daemon(store: Store, *scenes: Scene, faults: tuple[Fault, ...] = (), config: Config = CONFIG) -> tuple[Daemon, Clock]:
    clock = Clock()
    reel = Reel(Script(tuple(scenes), faults, fps=15, is_looped=True), clock, clock.sleep)
    return Daemon(config, store, lambda: ReplayCamera(reel), clock, lambda: 1.77e9 + clock(), random.Random(1), clock.sleep), clock


def run(daemon: Daemon, clock: Clock, seconds: float) -> None:
    until_s = clock() + seconds
    while clock() < until_s:
        daemon.turn()


def checks(*pictures: Path, lies_s: float = 2.0) -> list[Scene]:
    return [scene for picture in pictures for scene in counter_scenes(picture, 15, lies_s, 1.0)]


def test_each_check_that_lies_there_is_kept_once_and_told_of_once_it_is_kept(store: Store) -> None:
    daemon, clock = make_daemon(store, *checks(CHECK, OTHER))
    told: list[Event] = []
    known_when_told: list[Record | None] = []
    daemon.subscribe(told.append)
    daemon.subscribe(lambda event: known_when_told.append(event.record and store.get(event.record.id)))
    run(daemon, clock, 8)
    daemon.stop()
    records = store.search(Query())[::-1]
    assert [record.value("amount", "text") for record in records] == ["1,497.96", "1,329.07"]
    assert [event.record for event in told if event.record] == records
    assert [record for record in known_when_told if record] == records
    assert all(store.picture(record) for record in records)


def test_a_check_left_lying_is_one_record_also_when_the_daemon_begins_anew(store: Store) -> None:
    for _ in range(3):
        daemon, clock = make_daemon(store, Scene(CHECK, 10_000))
        run(daemon, clock, 15)
        assert daemon.state().phase == "done"
        daemon.stop()
    assert store.count(Query()) == 1


def test_the_same_check_laid_down_again_is_a_possible_duplicate(store: Store) -> None:
    daemon, clock = make_daemon(store, *checks(CHECK))
    run(daemon, clock, 8)
    daemon.stop()
    second, first = store.search(Query())
    assert (first.possible_duplicate_of, second.possible_duplicate_of) == (None, first.id)


def test_a_wrong_accepted_reading_wedges_nothing(store: Store, make_record: Callable[..., Record]) -> None:
    """What lies there was recorded with a wrong amount and a wrong MICR line, both accepted: the next readings do not depend on it."""
    store.add(make_record(minor_units=999_999_00, number="9999"), is_lying=True)
    daemon, clock = make_daemon(store, *checks(CHECK, OTHER))
    run(daemon, clock, 8)
    daemon.stop()
    assert [record.value("amount", "text") for record in store.search(Query(limit=2))] == ["1,329.07", "1,497.96"]


def test_a_full_disk_is_said_and_what_was_read_is_stored_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon, clock = make_daemon(store, *checks(CHECK, OTHER))
    told: list[Event] = []
    daemon.subscribe(told.append)
    store._database._writer.execute("PRAGMA query_only=1")  # as a disk that was mounted read-only
    run(daemon, clock, 8)
    assert "cannot be written" in str(daemon.state().problem)
    assert [event for event in told if event.record] == []
    store._database._writer.execute("PRAGMA query_only=0")
    run(daemon, clock, 4)
    daemon.stop()
    assert daemon.state().problem is None
    assert {record.value("amount", "text") for record in store.records(Query())} == {"1,497.96", "1,329.07"}


def test_a_camera_that_vanishes_is_told_and_the_check_below_is_kept_once(store: Store) -> None:
    daemon, clock = make_daemon(store, *checks(CHECK, lies_s=20), faults=(Fault("vanish", 75, 60),))
    faults: list[str | None] = []
    daemon.subscribe(lambda event: faults.append(event.state.fault) if event.state else None)
    run(daemon, clock, 18)
    daemon.stop()
    assert any(fault is not None and "gone" in fault for fault in faults)
    assert faults[-1] is None
    assert store.count(Query()) == 1


def test_settings_are_checked_kept_and_used_by_the_next_daemon(store: Store) -> None:
    daemon, _ = make_daemon(store, Scene(CHECK, 100))
    daemon.change_settings({"reading.currency": "EUR", "audit.one_in": 7}, "ann")
    for changes, message in (
        ({"reading.currency": "XXX"}, "not known"),
        ({"reading.budget": 0.123}, "was fitted for"),
        ({"camera.fps": 3}, "cannot be changed"),
        ({"camera.rotation_degrees": 5}, "allowed are"),
    ):
        with pytest.raises(ConfigError, match=message):
            daemon.change_settings({"audit.one_in": 9} | changes, "ann")
    daemon.stop()
    again, _ = make_daemon(store, Scene(CHECK, 100))
    assert (again.config.reading.currency, again.config.audit.one_in) == ("EUR", 7)
    again.stop()


def test_wrong_accepted_readings_raise_the_threshold_and_say_so(store: Store, make_record: Callable[..., Record]) -> None:
    daemon, _ = make_daemon(store, Scene(CHECK, 100), config=Config(camera=CONFIG.camera, audit=AuditConfig(one_in=1)))
    before = daemon.state().accept
    for number in range(3):
        record = store.add(make_record(is_drawn=True, number=str(number), confidence=0.998))
        corrected = store.correct(record.id, {"amount": "9.99"}, "ann")
        assert corrected is not None
        daemon.reviewed(corrected)
    assert daemon.state().accept > 0.998 > before
    assert daemon.estimate().n == 0  # none of what was looked at would be accepted now
    assert [line.action for line in store.log() if line.who == "daemon"] == ["threshold"]
    daemon.stop()
    again, _ = make_daemon(store, Scene(CHECK, 100))
    assert again.state().accept == daemon.state().accept
    again.stop()


def test_a_bundle_that_is_replaced_is_taken_up_or_refused(store: Store, tmp_path: Path) -> None:
    released = (ROOT / "edge/bundles/checkreader.bundle").read_bytes()
    path = tmp_path / "new.bundle"
    with pytest.raises(BundleError):
        make_daemon(store, Scene(CHECK, 100), config=Config(reading=ReadingConfig(bundle=str(path))))
    path.write_bytes(released)
    daemon, clock = make_daemon(store, *checks(CHECK), config=Config(reading=ReadingConfig(bundle=str(path))))
    path.write_bytes(released[:1000])
    run(daemon, clock, 4)
    assert daemon.state().bundle_sha256
    assert store.count(Query()) == 1
    daemon.stop()


def test_the_live_picture_is_drawn_once_for_each_glance(store: Store) -> None:
    daemon, clock = make_daemon(store, Scene(CHECK, 1000))
    assert daemon.latest_jpeg() is None
    run(daemon, clock, 2)
    drawn = daemon.latest_jpeg()
    assert drawn is not None
    assert drawn[:2] == b"\xff\xd8"
    assert daemon.latest_jpeg() is drawn
    daemon.stop()


def test_the_loop_goes_on_after_a_turn_that_failed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon, _ = make_daemon(store, Scene(CHECK, 1000))
    turn, n_failed = daemon.turn, 0

    def fail_once() -> None:
        nonlocal n_failed
        if not n_failed:
            n_failed += 1
            raise RuntimeError("a turn that nobody foresaw")
        turn()
        time.sleep(0.001)

    monkeypatch.setattr(daemon, "turn", fail_once)
    daemon.start()
    deadline = time.monotonic() + 20
    while not store.count(Query()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert daemon.is_alive()
    daemon.stop()
    assert store.count(Query()) == 1


def test_an_upload_is_read_and_not_stored(store: Store) -> None:
    daemon, _ = make_daemon(store, Scene(CHECK, 100))
    frame: Frame = load_picture(OTHER)
    (check,) = daemon.read_upload(frame)
    assert check["fields"]["amount"]["text"] == "1,329.07"
    assert store.count(Query()) == 0
    daemon.stop()


def test_a_store_that_another_daemon_has_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="another checkreader"):
        Store(store.folder)


def together(folder: Path, *pictures: Path) -> Path:
    """Return a picture of sample frames one above the other, as of one counter on which their checks lie."""
    loaded = [load_picture(picture).pixels for picture in pictures]
    rows = [cv2.resize(pixels, (1280, round(pixels.shape[0] * 1280 / pixels.shape[1]))) for pixels in loaded]
    path = folder / f"{'-'.join(picture.stem for picture in pictures)}.png"
    cv2.imwrite(str(path), np.vstack(rows))
    return path


def test_two_checks_that_lie_there_are_two_records_and_are_told_in_words(store: Store, tmp_path: Path) -> None:
    both = together(tmp_path, FIRST, CHECK)
    daemon, clock = make_daemon(store, *counter_scenes(both, 15, 30.0, 1.0))
    run(daemon, clock, 4)
    state = daemon.state()
    assert state.words == "2 checks: 2 accepted"
    assert state.advice == "Take the checks away."
    run(daemon, clock, 25)  # looked at again, twice
    daemon.stop()
    assert sorted(record.value("amount", "text") for record in store.records(Query())) == ["1,497.96", "111.49"]
    again, clock = make_daemon(store, Scene(both, 1000))
    run(again, clock, 15)
    assert again.state().words == "2 checks: 2 accepted"
    again.stop()
    assert store.count(Query()) == 2


def test_a_check_laid_beside_another_one_is_the_only_new_record(store: Store, tmp_path: Path) -> None:
    """The first lies there alone, the second comes, the first goes and comes again: three records, the third a possible duplicate."""
    both, alone = together(tmp_path, FIRST, CHECK), tmp_path / "alone.png"
    pixels = cv2.imread(str(both))
    rest = pixels.copy()
    rest[960:] = np.median(pixels[0], axis=0)
    cv2.imwrite(str(alone), rest)
    other = tmp_path / "other.png"
    rest = pixels.copy()
    rest[:960] = np.median(pixels[0], axis=0)
    cv2.imwrite(str(other), rest)
    scenes = [Scene(None, 15), Scene(alone, 45), Scene(both, 45), Scene(other, 31 * 15), Scene(both, 45), Scene(None, 15)]
    daemon, clock = make_daemon(store, *scenes)
    run(daemon, clock, sum(scene.n_frames for scene in scenes) / 15)
    daemon.stop()
    records = store.search(Query())[::-1]
    assert [record.value("amount", "text") for record in records] == ["111.49", "1,497.96", "111.49"]
    assert [record.possible_duplicate_of for record in records] == [None, None, records[0].id]


def test_two_sheets_that_say_the_same_are_two_records(store: Store, tmp_path: Path) -> None:
    daemon, clock = make_daemon(store, *counter_scenes(together(tmp_path, CHECK, CHECK), 15, 20.0, 1.0))
    run(daemon, clock, 20)
    daemon.stop()
    second, first = store.search(Query())
    assert second.possible_duplicate_of == first.id


def test_a_daemon_that_begins_while_the_camera_gives_half_frames_forgets_no_check(store: Store) -> None:
    for begins_in_fault in (False, True):
        faults = (Fault("wrong_size", 0, 30),) if begins_in_fault else ()
        daemon, clock = make_daemon(store, Scene(CHECK, 10_000), faults=faults)
        run(daemon, clock, 12)
        assert daemon.state().phase == "done"
        daemon.stop()
    assert store.count(Query()) == 1
