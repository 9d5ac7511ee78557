"""What a lattice says of the picture: whether to look closer, and where each symbol of a reading stands in it."""

import numpy as np

from edge.datatypes import U8, Box, Lattice, Reading, Strip, Symbol
from edge.decode.accept import Decoded

# A column speaks for where the digits' band lies when the network is this sure of its symbol.
_SURE = 0.5
# A band lower than this share is dirt; enlarging it would only show larger dirt.
_LEAST_BAND = 0.15
# Where the band fills this share of the height already, a second look would show the same again.
_ENOUGH_BAND = 0.9
# Share of the digits whose tops (and feet) may stand out of the band: one long stroke must not make all others small.
_OUTSIDE_BAND = 0.1


def symbol_box(strip: Strip, lattice: Lattice, columns: tuple[int, int], symbol: str, size: tuple[int, int]) -> Box:
    """Return where a symbol stands in the picture that the strip was cut from, clipped to its ``size``.

    Of the columns, first and last, that the symbol takes, the one that is surest of it says how far its ink reaches; a network
    without extents gives the columns themselves over the whole height.
    """
    first, last = columns
    height, width = strip.ink.shape
    if lattice.extents is None:
        left, right, top, bottom = first * lattice.column_px, (last + 1) * lattice.column_px, 0.0, float(height)
    else:
        column = first + int(lattice.log_probs[first : last + 1, lattice.symbols.index(symbol)].argmax())
        to_left, to_right, top, bottom = lattice.extents[column].tolist()
        centre = (column + 0.5) * lattice.column_px
        left, right = centre - to_left, centre + to_right
    xs = [_clip(x, width) for x in (left, right)]
    ys = [_clip(y, height) for y in (top, bottom)]
    (a, b, c), (d, e, f), _ = strip.strip_to_picture.tolist()
    picture_xs = [_clip(a * x + b * y + c, size[0]) for x in xs for y in ys]
    picture_ys = [_clip(d * x + e * y + f, size[1]) for x in xs for y in ys]
    x, y = min(picture_xs), min(picture_ys)
    return x, y, max(picture_xs) - x, max(picture_ys) - y


def _clip(value: float, most: float) -> float:
    return min(max(value, 0.0), float(most))


def closer_band(lattice: Lattice, strip: Strip, widest: int) -> tuple[float, float] | None:
    """Return top and bottom, in strip pixels, of the band that nearly all digits lie in; None where a second look would not help."""
    if lattice.extents is None:
        return None
    best = lattice.log_probs.argmax(axis=1)
    is_digit = np.array([symbol.isdigit() for symbol in lattice.symbols])
    sure = is_digit[best] & (lattice.log_probs[np.arange(len(best)), best] > np.log(_SURE))
    if not sure.any():
        return None
    outside = int(_OUTSIDE_BAND * sure.sum())
    top = float(np.sort(lattice.extents[sure, 2])[outside])
    bottom = float(np.sort(lattice.extents[sure, 3])[-1 - outside])
    share = (bottom - top) / strip.ink.shape[0]
    # The second look scales the band to three quarters of the height, and the width with it.
    return (top, bottom) if _LEAST_BAND < share < _ENOUGH_BAND and strip.ink.shape[1] / share <= widest else None


def shown_reading(decoded: Decoded, lattice: Lattice, strip: Strip, picture: U8, box: Box) -> Reading:
    size = (picture.shape[1], picture.shape[0])
    symbols = tuple(
        Symbol(found.symbol, symbol_box(strip, lattice, found.columns, found.symbol, size), found.confidence) for found in decoded.symbols
    )
    return Reading(decoded.text, decoded.verdict, decoded.confidence, decoded.reason, box, symbols, decoded.alternatives, decoded.values)
