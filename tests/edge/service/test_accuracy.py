"""Calibration by way of the API: what it would change, applied, and taken back, while the daemon runs."""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from edge.service.accuracy import chart, proposal_of
from edge.service.calibrate import ENOUGH
from edge.service.record import Record
from edge.service.store import Store
from edge.service.wording import share_of_hundred, threshold
from tests.edge.service.test_api import Site

Make = Callable[..., Record]


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    site = Site(store)
    with site.client:
        yield site


def look_at(site: Site, make_record: Make, n_records: int, seed: int = 1) -> None:
    """Let people look at readings that claim more than they keep."""
    chance = np.random.default_rng(seed)
    for number in range(n_records):
        confidence = float(1 / (1 + math.exp(-chance.normal(3, 2))))
        is_accepted = confidence >= site.daemon.state().accept
        record = site.store.add(
            make_record(
                status="accepted" if is_accepted else "unsure", number=f"{seed}{number}", confidence=confidence, is_drawn=is_accepted
            )
        )
        honest = 1 / (1 + ((1 - confidence) / confidence) ** 0.6)
        said = {"texts": {"amount": "1,234.56" if chance.random() < honest else "1.00"}}
        assert site.client.post(f"/api/v1/records/{record.id}/correction", json=said).status_code == 200


def changed(site: Site, path: str = "") -> Any:
    answer = site.client.post(f"/api/v1/calibration{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_before_enough_was_looked_at_there_is_nothing_to_apply(site: Site, make_record: Make) -> None:
    look_at(site, make_record, 10)
    shown = site.get("/calibration")
    assert (shown["n_looked_at"], shown["n_needed"], shown["after"], shown["can_restore"]) == (10, ENOUGH, None, False)
    assert shown["curve_after"] == []
    for path, why in (("", "10 readings"), ("/restoration", "no earlier calibration")):
        refused = site.client.post(f"/api/v1/calibration{path}")
        assert (refused.status_code, why in refused.json()["detail"]) == (422, True)
    assert [line["action"] for line in site.get("/log")["lines"] if line["action"] == "calibrated"] == []


def test_a_calibration_does_what_it_said_and_restoring_undoes_it(site: Site, make_record: Make) -> None:
    look_at(site, make_record, 80)
    was, shown = site.daemon.state().accept, site.get("/calibration")
    assert shown["before"]["threshold"] == was
    assert shown["after"]["share_accepted"] < shown["before"]["share_accepted"]  # it claimed too much
    assert site.daemon.state().accept == was  # asking changes nothing
    after = changed(site)
    assert (after["n_looked_at"], after["can_restore"]) == (0, True)
    assert site.daemon.state().accept == after["before"]["threshold"] == shown["after"]["threshold"]
    restored = changed(site, "/restoration")
    assert (site.daemon.state().accept, restored["can_restore"], restored["n_looked_at"]) == (was, False, shown["n_looked_at"])
    lines = [line for line in site.get("/log")["lines"] if line["action"] == "calibrated"]
    assert [line["detail"].split()[0] for line in lines] == ["back", "temperature"]
    assert {line["who"] for line in lines} == {"unnamed at testclient"}


def test_what_was_judged_by_the_tuning_that_goes_counts_no_more(site: Site, make_record: Make) -> None:
    """A record from before a calibration, or of one that was taken back, has a confidence that means something else now."""
    look_at(site, make_record, 80)
    waiting = site.store.add(make_record(status="unsure", confidence=0.7))
    changed(site)
    site.client.post(f"/api/v1/records/{waiting.id}/correction", json={})
    assert site.get("/calibration")["n_looked_at"] == 0
    look_at(site, make_record, 5, seed=2)
    assert site.get("/calibration")["n_looked_at"] == 5
    assert changed(site, "/restoration")["n_looked_at"] == 0


def test_an_amount_that_is_doubted_for_its_place_says_nothing_of_confidences(site: Site, make_record: Make) -> None:
    look_at(site, make_record, 80)
    before = site.get("/calibration")
    for number in range(40):  # sure, unsure for another reason, and wrong
        record = site.store.add(make_record(status="unsure", number=f"9{number}", confidence=0.999))
        site.store.correct(record.id, {"amount": "7.00"}, "ann")
    assert site.get("/calibration")["n_looked_at"] == before["n_looked_at"]


def test_a_calibration_is_the_next_daemons_too(site: Site, make_record: Make) -> None:
    look_at(site, make_record, 80)
    changed(site)
    assert Site(site.store).daemon.state().accept == site.daemon.state().accept


def test_the_chart_ends_where_it_is_too_high_and_nothing_read_has_none(site: Site, make_record: Make) -> None:
    context = site.context
    assert chart(proposal_of(context)) is None
    look_at(site, make_record, 80)
    drawn = chart(proposal_of(context))
    assert drawn is not None
    for name in ("before", "after"):
        points = [tuple(map(float, point.split(","))) for point in drawn[name].split()]
        assert all(0 <= x <= drawn["width"] and 0 <= y <= drawn["height"] for x, y in points)
        assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert drawn["before"] != drawn["after"]


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0 %"), (0.005, "0.5 %"), (0.01, "1 %"), (0.0123, "1.2 %"), (0.431, "43 %"), (1.0, "100 %")]
)
def test_shares_have_as_many_digits_as_say_something(share: float, words: str) -> None:
    assert share_of_hundred(share) == words


@pytest.mark.parametrize(
    ("confidence", "words"), [(0.894, "89.4 %"), (0.99967, "99.97 %"), (0.9999961, "99.9996 %"), (1.01, "(nothing is accepted)")]
)
def test_a_threshold_is_never_said_to_be_a_hundred(confidence: float, words: str) -> None:
    assert threshold(confidence) == words


def test_what_the_api_says_of_a_calibration_is_described(site: Site) -> None:
    paths = site.get("/openapi.json")["paths"]
    assert set(paths["/api/v1/calibration"]) == {"get", "post"}
    assert "post" in paths["/api/v1/calibration/restoration"]
    assert "Calibration" in json.dumps(paths["/api/v1/calibration"]["get"]["responses"]["200"])
