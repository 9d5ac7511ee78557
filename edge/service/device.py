"""The API's device: its state, what the camera sees, its settings, a picture sent in, and what a supervisor asks."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, File, HTTPException, Request, UploadFile
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from edge.config import live_settings
from edge.service import schemas
from edge.service.api import REFUSALS
from edge.service.context import Context
from edge.service.guard import visitor_of
from edge.service.live import MOST_LISTENERS, MULTIPART, event_stream, moving_picture, state_object
from edge.service.metrics import METRICS_TYPE, metrics_text
from edge.service.privacy import masked_check
from edge.service.upload import unpacked_picture

_EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}
_PICTURE = {"schema": {"type": "string", "format": "binary"}}
_MOVING: dict[int | str, dict[str, Any]] = {200: {"content": {"multipart/x-mixed-replace": _PICTURE}}}
_STILL: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": _PICTURE}}}
_WORD: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
    503: {"content": {"text/plain": {"schema": {"type": "string"}}}},
}


def device_routes(context: Context) -> APIRouter:
    """Return the routes under /api/v1 that are not about records."""
    router = APIRouter(responses=REFUSALS)
    daemon = context.daemon
    n_viewers = 0

    @router.get("/state", tags=["live"], summary="What the daemon is doing", response_model=schemas.State)
    def state() -> dict[str, Any]:
        return state_object(context)

    @router.get(
        "/events", tags=["live"], summary="The state and new records as server-sent events", response_class=Response, responses=_EVENTS
    )
    async def events() -> Response:
        return streamed(event_stream(context), "text/event-stream")

    @router.get("/live.mjpeg", tags=["live"], summary="What the camera sees, moving", response_class=Response, responses=_MOVING)
    async def live() -> Response:
        return streamed(moving_picture(context), MULTIPART)

    @router.get("/live.jpg", tags=["live"], summary="What the camera sees now", response_class=Response, responses=_STILL)
    async def still() -> Response:
        _, jpeg = await context.feed.picture()
        if jpeg is None:
            raise HTTPException(503, "the camera gives no picture now")
        return Response(jpeg, media_type="image/jpeg")

    def streamed(parts: AsyncIterator[bytes], media_type: str) -> Response:
        if n_viewers >= MOST_LISTENERS:
            raise HTTPException(503, f"{MOST_LISTENERS} others look on already; close a page")
        return StreamingResponse(counted(parts), media_type=media_type)

    async def counted(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        nonlocal n_viewers
        n_viewers += 1
        try:
            async for part in parts:
                yield part
        finally:
            n_viewers -= 1

    @router.post("/read", tags=["read"], summary="Read the checks of a picture; nothing is stored", response_model=schemas.Checks)
    def read(picture: Annotated[UploadFile, File(description="JPEG, PNG, TIFF, WebP, BMP or PNM.")]) -> dict[str, Any]:
        return {"checks": [masked_check(check) for check in daemon.read_upload(unpacked_picture(picture.file.read()))]}

    @router.get("/settings", tags=["settings"], summary="What can be changed while the daemon runs", response_model=schemas.Settings)
    def settings() -> dict[str, Any]:
        return {"settings": live_settings(daemon.config)}

    @router.patch(
        "/settings", tags=["settings"], summary="Change settings: all, or none where one is refused", response_model=schemas.Settings
    )
    def change(request: Request, asked: schemas.SettingsChange) -> dict[str, Any]:
        daemon.change_settings(asked.settings, visitor_of(request).name)
        return settings()

    return router


def health_routes(context: Context) -> APIRouter:
    """Return what supervisors ask: alive, ready, and in numbers."""
    router = APIRouter(tags=["device"], default_response_class=PlainTextResponse)

    @router.get("/healthz", summary="Does the loop turn?", responses=_WORD)
    def health() -> Response:
        is_alive = context.daemon.is_alive()
        return PlainTextResponse("ok\n" if is_alive else "the daemon's loop stands still\n", 200 if is_alive else 503)

    @router.get("/readyz", summary="Can it read and keep checks now?", responses=_WORD)
    def ready() -> Response:
        state = context.daemon.state()
        wrong = [words for words, is_wrong in (("camera", state.fault), ("store", state.problem)) if is_wrong]
        is_ready = context.daemon.is_alive() and not wrong
        return PlainTextResponse("ready\n" if is_ready else f"not ready: {', '.join(wrong) or 'loop'}\n", 200 if is_ready else 503)

    @router.get("/metrics", summary="Numbers for Prometheus", responses=_WORD)
    def metrics() -> Response:
        return Response(metrics_text(context), media_type=METRICS_TYPE)

    return router
