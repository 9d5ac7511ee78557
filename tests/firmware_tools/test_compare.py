"""Which of two bundles reads a site better: promoted where it shows, refused with the cause where it does not."""

import json
import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.config import Config, StoreConfig
from edge.pipeline import Reader
from edge.recognize.bundle import parse_bundle, read_bundle
from edge.service.confirmed import Score
from edge.service.export_training import export_strips
from edge.service.labelled import Labelled, read_folders
from edge.service.store import Store
from firmware_tools.compare import Comparison, Judged, compare, sign_test
from tests.firmware_tools.conftest import SHIPPED, bundle_with, firmware
from train.data.other_site import keep_day, site_strips

R, W = Judged(0.9, True, False), Judged(0.2, False, False)  # right and wrong, neither accepted
RA, WA = Judged(0.999, True, True), Judged(0.99, False, True)


def with_swapped_digits(**card: Any) -> bytes:
    """The shipped bundle reading 3 for 7 and 7 for 3: its golden set does not tell, a person's word does."""
    networks = {**read_bundle().card.raw["networks"]}
    symbols = list(networks["strip"]["symbols"])
    three, seven = symbols.index("3"), symbols.index("7")
    symbols[three], symbols[seven] = "7", "3"
    return bundle_with(networks={**networks, "strip": {**networks["strip"], "symbols": symbols}}, **card)


