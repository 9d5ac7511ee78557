"""What is kept, and for how long: by age and by room, the oldest first, and never a record that a person is still to look at."""

import datetime
import logging

from edge.config import StoreConfig
from edge.service.record import Record
from edge.service.store import Store

_LOG = logging.getLogger(__name__)
_BATCH = 50
_BYTES = 1024 * 1024


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
