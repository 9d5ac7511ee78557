import numpy as np
import pytest

from train.losses import ANCHOR, IN_SYMBOL, DigitLoss, StripLoss, strip_target
from train.networks import DESIGNS

DESIGN = DESIGNS["strip"]
N_COLUMNS = 12


def outputs(text: str, sure: float = 12.0) -> np.ndarray:
    """Network outputs that say each symbol of ``text`` in every second column."""
    logits = np.zeros((1, 1, N_COLUMNS, len(DESIGN.symbols) + 4), np.float32)
    logits[..., len(DESIGN.symbols) - 1] = sure / 2
    for place, symbol in enumerate(text):
        logits[0, 0, 2 * place, DESIGN.symbols.index(symbol)] = sure
    return logits


def loss_of(text: str, said: str, has_separators: bool) -> float:
    target = strip_target(text, None, has_separators, N_COLUMNS, DESIGN)[None]
    return float(np.asarray(StripLoss(DESIGN)(target, outputs(said))))


def test_reading_what_the_label_says_costs_little_and_anything_else_more() -> None:
    assert loss_of("123", "123", True) < 0.5 < loss_of("124", "123", True)


def test_a_separator_that_the_label_leaves_out_is_not_taught_as_wrong() -> None:
    assert loss_of("123", "1.23", False) == pytest.approx(loss_of("123", "123", False), abs=0.05)
    assert loss_of("123", "1.23", True) > 1


def test_a_wrong_label_costs_less_and_less_the_surer_the_network_is() -> None:
    target = strip_target("999", None, True, N_COLUMNS, DESIGN)[None]
    doubtful, sure, very_sure = (float(np.asarray(StripLoss(DESIGN)(target, outputs("123", s)))) for s in (6.0, 12.0, 18.0))
    assert doubtful < sure < very_sure
    assert very_sure - sure < sure - doubtful


def test_boxes_become_extents_inside_symbols_and_an_anchor_in_their_middle() -> None:
    boxes = np.array([[4, 5, 12, 25], [14, 6, 20, 27]], np.float32)
    target = strip_target("17", boxes, True, N_COLUMNS, DESIGN)
    assert target[:, IN_SYMBOL].tolist() == [0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0]
    assert target[4, ANCHOR] == 1
    assert target[8, ANCHOR] == 7
    assert target[4, 2:6] * 2 == pytest.approx([9 - 4, 12 - 9, 5, 25])


def test_a_text_with_a_symbol_that_the_network_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="not in"):
        strip_target("12E", None, True, N_COLUMNS, DESIGN)


def test_the_digit_loss_is_least_for_the_right_class() -> None:
    logits = np.full((1, 1, 1, 11), -4, np.float32)
    logits[..., 3] = 4
    right, wrong = (float(np.asarray(DigitLoss()(np.array([label], np.float32), logits))) for label in (3, 4))
    assert right < wrong
