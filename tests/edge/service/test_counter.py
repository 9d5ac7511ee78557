"""Which check on the counter is which: each recorded one at most one of those seen, each seen one at most one of those being read."""

from dataclasses import replace
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture.picture import load_picture
from edge.config import ReadingConfig
from edge.datatypes import CheckReading, Page, Quality, Reading
from edge.service.counter import Lying, followed, remaining, trusted, unknown
from edge.service.looks import looks_of
from edge.service.reader import SiteReader
from tests.edge.conftest import ROOT


@cache
def page_at(place: int, seed: int) -> Page:
    """Return a page of noise, which looks like no other, in one of the places of a counter."""
    pixels = np.repeat(np.repeat(np.random.default_rng(seed).integers(0, 256, (12, 28, 3), np.uint8), 8, axis=0), 8, axis=1)
    left, top = 250 * (place % 3), 120 * (place // 3)
    corners = np.array([[left, top], [left + 200, top], [left + 200, top + 90], [left, top + 90]], np.float64)
    return Page(pixels, np.ascontiguousarray(pixels[:, :, 0]), corners, np.eye(3), 0.9)


def check(place: int, line: str | None, seed: int = 0) -> CheckReading:
    micr = Reading(line, "accepted", 0.99, None, None) if line else None
    return CheckReading(0, (800, 400), page_at(place, seed), Quality(), {"micr": micr}, {})


def recorded(seen: CheckReading) -> Lying:
    assert seen.page is not None
    return Lying(looks_of(seen), seen.page.corners)


def test_two_sheets_that_say_the_same_are_two_checks() -> None:
    one, copy = check(0, "A1A2C3"), check(1, "A1A2C3")
    tracks = followed((), [one, copy])
    tracks = followed(tracks, [check(1, "A1A2C3"), check(0, "A1A2C3")])
    assert [len(track) for track in tracks] == [2, 2]
    assert [track[-1].page.corners[0, 0] for track in tracks if track[-1].page] == [0, 250]
    assert unknown([recorded(one)], [copy, one], is_first_look=True) == [copy]


def test_a_check_that_one_frame_missed_is_still_being_read() -> None:
    tracks = followed((), [check(0, "A1A"), check(1, "A2A", 1)])
    tracks = followed(tracks, [check(0, "A1A"), check(1, "A2A", 1)])
    seen = [check(0, "A1A")]
    tracks = followed(tracks, seen)
    assert [len(track) for track in trusted(tracks, seen)] == [3, 2]


def test_what_one_frame_alone_showed_is_no_check() -> None:
    tracks = followed((), [check(0, "A1A"), check(1, None, 1)])
    seen = [check(0, "A1A")]
    tracks = followed(tracks, seen)
    assert [len(track) for track in trusted(tracks, seen)] == [2]


def test_another_check_in_the_place_of_one_that_is_read_begins_anew() -> None:
    tracks = followed((), [check(0, "A1A")])
    (track,) = followed(tracks, [check(0, "A2A", 1)])
    assert len(track) == 1


def test_a_recorded_check_has_left_when_another_lies_in_its_place_or_it_is_missed_three_times() -> None:
    first, second = recorded(check(0, "A1A")), recorded(check(1, "A2A", 1))
    third = recorded(check(0, "A3A", 2))
    assert remaining([first, second], [third]) == [second, third]
    assert first.has_left
    for n_missed in (1, 2, 3):
        assert unknown([second, third], [check(0, "A3A", 2)], is_first_look=True) == []
        assert unknown([second, third], [check(0, "A3A", 2)], is_first_look=False) == []  # the same occasion
        assert (remaining([second, third], []) == [third]) is (n_missed == 3)


def test_a_recorded_check_that_was_moved_is_known_in_its_new_place() -> None:
    known = recorded(check(0, "A1A"))
    assert unknown([known], [check(2, "A1A")], is_first_look=True) == []
    assert known.corners is not None
    assert known.corners[0, 0] == 500
    assert remaining([known], [recorded(check(0, "A2A", 1))])[0] is known


def test_no_more_is_compared_with_than_can_lie_there() -> None:
    lying: list[Lying] = []
    for number in range(40):
        lying = remaining(lying, [Lying(looks_of(check(0, f"A{number}A", number)), None)])
    assert len(lying) == 12
    assert lying[-1].looks.line == "A39A"


@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), unique_by=lambda pair: pair[0], max_size=6), max_size=12))
@settings(max_examples=60, deadline=None)
def test_however_checks_are_laid_out_each_is_recorded_once_while_it_lies_there(scenes: list[list[tuple[int, int]]]) -> None:
    """Each scene: checks (some with the same line) in places; all are seen in both of two frames, and those that are new are recorded."""
    lying: list[Lying] = []
    for scene in scenes:
        seen = [check(place, f"A{line}A", line) for place, line in scene]
        new = unknown(lying, seen, is_first_look=True)
        tracks = followed(followed((), new), new)
        assert len(tracks) == len(new)
        lying = remaining(lying, [recorded(track[-1]) for track in tracks])
        assert unknown(lying, seen, is_first_look=False) == []
        assert len(lying) <= 12


def test_of_the_frames_of_one_check_one_keeps_its_picture() -> None:
    reader = SiteReader(ReadingConfig(), None)
    frame = load_picture(ROOT / "samples/frames/desk_2.jpg")
    tracks: tuple[tuple[CheckReading, ...], ...] = ()
    for grey in (0, 60, 0):  # the second one is read worse
        pixels = np.clip(frame.pixels.astype(np.int16) - grey, 0, 255).astype(np.uint8)
        tracks = followed(tracks, reader.read(replace(frame, pixels=pixels)))
    (track,) = tracks
    sizes = sorted(seen.page.pixels.size for seen in track if seen.page is not None)
    assert sizes[:2] == [3, 3]
    assert sizes[2] > 1_000_000
    fused = reader.fuse(track)
    assert fused.page is not None
    assert (fused.page.pixels.size, fused.n_frames) == (sizes[2], 3)
