"""The API, asked as a program asks it, on a real daemon whose camera is not looked at."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from edge.config import Config
from edge.service.auth import FailureLimit, Sessions, Token
from edge.service.context import Context
from edge.service.daemon import Daemon
from edge.service.feed import Feed
from edge.service.record import Record
from edge.service.store import Store
from edge.service.web import make_app

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FRAMES = ROOT / "samples" / "frames"
ACCOUNT = "44748408"
PICTURE = cv2.imencode(".jpg", np.full((400, 900, 3), 240, np.uint8))[1].tobytes()


class Site:
    """A daemon with its application, and clients of it."""

    def __init__(self, store: Store, is_open: bool = True) -> None:
        config = Config()
        config = replace(config, camera=replace(config.camera, source=f"replay:{FRAMES}"))
        self.store, self.daemon, self.token = store, Daemon(config, store), Token(store.folder / "token")
        self.secret = self.token.make()
        self.context = Context(self.daemon, store, Feed(self.daemon), self.token, Sessions(), FailureLimit(), is_open)
        self.app = make_app(self.context)
        self.client = TestClient(self.app, base_url="http://localhost:8642", follow_redirects=False)

    @property
    def owner(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.secret}"}

    def get(self, path: str, **options: Any) -> Any:
        answer = self.client.get(f"/api/v1{path}", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    site = Site(store)
    with site.client:
        yield site


@pytest.fixture
def records(site: Site, make_record: Callable[..., Record]) -> list[Record]:
    """Three checks: one accepted, two that wait for a person."""
    made = [make_record(minor_units=1000 + i, number=str(2000 + i), status="unsure" if i else "accepted") for i in range(3)]
    return [site.store.add(record, PICTURE) for record in made]


def test_records_are_listed_newest_first_a_page_at_a_time(site: Site, records: list[Record]) -> None:
    first = site.get("/records?limit=2")
    assert [record["id"] for record in first["records"]] == [records[2].id, records[1].id]
    rest = site.get(f"/records?limit=2&before={first['next']}")
    assert [record["id"] for record in rest["records"]] == [records[0].id]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("amount=10.01", [1]), ("amount=10-10.01", [1, 0]), ("text=2002", [2]), ("status=due", [2, 1]), ("status=accepted", [0]),
     ("from=2026-03-02&to=2026-03-03", [2, 1, 0]), ("to=2026-03-01", []), ("from=2026-03-04", [])],
)  # fmt: skip
def test_records_are_found_by_amount_date_number_and_status(site: Site, records: list[Record], asked: str, expected: list[int]) -> None:
    found = [record["id"] for record in site.get(f"/records?{asked}")["records"]]
    assert found == [records[index].id for index in expected]


def test_a_record_is_whole_and_its_account_number_masked(site: Site, records: list[Record]) -> None:
    shown = site.get(f"/records/{records[0].id}")
    assert shown["amount"] == "10.00"
    assert shown["check"]["fields"]["micr"]["account"].endswith("8408")
    assert ACCOUNT not in json.dumps(shown)


def test_the_account_number_is_for_the_owner_alone_and_the_log_tells(site: Site, records: list[Record]) -> None:
    path = f"/records/{records[0].id}?account=full"
    assert site.client.get(f"/api/v1{path}").status_code == 403
    assert site.client.get("/api/v1/export?account=full").status_code == 403
    assert site.get(path, headers=site.owner)["check"]["fields"]["micr"]["account"] == ACCOUNT
    assert ACCOUNT in site.client.get("/api/v1/export?account=full", headers=site.owner).text
    lines = [(line["action"], line["detail"]) for line in site.get("/log")["lines"]]
    assert lines == [("exported", "csv, with account numbers"), ("seen", "with the account number")]


def test_pictures_are_given_whole_and_by_field(site: Site, records: list[Record]) -> None:
    for path in ("picture", "fields/amount/picture", "fields/micr/picture"):
        answer = site.client.get(f"/api/v1/records/{records[0].id}/{path}")
        assert answer.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.content)).size[0] > 100
    assert site.client.get(f"/api/v1/records/{records[0].id}/fields/signature/picture").status_code == 422
    assert site.client.get("/api/v1/records/999/picture").status_code == 404


def test_a_correction_changes_what_is_found_and_summed(site: Site, records: list[Record]) -> None:
    path = f"/api/v1/records/{records[1].id}/correction"
    corrected = site.client.post(path, json={"texts": {"amount": "99.50", "date": None}})
    assert (corrected.status_code, corrected.json()["status"], corrected.json()["amount"]) == (200, "corrected", "99.50")
    assert [record["id"] for record in site.get("/records?amount=99.50")["records"]] == [records[1].id]
    totals = site.get("/totals?day=2026-03-02")["totals"]
    assert totals == [
        {"currency": "USD", "n_records": 3, "n_review_due": 1, "n_rejected": 0, "minor_units": 1000 + 9950, "amount": "109.50"}
    ]


def test_a_reading_is_confirmed_by_saying_nothing_else(site: Site, records: list[Record]) -> None:
    confirmed = site.client.post(f"/api/v1/records/{records[1].id}/correction", json={})
    assert (confirmed.json()["status"], confirmed.json()["amount"]) == ("confirmed", "10.01")


@pytest.mark.parametrize(
    "texts", [{"amount": "ten"}, {"amount": "0.00"}, {"date": "32/13/2026"}, {"check_number": "x"}, {"signature": "x"}, {"amount": 5}]
)
def test_a_correction_that_makes_no_sense_changes_nothing(site: Site, records: list[Record], texts: dict[str, Any]) -> None:
    refused = site.client.post(f"/api/v1/records/{records[1].id}/correction", json={"texts": texts})
    assert refused.status_code == 422
    assert refused.json()["detail"]
    assert site.get(f"/records/{records[1].id}")["status"] == "unsure"


def test_what_is_reviewed_waits_no_more(site: Site, records: list[Record]) -> None:
    due = site.get("/review")
    assert (due["n_due"], [record["id"] for record in due["records"]]) == (2, [records[2].id, records[1].id])
    assert ACCOUNT not in json.dumps(due)
    assert site.client.post(f"/api/v1/records/{records[2].id}/rejection").json()["status"] == "rejected"
    assert site.get("/review")["n_due"] == 1
    assert [record["id"] for record in site.get("/review?limit=1")["records"]] == [records[1].id]


def test_a_deleted_record_is_gone_and_the_log_says_who(site: Site, records: list[Record]) -> None:
    path = f"/api/v1/records/{records[0].id}"
    assert site.client.delete(path).status_code == 204
    assert site.client.delete(path).status_code == 404
    assert site.client.get(path).status_code == 404
    assert site.get("/log")["lines"][0] | {"time": ""} == {
        "time": "", "who": "unnamed at testclient", "action": "deleted", "record_id": records[0].id, "detail": ""
    }  # fmt: skip


def test_an_export_holds_every_record_of_the_search(site: Site, records: list[Record]) -> None:
    table = site.client.get("/api/v1/export?format=csv&status=due")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in table.headers["content-disposition"]
    assert [row["amount"] for row in csv.DictReader(table.text.splitlines())] == ["10.02", "10.01"]
    lines = site.client.get("/api/v1/export?format=jsonl").text.splitlines()
    assert [json.loads(line)["amount"] for line in lines] == ["10.02", "10.01", "10.00"]
    assert ACCOUNT not in table.text + "".join(lines)


def test_settings_are_changed_or_refused_with_the_reason(site: Site) -> None:
    assert site.get("/settings")["settings"]["audit.one_in"] == 50
    changed = site.client.patch("/api/v1/settings", json={"settings": {"audit.one_in": 10, "reading.currency": "INR"}})
    assert changed.json()["settings"]["audit.one_in"] == 10
    assert site.daemon.config.reading.currency == "INR"
    refused = site.client.patch("/api/v1/settings", json={"settings": {"audit.one_in": 5, "camera.rotation_degrees": 45}})
    assert (refused.status_code, "allowed are 0, 90, 180, 270" in refused.json()["detail"]) == (422, True)
    assert site.get("/settings")["settings"]["audit.one_in"] == 10
    assert site.client.patch("/api/v1/settings", json={"settings": {"store.key_file": "/etc/passwd"}}).status_code == 422
    assert site.client.patch("/api/v1/settings", json={"settings": {"audit.one_in": None}}).json()["settings"]["audit.one_in"] == 50


def test_a_picture_that_is_sent_in_is_read_and_not_kept(site: Site) -> None:
    frame = (FRAMES / "desk_1.jpg").read_bytes()
    answer = site.client.post("/api/v1/read", files={"picture": ("../../etc/passwd", frame, "text/html")})
    check = answer.json()["checks"][0]
    assert check["fields"]["amount"]["text"]
    assert check["fields"]["micr"]["symbols"] == []  # they would spell the account number
    assert site.store.size()[0] == 0


def test_what_is_no_picture_or_too_large_is_refused(site: Site) -> None:
    limit = site.daemon.config.web.most_upload_mebibytes << 20
    for content, status in ((b"hello", 422), (b"", 422), (b"\xff" * (limit + 1), 413)):
        assert site.client.post("/api/v1/read", files={"picture": ("a.jpg", content)}).status_code == status
    assert site.client.post("/api/v1/read").status_code == 422


def test_supervisors_are_told_of_life_and_of_numbers(site: Site, records: list[Record]) -> None:
    assert site.client.get("/healthz").status_code == 503  # nobody started its loop
    metrics = site.client.get("/metrics")
    assert 'checkreader_records{status="unsure"} 2.0' in metrics.text
    assert ACCOUNT not in metrics.text
    site.daemon.start()
    assert site.client.get("/healthz").text == "ok\n"
    site.daemon.stop()


def test_a_store_that_is_not_well_is_said_so(site: Site, records: list[Record]) -> None:
    (site.store.folder / str(site.store.get(records[0].id).picture)).unlink()  # type: ignore[union-attr]
    refused = site.client.get(f"/api/v1/records/{records[0].id}/picture")
    assert refused.status_code == 503
    assert "put it back from a backup" in refused.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        *("/records/0", "/records/x", f"/records/{2**63}", "/records?limit=0", "/records?limit=501", "/records?from=x"),
        *("/records?before=0", "/records?status=gone", "/records?amount=abc", "/totals?day=2026-02-30"),
    ],
)
def test_questions_that_make_no_sense_are_refused_with_a_reason(site: Site, path: str) -> None:
    refused = site.client.get(f"/api/v1{path}")
    assert refused.status_code == 422
    assert len(refused.json()["detail"]) > 5


def test_the_description_names_every_route_and_lies_nowhere_outside(site: Site) -> None:
    description = site.get("/openapi.json")
    assert {"/api/v1/records", "/api/v1/read", "/api/v1/events", "/healthz", "/metrics"} <= set(description["paths"])
    assert "http" not in json.dumps(description)