@pytest.fixture(scope="session")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the people of an invented site looked at: a real store, exported."""
    folder = tmp_path_factory.mktemp("site")
    with closing(Store(folder / "store")) as store:
        keep_day(store, Reader(read_bundle()), site_strips(110, seed=5), drawn_one_in=2)
    export_strips(Config(store=StoreConfig(folder=str(folder / "store"))), folder / "export")
    return folder / "export"


def fields(n: int) -> list[Labelled]:
    return [Labelled(Path("x.png"), "amount", "1.00", 100, "USD", i, False, 1.0) for i in range(n)]


def compared(old: Sequence[Judged], new: Sequence[Judged]) -> Comparison:
    return Comparison("0.3.0", "0.4.0", 0.01, fields(len(old)), old, new)


CASES: dict[str, tuple[list[Judged], list[Judged], str | None]] = {
    "more are right": ([W] * 20 + [RA] * 40, [R] * 20 + [RA] * 40, None),
    "more are accepted rightly": ([R] * 20 + [RA] * 40, [RA] * 60, None),
    "too few": ([W] * 29, [RA] * 29, "29 readings to judge by, at least 30"),
    "one is flipped": ([W] * 59 + [RA], [RA] * 59 + [WA], "1 of 60 readings that 0.3.0 accepts rightly are accepted wrongly by 0.4.0"),
    "fewer are right": ([R] * 60, [RA] * 59 + [W], "reads 59 of 60 right, expected are at least the 60"),
    "fewer are accepted": ([W] * 20 + [RA] * 40, [R] * 20 + [RA] * 39 + [R], "accepts 39 of 60 rightly, expected are at least the 40"),
    "more is wrong than the budget explains": ([W] * 60, [RA] * 57 + [WA] * 3, "3 of the 60 that 0.4.0 accepts are wrong"),
    "one wrong of many is within the budget": ([W] * 60, [RA] * 59 + [WA], None),
    "it is the same": ([R] * 30 + [W] * 30, [R] * 30 + [W] * 30, "may be chance: 30 right instead of 30"),
    "the gain may be chance": ([R] * 50 + [W] * 10, [R] * 53 + [W] * 7, "may be chance: 53 right instead of 50"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_bundle_is_promoted_where_it_shows_and_else_refused_with_the_cause(name: str) -> None:
    old, new, cause = CASES[name]
    comparison = compared(old, new)
    reason = comparison.reason()
    assert (reason is None) is (cause is None), reason
    assert (cause or "promote: 0.4.0 reads") in comparison.words()
    facts = comparison.facts()
    assert facts["verdict"] == ("promote" if cause is None else "refuse")
    assert facts["cause"] == comparison.words()


def test_the_sign_test_is_exact() -> None:
    gained, lost, same = (False, True), (True, False), (True, True)
    assert sign_test([gained] * 5 + [same] * 90) == pytest.approx(1 / 32)
    assert sign_test([gained] * 8 + [lost] * 2) == pytest.approx(sum(math.comb(10, k) for k in (8, 9, 10)) / 1024)
    assert sign_test([same] * 3) == 1.0


def test_shares_of_all_checks_count_each_reading_for_those_it_stands_for() -> None:
    some = [*fields(1), Labelled(Path("x.png"), "amount", "1.00", 100, "USD", 2, True, 9.0)]
    estimate = Comparison("a", "b", 0.01, some, [W, RA], [WA, RA])
    assert estimate.of_all(estimate.old) == {"right": 0.9, "accepted": 0.9, "wrong_among_accepted": 0.0}
    assert estimate.of_all(estimate.new) == {"right": 0.9, "accepted": 1.0, "wrong_among_accepted": pytest.approx(0.1)}
    assert estimate.figures(estimate.new, was_accepted=True).n == 1
    assert estimate.figures(estimate.new, was_accepted=False).n_wrong_accepted == 1


def test_a_device_compares_by_the_same_rule() -> None:
    before = Score(100, 50, 5, 0)
    assert not Score(100, 80, 60, 1).is_worse_than(before, 0.01)
    assert Score(100, 80, 60, 3).is_worse_than(before, 0.01)
    assert Score(100, 49, 60, 0).is_worse_than(before, 0.01)


def test_the_command_promotes_what_reads_the_site_better_and_refuses_the_other_way_round(export: Path, tmp_path: Path) -> None:
    worse = tmp_path / "worse.bundle"
    worse.write_bytes(with_swapped_digits(version="0.2.9"))
    chart = tmp_path / "risk.svg"
    done = firmware("compare", worse, SHIPPED, "--on", export, "--chart", chart, "--json")
    facts = json.loads(done.stdout)
    assert (done.returncode, facts["verdict"]) == (0, "promote"), done.stderr
    assert facts["new"]["n_right"] > facts["old"]["n_right"]
    assert facts["n"] == len(read_folders([export])) == facts["new"]["n"]
    assert facts["new"]["accepted_on_device"]["n"] + facts["new"]["unsure_on_device"]["n"] == facts["n"]
    assert 0 <= facts["new"]["error_low"] <= facts["new"]["error_high"] <= 1
    assert facts["new"]["risk_at_coverage"]["0.5"] <= facts["new"]["risk_at_coverage"]["1"]
    assert b"<svg" in chart.read_bytes()
    done = firmware("compare", SHIPPED, worse, "--on", export)
    assert done.returncode == 65
    assert done.stdout.splitlines()[-1].startswith("refuse: ")
    assert "0.2.9" in done.stdout.splitlines()[-1]


def test_where_a_bundle_learned_from_corrections_only_those_that_judge_count(export: Path) -> None:
    learned = parse_bundle(bundle_with(runs={"strip": {"corrected_sha256": "ab" * 32}}), "learned")
    found = compare(read_bundle(), learned, read_folders([export]))
    assert {field.part for field in found.fields} == {"judge"}
    assert 0 < len(found.fields) < len(read_folders([export]))
    assert found.reason()


def test_what_cannot_be_compared_is_told(export: Path, tmp_path: Path) -> None:
    done = firmware("compare", SHIPPED, SHIPPED, "--on", tmp_path)
    assert (done.returncode, "export-training" in done.stderr) == (65, True)
    done = firmware("compare", SHIPPED, SHIPPED, "--on", export, "--budget", "0.3")
    assert (done.returncode, "0.3 is none of those" in done.stderr) == (78, True)
    done = firmware("compare", SHIPPED, SHIPPED, "--on", export, "--chart", tmp_path / "no/chart.png")
    assert (done.returncode, "cannot be written" in done.stderr) == (74, True)
