"""Two places for bundles that came by update: one is read with, the other takes the next one, and one renamed file says which.

A bundle that was switched to is on trial until the daemon has run well with it. A start that finds a trial which an earlier start has begun
and not ended goes back to what was before. Nothing here can leave the reader without a bundle: the one that came with it is always there.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from edge.config import Config
from edge.errors import BundleError, ConfigError, EdgeError, OutputError, UsageError
from edge.recognize.bundle import read_bundle
from edge.service.durable import make_folder, write_whole
from edge.service.trust import SUFFIX, read_trust, trusted_bundle
from edge.service.versions import version_key

_LOG = logging.getLogger(__name__)
_STATE, _LOCK, _BUNDLE = "slots.json", "lock", "checkreader.bundle"
_NAMES = ("a", "b")
# Twice, since the first time it may have been the power that went.
MOST_FAILURES = 2


@dataclass(frozen=True, slots=True)
class Slot:
    """What lies in a slot. ``is_downgrade``: it stays, although the bundle that came with the reader is newer."""

    sha256: str
    version: str
    is_downgrade: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """What to go back to (None: the bundle that came with the reader), and how often the reader has begun with the new bundle."""

    previous: str | None
    starts: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """How often a bundle was taken back, and in one sentence why the last time."""

    times: int
    why: str


@dataclass(frozen=True, slots=True)
class Slots:
    """What is where; ``active`` None: the bundle that came with the reader. ``failures``: by SHA-256, those that were taken back."""

    active: str | None = None
    slots: Mapping[str, Slot] = field(default_factory=dict)
    trial: Trial | None = None
    failures: Mapping[str, Failure] = field(default_factory=dict)

    @property
    def slot(self) -> Slot | None:
        return None if self.active is None else self.slots[self.active]


class Firmware:
    """The folder with both slots; safe to use from several processes.

    Args:
        trust: the folder of keys that what lies in a slot has to be signed with.
    """

    def __init__(self, folder: Path, trust: Path) -> None:
        self.folder, self._trust = folder, trust
        self._held: Slots | None = None

    def slots(self) -> Slots:
        """Return what is where now; a damaged file is none."""
        if self._held is not None:
            return self._held
        try:
            return _parsed((self.folder / _STATE).read_bytes())
        except FileNotFoundError:
            return Slots()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            _LOG.error("%s cannot be read (%s); the bundle that came with the reader is used", self.folder / _STATE, error)
            return Slots()

    def file(self, name: str) -> Path:
        return self.folder / name / _BUNDLE

    def active_file(self) -> Path | None:
        """Return the bundle to read with; None: the one that came with the reader."""
        active = self.slots().active
        return None if active is None else self.file(active)

    def begin(self) -> Path | None:
        """Return the bundle to start with, after going back where the last start with a new one did not end well.

        What lies in the slot is looked at: a bundle that was damaged, or whose key or self was revoked, is not begun with. On a disk
        that cannot be written to, a trial is not begun, since its end could not be told. While the keys cannot be read the bundle that came
        with the reader is used, and the slots stay as they are.
        """
        if self.slots().active is None:
            return None
        try:
            read_trust(self._trust)
        except EdgeError as error:
            _LOG.error("the bundle that came with the reader is used: %s", error)
            self._held = Slots()
            return None
        try:
            with self._changing() as slots:
                trial = slots.trial
                if trial is not None and trial.starts:
                    _LOG.error("the bundle %s did not become healthy at its last start; going back", slots.slot and slots.slot.version)
                    slots = _back(slots, "the daemon ended before it had run well with it: a crash, or the power")
                elif trial is not None:
                    slots = replace(slots, trial=replace(trial, starts=1))
                slots = self._sound(slots)
                self._write(slots)
        except OSError as error:
            slots = self.slots()
            if slots.trial is not None:
                slots = _back(slots, "the disk cannot be written to")
            self._held = slots = self._sound(slots)
            _LOG.error("%s cannot be written to (%s); the reader goes on without a trial", self.folder, error.strerror)
        return None if slots.active is None else self.file(slots.active)

    def install(self, data: bytes, signature: bytes, slot: Slot) -> None:
        """Put a bundle that was tried into the slot that is not read with, and switch to it, on trial.

        Raises:
            UsageError: another bundle has begun its trial, and what it would go back to must stay.
            OutputError: the disk says no; the reader runs as before.
        """
        try:
            make_folder(self.folder)
            with self._changing() as slots:
                if slots.trial is not None and slots.trial.starts:
                    version = slots.slot and slots.slot.version
                    raise UsageError(f"the bundle {version} is on trial; wait until the reader has run well with it, or start it anew")
                if slots.trial is not None:
                    slots = replace(slots, active=slots.trial.previous, trial=None)
                    self._write(slots)
                name = next(name for name in _NAMES if name != slots.active)
                make_folder(self.folder / name)
                write_whole(self.file(name), data)
                write_whole(_signature_of(self.file(name)), signature)
                new = replace(slots, active=name, slots={**slots.slots, name: slot}, trial=Trial(slots.active))
                self._write(new)
        except OSError as error:
            raise OutputError(
                f"the bundle cannot be put into {self.folder} ({error.strerror}); the reader runs as before; make room"
            ) from error

    def mark_healthy(self) -> None:
        """End the trial: the new bundle stays."""
        with self._changing() as slots:
            if slots.trial is not None and slots.slot is not None:
                failures = {sha256: failure for sha256, failure in slots.failures.items() if sha256 != slots.slot.sha256}
                self._write(replace(slots, trial=None, failures=failures))

    def give_up(self, why: str) -> None:
        """End the trial: what was before is read with again. ``why`` in one sentence, for whoever asks later."""
        with self._changing() as slots:
            if slots.trial is not None:
                self._write(self._sound(_back(slots, why)))

    def pause(self) -> None:
        """The reader is ended on purpose: a trial that was not over yet begins anew with the next start."""
        with self._changing() as slots:
            if slots.trial is not None:
                self._write(replace(slots, trial=replace(slots.trial, starts=0)))

    def roll_back(self) -> Slots:
        """Go back by hand, to the other slot, or else to the bundle that came with the reader; the timer will not take this one again.

        Raises:
            UsageError: there is nothing to go back from.
            OutputError: the disk says no.
        """
        try:
            with self._changing() as slots:
                if slots.active is None or slots.slot is None:
                    raise UsageError("the reader runs with the bundle that came with it: there is nothing to go back to")
                other = next(name for name in _NAMES if name != slots.active)
                failures = {**slots.failures, slots.slot.sha256: Failure(MOST_FAILURES, "it was taken back by hand")}
                back = replace(slots, active=other if other in slots.slots else None, trial=None, failures=failures)
                back = self._sound(back)
                if back.slot is not None:  # older, and meant to be
                    back = replace(back, slots={**back.slots, back.active or "": replace(back.slot, is_downgrade=True)})
                self._write(back)
                return back
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written to ({error.strerror}); the reader runs as before") from error

    def problem(self, name: str) -> str | None:
        """Say why the bundle in a slot must not be read with; None: nothing speaks against it."""
        slot, file = self.slots().slots.get(name), self.file(name)
        return "the slot is empty" if slot is None else self._problem(slot, file)

    def _problem(self, slot: Slot, file: Path) -> str | None:
        try:
            data = file.read_bytes()
            if hashlib.sha256(data).hexdigest() != slot.sha256:
                return f"{file} is not the file that was put there"
            # Whether the key's days are over does not matter: they were not when the bundle was taken.
            trusted_bundle(data, _signature_of(file).read_bytes(), str(file), read_trust(self._trust), None)
        except EdgeError as error:
            return str(error)
        except OSError as error:
            return f"{file} cannot be read ({error.strerror})"
        return None

    def _sound(self, slots: Slots) -> Slots:
        """Return the same if the active bundle is in order, else with the next one that is."""
        if slots.slot is not None and not slots.slot.is_downgrade and _is_newer(read_bundle().version, slots.slot.version):
            return replace(slots, active=None, trial=None)  # the reader itself was updated
        while slots.active is not None and slots.slot is not None:
            problem = self._problem(slots.slot, self.file(slots.active))
            if problem is None:
                return slots
            _LOG.error("the bundle in slot %s is not read with: %s", slots.active, problem)
            left = {name: slot for name, slot in slots.slots.items() if name != slots.active}
            slots = replace(slots, active=next(iter(left), None), slots=left, trial=None)
        return slots

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Slots]:
        """Give what is where now, which no other process changes meanwhile."""
        if not self.folder.exists():
            yield Slots()
            return
        handle = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield self.slots()
        finally:
            os.close(handle)

    def _write(self, slots: Slots) -> None:
        if slots != self.slots():
            write_whole(self.folder / _STATE, (json.dumps({"format": 1, **asdict(slots)}, indent=1, sort_keys=True) + "\n").encode())


def firmware_of(config: Config) -> Firmware | None:
    """Return the slots that the daemon reads from; None where the configuration has none, or names a bundle instead.

    Raises:
        ConfigError: it names no keys that could be trusted.
    """
    if not config.firmware.folder or config.reading.bundle:
        return None
    if not config.firmware.trust:
        raise ConfigError("firmware.folder is given and firmware.trust is not; name the folder of the keys whose bundles may be read with")
    return Firmware(Path(config.firmware.folder).expanduser(), Path(config.firmware.trust).expanduser())


def _back(slots: Slots, why: str) -> Slots:
    """Return what is where after a trial that failed, or that no daemon has begun: that is no failure of the bundle."""
    if slots.trial is None or slots.slot is None:
        return slots
    sha256, failures = slots.slot.sha256, dict(slots.failures)
    if slots.trial.starts:
        failures[sha256] = Failure(failures[sha256].times + 1 if sha256 in failures else 1, why)
    return replace(slots, active=slots.trial.previous, trial=None, failures=failures)


def _signature_of(file: Path) -> Path:
    return file.with_name(file.name + SUFFIX)


def _is_newer(version: str, other: str) -> bool:
    with contextlib.suppress(BundleError):
        return version_key(version) > version_key(other)
    return False


def _parsed(text: bytes) -> Slots:
    raw: dict[str, Any] = json.loads(text)
    if raw["format"] != 1:
        raise ValueError(f"its format is {raw['format']!r}, this reader knows 1")
    slots = {name: Slot(**slot) for name, slot in raw["slots"].items()}
    if raw["active"] not in (None, *slots) or not set(slots) <= set(_NAMES):
        raise ValueError(f"there is no slot {raw['active']!r}")
    trial = None if raw["trial"] is None else Trial(**raw["trial"])
    return Slots(raw["active"], slots, trial, {sha256: Failure(**failure) for sha256, failure in raw["failures"].items()})
