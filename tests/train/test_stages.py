"""What is lost from stage to stage is counted on checks whose texts and places are known."""

import numpy as np
import pytest

from edge.datatypes import Reading
from edge.pipeline import Reader
from edge.recognize.bundle import read_bundle
from train.labelled_checks import drawn_frames
from train.stages import _is_in, is_read_rightly, measure_set, measure_without, stage_tables


@pytest.mark.parametrize(
    ("kind", "said", "values", "text", "is_right"),
    [
        ("amount", "1,527.16", {"currency": "USD"}, "1527.16-", True),
        ("amount", "1,206.00", {"currency": "INR"}, "1,206/-", True),
        ("amount", "63.00", {"currency": "USD"}, "63 00/100", True),
        ("amount", "630.00", {"currency": "USD"}, "63 00/100", False),
        ("date", "jan1,2018", {"iso": "2018-01-01"}, "Jan 1, 2018", True),
        ("date", "12292039", {"iso": "2039-12-29"}, "12 29 2039", True),
        ("date", "12302039", {"iso": "2039-12-30"}, "12 29 2039", False),
        ("micr", "A1A", {}, "A1A", True),
    ],
)
def test_what_is_read_is_compared_by_what_it_means(kind: str, said: str, values: dict[str, str], text: str, is_right: bool) -> None:
    assert is_read_rightly(Reading(said, "unsure", 0.5, "r", None, values=values), kind, text) == is_right  # type: ignore[arg-type]


def test_boxes_that_hold_one_anothers_middle_are_the_same_place() -> None:
    assert _is_in((10, 10, 100, 20), (0, 5, 120, 30))
    assert not _is_in((10, 10, 20, 20), (0, 5, 120, 30))


def test_every_stage_of_a_few_frames_is_counted_and_shown() -> None:
    reader = Reader(read_bundle())
    figures = measure_set(reader, "drawn", drawn_frames(2))
    assert figures.n == 2
    assert figures.fields["micr"].n == figures.fields["micr"].n_boxes == 2
    blank = np.full((240, 320, 3), 200, np.uint8)
    counts, invented = measure_without(reader, [("plain", blank)])
    assert (counts, invented) == ({"plain": (1, 0)}, [])
    names = [name for name, lines in stage_tables([figures], counts) if len(lines) > 2]
    assert names == ["pages", "without", "fields", "strips", "budget"]
