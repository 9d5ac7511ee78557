"""What is kept, and for how long: by age and by room, the oldest first, and never a record that a person is still to look at."""

import datetime
import logging
from collections.abc import Callable

from edge.config import StoreConfig
from edge.service.record import Record
from edge.service.store import Store

_LOG = logging.getLogger(__name__)
_BATCH = 50
_MORE_S, _PAUSE_S, _JUMP_S = 2.0, 600.0, 86_400.0
_BYTES = 1024 * 1024


class Sweeper:
    """Looks now and then whether there is something to delete, as long as the clock can be trusted.

    Args:
        clock: seconds that never go back; ``wall_clock``: seconds since 1970, which somebody may set.
    """

    def __init__(self, store: Store, clock: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        self._store, self._clock, self._wall_clock = store, clock, wall_clock
        self._looked_s, self._looked_wall_s = clock(), wall_clock()
        self._next_s = clock()

    def look(self, config: StoreConfig) -> None:
        """Delete a batch where it is time.

        Raises:
            StoreError: the store cannot be written to.
        """
        now_s, wall_s = self._clock(), self._wall_clock()
        if now_s < self._next_s:
            return
        ahead_s = (wall_s - self._looked_wall_s) - (now_s - self._looked_s)
        self._looked_s, self._looked_wall_s = now_s, wall_s
        if ahead_s > _JUMP_S:  # all records are older at once, which may be a mistake that somebody puts right
            _LOG.warning("the clock went ahead by %.0f days; nothing is deleted for a day", ahead_s / 86_400)
            self._next_s = now_s + _JUMP_S
            return
        deleted = sweep(self._store, config, datetime.datetime.fromtimestamp(wall_s, datetime.UTC))
        self._next_s = now_s + (_MORE_S if deleted else _PAUSE_S)


def sweep(store: Store, config: StoreConfig, now: datetime.datetime) -> int:
    """Delete what is too old or takes too much room, at most a batch at a time; return how many records.

    Raises:
        StoreError: the store cannot be written to.
    """
    deleted = _delete(store, _too_old(store, config, now), "too old") + _delete(store, _too_many(store, config), "no room")
    if deleted:
        _LOG.info("%d records were deleted: older than %d days, or beyond %d MiB", deleted, config.keep_days, config.keep_mebibytes)
    return deleted


def _too_old(store: Store, config: StoreConfig, now: datetime.datetime) -> list[Record]:
    if not config.keep_days:
        return []
    return store.oldest_reviewed(now - datetime.timedelta(days=config.keep_days), _BATCH)


def _too_many(store: Store, config: StoreConfig) -> list[Record]:
    n_records, n_bytes = store.size()
    excess = n_bytes - config.keep_mebibytes * _BYTES
    if excess <= 0 or not n_records:
        return []
    # What a record takes on the average says how many have to go.
    return store.oldest_reviewed(None, min(_BATCH, -(-excess * n_records // n_bytes)))


def _delete(store: Store, records: list[Record], why: str) -> int:
    for record in records:
        store.delete(record.id, f"retention: {why}")
    return len(records)
