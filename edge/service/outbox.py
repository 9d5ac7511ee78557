"""Records on their way into the store: kept in memory while the disk is full or read-only, told of when they are stored."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from edge.errors import StoreError
from edge.service.counter import Lying
from edge.service.record import Record
from edge.service.store import Store

_LOG = logging.getLogger(__name__)
_MOST_WAITING = 20
_T = TypeVar("_T")


class Outbox:
    """``problem`` is what is wrong with the store, None while it is well; one log line says that it is, one that it is over."""

    def __init__(self, store: Store, announce: Callable[[Record], None]) -> None:
        self._store, self._announce = store, announce
        self._waiting: deque[tuple[Record, bytes, Lying]] = deque()
        self.problem: str | None = None

    def put(self, record: Record, picture: bytes, lying: Lying) -> None:
        """Take a record whose check lies under the camera now."""
        self._waiting.append((record, picture, lying))
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            _LOG.error("a reading is lost: %d others wait for room in the store", _MOST_WAITING)
        self.flush()

    def flush(self) -> None:
        """Store what waits, oldest first, and tell of each."""
        while self._waiting:
            record, picture, lying = self._waiting[0]
            stored = self.attempt(lambda r=record, p=picture, there=lying: self._store.add(r, p, not there.has_left))  # type: ignore[misc]
            if stored is None:
                return
            self._waiting.popleft()
            lying.record = stored
            self._announce(stored)

    def keep_lying(self, lying: Sequence[Lying]) -> None:
        """Keep which checks lie there; when that cannot be kept, the worst is that a later daemon compares with one that has left."""
        record_ids = [known.record.id for known in lying if known.record is not None]
        self.attempt(lambda: self._store.keep_lying(record_ids))

    def attempt(self, work: Callable[[], _T]) -> _T | None:
        """Return what the work on the store gives, None where the disk does not let it be done; then :attr:`problem` says why."""
        try:
            done = work()
        except StoreError as error:
            if self.problem is None:
                _LOG.error("the store is not well: %s", error)
            self.problem = str(error)
            return None
        if self.problem is not None:
            _LOG.warning("the store is well again")
            self.problem = None
        return done
