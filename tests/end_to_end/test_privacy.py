"""Account numbers stay with their owner: everything that the real daemon says is looked through for them."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.datatypes import Frame
from edge.pipeline import Reader
from edge.recognize.bundle import read_bundle
from edge.service.store import Store

Serve = Callable[..., AbstractContextManager[Any]]
Fill = Callable[[Path, Sequence[str]], None]
FRAMES = Path(__file__).resolve().parents[2] / "samples" / "frames"
N_RECORDS = 6
TEXTS = (
    *("/", "/review", "/records", "/records?status=due", "/settings", "/accuracy", "/log", "/api", "/metrics", "/healthz", "/readyz"),
    *("/api/v1/records", "/api/v1/review?limit=100", "/api/v1/totals", "/api/v1/log", "/api/v1/state", "/api/v1/settings"),
    *("/api/v1/calibration", "/api/v1/openapi.json", "/api/v1/export?format=csv", "/api/v1/export?format=jsonl"),
    *(f"/records/{number}" for number in range(1, N_RECORDS + 1)),
    *(f"/api/v1/records/{number}" for number in range(1, N_RECORDS + 1)),
)


def pieces(account: str) -> set[str]:
    """Return what gives an account number away: any five digits of it in a row; its last four are shown to tell accounts apart."""
    return {account[i : i + 5] for i in range(len(account) - 4)}


def asked(site: Any, path: str, data: bytes | None = None, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(site.url + path, data, headers)) as answer:
        return bytes(answer.read())


def test_whatever_is_asked_without_the_token_gives_no_account_number_away(tmp_path: Path, serve: Serve, fill: Fill) -> None:
    fill(tmp_path / "store", ["accepted", "unsure"] * (N_RECORDS // 2))
    store = Store(tmp_path / "store")
    accounts = {str(store.get(number).fields["micr"]["account"]) for number in range(1, N_RECORDS + 1)}  # type: ignore[index, union-attr]
    corrected = store.get(2).fields["micr"]["text"]  # type: ignore[index, union-attr]
    store.correct(2, {"micr": corrected, "amount": "5.00"}, "ann")
    store.close()
    accounts.discard("None")
    assert len(accounts) >= 4
    secrets = set().union(*(pieces(account) for account in accounts))
    reader = Reader(read_bundle())

    def seen_in(picture: bytes) -> set[str]:
        line = reader.read_frame(Frame(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)))[0].fields.get("micr")
        return {piece for piece in secrets if line is not None and piece in (line.text or "")}

    with serve(tmp_path / "store", f"replay:{FRAMES}") as site:
        for path in TEXTS:
            text = asked(site, path).decode()
            assert {piece for piece in secrets if piece in text} == set(), path
        for number in range(1, N_RECORDS + 1):
            assert seen_in(asked(site, f"/api/v1/records/{number}/picture")) == set()
        for _ in range(12):
            assert seen_in(asked(site, "/api/v1/live.jpg")) == set()
        with urllib.request.urlopen(f"{site.url}/api/v1/events") as events:
            news = b"".join(next(events) for _ in range(6)).decode()
        assert {piece for piece in secrets if piece in news} == set()
        with pytest.raises(urllib.error.HTTPError) as refused:
            asked(site, "/api/v1/export?account=full")
        assert refused.value.code == 403
        refused.value.close()
        # The owner asks, and gets it; the record of the check that lies there now has it as well.
        owner = {"Authorization": f"Bearer {site.token}"}
        full = asked(site, "/api/v1/export?format=jsonl&account=full", **owner).decode()
        assert all(account in full for account in accounts)
        assert "with account numbers" in json.loads(asked(site, "/api/v1/log"))["lines"][0]["detail"]
    said = "".join(site.said).replace(site.token, "")
    assert "page is at" in said
    assert {piece for piece in secrets if piece in said} == set()


def test_the_token_is_shown_once_and_asked_for_here_where_the_owner_says_so(tmp_path: Path, serve: Serve) -> None:
    config = tmp_path / "checkreader.toml"
    config.write_text("[web]\nis_token_asked_here = true\n")
    with serve(tmp_path / "store", f"replay:{FRAMES}", "--config", str(config)) as site:
        for path, code in (("/api/v1/records", 401), ("/metrics", 401)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                asked(site, path)
            assert refused.value.code == code
            refused.value.close()
        assert b"Who is there?" in asked(site, "/records")
        assert json.loads(asked(site, "/api/v1/records", Authorization=f"Bearer {site.token}"))["records"] is not None
        assert asked(site, "/readyz").strip() == b"ready"  # a deploy has no token, and goes by this
        token = site.token
    with serve(tmp_path / "store", f"replay:{FRAMES}") as site:
        assert site.token is None
        assert asked(site, "/api/v1/records", Authorization=f"Bearer {token}")
