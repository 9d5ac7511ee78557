"""A MICR line in CMC-7: characters of seven bars each, which nothing here can read, so that it is said and not misread.

Bars stand 0.3 or 0.5 mm apart, characters 0.125 inch (ISO 1004-2). Where the page shows less than about 170 pixels an inch, or is
blurred, the bars run together: then the line looks like any other that cannot be read.
"""

import cv2
import numpy as np

from edge.datatypes import F32, U8, Box, MicrLine
from edge.locate.micr_line import find_micr_line

# Joins the bars of a character, not the characters.
_JOIN_PX = 4
# Bars and gaps repeat 6 to 11 times a pitch, the strokes of E-13B less than 5 times.
_STROKES, _BARS = (1.5, 5.0), (5.8, 11.0)
# E-13B has up to 0.13 of its power among the bars' frequencies and 2.2 strokes a digit, CMC-7 from 0.15 and 2.6 on.
_LEAST_POWER, _LEAST_BARS = 0.14, 2.5
# A row less sure than this is an ornament, see :mod:`edge.locate.micr_line`.
_LEAST_CONFIDENCE = 0.2
# A bar is darker than the gaps beside it by this share of the darkest.
_PROMINENCE = 0.1


def find_cmc7_line(ink: U8) -> Box | None:
    """Return where a page's ink, uint8 (h, w), has a line in CMC-7, in page pixels; None where it has none that can be told."""
    joined = np.asarray(cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, _JOIN_PX), np.uint8)), np.uint8)
    for line in (find_micr_line(ink), find_micr_line(joined)):
        if line is not None and line.confidence > _LEAST_CONFIDENCE and _has_bars(ink, line):
            return line.page_box
    return None


def _has_bars(ink: U8, line: MicrLine) -> bool:
    x, y, w, h = (round(v) for v in line.page_box)
    cut = ink[y : y + h, x : x + w].astype(np.float32)
    # Bars have holes in the shape of the digit: different ones at the head, in the middle and at the foot.
    profiles = [part.mean(axis=0) for part in np.array_split(cut, 3)]
    power = np.sum([np.abs(np.fft.rfft(profile - profile.mean())) ** 2 for profile in profiles], axis=0)
    per_pitch = np.fft.rfftfreq(cut.shape[1]) * line.pitch_px
    strokes, bars = (float(power[(per_pitch >= low) & (per_pitch < high)].sum()) for low, high in (_STROKES, _BARS))
    is_inked = (cut.max(axis=0) > 60).astype(np.uint8)[None]
    n_characters = (
        np.count_nonzero(cv2.morphologyEx(is_inked, cv2.MORPH_CLOSE, np.ones((1, round(line.pitch_px / 2)), np.uint8))) / line.pitch_px
    )
    n_bars = float(np.median([_n_peaks(profile) for profile in profiles]))
    return bars > _LEAST_POWER * (strokes + bars) and n_bars > _LEAST_BARS * n_characters


def _n_peaks(profile: F32) -> int:
    """Return how many maxima stand out of what is on both sides of them."""
    step = _PROMINENCE * max(1.0, float(profile.max()))
    n_peaks, is_rising, low, high = 0, True, float(profile[0]), float(profile[0])
    for level in profile.tolist():
        if is_rising:
            high = max(high, level)
            if level < high - step:
                n_peaks, is_rising, low = n_peaks + 1, False, level
        else:
            low = min(low, level)
            if level > low + step:
                is_rising, high = True, level
    return n_peaks
