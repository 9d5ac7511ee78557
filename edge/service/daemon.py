"""The loop: look, decide, read, keep, tell; and whatever else wants to know of it or change it."""

import datetime
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from edge.capture.camera import Camera, camera_opener
from edge.capture.watchdog import Watchdog
from edge.config import Config
from edge.datatypes import CheckReading, Frame, Glance
from edge.errors import StoreError
from edge.output import check_object
from edge.service.audit import Estimate, estimate_error, is_drawn
from edge.service.calibrate import tighten
from edge.service.event import Event, State, words_of
from edge.service.heap import trim_heap
from edge.service.looks import Looks, is_same, looks_of, looks_of_record
from edge.service.motion import MotionMeter
from edge.service.outbox import Outbox
from edge.service.overlay import draw_live
from edge.service.reader import SiteReader, allowed_config
from edge.service.record import Evidence, Record
from edge.service.retention import sweep
from edge.service.slots import Firmware
from edge.service.store import Store
from edge.service.tuning import TUNING
from edge.service.watcher import Action, Sight, Watch, step

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_CHORES_S = 2.0  # what can wait is looked after this often, while nothing is being read
_SWEEP_S = 600.0
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
        self._watchdog = Watchdog(open_camera or camera_opener(self.config.camera, is_live=True), clock, sleep)
        self._meter = MotionMeter()
        self._watch = Watch(since_s=clock(), read_s=clock())
        self._track: tuple[CheckReading, ...] = ()
        self._lying: Looks | None = self._looks_of_lying()
        self._shown: CheckReading | None = None
        self._glance: Glance | None = None
        self._latest: Record | None = None
        self._outbox = Outbox(store, self._announce)
        self._told: State | None = None
        self._listeners: list[Callable[[Event], object]] = []
        self._drawn: tuple[Glance, CheckReading | None, bytes] | None = None
        self._evidence: list[Evidence] = store.evidence(self._reader.tuning.since_id)
        self._chores_at_s = self._sweep_at_s = clock()
        self._changes = threading.Lock()
        self._is_camera_changed = self._is_trimmed = False
        self._thread: threading.Thread | None = None
        self._is_stopping = threading.Event()
        self.n_glances, self.n_reads, self.n_failed_turns, self.turned_at_s = 0, 0, 0, clock()

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
        words, advice = words_of(phase, fault, self._latest if phase == "done" else None, self._shown)
        return State(
            phase=phase, words=words, advice=advice, fault=fault, problem=self._outbox.problem,
            record_id=self._latest.id if phase == "done" and self._latest is not None else None,
            accept=self._reader.accept(), bundle_version=self._reader.bundle.version, bundle_sha256=self._reader.bundle.sha256,
        )  # fmt: skip

    def is_alive(self) -> bool:
        """Return whether the loop turns: a camera at fault does not stop it."""
        return self._thread is not None and self._thread.is_alive() and self._clock() - self.turned_at_s < 15.0

    def subscribe(self, listener: Callable[[Event], object]) -> Callable[[], None]:
        """Tell ``listener`` what happens from now on, in the daemon's own thread, which it must not hold up; return what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def latest_jpeg(self) -> bytes | None:
        """Return the live picture with what was found drawn over it, None before the first glance and while the camera is at fault.

        As long as there is no newer one it is the same object.
        """
        glance, shown, is_bare = self._glance, self._shown, self._watch.phase == "absent"
        if glance is None:
            return None
        drawn = self._drawn
        if drawn is None or drawn[0] is not glance or drawn[1] is not shown:
            drawn = self._drawn = (glance, shown, draw_live(glance, shown, is_bare))
        return drawn[2]

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
        if self._latest is not None and self._latest.id == record.id:
            self._latest = record
        self._tell(Event(kind="record", record=record))
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
        if self._is_camera_changed:
            self._is_camera_changed = False
            self._watchdog.close()
            self._watchdog = Watchdog(self._given_opener or camera_opener(self.config.camera, is_live=True), self._clock, self._sleep)
        glance = self._watchdog.look()
        now_s = self._clock()
        self.turned_at_s = now_s
        if glance is None:
            self._go(Sight(is_blind=True), now_s)
            self._meter.reset()
            self._glance = self._shown = None
        else:
            self.n_glances += 1
            self._glance = glance
            self._go(Sight(is_moving=self._meter.is_moving(glance)), now_s)
        if now_s >= self._chores_at_s and self._watch.phase in ("absent", "done"):
            self._chores_at_s = now_s + _CHORES_S
            self._do_chores()
        self._tell_state()

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            try:
                self.turn()
            except Exception:  # noqa: BLE001  # the one place: whatever one turn meets, the next one begins afresh
                self.n_failed_turns += 1
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
        if phase == "absent" and self._lying is not None:
            self._lying = None
            self._outbox.forget_lying()
        if phase in ("absent", "arriving", "leaving"):
            self._track, self._shown = (), None
        if phase in ("absent", "done"):
            self._is_trimmed = False
        if (phase == "reading") != (before == "reading"):
            self._watchdog.hold(phase == "reading")

    def _read(self) -> Sight:
        frame = self._watchdog.read()
        if frame is None:
            return Sight(is_blind=True)
        self.n_reads += 1
        check = self._reader.read(frame)[0]
        self._shown = check
        if not any(reading is not None and reading.text is not None for reading in check.fields.values()):
            return Sight(seen="nothing")
        if self._lying is not None and self._is_lying(check):
            return Sight(seen="same")
        self._track = self._reader.followed(self._track, check)
        self._shown = fused = self._reader.fuse(self._track)
        amount = fused.fields.get("amount")
        return Sight(seen="check", is_enough=amount is not None and amount.verdict == "accepted")

    def _is_lying(self, check: CheckReading) -> bool:
        return self._lying is not None and is_same(self._lying, looks_of(check))

    def _keep(self) -> None:
        """Make a record of what was read; it is told of when it is stored, and not before."""
        check = self._reader.fuse(self._track)
        self._lying = looks_of(check)
        self._track = ()
        drawn = is_drawn(self.config.audit.one_in, self._evidence, self._chance)
        self._outbox.put(*self._reader.record_of(check, self._wall_clock(), drawn))

    def _announce(self, record: Record) -> None:
        self._latest = record
        _LOG.info("record %d is %s", record.id, record.status)
        self._tell(Event(kind="record", record=record))

    def _do_chores(self) -> None:
        self._outbox.flush()
        self._reader.renew()
        if not self._is_trimmed:
            self._is_trimmed = True
            trim_heap()
        if self._clock() >= self._sweep_at_s and self._outbox.problem is None:
            deleted = sweep(self.store, self.config.store, datetime.datetime.fromtimestamp(self._wall_clock(), datetime.UTC))
            self._sweep_at_s = self._clock() + (_CHORES_S if deleted else _SWEEP_S)

    def _looks_of_lying(self) -> Looks | None:
        record = self.store.lying()
        if record is None:
            return None
        try:
            return looks_of_record(record, self.store.picture(record))
        except StoreError:  # without its picture it is known by its MICR line alone
            return looks_of_record(record, None)

    def _tell_state(self) -> None:
        state = self.state()
        if state != self._told:
            self._told = state
            self._tell(Event(kind="state", state=state))

    def _tell(self, event: Event) -> None:
        for listener in list(self._listeners):
            listener(event)
