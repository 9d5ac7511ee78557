"""The page and the API as one application: routes, what refusals look like, and the guard around it all."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from edge import __version__
from edge.errors import ConfigError, EdgeError, PictureError, StoreError, UsageError
from edge.service.accuracy import calibration_routes
from edge.service.api import record_routes
from edge.service.assets import asset_routes
from edge.service.context import Context
from edge.service.device import device_routes, health_routes
from edge.service.guard import API, Guard
from edge.service.pages import Pages, page_routes

_ABOUT = """Records of the checks that lay under the camera. Amounts are integers of minor units with their currency; times are ISO 8601
in UTC, days are the device's own. Beyond localhost each request needs the owner's token as `Authorization: Bearer check_...`."""
_CODES: Mapping[type[EdgeError], int] = {UsageError: 422, ConfigError: 422, PictureError: 422, StoreError: 503}
_TITLES = {404: "Not there", 422: "That makes no sense", 503: "The store is not well"}


def make_app(context: Context) -> ASGIApp:
    """Return the ASGI application of one daemon."""
    most_upload_bytes = context.daemon.config.web.most_upload_mebibytes << 20
    app = FastAPI(
        title="checkreader", version=__version__, description=_ABOUT, openapi_url=f"{API}/openapi.json",
        docs_url=None, redoc_url=None, lifespan=lambda _: context.feed.running(), generate_unique_id_function=lambda route: route.name,
    )  # fmt: skip
    pages = Pages(context)
    app.include_router(record_routes(context), prefix=API)
    app.include_router(device_routes(context), prefix=API)
    app.include_router(calibration_routes(context), prefix=API)
    app.include_router(health_routes(context))
    app.include_router(asset_routes())
    app.include_router(page_routes(context, pages, app))

    def refusal(request: Request, code: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
        path = request.url.path
        if "text/html" in request.headers.get("accept", "") and not path.startswith(f"{API}/"):
            return pages.show(request, "problem.html", "", code, title=_TITLES.get(code, "That did not work"), detail=detail)
        return JSONResponse({"detail": detail}, code, headers)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        return refusal(request, error.status_code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return refusal(request, 422, "; ".join(_sentence(problem) for problem in error.errors()[:5]))

    @app.exception_handler(EdgeError)
    async def broken(request: Request, error: EdgeError) -> Response:
        return refusal(request, _CODES.get(type(error), 500), str(error))

    return Guard(app, context.token, context.sessions, context.failures, context.is_open, most_upload_bytes)


def _sentence(problem: Mapping[str, Any]) -> str:
    """Return one of pydantic's complaints with the place it is about; never the value, which may be private."""
    place = ".".join(str(part) for part in problem["loc"][1:])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
