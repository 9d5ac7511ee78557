"""The checks on the counter: those that were recorded and have not left since, and those that are being read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edge.datatypes import F64, CheckReading, without_picture
from edge.errors import StoreError
from edge.fuse import best_read, is_same_check, overlap
from edge.service.looks import Looks, is_same, looks_of, looks_of_record
from edge.service.record import Record
from edge.service.store import Store

# The frames of one check that is being read, the latest last; the page's picture stays with the one that is read best: each is 3 MB.
Track = tuple[CheckReading, ...]
# Outlines with more in common than this are in one place, where only one check can lie.
_SAME_PLACE = 0.5
# A recorded check that was not seen so many times, once for each time that something has moved or that was looked again, has left.
_MOST_MISSED = 3
# More recorded checks are never compared with: twice what one frame may show.
_MOST_LYING = 12


@dataclass(slots=True, eq=False)
class Lying:
    """A recorded check that has not left, as far as is known.

    ``corners``: where it was seen last, in frame pixels, None: nobody knows. ``record``: None until it is stored. ``n_missed``: times in
    a row that it was not seen while others were.
    """

    looks: Looks
    corners: F64 | None
    record: Record | None = None
    n_missed: int = 0
    has_left: bool = False


def recorded_before(store: Store) -> list[Lying]:
    """Return what lay there when the daemon before this one looked last."""
    lying = []
    for record in store.lying():
        try:
            picture = store.picture(record)
        except StoreError:  # without its picture it is known by its MICR line alone
            picture = None
        page = record.check.get("page")
        lying.append(Lying(looks_of_record(record, picture), np.asarray(page["corners"], np.float64) if page else None, record))
    return lying


def unknown(lying: Sequence[Lying], checks: Sequence[CheckReading], is_first_look: bool) -> list[CheckReading]:
    """Return the checks of a frame that are none of the recorded ones; each of these is at most one of them.

    What is known of the recorded ones is brought up to date; ``is_first_look``: since something moved, or since it was looked last.
    """
    seen = [looks_of(check) for check in checks] if lying else []
    pairs = _paired(
        (_in_common(known.corners, checks[j]), i, j) for i, known in enumerate(lying) for j, looks in enumerate(seen)
        if is_same(known.looks, looks)
    )  # fmt: skip
    for i, known in enumerate(lying):
        if i in pairs:
            page = checks[pairs[i]].page
            known.corners, known.n_missed = None if page is None else page.corners, 0
        else:
            known.n_missed += is_first_look
    return [check for j, check in enumerate(checks) if j not in pairs.values()]


def remaining(lying: Sequence[Lying], added: Sequence[Lying]) -> list[Lying]:
    """Return what lies there once new checks are recorded: not what was in their places, nor what was missed too often."""
    for known in lying:
        is_replaced = any(_of_corners(known.corners, other.corners) > _SAME_PLACE for other in added)
        known.has_left |= is_replaced or known.n_missed >= _MOST_MISSED
    kept = [known for known in lying if not known.has_left]
    for known in kept[: max(0, len(kept) + len(added) - _MOST_LYING)]:
        known.has_left = True
    return [*(known for known in kept if not known.has_left), *added]


def followed(tracks: Sequence[Track], checks: Sequence[CheckReading]) -> tuple[Track, ...]:
    """Return the tracks with the checks of the next frame, which begin new ones where they continue none.

    A track continues with one check at most, so that two sheets that say the same stay two. One that this frame does not show is kept,
    unless something else lies in its place now.
    """
    pairs = _paired(
        (_in_common(_corners(track), check), i, j) for i, track in enumerate(tracks) for j, check in enumerate(checks)
        if is_same_check(track[-1], check)
    )  # fmt: skip
    begun = [(check,) for j, check in enumerate(checks) if j not in pairs.values()]
    grown = [
        _grown(track, checks[pairs[i]]) if i in pairs else track for i, track in enumerate(tracks)
        if i in pairs or not any(_in_common(_corners(track), check) > _SAME_PLACE for check in checks)
    ]  # fmt: skip
    return (*grown, *begun)


def trusted(tracks: Sequence[Track], checks: Sequence[CheckReading]) -> list[Track]:
    """Return the tracks that are checks: seen in this frame, or in more than one; what a single frame showed may be nothing."""
    return [track for track in tracks if len(track) > 1 or any(track[-1] is check for check in checks)]


def _grown(track: Track, check: CheckReading) -> Track:
    frames = (*track, check)
    best = best_read(frames)
    return tuple(frame if frame is best else without_picture(frame) for frame in frames)


def _paired(candidates: Iterable[tuple[float, int, int]]) -> dict[int, int]:
    """Return which goes with which, each once, those with most of their place in common first."""
    pairs: dict[int, int] = {}
    for _, i, j in sorted(candidates, key=lambda candidate: -candidate[0]):
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs


def _corners(track: Track) -> F64 | None:
    return None if track[-1].page is None else track[-1].page.corners


def _in_common(corners: F64 | None, check: CheckReading) -> float:
    return _of_corners(corners, None if check.page is None else check.page.corners)


def _of_corners(one: F64 | None, other: F64 | None) -> float:
    return 0.0 if one is None or other is None else overlap(one, other)
