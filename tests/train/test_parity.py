"""What the release gate lets through and what it refuses, and what counts as a flip."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.datatypes import Reading, Verdict
from edge.parity import COUNTS
from edge.recognize.bundle import read_bundle
from train.data.drawn import drawn_strips
from train.data.sources import LabelledStrip
from train.networks import NetworkName
from train.parity import Case, Parity, compare, compare_layers, counts_of, load_models, losing_layers, refusals, summed
from train.parity_sets import tasks_to_compare
from train.quantization_cli import RELEASED
from train.worst_cases import draw_cases

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def reading(text: str | None, verdict: Verdict, confidence: float = 0.9) -> Reading:
    return Reading(text, verdict, confidence, None, None)


def case(real: Reading, int8: Reading, text: str = "1.00") -> Case:
    strip = LabelledStrip(np.full((40, 120), 230, np.uint8), text, "made", "", "made")
    return Case(strip, "amount", real, int8, real.text == text, int8.text == text)


def row(**counts: int) -> Parity:
    zeros = dict.fromkeys([f for f in Parity.__slots__ if f.startswith("n")][1:], 0)
    return Parity("made", "amount", **{**zeros, "n": 8000, "n_right_float": 7000, "n_right_int8": 7000, **counts})


def test_another_text_of_an_accepted_reading_is_a_flip_whoever_accepts_it() -> None:
    assert case(reading("1.00", "accepted"), reading("7.00", "accepted")).is_flipped
    assert case(reading("1.00", "accepted"), reading("7.00", "unsure")).is_flipped
    assert case(reading("1.00", "unsure"), reading("7.00", "accepted")).is_flipped


def test_a_changed_doubt_or_a_crossed_threshold_is_no_flip() -> None:
    assert not case(reading("1.00", "unsure"), reading("7.00", "unsure")).is_flipped
    assert not case(reading("1.00", "accepted"), reading("1.00", "unsure")).is_flipped


@pytest.mark.parametrize(
    ("one", "other", "n"), [("1,234.56", "1,234.56", 0), ("100", "1000", 1), ("71", "17", 2), ("", "12", 2), ("1.00", "7.00", 1)]
)
def test_changed_symbols_are_counted_once_each(one: str, other: str, n: int) -> None:
    assert case(reading(one, "unsure"), reading(other, "unsure")).n_changed_symbols == n


def test_the_gate_refuses_more_than_a_tenth_of_a_point_and_any_flip() -> None:
    assert refusals([row(n_right_int8=6992)]) == []
    assert "0.11 points less" in refusals([row(n_right_int8=6991)])[0]
    assert "1 accepted amounts of 8000 flip" in refusals([row(n_flipped=1)])[0]
    wrong = row(n_accepted_float=5000, n_accepted_int8=5000, n_wrong_accepted_float=20, n_wrong_accepted_int8=26)
    assert "0.12 points more" in refusals([wrong])[0]


def test_the_card_says_how_many_of_the_flips_are_amounts() -> None:
    date = replace(row(n_flipped=2), kind="date")
    assert counts_of([row(), date]) == {**counts_of([row(n=16000, n_right_float=14000, n_right_int8=14000)]), "n_flipped": 2}
    assert (counts_of([row(n_flipped=1), date])["n_flipped_amounts"], refusals([row(), date])) == (1, [])
    assert set(COUNTS) <= set(counts_of([row()]))


def test_sets_are_summed_count_by_count() -> None:
    both = summed([row(n_flipped=1), row(n_flipped=2)])
    assert (both.n, both.n_flipped, both.n_right_float) == (16000, 3, 14000)


@pytest.fixture(scope="module")
def models() -> dict[NetworkName, Any]:
    return load_models({name: RELEASED / name for name in ("strip", "date", "micr")})


def test_the_released_twins_read_drawn_strips_alike(models: dict[NetworkName, Any], tmp_path: Path) -> None:
    rows = []
    for row, cases in compare(read_bundle(), models, tasks_to_compare(None, 60)):
        rows.append(row)
        draw_cases(cases, tmp_path / f"{row.kind}.png")
    assert [(row.kind, row.n) for row in rows] == [("amount", 39), ("date", 15), ("micr", 6)]
    assert summed(rows).n_flipped == 0
    assert abs(summed(rows).n_right_float - summed(rows).n_right_int8) <= 2
    assert (tmp_path / "amount.png").stat().st_size > 1000


def test_drawn_strips_are_the_same_for_the_same_seed() -> None:
    one, other = drawn_strips("amount", 4), drawn_strips("amount", 4)
    assert [s.text for s in one] == [s.text for s in other]
    assert all(np.array_equal(a.picture, b.picture) for a, b in zip(one, other, strict=True))


def test_each_layer_has_its_signal_to_noise_ratio_and_the_losing_ones_are_named(models: dict[NetworkName, Any]) -> None:
    (_, figures), *_ = compare_layers(read_bundle(), {"strip": models["strip"]})
    assert len(figures) == 14
    worst, *_ = losing_layers(figures)
    assert worst.loss_db == max(f.loss_db for f in figures if np.isfinite(f.loss_db))
    assert "layer conv2d" in str(worst.layer)
    assert figures[-1].changed is not None
    assert figures[-1].changed < 0.01
