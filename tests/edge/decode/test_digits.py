from collections.abc import Callable

from edge.datatypes import Lattice
from edge.decode.accept import Thresholds
from edge.decode.digits import read_digits


def test_marks_between_digits_are_silent(saying: Callable[..., Lattice]) -> None:
    decoded = read_digits(saying("$27.375-"), Thresholds(1.0, 0.5))
    assert decoded.text == "27375"
    assert [s.symbol for s in decoded.symbols] == list("27375")


def test_marks_alone_are_no_number(saying: Callable[..., Lattice]) -> None:
    assert read_digits(saying("--"), Thresholds(1.0, 0.5)).verdict == "unreadable"


def test_a_point_between_two_equal_digits_keeps_them_two(saying: Callable[..., Lattice]) -> None:
    assert read_digits(saying("1.1"), Thresholds(1.0, 0.5)).text == "11"
