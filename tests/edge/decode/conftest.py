"""Lattices drawn by hand: what each column says, and how surely."""

from collections.abc import Callable

import numpy as np
import pytest

from edge.datatypes import Lattice

SYMBOLS = (*"0123456789.,-/$*", "")
MICR_SYMBOLS = (*"0123456789ABCD", "")


def lattice_saying(
    text: str, sure: float = 0.99, rival: tuple[int, str, float] | None = None, symbols: tuple[str, ...] = SYMBOLS
) -> Lattice:
    """Each symbol of ``text`` in a column of its own with a blank after it; ``rival`` (place, symbol, probability) takes a share of one."""
    probs = np.full((2 * len(text) + 1, len(symbols)), (1 - sure) / (len(symbols) - 1))
    probs[:, -1] = sure
    for place, symbol in enumerate(text):
        row = np.full(len(symbols), (1 - sure) / (len(symbols) - 1))
        row[symbols.index(symbol)] = sure
        if rival and rival[0] == place:
            row[symbols.index(symbol)] -= rival[2]
            row[symbols.index(rival[1])] += rival[2]
        probs[2 * place + 1] = row
    return Lattice(np.log(probs / probs.sum(axis=1, keepdims=True)).astype(np.float32), symbols, 2.0)


@pytest.fixture
def saying() -> Callable[..., Lattice]:
    return lattice_saying


@pytest.fixture
def micr_saying() -> Callable[..., Lattice]:
    return lambda text, **options: lattice_saying(text, symbols=MICR_SYMBOLS, **options)
