"""Lattice to a plain number: the digits alone, whatever marks stand between them."""

from edge.datatypes import Lattice
from edge.decode.accept import Decoded, Meaning, Thresholds, decode
from edge.decode.lattice import fold


def read_digits(lattice: Lattice, thresholds: Thresholds) -> Decoded:
    """Return the digits of a strip; separators count as blank."""
    return decode(fold(lattice, "0123456789"), lambda text: Meaning(text, text), thresholds, {})
