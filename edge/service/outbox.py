"""Records on their way into the store: kept in memory while the disk is full or read-only, told of when they are stored."""

import logging
from collections import deque
from collections.abc import Callable

from edge.errors import StoreError
from edge.service.record import Record
from edge.service.store import Store

_LOG = logging.getLogger(__name__)
_MOST_WAITING = 20


class Outbox:
    """``problem`` is what is wrong with the store, None while it is well; one log line says that it is, one that it is over."""

    def __init__(self, store: Store, announce: Callable[[Record], None]) -> None:
        self._store, self._announce = store, announce
        self._waiting: deque[tuple[Record, bytes]] = deque()
        self.problem: str | None = None

    def put(self, record: Record, picture: bytes) -> None:
        """Take a record, the latest one, whose check lies under the camera now."""
        self._waiting.append((record, picture))
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            _LOG.error("a reading is lost: %d others wait for room in the store", _MOST_WAITING)
        self.flush(is_lying=True)

    def flush(self, is_lying: bool = False) -> None:
        """Store what waits, oldest first, and tell of each; ``is_lying``: the last one's check is still there."""
        while self._waiting:
            record, picture = self._waiting[0]
            lies = is_lying and len(self._waiting) == 1
            stored = self._try(lambda r=record, p=picture, lies=lies: self._store.add(r, p, lies))  # type: ignore[misc]
            if stored is None:
                return
            self._waiting.popleft()
            self._announce(stored)

    def forget_lying(self) -> None:
        """The check has left; when that cannot be kept, the worst is that a later daemon compares with it."""
        self._try(self._store.forget_lying)

    def _try(self, work: Callable[[], Record | None]) -> Record | None:
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
