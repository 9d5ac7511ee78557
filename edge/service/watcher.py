"""What happens under the camera, as a state machine: a pure function of the state, what was seen, and the time.

absent ─► arriving ─► settling ─► reading ─► done ─► leaving ─► absent
             ▲____________│____________│                │
             something moves again     another check lies there: settling, reading
"""

from dataclasses import dataclass, replace
from typing import Literal

Phase = Literal["absent", "arriving", "settling", "reading", "done", "leaving"]
PHASES: tuple[Phase, ...] = ("absent", "arriving", "settling", "reading", "done", "leaving")
# What a full frame showed: no check, one (of several) that is not recorded yet, or none but those that were recorded and still lie there.
Seen = Literal["nothing", "check", "same"]
# What is to be done now: wait for the next glance, take a full frame and read it, or keep what was read, a record for each check.
Action = Literal["wait", "read", "store"]

# So long nothing may move before a frame is read: two frames at 15 a second, and a hand that pauses takes longer.
SETTLE_S = 0.13
# With so many frames, or after so long, what was read is kept even if it is not sure enough.
MOST_FRAMES = 5
READ_S = 0.6
# When something moves all the time (a fan, a screen), a frame is read nevertheless.
RESTLESS_S = 3.0
# Where nothing seems to happen a frame is read now and then: what was too slow or too dark to be seen moving is found so.
RECHECK_S = 10.0
_MOST_BLANKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The state. ``since_s``: when the phase began; ``still_since_s``: since when nothing moves, None while something does.

    ``read_s``: when a frame was last read; ``n_frames``: of the present check, with ``n_blanks`` in a row that did not show it.
    ``is_restless``: motion is disregarded, since it does not end.
    """

    phase: Phase = "arriving"  # at its start nobody knows what lies there
    since_s: float = 0.0
    still_since_s: float | None = None
    read_s: float = 0.0
    n_frames: int = 0
    n_blanks: int = 0
    is_restless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is known since the last step. ``seen``: what the frame showed that was asked for, None where none was.

    ``is_enough``: what was read until now, of every check, is within the error budget, so no further frame is needed.
    ``is_blind``: the camera is at fault.
    """

    is_moving: bool = False
    seen: Seen | None = None
    is_enough: bool = False
    is_blind: bool = False


def step(watch: Watch, sight: Sight, time_s: float) -> tuple[Watch, Action]:
    """Return the next state and what is to be done; ``time_s`` never falls."""
    if sight.is_blind:  # what lies there when the camera is back, nobody knows; what was recorded is still known by its looks
        return Watch(phase="arriving", since_s=time_s, read_s=watch.read_s), "wait"
    if sight.is_moving:
        watch = replace(watch, still_since_s=None)
    elif watch.still_since_s is None:
        watch = replace(watch, still_since_s=time_s)
    if sight.seen is not None:
        watch = replace(watch, read_s=time_s)
    match watch.phase:
        case "absent" | "done":
            return _resting(watch, sight, time_s)
        case "arriving" | "leaving":
            return _moving(watch, time_s)
        case "settling":
            return _settling(watch, sight, time_s)
        case "reading":
            return _reading(watch, sight, time_s)


def _to(phase: Phase, watch: Watch, time_s: float) -> Watch:
    """Return the beginning of a phase."""
    is_restless = watch.is_restless and phase in ("settling", "reading")
    return Watch(phase=phase, since_s=time_s, still_since_s=watch.still_since_s, read_s=watch.read_s, is_restless=is_restless)


def _resting(watch: Watch, sight: Sight, time_s: float) -> tuple[Watch, Action]:
    if sight.is_moving:
        return _to("arriving" if watch.phase == "absent" else "leaving", watch, time_s), "wait"
    if sight.seen is not None:
        return _judged(watch, sight, time_s)
    return watch, "read" if time_s - watch.read_s >= RECHECK_S else "wait"


def _moving(watch: Watch, time_s: float) -> tuple[Watch, Action]:
    if watch.still_since_s is not None:
        return _settling(_to("settling", watch, time_s), Sight(), time_s)
    if time_s - watch.since_s >= RESTLESS_S:
        return _to("settling", replace(watch, is_restless=True), time_s), "read"
    return watch, "wait"


def _settling(watch: Watch, sight: Sight, time_s: float) -> tuple[Watch, Action]:
    if sight.is_moving and not watch.is_restless:
        return _to("arriving", watch, time_s), "wait"
    if sight.seen is not None:
        return _judged(watch, sight, time_s)
    is_settled = watch.still_since_s is not None and time_s - watch.still_since_s >= SETTLE_S
    return watch, "read" if is_settled or watch.is_restless else "wait"


def _judged(watch: Watch, sight: Sight, time_s: float) -> tuple[Watch, Action]:
    """Go where the frame says that we are; a check that is new begins to be read with this frame."""
    if sight.seen == "check":
        return _reading(_to("reading", watch, time_s), sight, time_s)
    phase: Phase = "absent" if sight.seen == "nothing" else "done"
    return (watch if watch.phase == phase else _to(phase, watch, time_s)), "wait"


def _reading(watch: Watch, sight: Sight, time_s: float) -> tuple[Watch, Action]:
    if sight.is_moving and not watch.is_restless:
        return _to("arriving", watch, time_s), "wait"
    if sight.seen == "same":
        return _to("done", watch, time_s), "wait"
    if sight.seen == "nothing":
        watch = replace(watch, n_blanks=watch.n_blanks + 1)
        if watch.n_blanks >= _MOST_BLANKS:
            return _to("absent", watch, time_s), "wait"
    if sight.seen == "check":
        watch = replace(watch, n_frames=watch.n_frames + 1, n_blanks=0)
        if sight.is_enough or watch.n_frames >= MOST_FRAMES or time_s - watch.since_s >= READ_S:
            return _to("done", watch, time_s), "store"
    return watch, "read"
