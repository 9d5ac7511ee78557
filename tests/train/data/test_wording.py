"""Amounts in words."""

import pytest

from train.data.wording import words_of


def test_a_whole_number_is_spelt() -> None:
    assert words_of(20) == "twenty"
    assert words_of(1342) == "one thousand three hundred forty-two"


def test_a_million_is_not_spelt() -> None:
    with pytest.raises(ValueError, match="cannot spell 1000000"):
        words_of(1_000_000)
