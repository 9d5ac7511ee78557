"""What happens now, as it happens: the state in words, events for browsers, and the moving picture."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from edge.service.context import Context
from edge.service.event import State
from edge.service.record import Query
from edge.service.views import summary_object
from edge.service.watcher import Phase

_BOUNDARY = "frame"
MULTIPART = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
# A browser that is gone is noticed when it is written to.
_HEARTBEAT_S = 10.0
# So often it is asked whether there is a newer picture: twice in a camera's frame, so that the page is hardly behind.
_LOOK_S = 1 / 30
_REPEAT_S = 2.0
MOST_LISTENERS = 32

_TONES: Mapping[Phase, str] = {
    "absent": "idle", "arriving": "busy", "settling": "busy", "reading": "busy", "done": "good", "leaving": "idle"
}  # fmt: skip


def state_object(context: Context) -> dict[str, Any]:
    """Return what the daemon is doing, in words, with the tone in which the page says it."""
    state = context.daemon.state()
    return {
        "phase": state.phase,
        "title": state.words,
        "advice": state.advice,
        "tone": _tone(context, state),
        "fault": state.fault,
        "problem": state.problem,
        "record_id": state.record_id,
        "n_review_due": context.store.count(Query(is_review_due=True)),
        "bundle": {"version": state.bundle_version, "sha256": state.bundle_sha256},
    }


def _tone(context: Context, state: State) -> str:
    if state.fault is not None:
        return "bad"
    record = context.store.get(state.record_id) if state.record_id is not None else None
    if state.problem is not None or (record is not None and record.is_review_due):
        return "care"
    return _TONES[state.phase]


async def event_stream(context: Context) -> AsyncIterator[bytes]:
    """Yield server-sent events (WHATWG HTML, section 9.2): ``state`` when it changes, ``record`` when one is new or was reviewed."""
    last = ""
    with context.feed.listening() as waiting:
        while True:
            state = json.dumps(await asyncio.to_thread(state_object, context))
            if state != last:
                yield f"event: state\ndata: {state}\n\n".encode()
                last = state
            try:
                event = await asyncio.wait_for(waiting.get(), _HEARTBEAT_S)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if event is None:
                return
            if event.record is not None:
                yield f"event: record\ndata: {json.dumps(summary_object(event.record.summary))}\n\n".encode()


async def moving_picture(context: Context) -> AsyncIterator[bytes]:
    """Yield the parts of a motion JPEG: each new picture of the camera as soon as there is one.

    Browsers show a part when the next one begins, so each ends with the boundary.
    """
    last, idle_s = -1, 0.0
    yield f"--{_BOUNDARY}\r\n".encode()
    while not context.feed.is_over:
        number, jpeg = await context.feed.picture()
        if jpeg is not None and (number != last or idle_s >= _REPEAT_S):
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            yield head.encode() + jpeg + f"\r\n--{_BOUNDARY}\r\n".encode()
            last, idle_s = number, 0.0
        await asyncio.sleep(_LOOK_S)
        idle_s += _LOOK_S
