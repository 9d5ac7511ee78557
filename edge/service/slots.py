"""Two places for bundles that came by update: one is read with, the other takes the next one, and one renamed file says which.

A bundle that was switched to is on trial until the daemon has run well with it. A start that finds a trial which an earlier start has begun
and not ended goes back to what was before. Nothing here can leave the reader without a bundle: the one that came with it is always there.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from edge.config import Config
from edge.errors import BundleError, ConfigError, EdgeError, OutputError, UsageError
from edge.recognize.bundle import read_bundle
from edge.service.durable import make_folder, stamp_of, write_whole
from edge.service.slot_state import NAMES, Failure, Slot, Slots, Trial, parse_slots, slots_to_json, taken_back
from edge.service.trust import SUFFIX, read_trust, trusted_bundle
from edge.service.versions import version_key

_LOG = logging.getLogger(__name__)
_STATE, _LOCK, _BUNDLE = "slots.json", "lock", "checkreader.bundle"
# Twice, since the first time it may have been the power that went.
MOST_FAILURES = 2


class Firmware:
    """The folder with both slots; safe to use from several processes.

    Args:
        trust: the folder of keys that what lies in a slot has to be signed with.
    """

    def __init__(self, folder: Path, trust: Path) -> None:
        self.folder, self._trust = folder, trust
        self._held: Slots | None = None
        self._known: tuple[object, Slots] = (None, Slots())

    def slots(self) -> Slots:
        """Return what is where now; a damaged file is none."""
        if self._held is not None:
            return self._held
        stamp = stamp_of(self.folder / _STATE)
        if stamp != self._known[0]:  # the daemon asks in each turn: it shall not read, nor complain, each time
            self._known = stamp, self._read()
        return self._known[1]

    def _read(self) -> Slots:
        if self._held is not None:
            return self._held
        try:
            return parse_slots((self.folder / _STATE).read_bytes())
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
                    slots = taken_back(slots, "the daemon ended before it had run well with it: a crash, or the power")
                elif trial is not None:
                    slots = replace(slots, trial=replace(trial, starts=1))
                slots = self._sound(slots)
                self._write(slots)
        except OSError as error:
            slots = self.slots()
            if slots.trial is not None:
                slots = taken_back(slots, "the disk cannot be written to")
            self._held = slots = self._sound(slots)
            _LOG.error("%s cannot be written to (%s); the reader goes on without a trial", self.folder, error.strerror)
        return None if slots.active is None else self.file(slots.active)

    def install(self, data: bytes, signature: bytes, slot: Slot) -> None:
        """Put a bundle into the slot that is not read with, and switch to it, on trial.

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
                name = next(name for name in NAMES if name != slots.active)
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
                self._write(self._sound(taken_back(slots, why)))

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
                other = next(name for name in NAMES if name != slots.active)
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
            yield self._read()
        finally:
            os.close(handle)

    def _write(self, slots: Slots) -> None:
        if slots != self._read():
            write_whole(self.folder / _STATE, slots_to_json(slots))


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


def _signature_of(file: Path) -> Path:
    return file.with_name(file.name + SUFFIX)


def _is_newer(version: str, other: str) -> bool:
    with contextlib.suppress(BundleError):
        return version_key(version) > version_key(other)
    return False
