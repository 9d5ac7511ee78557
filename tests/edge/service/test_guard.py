"""The door: who comes in, and what every answer says, on an application that just tells who came."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from edge.service.auth import FailureLimit, Sessions, Token
from edge.service.guard import COOKIE, CSRF_HEADER, Guard, visitor_of


async def tell(request: Request) -> Response:
    return JSONResponse({"name": visitor_of(request).name, "is_owner": visitor_of(request).is_owner, "n": len(await request.body())})


class House:
    def __init__(self, folder: Path, is_open: bool) -> None:
        self.token, self.sessions, self.failures = Token(folder / "token"), Sessions(), FailureLimit()
        self.secret = self.token.make()
        inside = Starlette(routes=[Route("/{path:path}", tell, methods=["GET", "POST", "PUT", "DELETE"])])
        app = Guard(inside, self.token, self.sessions, self.failures, is_open, most_upload_bytes=1 << 20)
        self.client = TestClient(app, base_url="http://localhost:8642" if is_open else "https://counter.example", follow_redirects=False)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, is_open=True)
    with house.client:
        yield house


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, is_open=False)
    with house.client:
        yield house


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_on_this_machine_nobody_is_asked_for_a_token_and_nobody_is_the_owner_without_it(local: House) -> None:
    assert local.client.get("/records").json()["is_owner"] is False
    assert local.client.get("/records", headers=bearer(local.secret)).json()["is_owner"] is True


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8642", "192.168.1.5:8642", "", "localhost.evil.example", "["])
def test_another_name_for_this_machine_is_refused(local: House, host: str) -> None:
    assert local.client.get("/records", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8642", "127.0.0.1:8642", "[::1]:8642", "LocalHost"])
def test_the_names_of_this_machine_are_answered(local: House, host: str) -> None:
    assert local.client.get("/records", headers={"host": host}).status_code == 200


def test_beyond_this_machine_a_page_leads_to_the_token_and_the_api_refuses(remote: House) -> None:
    page = remote.client.get("/records?status=due")
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=/records")
    for path in ("/api/v1/records", "/metrics", "/api/v1/openapi.json"):
        refused = remote.client.get(path)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    assert remote.client.post("/records").status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/login", "/static/app.css"])
def test_strangers_see_the_pulse_and_the_login_alone(remote: House, path: str) -> None:
    assert remote.client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/healthz/records", "/login/x", "/staticky", "//healthz", "/static/../records"])
def test_no_path_looks_like_an_open_one(remote: House, path: str) -> None:
    answer = remote.client.get(path)
    assert answer.status_code in (303, 401) or "/static/" not in path


def test_the_token_opens_and_a_wrong_one_does_not(remote: House) -> None:
    assert remote.client.get("/api/v1/records", headers=bearer(remote.secret)).json()["is_owner"] is True
    assert remote.client.get("/api/v1/records", headers=bearer(remote.secret + "x")).status_code == 401
    assert remote.client.get("/api/v1/records", headers={"authorization": f"Basic {remote.secret}"}).status_code == 401


def test_guessing_is_stopped_also_for_the_right_token(remote: House) -> None:
    answers = [remote.client.get("/api/v1/records", headers=bearer(f"guess{n}")).status_code for n in range(9)]
    assert answers == [401] * 8 + [429]
    stopped = remote.client.get("/api/v1/records", headers=bearer(remote.secret))
    assert stopped.status_code == 429
    assert 0 < int(stopped.headers["retry-after"]) <= 300


def test_a_browser_changes_nothing_without_the_secret_of_its_page(remote: House) -> None:
    secret, session = remote.sessions.begin(is_owner=True)
    remote.client.cookies.set(COOKIE, secret)
    assert remote.client.get("/api/v1/records").status_code == 200
    assert remote.client.post("/api/v1/records/1/correction").status_code == 403
    assert remote.client.post("/api/v1/records/1/correction", headers={CSRF_HEADER: "x"}).status_code == 403
    assert remote.client.delete("/api/v1/records/1").status_code == 403
    assert remote.client.post("/api/v1/records/1/correction", headers={CSRF_HEADER: session.csrf}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://localhost:9999"},
    ],
)
def test_a_page_of_somebody_else_changes_nothing(local: House, headers: dict[str, str]) -> None:
    assert local.client.post("/api/v1/read", headers=headers).status_code == 403
    assert local.client.post("/login", headers=headers).status_code == 403


def test_a_program_on_this_machine_needs_no_secret(local: House) -> None:
    assert local.client.post("/api/v1/read").status_code == 200


def test_every_answer_forbids_what_no_page_of_ours_does(local: House, remote: House) -> None:
    answers = [local.client.get("/"), remote.client.get("/"), remote.client.get("/api/v1/x"), local.client.get("/", headers={"host": "x"})]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"


def test_a_body_has_a_limit_whether_it_tells_its_length_or_not(local: House) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(80):
            yield b"x" * 1024

    assert local.client.post("/api/v1/settings", content=b"x" * 65_536).json()["n"] == 65_536
    assert local.client.post("/api/v1/settings", content=b"x" * 65_537).status_code == 413
    assert local.client.post("/api/v1/settings", content=pieces()).status_code == 413
    assert local.client.post("/api/v1/read", content=b"x" * 100_000).json()["n"] == 100_000
    assert local.client.post("/api/v1/read", content=b"", headers={"content-length": "99999999999"}).status_code == 413


def test_a_cookie_that_makes_no_sense_is_no_session(local: House) -> None:
    for cookie in (f"{COOKIE}=x", "=;;;", f"{COOKIE}", 'a="', f"{COOKIE}=\u00e9"):
        assert local.client.get("/", headers={"cookie": cookie.encode("latin-1")}).json()["is_owner"] is False
