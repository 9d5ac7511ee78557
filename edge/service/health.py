"""Whether the daemon runs well with a bundle that is on trial: if so it stays, if not the reader goes back."""

import logging
import threading
import time
from collections.abc import Callable

from edge.service.daemon import Daemon
from edge.service.slots import Firmware

_LOG = logging.getLogger(__name__)
# So long has the loop to turn without a failure.
_WELL_S = 5.0
_LOOK_S = 0.5


def watch_trial(
    firmware: Firmware, daemon: Daemon, healthy_s: float, is_over: threading.Event, clock: Callable[[], float] = time.monotonic
) -> threading.Thread:
    """Judge each bundle that comes on trial, in a thread of its own, until ``is_over``.

    Args:
        healthy_s: the time that a bundle has, from when the daemon took it up.
    """

    def watch() -> None:
        begun_s: float | None = None
        well_s, n_failed = 0.0, 0
        while not is_over.wait(_LOOK_S):
            slots = firmware.slots()
            if slots.trial is None or slots.slot is None or daemon.state().bundle_sha256 != slots.slot.sha256:
                begun_s = None
                continue
            now_s = clock()
            if begun_s is None:
                begun_s, well_s, n_failed = now_s, now_s, daemon.n_failed_turns
            if not daemon.is_alive() or daemon.n_failed_turns != n_failed:
                well_s, n_failed = now_s, daemon.n_failed_turns
            try:
                if now_s - well_s >= _WELL_S and daemon.turned_at_s >= well_s:
                    firmware.mark_healthy()
                    _LOG.warning("the bundle %s runs well and stays", slots.slot.version)
                elif now_s - begun_s > healthy_s:
                    firmware.give_up()
                    _LOG.error("the bundle %s did not run well within %g s; the reader goes back", slots.slot.version, healthy_s)
            except OSError as error:  # the next start goes back, if this goes on
                _LOG.error("the trial of the bundle %s cannot be ended (%s)", slots.slot.version, error.strerror)

    thread = threading.Thread(target=watch, name="trial", daemon=True)
    thread.start()
    return thread
