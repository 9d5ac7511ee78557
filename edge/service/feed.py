"""The daemon's news on its way from its thread to many browsers: one listener, one picture drawn, however many look on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from edge.service.daemon import Daemon
from edge.service.event import Event

# A browser that is too slow misses the oldest news; it is told the state that is right once it catches up.
_MOST_WAITING = 64


class Feed:
    """Lives in the web server's event loop, inside :meth:`running`. ``is_over``: the server is about to end, and every stream with it."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._drawing = asyncio.Lock()
        self._picture: tuple[int, bytes | None] = (-1, None)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.is_over = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        unsubscribe = self._daemon.subscribe(self._carry)
        try:
            yield
        finally:
            unsubscribe()
            self._tell(None)

    def end(self) -> None:
        """End the streams; from any thread."""
        self._carry(None)

    @contextlib.contextmanager
    def listening(self) -> Iterator["asyncio.Queue[Event | None]"]:
        """Give a queue of events from now on; None in it is the end."""
        waiting: asyncio.Queue[Event | None] = asyncio.Queue(_MOST_WAITING)
        if self.is_over:
            waiting.put_nowait(None)
        self._listeners.add(waiting)
        try:
            yield waiting
        finally:
            self._listeners.discard(waiting)

    async def picture(self) -> tuple[int, bytes | None]:
        """Return the number of the latest glance and its picture, None while the camera is at fault; drawn once for all who look."""
        async with self._drawing:
            number = self._daemon.n_glances
            if number != self._picture[0]:
                self._picture = number, await asyncio.to_thread(self._daemon.latest_jpeg)
        return self._picture

    def _carry(self, event: Event | None) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before the daemon
                self._loop.call_soon_threadsafe(self._tell, event)

    def _tell(self, event: Event | None) -> None:
        self.is_over |= event is None
        for waiting in self._listeners:
            if waiting.full():
                waiting.get_nowait()
            waiting.put_nowait(event)
