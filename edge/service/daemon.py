"""The loop: look, decide, read, keep, tell; and whatever else wants to know of it or change it."""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from edge.capture.camera import Camera, camera_opener
from edge.capture.watchdog import Watchdog
from edge.config import Config
from edge.datatypes import CheckReading, Frame, Glance, without_picture
from edge.output import check_object
from edge.service.audit import Estimate, estimate_error, is_drawn
from edge.service.calibrate import tighten
from edge.service.counter import Lying, Track, followed, recorded_before, remaining, trusted, unknown
from edge.service.event import Event, Listeners, State, words_of
from edge.service.heap import trim_heap
from edge.service.looks import looks_of
from edge.service.motion import MotionMeter
from edge.service.outbox import Outbox
from edge.service.overlay import LivePicture
from edge.service.reader import SiteReader, allowed_config
from edge.service.record import Evidence, Record
from edge.service.retention import Sweeper
from edge.service.slots import Firmware
from edge.service.store import Store
from edge.service.tuning import TUNING
from edge.service.watcher import RECHECK_S, Action, Sight, Watch, step

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_SIZE = "glance_size"
_CHORES_S = 2.0  # what can wait is looked after this often, while nothing is being read
_BROKEN_S = 1.0


class Daemon:
    """Watches one camera and keeps what it reads; every method may be called from any thread.

    Args:
        config: as read from the file; what the page has changed lies in the store and goes before it.
        open_camera: in the place of the camera that ``config`` names.
        clock: seconds that never go back, in which ``sleep`` waits; ``wall_clock``: seconds since 1970.
        firmware: the slots that bundles come to by update; somebody has called its ``begin``.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        open_camera: Callable[[], Camera] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        chance: random.Random | None = None,
        sleep: Callable[[float], None] = time.sleep,
        firmware: Firmware | None = None,
    ) -> None:
        self.file_config, self.store, self._firmware = config, store, firmware
        self._clock, self._wall_clock, self._sleep = clock, wall_clock, sleep
        self._given_opener = open_camera
        self._chance = chance or random.Random()
        self.config = allowed_config(self.file_config, store.settings())
        self._reader = SiteReader(self.config.reading, store.remembered(TUNING), firmware)
        self._size_kept = tuple(store.remembered(_SIZE) or ()) or None  # by which half frames are known from the start
        self._watchdog = self._watched(self._size_kept)
        self._meter = MotionMeter()
        self._watch = Watch(since_s=clock(), read_s=clock())
        self._tracks: tuple[Track, ...] = ()
        self._fused: list[CheckReading] = []  # what the tracks say
        self._lying = recorded_before(store)
        self._shown: tuple[CheckReading, ...] = ()
        self._glance: Glance | None = None
        self._outbox = Outbox(store, self._announce)
        self._listeners = Listeners()
        self._picture = LivePicture()
        self._evidence: list[Evidence] = store.evidence(self._reader.tuning.since_id)
        self._sweeper = Sweeper(store, clock, wall_clock)
        self._chores_at_s = clock()
        self._changes = threading.Lock()
        self._is_camera_changed = self._is_trimmed = self._is_idle = False
        self._thread: threading.Thread | None = None
        self._is_stopping = threading.Event()
        self.n_glances, self.n_reads, self.n_failed_turns, self.turned_at_s = 0, 0, 0, clock()
        self.failure = ""  # what the last failed turn failed with

    def start(self) -> None:
        """Begin to watch, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="daemon", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the present turn and give the camera back; the store stays open."""
        self._is_stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._watchdog.close()

    def state(self) -> State:
        """Return what the daemon does now, and how it is."""
        phase, fault = self._watch.phase, self._watchdog.fault
        there = [known.record for known in self._lying if known.record is not None and not known.n_missed] if phase == "done" else []
        words, advice = words_of(phase, fault, there, self._shown)
        due = [record for record in there if record.is_review_due]
        return State(
            phase=phase, words=words, advice=advice, fault=fault, problem=self._outbox.problem,
            record_id=(due or there)[-1].id if there else None,
            accept=self._reader.accept(), bundle_version=self._reader.bundle.version, bundle_sha256=self._reader.bundle.sha256,
        )  # fmt: skip

    def is_alive(self) -> bool:
        """Return whether the loop turns: a camera at fault does not stop it."""
        return self._thread is not None and self._thread.is_alive() and self._clock() - self.turned_at_s < 15.0

    @property
    def n_read_with_bundle(self) -> int:
        """How many frames were read, to the end, since the present bundle was taken up."""
        return self._reader.n_read

    def subscribe(self, listener: Callable[[Event], object]) -> Callable[[], None]:
        """Tell ``listener`` what happens from now on, in the daemon's own thread, which it must not hold up; return what ends it."""
        return self._listeners.add(listener)

    def latest_jpeg(self) -> bytes | None:
        """Return the live picture with what was found drawn over it, None before the first glance and while the camera is at fault.

        As long as there is no newer one it is the same object.
        """
        glance = self._glance
        return None if glance is None else self._picture.of(glance, self._shown, is_bare=self._watch.phase == "absent")

    def read_upload(self, frame: Frame) -> list[dict[str, Any]]:
        """Return what a picture from elsewhere says, as `read --json` would, the largest check first; nothing is stored."""
        return [check_object(frame.name, self._reader.judge(check), self._reader.identity()) for check in self._reader.read(frame)]

    def estimate(self) -> Estimate:
        """Return the error among the accepted, as the running audit knows it."""
        return estimate_error(self._evidence, self._reader.accept())

    def change_settings(self, changes: Mapping[str, Any], who: str) -> None:
        """Check, keep and apply settings, by dotted key; None takes one back to the configuration file's.

        Raises:
            ConfigError: one is not allowed; none is changed then.
            StoreError: they cannot be kept; none is changed then.
        """
        with self._changes:
            config = allowed_config(self.file_config, {**self.store.settings(), **changes})
            reader = SiteReader(config.reading, self.store.remembered(TUNING), self._firmware)
            self.store.change_settings(changes, who)
            self._is_camera_changed |= config.camera != self.config.camera
            self.config, self._reader = config, reader

    def reviewed(self, record: Record) -> None:
        """Take to heart what a person has said of a record; tightens the threshold where the budget is at risk."""
        self._evidence = self.store.evidence(self._reader.tuning.since_id)
        tighten(self.store, self._reader, self._evidence)
        for known in self._lying:
            if known.record is not None and known.record.id == record.id:
                known.record = record
        self._listeners.tell(Event(kind="record", record=record))
        self._tell_state()

    def with_reader(self, change: Callable[[SiteReader], _T]) -> _T:
        """Let ``change`` look at the site's reader, or tune it, while no setting changes; what it does holds from the next check on."""
        with self._changes:
            answer = change(self._reader)
            self._evidence = self.store.evidence(self._reader.tuning.since_id)
        self._tell_state()
        return answer

    def turn(self) -> None:
        """Look once, and do what follows from it."""
        if self._is_idle:
            if self._reader.renew():
                self._watch = replace(self._watch, read_s=self._clock() - RECHECK_S)  # a frame is read at once: does it read well?
            if self._clock() >= self._chores_at_s:
                self._chores_at_s = self._clock() + _CHORES_S
                self._do_chores()
        self._is_idle = True  # also after a turn that failed, since a bundle that makes turns fail has to be got rid of
        if self._is_camera_changed:
            self._is_camera_changed = False
            self._watchdog.close()
            self._watchdog = self._watched(None)
        glance = self._watchdog.look()
        now_s = self._clock()
        self.turned_at_s = now_s
        if glance is None:
            self._go(Sight(is_blind=True), now_s)
            self._meter.reset()
            self._glance, self._shown = None, ()
        else:
            self.n_glances += 1
            self._glance = glance
            self._go(Sight(is_moving=self._meter.is_moving(glance)), now_s)
        self._is_idle = glance is None or self._watch.phase in ("absent", "done")
        self._tell_state()

    def _watched(self, size: tuple[int, ...] | None) -> Watchdog:
        return Watchdog(self._given_opener or camera_opener(self.config.camera, is_live=True), self._clock, self._sleep, size)

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            try:
                self.turn()
            except Exception as error:  # noqa: BLE001  # the one place: whatever one turn meets, the next one begins afresh
                self.n_failed_turns += 1
                self.failure = f"{type(error).__name__}: {error}"
                _LOG.exception("a turn of the daemon's loop failed; it goes on")
                self._is_stopping.wait(_BROKEN_S)
            if self._watchdog.is_over:
                return

    def _go(self, sight: Sight, now_s: float) -> None:
        """Take steps until there is nothing to be done but to wait for the next glance."""
        action: Action = "read"
        while action == "read":
            before = self._watch.phase
            self._watch, action = step(self._watch, sight, now_s)
            if self._watch.phase != before:
                self._enter(before)
            if action == "store":
                self._keep()
            elif action == "read":
                self._tell_state()
                sight = self._read()
                now_s = self._clock()

    def _enter(self, before: str) -> None:
        phase = self._watch.phase
        if phase == "absent" and self._lying:
            self._now_lies([], [])
        if phase in ("absent", "arriving", "leaving"):
            self._tracks, self._fused, self._shown = (), [], ()
        if phase in ("absent", "done"):
            self._is_trimmed = False
        if (phase == "reading") != (before == "reading"):
            self._watchdog.hold(phase == "reading")

    def _read(self) -> Sight:
        frame = self._watchdog.read()
        if frame is None:
            return Sight(is_blind=True)
        self.n_reads += 1
        checks = self._reader.read(frame)
        self._shown = tuple(without_picture(check) for check in checks)
        checks = tuple(check for check in checks if any(r is not None and r.text is not None for r in check.fields.values()))
        if not checks:
            return Sight(seen="nothing")
        new = unknown(self._lying, checks, is_first_look=self._watch.phase != "reading")
        if any(known.n_missed for known in self._lying):
            self._now_lies(self._lying, [])
        if not new:
            return Sight(seen="same")
        self._tracks = followed(self._tracks, new)
        self._fused = [self._reader.fuse(track) for track in trusted(self._tracks, new)]
        known = [check for check in checks if all(check is not other for other in new)]
        self._shown = tuple(without_picture(check) for check in (*known, *self._fused))
        amounts = [check.fields.get("amount") for check in self._fused]
        return Sight(seen="check", is_enough=all(amount is not None and amount.verdict == "accepted" for amount in amounts))

    def _keep(self) -> None:
        """Make records of what was read; each is told of when it is stored, and not before."""
        checks = self._fused
        self._tracks, self._fused = (), []
        added = [Lying(looks_of(check), None if check.page is None else check.page.corners) for check in checks]
        self._now_lies(self._lying, added)
        for check, lying in zip(checks, added, strict=True):
            drawn = is_drawn(self.config.audit.one_in, self._evidence, self._chance)
            self._outbox.put(*self._reader.record_of(check, self._wall_clock(), drawn), lying)

    def _now_lies(self, lying: list[Lying], added: list[Lying]) -> None:
        """Take over what lies there now, and keep it for a later daemon where something has left."""
        before, self._lying = self._lying, remaining(lying, added)
        gone = [known for known in before if known not in self._lying]
        for known in gone:
            known.has_left = True
        if any(known.record is not None for known in gone):
            self._outbox.keep_lying(self._lying)

    def _announce(self, record: Record) -> None:
        _LOG.info("record %d is %s", record.id, record.status)
        self._listeners.tell(Event(kind="record", record=record))

    def _do_chores(self) -> None:
        self._outbox.flush()
        if (size := self._watchdog.size) != self._size_kept:
            self._outbox.attempt(lambda: self.store.remember(_SIZE, size))
            self._size_kept = size
        if not self._is_trimmed:
            self._is_trimmed = True
            trim_heap()
        if self._outbox.problem is None:
            self._sweeper.look(self.config.store)

    def _tell_state(self) -> None:
        self._listeners.tell_state(self.state())
