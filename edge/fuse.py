"""Several frames of one check to one reading: log-probabilities add up, and what the frames have in common is not counted twice."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np

from edge.datatypes import F64, FIELD_NAMES, Alternative, Box, CheckReading, FieldName, Reading, has_picture
from edge.rivals import checked_again

# n frames of the same ink are not n witnesses: the sum of their log-probabilities is divided by n to this power (0 would
# count each in full, 1 would only average). Fitted on bursts, see docs/fusion.md.
_SHARED = 0.75
# What a frame did not list can be no likelier than its least listed rival, and never impossible.
_LEAST_SHARE = 1e-5
# Two places on the page are the same when their common area is this share of the smaller one.
_SAME_PLACE = 0.3
# Two outlines in successive frames are the same check when their common area is this share of the larger one.
_SAME_OUTLINE = 0.5
_MOST_ALTERNATIVES = 4
_LEAST_ALTERNATIVE = 1e-4


def fuse_checks(seen: Sequence[CheckReading], accept: Mapping[FieldName, float | None]) -> CheckReading:
    """Return what all frames of one check say together; page, quality and timings are those of the frame that is read best.

    Args:
        seen: the check in one frame after another, at least one.
        accept: for each field the calibrated probability from which on it is accepted; None: never.
    """
    fields: dict[FieldName, Reading | None] = {}
    best = best_read(seen)
    for name in FIELD_NAMES:
        readings = [reading for check in seen if (reading := check.fields.get(name)) is not None]
        fused = fuse_readings(readings, accept.get(name)) if readings else None
        if fused is not None and fused.verdict == "accepted" and fused not in readings:
            # Frames that were not sure each by itself were not asked what else speaks against them.
            fused = checked_again(fused, name, _shown_in(fused, name, seen) or best)
        fields[name] = fused
    return replace(best, fields=fields, n_frames=sum(check.n_frames for check in seen))


def _shown_in(reading: Reading, name: FieldName, seen: Sequence[CheckReading]) -> CheckReading | None:
    """Return the frame that a reading was taken from, None where its picture is not kept any more."""
    return next(
        (check for check in seen if has_picture(check) and (r := check.fields.get(name)) is not None and r.box == reading.box), None
    )


def best_read(seen: Sequence[CheckReading]) -> CheckReading:
    """Return the frame that is read best, the first of several; at least one."""
    return max(seen, key=lambda check: sum(r.confidence for r in check.fields.values() if r is not None))


def fuse_readings(readings: Sequence[Reading], accept: float | None) -> Reading:
    """Return one field's reading from several frames, in the place on the page that most of the probability lies in.

    Each frame gives its shares of probability to texts; the logarithms add up (a product of experts, Hinton 2002), tempered for
    what the frames share. A frame in which the field could not be read says nothing.
    """
    legible = [reading for reading in readings if reading.text is not None]
    if not legible:
        return readings[-1]
    surest = max(legible, key=lambda r: sum(o.confidence for o in legible if _is_same_place(r.box, o.box)))
    here = [reading for reading in legible if _is_same_place(surest.box, reading.box)]
    if len(here) == 1:
        return here[0]
    shares = _pooled([_shares(reading) for reading in here])
    text, confidence = max(shares.items(), key=lambda pair: pair[1])
    shown = max((r for r in here if r.text == text), key=lambda r: r.confidence, default=None)
    if shown is None:  # no frame had it first: there is no alignment to show, nor the values
        return max(here, key=lambda r: r.confidence)
    others = sorted(((share, t) for t, share in shares.items() if t != text and share >= _LEAST_ALTERNATIVE), reverse=True)
    alternatives = tuple(Alternative(t, share) for share, t in others[:_MOST_ALTERNATIVES])
    elsewhere = next((r for r in legible if r not in here and r.verdict == "accepted" and r.text != text), None)
    if elsewhere is not None:
        reason = f"another frame shows {elsewhere.text} in another place"
        return replace(shown, verdict="unsure", confidence=confidence, alternatives=alternatives, reason=reason)
    sure = [r for r in here if r.text == text and accept is not None and r.confidence >= accept]
    doubted = [r for r in sure if r.verdict == "unsure"]
    if 2 * len(doubted) > len(sure):  # sure of what is written, but not that it holds
        return replace(shown, verdict="unsure", confidence=confidence, alternatives=alternatives, reason=doubted[0].reason)
    if accept is not None and confidence >= accept:
        return replace(shown, verdict="accepted", confidence=confidence, alternatives=alternatives, reason=None)
    reason = shown.reason or f"{len(here)} frames together are not sure enough"
    return replace(shown, verdict="unsure", confidence=confidence, alternatives=alternatives, reason=reason)


def follow(tracks: list[tuple[CheckReading, ...]], checks: Sequence[CheckReading]) -> list[tuple[CheckReading, ...]]:
    """Add the checks of the next frame to the tracks that they continue; a check that continues none begins one."""
    grown = list(tracks)
    for check in checks:
        if check.page is None:
            continue
        index = next((i for i, track in enumerate(grown) if is_same_check(track[-1], check)), None)
        if index is None:
            grown.append((check,))
        else:
            grown[index] = (*grown[index], check)
    return grown


def is_same_check(one: CheckReading, other: CheckReading) -> bool:
    """Return whether two successive frames show the same check: by its MICR line where both have a sure one, else by its outline."""
    first, second = one.fields.get("micr"), other.fields.get("micr")
    if first and second and first.text and second.text:
        if first.text == second.text:
            return True
        if min(first.confidence, second.confidence) > 0.5:
            return False
    return one.page is not None and other.page is not None and overlap(one.page.corners, other.page.corners) > _SAME_OUTLINE


def overlap(one: F64, other: F64) -> float:
    """Return the common area of two convex outlines, corners (4, 2) in the same pixels, as a share of the larger one."""
    a, b = one.astype(np.float32), other.astype(np.float32)
    common, _ = cv2.intersectConvexConvex(a, b)
    return float(common) / max(1.0, cv2.contourArea(a), cv2.contourArea(b))


def _shares(reading: Reading) -> dict[str, float]:
    assert reading.text is not None
    return {reading.text: reading.confidence, **{a.text: a.confidence for a in reading.alternatives}}


def _pooled(frames: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the tempered product of the frames' distributions, normalised against everything that no frame listed."""
    texts = {text for frame in frames for text in frame}
    weight = len(frames) ** -_SHARED
    scores = dict.fromkeys(texts, 0.0)
    unlisted = 0.0
    for frame in frames:
        rest = max(1.0 - sum(frame.values()), _LEAST_SHARE)
        ceiling = max(min(rest, *frame.values()), _LEAST_SHARE)
        unlisted += weight * math.log(rest)
        for text in texts:
            scores[text] += weight * math.log(max(frame.get(text, ceiling), _LEAST_SHARE))
    total = np.logaddexp.reduce([*scores.values(), unlisted])
    return {text: float(np.exp(score - total)) for text, score in scores.items()}


def _is_same_place(one: Box | None, other: Box | None) -> bool:
    if one is None or other is None:
        return True
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    smaller = min(one[2] * one[3], other[2] * other[3])
    return width > 0 and height > 0 and width * height > _SAME_PLACE * smaller
