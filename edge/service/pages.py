"""The pages: HTML made here, so that they stand on the screen before any script runs."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader

from edge import __version__
from edge.config import live_settings
from edge.errors import UsageError
from edge.service import wording
from edge.service.accuracy import chart, proposal_of
from edge.service.asked import MOST_INTEGER, is_narrowed, query_of
from edge.service.assets import asset_path
from edge.service.calibrate import ENOUGH
from edge.service.context import Context
from edge.service.guard import COOKIE, cookie_of, visitor_of
from edge.service.live import state_object
from edge.service.record import Query
from edge.service.views import log_object, record_object, summary_object, total_object

_ROWS, _LIVE_ROWS, _LOG_LINES = 50, 8, 200
_FILTERS = ("amount", "text", "status", "from", "to")


class Pages:
    """Renders templates with what every page needs: who looks, the secret against forged changes, what waits for review."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._templates = Environment(loader=PackageLoader("edge.service"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self._templates.globals.update(asset=asset_path, version=__version__)
        self._templates.globals["icon"] = getattr(self._templates.get_template("icon.html").module, "icon")  # noqa: B009
        self._templates.filters.update(
            money=wording.money, clock=wording.clock, moment=wording.moment, percent=wording.percent,
            share=wording.whole_percent, share_of_hundred=wording.share_of_hundred, threshold=wording.threshold,
            summary_words=wording.summary_words,
        )  # fmt: skip

    def show(self, request: Request, name: str, here: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page; a browser without a session gets one with it."""
        visitor, secret = visitor_of(request), None
        session = visitor.session
        if session is None:
            secret, session = self._context.sessions.begin()
        is_inside = self._context.is_open or visitor.is_owner
        n_due = self._context.store.count(Query(is_review_due=True)) if is_inside else 0
        common = {"csrf": session.csrf, "here": here, "is_inside": is_inside, "is_owner": visitor.is_owner, "n_due": n_due}
        page = HTMLResponse(self._templates.get_template(name).render({**common, **values}), status)
        if secret is not None:
            set_cookie(page, secret, request)
        return page


def set_cookie(response: Response, secret: str, request: Request) -> None:
    response.set_cookie(COOKIE, secret, httponly=True, samesite="strict", secure=request.url.scheme == "https")


def page_routes(context: Context, pages: Pages, app: FastAPI) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    store = context.store

    @router.get("/")
    def live(request: Request) -> Response:
        today = datetime.date.today()
        totals = store.totals(today)
        return pages.show(
            request, "live.html", "live",
            state=state_object(context), estimate=context.daemon.estimate(),
            is_replay=context.daemon.config.camera.source.startswith("replay:"), day=f"{today:%A}, {today.day} {today:%B}",
            records=[summary_object(summary) for summary in store.summaries(Query(limit=_LIVE_ROWS))],
            totals=[total_object(total) for total in totals if total.currency], n_records=sum(total.n_records for total in totals),
        )  # fmt: skip

    @router.get("/records")
    def records(request: Request) -> Response:
        asked = {name: request.query_params.get(name, "") for name in _FILTERS}
        before = request.query_params.get("before", "")
        cursor = int(before) if before.isdecimal() and 0 < int(before) <= MOST_INTEGER else None
        why, query = "", Query()
        try:
            query = query_of(asked, context.currency())
        except UsageError as error:
            why = str(error)
        found = [] if why else store.summaries(replace(query, limit=_ROWS, before_id=cursor))
        narrowed = is_narrowed(query) or bool(why)
        words = urlencode({name: value for name, value in asked.items() if value})
        return pages.show(
            request, "records.html", "records", 422 if why else 200,
            records=[summary_object(summary) for summary in found], is_filtered=narrowed, why=why, is_later=cursor is not None,
            n_found=store.count(query) if narrowed and not why else None,
            given={name: asked[name] for name in ("amount", "text", "status")} | {"first": asked["from"], "last": asked["to"]},
            filters=f"&{words}" if words and not why else "", first_page=words,
            next_page=f"{words}&before={found[-1].id}" if len(found) == _ROWS else "",
        )  # fmt: skip

    @router.get("/records/{record_id}")
    def record(request: Request, record_id: str, account: str = "masked") -> Response:
        visitor = visitor_of(request)
        is_revealed = account == "full"
        if is_revealed and not visitor.is_owner:
            return RedirectResponse(f"/login?{urlencode({'next': f'/records/{record_id}?account=full'})}", 303)
        number = int(record_id) if record_id.isdecimal() and int(record_id) <= MOST_INTEGER else 0
        found = store.get(number)
        if found is None:
            raise HTTPException(404, "There is no such record; it may have been deleted.")
        store.note(visitor.name, "seen", found.id, "with the account number" if is_revealed else "")
        log = [log_object(line) for line in store.log(20, found.id)]
        shown = record_object(found, is_revealed)
        return pages.show(request, "record.html", "records", record=shown, log=log, reveal="?account=full" if is_revealed else "")

    @router.get("/review")
    def review(request: Request) -> Response:
        only = request.query_params.get("id", "")
        return pages.show(request, "review.html", "review", only=only if only.isdecimal() else "")

    @router.get("/settings")
    def settings(request: Request) -> Response:
        values = live_settings(context.daemon.config)
        groups = [
            {"title": title, "settings": [asdict(words) | {"value": wording.shown_setting(words, values[words.key])} for words in group]}
            for title, group in wording.SETTING_GROUPS.items()
        ]
        return pages.show(request, "settings.html", "settings", groups=groups)

    @router.get("/accuracy")
    def accuracy(request: Request) -> Response:
        proposal = proposal_of(context)
        return pages.show(
            request, "accuracy.html", "settings", estimate=context.daemon.estimate(), chart=chart(proposal), budget=proposal.budget,
            before=proposal.before, after=proposal.after, n_looked_at=proposal.n_looked_at, n_needed=ENOUGH,
            can_restore=proposal.can_restore,
        )  # fmt: skip

    @router.get("/log")
    def log(request: Request) -> Response:
        return pages.show(request, "log.html", "log", lines=[log_object(line) for line in store.log(_LOG_LINES)])

    @router.get("/api")
    def api(request: Request) -> Response:
        return pages.show(request, "api.html", "api", groups=_routes(app.openapi()), base=str(request.base_url), is_open=context.is_open)

    @router.get("/login")
    def login(request: Request) -> Response:
        return pages.show(request, "login.html", "login", next=_own_path(request.query_params.get("next", "/")), why="")

    @router.post("/login")
    async def come_in(request: Request) -> Response:
        form = await request.form()
        target, token = _own_path(str(form.get("next", "/"))), str(form.get("token", "")).strip()
        address = request.client.host if request.client else "?"
        wait_s = context.failures.wait_s(address)
        if wait_s > 0 or not context.token.fits(token):
            if wait_s <= 0:
                context.failures.count(address)
            why = f"Too many wrong tokens. Wait {wait_s:.0f} seconds." if wait_s > 0 else "This is not the token."
            page = pages.show(request, "login.html", "login", 429 if wait_s > 0 else 401, next=target, why=why)
            if wait_s > 0:
                page.headers["retry-after"] = f"{wait_s:.0f}"
            return page
        context.sessions.end(cookie_of(request.headers))
        secret, _ = context.sessions.begin(is_owner=True)
        answer = RedirectResponse(target, 303)
        set_cookie(answer, secret, request)
        return answer

    @router.get("/logout")
    def leave(request: Request) -> Response:
        context.sessions.end(cookie_of(request.headers))
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE)
        return answer

    return router


def _own_path(path: str) -> str:
    """Return a path of this site; whatever would lead a browser elsewhere becomes the start."""
    is_ours = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_ours else "/"


def _routes(description: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    for path, methods in description["paths"].items():
        for method, route in methods.items():
            entry = {"method": method.upper(), "path": path, "summary": route.get("summary", "")}
            groups.setdefault((route.get("tags") or ["device"])[0], []).append(entry)
    return groups
