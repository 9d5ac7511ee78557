"""The page's own files, read once: what is asked for is looked up among them, and no path from outside reaches the disk."""

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@cache
def _assets() -> dict[str, tuple[bytes, str, str]]:
    """Return name -> content, media type, hash."""
    found = {}
    for file in files("edge.service").joinpath("static").iterdir():
        suffix = file.name[file.name.rfind(".") :]
        if suffix in _TYPES:
            content = file.read_bytes()
            found[file.name] = content, _TYPES[suffix], hashlib.sha256(content).hexdigest()[:16]
    return found


def asset_path(name: str) -> str:
    """Return the address of a file, which changes whenever its content does."""
    return f"/static/{name}?v={_assets()[name][2]}"


def asset_routes() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/static/{name}")
    async def static(request: Request, name: str) -> Response:
        if name not in _assets():
            return PlainTextResponse("no such file", 404)
        content, media_type, digest = _assets()[name]
        etag = f'"{digest}"'
        is_fixed = request.query_params.get("v") == digest
        headers = {"etag": etag, "cache-control": "max-age=31536000, immutable" if is_fixed else "no-cache"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return router
