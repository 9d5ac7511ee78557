"""Frames of one check read together: what agrees grows surer, what contradicts does not pass, other checks stay apart."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.datatypes import FIELD_NAMES, Alternative, Box, CheckReading, FieldName, Page, Quality, Reading
from edge.fuse import follow, fuse_checks, fuse_readings, is_same_check

HERE: Box = (900.0, 200.0, 200.0, 60.0)
ELSEWHERE: Box = (900.0, 400.0, 200.0, 60.0)


def reading(text: str | None, confidence: float, *others: tuple[str, float], box: Box = HERE) -> Reading:
    verdict = "unreadable" if text is None else "unsure"
    return Reading(text, verdict, confidence, "why", box, alternatives=tuple(Alternative(t, p) for t, p in others))  # type: ignore[arg-type]


def check(left: float = 0.0, **fields: Reading) -> CheckReading:
    corners = np.array([[left, 0], [left + 700, 0], [left + 700, 300], [left, 300]], np.float64)
    page = Page(np.zeros((10, 20, 3), np.uint8), np.zeros((10, 20), np.uint8), corners, np.eye(3), 0.9)
    every: dict[FieldName, Reading | None] = dict.fromkeys(FIELD_NAMES)
    return CheckReading(0, (1600, 1200), page, Quality(), {**every, **fields}, {})  # type: ignore[dict-item]


def test_frames_that_agree_are_surer_together_and_pass_the_threshold() -> None:
    one = reading("12.50", 0.9, ("17.50", 0.08))
    together = fuse_readings([one, one, one], accept=0.93)
    assert together.verdict == "accepted"
    assert together.confidence > 0.93
    assert together.reason is None
    assert fuse_readings([one], accept=0.93).verdict == "unsure"


def test_frames_are_not_counted_as_independent_witnesses() -> None:
    one = reading("12.50", 0.9, ("17.50", 0.1))
    odds = 0.9 / 0.1
    together = fuse_readings([one, one], accept=None).confidence
    assert odds / (1 + odds) < together < odds**2 / (1 + odds**2)


def test_frames_that_contradict_each_other_stay_unsure() -> None:
    together = fuse_readings([reading("12.50", 0.95, ("17.50", 0.04)), reading("17.50", 0.95, ("12.50", 0.04))], accept=0.9)
    assert together.verdict == "unsure"
    assert {together.text, *(a.text for a in together.alternatives)} == {"12.50", "17.50"}


def test_the_second_choice_of_every_frame_can_win() -> None:
    frames = [reading("12.50", 0.5, ("13.50", 0.45)), reading("18.50", 0.5, ("13.50", 0.45)), reading("13.50", 0.5, ("19.50", 0.4))]
    assert fuse_readings(frames, accept=None).text == "13.50"


def test_a_frame_in_which_nothing_could_be_read_takes_nothing_away() -> None:
    one = reading("12.50", 0.9)
    assert fuse_readings([one, reading(None, 0.0)], accept=None) == one
    assert fuse_readings([reading(None, 0.0), reading(None, 0.0)], accept=None).verdict == "unreadable"


def test_another_place_that_was_accepted_makes_the_reading_unsure() -> None:
    rival = replace(reading("99.00", 0.99, box=ELSEWHERE), verdict="accepted")
    together = fuse_readings([reading("12.50", 0.99), reading("12.50", 0.99), rival], accept=0.9)
    assert (together.text, together.verdict) == ("12.50", "unsure")
    assert "99.00" in str(together.reason)


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=8), st.floats(0.0, 1.0))
def test_what_comes_out_is_a_probability(confidences: list[float], share: float) -> None:
    frames = [reading("1.00", p, ("2.00", (1 - p) * share)) for p in confidences]
    together = fuse_readings(frames, accept=None)
    assert 0.0 <= together.confidence <= 1.0
    assert together.confidence + sum(a.confidence for a in together.alternatives) <= 1.0 + 1e-6


def test_a_check_keeps_the_page_of_its_best_frame_and_counts_the_frames() -> None:
    dim, sharp = check(amount=reading("12.50", 0.4)), check(left=5, amount=reading("12.50", 0.9))
    together = fuse_checks([dim, sharp, dim], {"amount": 0.99})
    assert together.page is sharp.page
    assert together.n_frames == 3
    assert together.fields["date"] is None


def test_checks_are_followed_by_their_outline_and_told_apart_by_their_line() -> None:
    first, moved, other_place = check(0), check(40), check(800)
    assert is_same_check(first, moved)
    assert not is_same_check(first, other_place)
    one, two = check(0, micr=reading("A1A", 0.9)), check(0, micr=reading("A2A", 0.9))
    assert not is_same_check(one, two)
    assert is_same_check(check(0, micr=reading("A1A", 0.9)), check(800, micr=reading("A1A", 0.2)))
    tracks = follow(follow([], [first, other_place]), [moved])
    assert [len(track) for track in tracks] == [2, 1]


def test_a_frame_without_a_check_continues_no_track() -> None:
    nothing = replace(check(), page=None)
    assert follow([], [nothing]) == []


@pytest.mark.parametrize("accept", [None, 1.1])
def test_where_nothing_may_be_accepted_nothing_is(accept: float | None) -> None:
    assert fuse_readings([reading("1.00", 1.0), reading("1.00", 1.0)], accept).verdict == "unsure"


def test_a_doubt_that_every_sure_frame_has_is_not_outvoted_by_their_number() -> None:
    crossed = replace(reading("12.50", 0.97, ("17.50", 0.01)), reason="a stroke goes through it")
    together = fuse_readings([crossed, crossed, crossed], accept=0.93)
    assert (together.verdict, together.reason) == ("unsure", "a stroke goes through it")
    clear = replace(crossed, verdict="accepted", reason=None)
    assert fuse_readings([clear, crossed, clear], accept=0.93).verdict == "accepted"


def test_what_frames_accept_only_together_is_asked_what_the_page_says_against_it() -> None:
    page = Page(np.full((400, 1280, 3), 240, np.uint8), np.zeros((400, 1280), np.uint8), np.zeros((4, 2)), np.eye(3), 0.9)
    covered = replace(page, pixels=page.pixels.copy())
    pixels = covered.pixels.copy()
    pixels[190:270, 1050:1140] = 20, 60, 20
    covered = replace(covered, pixels=pixels)
    for shown, verdict in ((page, "accepted"), (covered, "unsure")):
        frames = [replace(check(date=reading("1/2/2026", 0.9, ("1/7/2026", 0.08))), page=shown) for _ in range(3)]
        assert fuse_checks(frames, {"date": 0.93}).fields["date"].verdict == verdict  # type: ignore[union-attr]
