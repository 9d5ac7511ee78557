"""Lattice to a plain number: the digits alone, whatever marks stand between them."""

from collections.abc import Sequence

from edge.datatypes import Lattice
from edge.decode.accept import Decoded, Meaning, Thresholds, decode
from edge.decode.lattice import fold


def read_digits(lattice: Lattice, thresholds: Thresholds, also: Sequence[Lattice] = ()) -> Decoded:
    """Return the digits of a strip; separators count as blank."""
    folded = [fold(look, "0123456789") for look in (lattice, *also)]
    return decode(folded[0], lambda text: Meaning(text, text), thresholds, {}, folded[1:])
