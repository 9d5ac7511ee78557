"""The door of the page and the API: decides who comes in before any route runs, and what every answer has to say."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.service.auth import FailureLimit, Session, Sessions, Token, is_local

COOKIE = "checkreader_session"
CSRF_HEADER = "x-csrf-token"
API = "/api/v1"
UPLOAD_PATH = f"{API}/read"
# What strangers may see beyond localhost: whether the device lives, and the page where the token is given.
_OPEN_PATHS = ("/healthz", "/readyz", "/login")
_OPEN_FOLDERS = ("/static/",)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SAME_ORIGIN = frozenset({"same-origin", "none"})

_MOST_BODY_BYTES = 64 << 10

# Everything comes from this device, nothing stands inside the page's own text, and nobody may frame it.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: ``is_owner`` gave the token, ``session`` is set for a browser, ``name`` goes into the audit log."""

    name: str
    is_owner: bool
    session: Session | None = None


def visitor_of(request: Request) -> Visitor:
    visitor = request.scope["visitor"]
    assert isinstance(visitor, Visitor)
    return visitor


class Guard:
    """ASGI middleware around the whole application.

    ``is_open``: the daemon listens on this machine alone, so that no token is asked for; then only names of this machine are answered,
    or a page of somebody else's could send a browser here under its own name (DNS rebinding).
    """

    def __init__(
        self, app: ASGIApp, token: Token, sessions: Sessions, failures: FailureLimit, is_open: bool, most_upload_bytes: int
    ) -> None:
        self._app, self._token, self._sessions, self._failures, self._is_open = app, token, sessions, failures, is_open
        self._most_upload_bytes = most_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # nothing here speaks websocket: uvicorn closes it
        headers = Headers(scope=scope)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
                answer.setdefault("cache-control", "no-store")
            await send(message)

        visitor = self._visitor(scope, headers)
        if isinstance(visitor, Visitor):
            scope["visitor"] = visitor
            refusal = self._refusal(scope, headers, visitor)
        else:
            refusal = visitor
        if refusal is not None:
            await refusal(scope, receive, send_guarded)
            return
        await self._app(scope, _limited(receive, self._limit(scope["path"])), send_guarded)

    def _visitor(self, scope: Scope, headers: Headers) -> Visitor | Response:
        address = scope["client"][0] if scope.get("client") else "?"
        if self._is_open and not is_local(_host_of(headers.get("host", ""))):
            return _says(421, "this daemon answers to localhost alone; start it with --host and a token to reach it by another name")
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            wait_s = self._failures.wait_s(address)
            if wait_s > 0:
                return too_many(wait_s)
            if not self._token.fits(secret.strip()):
                self._failures.count(address)
                return _says(401, "this is not the token; it was shown when the daemon first started", {"www-authenticate": "Bearer"})
            return Visitor(f"token from {address}", is_owner=True)
        session = self._sessions.find(cookie_of(headers))
        if session is not None:
            return Visitor(f"browser {session.label} at {address}", session.is_owner, session)
        return Visitor(f"unnamed at {address}", is_owner=False)

    def _refusal(self, scope: Scope, headers: Headers, visitor: Visitor) -> Response | None:
        path: str = scope["path"]
        if not (self._is_open or visitor.is_owner or path in _OPEN_PATHS or path.startswith(_OPEN_FOLDERS)):
            if path.startswith("/api/") or path == "/metrics" or scope["method"] not in _SAFE_METHODS:
                advice = "give the owner's token: Authorization: Bearer check_..."
                return _says(401, advice, {"www-authenticate": "Bearer"})
            return RedirectResponse(f"/login?next={quote(path, safe='/')}", 303)
        if scope["method"] not in _SAFE_METHODS and not self._is_meant(headers, visitor, path):
            return _says(403, "this change did not come from this device's own page, or the page is too old; load it again")
        limit = self._limit(path)
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdecimal() or int(length) > limit:
            return _says(413, f"at most {limit} bytes are taken here")
        return None

    def _limit(self, path: str) -> int:
        return self._most_upload_bytes if path == UPLOAD_PATH else _MOST_BODY_BYTES

    def _is_meant(self, headers: Headers, visitor: Visitor, path: str) -> bool:
        """Say whether a change was asked for by a program with the token, by our own page, or by a program on this machine.

        Browsers say where a request comes from; a program that is no browser says nothing.
        """
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if (site is not None and site not in _SAME_ORIGIN) or (origin is not None and urlsplit(origin).netloc != headers.get("host")):
            return False
        if visitor.session is None or path == "/login":
            return True
        return self._sessions.is_csrf(visitor.session, headers.get(CSRF_HEADER, ""))


def too_many(wait_s: float) -> Response:
    wait = math.ceil(wait_s)
    return _says(429, f"too many wrong tokens from your address; wait {wait} seconds", {"retry-after": str(wait)})


def cookie_of(headers: Headers) -> str:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _limited(receive: Receive, most_bytes: int) -> Receive:
    """Count a body that did not say how long it is."""
    taken = 0

    async def receive_limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most_bytes:
            raise HTTPException(413, f"at most {most_bytes} bytes are taken here")
        return message

    return receive_limited


def _host_of(header: str) -> str:
    """Return a Host header's name without its port."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _says(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"detail": detail}, status, headers)
