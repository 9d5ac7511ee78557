import cv2
import numpy as np
import pytest

from edge.datatypes import U8
from edge.locate.digit import DIGIT_SIZE_PX, normalize_digit, turn


def four(size: int = 48, paper: int = 220, ink: int = 40) -> U8:
    picture = np.full((48, 48), paper, np.uint8)
    cv2.putText(picture, "4", (12, 38), cv2.FONT_HERSHEY_SIMPLEX, 1.3, ink, 3, cv2.LINE_AA)
    return np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def alike(one: U8, other: U8) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_both_polarities_give_the_same_ink() -> None:
    assert alike(normalize_digit(four()), normalize_digit(255 - four())) > 0.99


@pytest.mark.parametrize("size", [12, 20, 48])
def test_every_size_gives_the_same_ink(size: int) -> None:
    assert alike(normalize_digit(four(size)), normalize_digit(four())) > 0.8


def test_uneven_light_is_not_ink() -> None:
    lamp = np.linspace(0, 80, 48)[:, None]
    assert alike(normalize_digit((four() - lamp).clip(0, 255).astype(np.uint8)), normalize_digit(four())) > 0.9


def test_the_frame_of_a_cell_does_not_move_the_digit() -> None:
    framed = four()
    framed[:, :2] = framed[:2] = 60
    assert alike(normalize_digit(framed), normalize_digit(four())) > 0.9


def test_the_ink_is_centred_and_fills_the_square() -> None:
    rows, columns = np.nonzero(normalize_digit(four()) > 100)
    assert rows.max() - rows.min() >= 20
    assert abs(columns.mean() - (DIGIT_SIZE_PX - 1) / 2) < 3


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (64, 64)])
def test_a_picture_without_contrast_has_no_ink(size: tuple[int, int]) -> None:
    assert normalize_digit(np.full(size, 128, np.uint8)).sum() == 0


def test_turning_there_and_back_changes_little() -> None:
    ink = normalize_digit(four())
    assert alike(turn(turn(ink, 0.1), -0.1), ink) > 0.95
