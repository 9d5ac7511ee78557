from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.datatypes import Lattice
from edge.decode.lattice import align, best_strings, fold, forward_score

SYMBOLS = (*"0123456789.,-/$*", "")


def random_lattice(seed: int, n_columns: int, symbols: tuple[str, ...] = ("1", "2", ".", "")) -> Lattice:
    logits = np.random.default_rng(seed).normal(0, 2, (n_columns, len(symbols)))
    return Lattice((logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32), symbols, 2.0)


def written_lattice(seed: int, text: str, doubt: float) -> Lattice:
    """What a network says of ``text``: a run of columns for each symbol, blanks between, and some ``doubt`` in every one."""
    rng = np.random.default_rng(seed)
    rows = [np.eye(len(SYMBOLS))[SYMBOLS.index(s)] for symbol in text for s in (symbol, symbol, "", "")]
    probs = (1 - doubt) * np.array(rows) + doubt * rng.dirichlet([0.2] * len(SYMBOLS), len(rows))
    return Lattice(np.log(np.maximum(probs, 1e-9)).astype(np.float32), SYMBOLS, 2.0)


def score_by_hand(lattice: Lattice, text: str) -> float:
    """Sum over every path of columns that collapses to the text."""
    total = 0.0
    for path in product(range(len(lattice.symbols)), repeat=len(lattice.log_probs)):
        said = "".join(lattice.symbols[p] for i, p in enumerate(path) if i == 0 or p != path[i - 1])
        if said == text:
            total += float(np.exp(sum(lattice.log_probs[column, p] for column, p in enumerate(path))))
    return total


@pytest.mark.parametrize("text", ["", "1", "11", "12", "121"])
def test_the_forward_score_sums_over_all_alignments(text: str) -> None:
    lattice = random_lattice(3, 4)
    assert np.exp(forward_score(lattice, text)) == pytest.approx(score_by_hand(lattice, text), abs=1e-6)


@given(st.integers(0, 500))
@settings(max_examples=40, deadline=None)
def test_all_strings_together_are_certain(seed: int) -> None:
    assert sum(np.exp(h.log_score) for h in best_strings(random_lattice(seed, 5), width=10_000)) == pytest.approx(1, abs=1e-3)


@given(st.integers(0, 500))
@settings(max_examples=40, deadline=None)
def test_the_search_never_claims_more_than_the_exact_score(seed: int) -> None:
    lattice = random_lattice(seed, 12)
    hypotheses = best_strings(lattice)
    assert all(h.log_score <= forward_score(lattice, h.text) + 1e-6 for h in hypotheses)
    assert list(hypotheses) == sorted(hypotheses, key=lambda h: -h.log_score)


@given(st.integers(0, 500))
@settings(max_examples=40, deadline=None)
def test_a_wide_search_finds_the_exact_scores_even_in_noise(seed: int) -> None:
    lattice = random_lattice(seed, 7)
    for hypothesis in best_strings(lattice, width=10_000)[:20]:
        assert hypothesis.log_score == pytest.approx(forward_score(lattice, hypothesis.text), abs=0.1)


@given(st.integers(0, 500), st.text("0123456789.,-/$*", min_size=1, max_size=9), st.floats(0.01, 0.2))
@settings(max_examples=60, deadline=None)
def test_of_written_strings_the_search_finds_nearly_the_exact_score(seed: int, text: str, doubt: float) -> None:
    lattice = written_lattice(seed, text, doubt)
    best = best_strings(lattice)[0]
    assert np.exp(best.log_score) == pytest.approx(np.exp(forward_score(lattice, best.text)), abs=0.05)


def test_a_wide_strip_of_noise_has_faint_strings_but_some() -> None:
    noise = Lattice(np.full((1024, len(SYMBOLS)), -np.log(len(SYMBOLS)), np.float32), SYMBOLS, 2.0)
    hypotheses = best_strings(noise)
    assert hypotheses
    assert all(-3000 < h.log_score <= forward_score(noise, h.text) for h in hypotheses)


def test_a_strip_without_columns_says_nothing() -> None:
    empty = Lattice(np.zeros((0, len(SYMBOLS)), np.float32), SYMBOLS, 2.0)
    assert [(h.text, h.log_score) for h in best_strings(empty)] == [("", 0.0)]


def test_columns_that_are_surely_blank_change_no_string(saying: Callable[..., Lattice]) -> None:
    lattice = saying("7,7", sure=0.9999)
    assert best_strings(lattice)[0].text == "7,7"


@given(st.integers(0, 500), st.text("12.", min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_aligned_columns_ascend_and_do_not_overlap(seed: int, text: str) -> None:
    spans = align(random_lattice(seed, 12), text)
    assert len(spans) == len(text)
    assert all(0 <= first <= last < 12 for first, last in spans)
    assert all(a[1] < b[0] for a, b in pairwise(spans))


def test_a_text_longer_than_the_lattice_cannot_be_aligned() -> None:
    with pytest.raises(ValueError, match="cannot say"):
        align(random_lattice(1, 3), "1212")


@given(st.integers(0, 500))
@settings(max_examples=20, deadline=None)
def test_folding_moves_separators_into_silence_and_loses_nothing(seed: int) -> None:
    lattice = random_lattice(seed, 6)
    folded = fold(lattice, "12")
    assert folded.symbols == ("1", "2", "")
    np.testing.assert_allclose(np.exp(folded.log_probs).sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(folded.log_probs[:, :2], lattice.log_probs[:, :2])
