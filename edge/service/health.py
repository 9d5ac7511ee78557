"""Whether the daemon runs well with a bundle that is on trial: if so it stays, if not the reader goes back."""

import logging
import threading
import time
from collections.abc import Callable

from edge.service.daemon import Daemon
from edge.service.slots import Firmware

_LOG = logging.getLogger(__name__)
# So long has the loop to turn without a failure; and a frame has to be read, where the camera gives any.
_WELL_S = 5.0
_LOOK_S = 0.25


def watch_trial(
    firmware: Firmware, daemon: Daemon, healthy_s: float, is_over: threading.Event, clock: Callable[[], float] = time.monotonic
) -> threading.Thread:
    """Judge each bundle that comes on trial, in a thread of its own, until ``is_over``.

    Args:
        healthy_s: the time that a bundle has, from when the daemon took it up.
    """

    def watch() -> None:
        begun_s: float | None = None
        well_s, n_failed, n_failed_before = 0.0, 0, 0
        while not is_over.wait(_LOOK_S):
            slots = firmware.slots()
            if slots.trial is None or slots.slot is None or daemon.state().bundle_sha256 != slots.slot.sha256:
                begun_s = None
                continue
            now_s = clock()
            if begun_s is None:
                begun_s, well_s, n_failed = now_s, now_s, daemon.n_failed_turns
                n_failed_before = n_failed
            if not daemon.is_alive() or daemon.n_failed_turns != n_failed:
                well_s, n_failed = now_s, daemon.n_failed_turns
            has_read = daemon.n_read_with_bundle > 0 or daemon.state().fault is not None
            try:
                if has_read and now_s - well_s >= _WELL_S and daemon.turned_at_s >= well_s:
                    firmware.mark_healthy()
                    _LOG.warning("the bundle %s runs well and stays", slots.slot.version)
                elif now_s - begun_s > healthy_s:
                    why = _complaint(daemon, n_failed - n_failed_before, has_read)
                    firmware.give_up(f"the daemon did not run well with it within {healthy_s:g} s: {why}")
                    _LOG.error("the bundle %s did not run well within %g s (%s); the reader goes back", slots.slot.version, healthy_s, why)
            except OSError as error:  # the next start goes back, if this goes on
                _LOG.error("the trial of the bundle %s cannot be ended (%s)", slots.slot.version, error.strerror)

    thread = threading.Thread(target=watch, name="trial", daemon=True)
    thread.start()
    return thread


def _complaint(daemon: Daemon, n_failed: int, has_read: bool) -> str:
    if not daemon.is_alive():
        return "its loop stands still"
    if n_failed:
        return f"{n_failed} turns of its loop failed, the last with {daemon.failure}"
    return "its loop turned too slowly" if has_read else "no frame was read"
