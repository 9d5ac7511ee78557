from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.datatypes import Lattice
from edge.decode.accept import Meaning, Thresholds, decode, reject_above, temper, thresholds_of
from edge.errors import BundleError, ConfigError

SURE = Thresholds(1.0, 0.9)


def as_it_stands(text: str) -> Meaning:
    return Meaning(text, text)


def test_strings_of_one_meaning_add_up(saying: Callable[..., Lattice]) -> None:
    lattice = saying("1.5", rival=(1, ",", 0.45))
    apart = decode(lattice, as_it_stands, SURE, {})
    together = decode(lattice, lambda text: Meaning(text.replace(",", "."), text), SURE, {})
    assert apart.confidence < 0.6
    assert apart.verdict == "unsure"
    assert together.confidence > 0.9
    assert together.verdict == "accepted"


def test_one_doubtful_digit_makes_the_whole_reading_doubtful_and_is_named(saying: Callable[..., Lattice]) -> None:
    decoded = decode(saying("123456", rival=(3, "9", 0.4)), as_it_stands, SURE, {})
    assert decoded.text == "123456"
    assert decoded.confidence < 0.65
    assert decoded.reason is not None
    assert "symbol 4 of 6 may be '9' instead of '4'" in decoded.reason
    assert decoded.alternatives[0].text == "123956"


def test_nothing_written_is_unreadable_not_zero(saying: Callable[..., Lattice]) -> None:
    decoded = decode(saying(""), as_it_stands, SURE, {"minor_units": None})
    assert (decoded.text, decoded.verdict, decoded.reason) == (None, "unreadable", "empty")
    assert decoded.values == {"minor_units": None}


def test_a_string_that_breaks_every_rule_is_unreadable_with_the_rule(saying: Callable[..., Lattice]) -> None:
    decoded = decode(saying("12"), lambda _: "two digits are too few", SURE, {})
    assert decoded.verdict == "unreadable"
    assert decoded.reason == "'12': two digits are too few"


def test_two_looks_have_an_equal_say(saying: Callable[..., Lattice]) -> None:
    decoded = decode(saying("17"), as_it_stands, SURE, {}, also=[saying("17", rival=(1, "1", 0.8))])
    assert decoded.text == "17"
    assert decoded.confidence == pytest.approx(0.55, abs=0.06)
    assert decoded.look == 0


def test_without_a_threshold_nothing_is_accepted(saying: Callable[..., Lattice]) -> None:
    assert decode(saying("1", sure=0.9999), as_it_stands, Thresholds(1.0, None), {}).verdict == "unsure"


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=5), st.floats(0.3, 4))
def test_tempered_shares_leave_room_for_what_was_not_read(masses: list[float], temperature: float) -> None:
    shares = temper(masses, temperature)
    assert all(0 <= s <= 1 for s in shares)
    assert sum(shares) < 1 + 1e-9
    assert np.argmax(shares) == np.argmax(masses) or max(masses) < 1e-250 or shares.count(max(shares)) > 1


def test_a_prior_weighs_answers_against_each_other_and_leaves_the_rest_alone() -> None:
    assert temper([0.9], 1.0, priors=[0.25]) == pytest.approx([0.9 * 0.25 / (0.9 * 0.25 + 0.1)])
    likely, unlikely = temper([0.45, 0.5], 1.0, priors=[1.0, 0.25])
    assert likely > unlikely


def test_a_rest_of_little_weight_leaves_more_to_the_answers() -> None:
    assert temper([0.5], 1.0, rest=0.25) == pytest.approx([0.8])


def test_a_doubt_about_what_is_meant_keeps_the_surest_reading_from_being_accepted(saying: Callable[..., Lattice]) -> None:
    decoded = decode(saying("1", sure=0.9999), lambda text: Meaning(text, text, doubt="a line or a minus"), Thresholds(1.0, 0.5), {})
    assert (decoded.verdict, decoded.reason) == ("unsure", "a line or a minus")


CARD = {"strip": {"temperature": 1.2, "rest": 0.5, "accept": {"amount": {"0.01": 0.97, "0.001": None}}}, "digit": {"reject_above": 0.9}}


def test_the_budget_chooses_the_threshold() -> None:
    assert thresholds_of(CARD, "strip", "amount") == Thresholds(1.2, 0.97, 0.5)
    assert thresholds_of(CARD, "strip", "amount", 0.001).accept is None
    assert reject_above(CARD) == 0.9


def test_a_budget_that_was_not_fitted_is_refused_with_those_that_were() -> None:
    with pytest.raises(ConfigError, match=r"0\.01, 0\.001"):
        thresholds_of(CARD, "strip", "amount", 0.3)


@pytest.mark.parametrize(
    "card", [{}, {"strip": {"temperature": 1.0}}, {"strip": {"temperature": 1.0, "rest": 1.0, "accept": {"amount": 0.9}}}]
)
def test_a_card_without_thresholds_is_refused(card: dict[str, object]) -> None:
    with pytest.raises(BundleError, match="pack the bundle again"):
        thresholds_of(card, "strip", "amount")
    with pytest.raises(BundleError, match="no digit"):
        reject_above(card)


def test_a_rival_that_is_hardly_possible_is_not_named_as_the_reason(saying: Callable[..., Lattice]) -> None:
    decoded = decode(saying("12", sure=0.99999), as_it_stands, Thresholds(1.0, 1.0), {})
    assert decoded.verdict == "unsure"
    assert "error budget" in (decoded.reason or "")
