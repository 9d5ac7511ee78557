import re

import numpy as np
import pytest

from train.report_charts import Curve, draw_chart, draw_matrix


def test_points_lie_where_their_values_say() -> None:
    svg = draw_chart("t", [Curve("a", [(0, 0), (1, 1)])], ("x", 0, 1), ("y", 0, 1))
    (first, second) = re.search(r'polyline class="c0" points="([^"]+)"', svg)[1].split()  # type: ignore[index]
    (x0, y0), (x1, y1) = (tuple(map(float, p.split(","))) for p in (first, second))
    assert x0 < x1
    assert y0 > y1


def test_what_lies_outside_stays_on_the_frame() -> None:
    svg = draw_chart("t", [Curve("a", [(0, 5), (1, 1)])], ("x", 0, 1), ("y", 0, 1))
    (first, second) = re.search(r'polyline class="c0" points="([^"]+)"', svg)[1].split()  # type: ignore[index]
    assert first.split(",")[1] == second.split(",")[1]


def test_names_are_escaped() -> None:
    svg = draw_chart("<t>", [Curve("<a>", [(0, 0)])], ("<x>", 0, 1), ("&", 0, 1), {"<m>": 0.5})
    assert re.search(r"<[taxm]>", svg) is None
    assert "<!" not in draw_matrix("t", ["<!", "&"], np.eye(2))


def test_a_count_is_written_where_there_is_one() -> None:
    svg = draw_matrix("t", ["1", "7"], np.array([[90.0, 3.0], [0.0, 12.0]]))
    assert re.findall(r'class="count[^>]*>(\d+)<', svg) == ["90", "3", "12"]


@pytest.mark.parametrize("high", [1.0, 50.0])
def test_ticks_are_written_without_a_negative_zero(high: float) -> None:
    assert ">-0" not in draw_chart("t", [], ("x", -0.0, high), ("y", 0, high))
