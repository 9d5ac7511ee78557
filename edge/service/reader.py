"""The pipeline as the daemon uses it: one bundle that may be replaced while it runs, this site's tuning, several frames, records."""

import datetime
import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2

from edge import output
from edge.config import Config, ReadingConfig, changed_config, live_settings
from edge.datatypes import CheckReading, Frame
from edge.decode.accept import DEFAULT_BUDGET, thresholds_of
from edge.decode.currency import currency_of
from edge.errors import BundleError, ConfigError, UsageError
from edge.pipeline import Reader
from edge.recognize.bundle import Bundle, read_bundle
from edge.service.durable import stamp_of
from edge.service.record import Record
from edge.service.slots import Firmware
from edge.service.tuning import Tuning, judged_here, tuning_object, tuning_of
from edge.trial import try_bundle

_LOG = logging.getLogger(__name__)
_QUALITY = 92


class SiteReader:
    """One frame at a time goes through it, whoever asks; ``firmware``: where its bundle lies, in the place of ``config.bundle``.

    Raises:
        BundleError: the bundle does not fit its card.
        ConfigError: the bundle was not fitted for this budget.
        MissingDependencyError: the runtime is not installed.
    """

    def __init__(self, config: ReadingConfig, tuning: Mapping[str, Any] | None, firmware: Firmware | None = None) -> None:
        self._config, self._firmware = config, firmware
        self._lock = threading.Lock()
        self.tuning = tuning_of(tuning)
        self._use(self._to_begin_with())

    def read(self, frame: Frame) -> tuple[CheckReading, ...]:
        """Return the checks of a frame as the bundle reads them, the largest first; at least one, whose page may be None."""
        with self._lock:
            checks = self._reader.read_frame(frame, self._config.currency)
            self.n_read += 1
            return checks

    def judge(self, check: CheckReading) -> CheckReading:
        """Return a check as this site judges it."""
        return judged_here(check, self.tuning, self._card_accept)

    def fuse(self, track: Sequence[CheckReading]) -> CheckReading:
        """Return what the frames of one check say together, as this site judges it."""
        return self.judge(self._reader.fuse(track))

    def accept(self) -> float:
        """Return the confidence from which on an amount is accepted; above one: none is."""
        return self.tuning.threshold(self._card_accept)

    def budget(self) -> float:
        """Return the share of wrong readings among the accepted that the owner allows."""
        return DEFAULT_BUDGET if self._config.budget is None else self._config.budget

    def tune(self, tuning: Tuning) -> None:
        self.tuning = tuning

    def tuning_object(self) -> dict[str, Any]:
        return tuning_object(self.tuning)

    def identity(self) -> dict[str, str]:
        return {"version": self.bundle.version, "sha256": self.bundle.sha256}

    def record_of(self, check: CheckReading, time_s: float, is_drawn: bool) -> tuple[Record, bytes]:
        """Return a new record of a check, and the picture of its page as a JPEG."""
        assert check.page is not None  # nothing was read without a page
        is_accepted = output.is_accepted(check)
        is_written, encoded = cv2.imencode(".jpg", check.page.pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        assert is_written  # a picture in memory can always be encoded
        record = Record(
            time=datetime.datetime.fromtimestamp(time_s, datetime.UTC),
            status="accepted" if is_accepted else "unsure",
            first_status="accepted" if is_accepted else "unsure",
            check=output.check_object("", check, self.identity()),
            is_drawn=is_drawn and is_accepted,
        )
        return record, encoded.tobytes()

    def renew(self) -> bool:
        """Take up the bundle's file where it was replaced; one that reads worse here changes nothing. Return whether it was taken up."""
        if self._stamp_of_bundle() == self._stamp:
            return False
        if self._firmware is not None:
            self._firmware.begin()
        try:
            bundle = self._newest()
            self._try(bundle, self.bundle)
            with self._lock:
                self._use(bundle)
        except (BundleError, ConfigError) as error:
            self._refuse(error)
            return False
        _LOG.warning("bundle %s (%s) was taken up", bundle.version, bundle.sha256[:12])
        return True

    def _to_begin_with(self) -> Bundle:
        """Return the bundle that is there; one on trial is tried, since whoever brought it may have left that to the daemon."""
        trial = None if self._firmware is None else self._firmware.slots().trial
        if self._firmware is not None and trial is not None:
            if not trial.starts:
                self._firmware.begin()
            try:
                bundle = self._newest()
                self._try(bundle, read_bundle(self._firmware.file(trial.previous) if trial.previous else None))
                return bundle
            except (BundleError, ConfigError) as error:
                self._refuse(error)
        return self._newest()

    def _newest(self) -> Bundle:
        self._stamp = self._stamp_of_bundle()  # first: what comes while this one is read is taken up next
        return read_bundle(self._path())

    def _try(self, new: Bundle, old: Bundle) -> None:
        """Run the golden set here; what is gone back to has passed it before. ``old``: whose time counts where the new one is slow.

        Raises:
            BundleError: it has none, or reads otherwise than where it was built.
            ConfigError: it was not fitted for this site's budget.
        """
        if self._firmware is not None and self._firmware.slots().trial is None:
            return
        for finding in try_bundle(new, old, self._config.runtime, self._config.threads, self._config.budget):
            if not finding.is_passed:
                raise BundleError(f"{finding.name}: {finding.words}")

    def _refuse(self, error: BundleError | ConfigError) -> None:
        _LOG.error("the new bundle is refused, the old one stays: %s", error)
        if self._firmware is not None:
            self._firmware.give_up(f"the daemon refused it: {error}")

    def _use(self, bundle: Bundle) -> None:
        accept = thresholds_of(bundle.card.thresholds, "strip", "amount", self._config.budget).accept
        reader = Reader(bundle, self._config.runtime, self._config.threads, self._config.budget)
        self.bundle, self._reader, self._card_accept = bundle, reader, accept
        self.n_read = 0  # frames, with this bundle

    def _path(self) -> Path | None:
        if self._firmware is not None:
            return self._firmware.active_file()
        return Path(self._config.bundle).expanduser() if self._config.bundle else None

    def _stamp_of_bundle(self) -> tuple[int, int, int] | None:
        path = self._path()
        return None if path is None else stamp_of(path)


def allowed_config(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return the file's configuration with what the page has changed; None in ``changes`` takes a value back to the file's.

    Raises:
        ConfigError: a value is not allowed, or cannot be changed while the daemon runs.
    """
    known = live_settings(config)
    for key in changes:
        if key not in known:
            raise ConfigError(f"{key} cannot be changed while the daemon runs; there are {', '.join(known)}")
    changed = changed_config(config, {key: value for key, value in changes.items() if value is not None})
    if changed.reading.currency != "auto":
        try:
            currency_of(changed.reading.currency)
        except UsageError as error:
            raise ConfigError(f"reading.currency: {error}, or auto") from None
    return changed
