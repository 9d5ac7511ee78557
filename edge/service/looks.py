"""Is the check that lies there the one that was recorded? By what it says, and by what it looks like."""

from dataclasses import dataclass

import cv2
import numpy as np

from edge.datatypes import F32, U8, CheckReading
from edge.service.record import Record

# Enough to tell hands and stamps apart, too small to tell frames of one check apart.
_SIZE_PX = (160, 72)
# Correlation of two such pictures from which on they are of one check: set by judgement, not measured.
_ALIKE = 0.93


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What a check is known by. ``line`` is its MICR line; the sure_ ones are None where the reader was not sure."""

    line: str | None
    sure_line: str | None
    sure_amount: str | None
    picture: F32 | None


def looks_of(check: CheckReading) -> Looks:
    micr, amount = check.fields.get("micr"), check.fields.get("amount")
    return Looks(
        micr.text if micr else None,
        micr.text if micr and micr.verdict == "accepted" else None,
        amount.text if amount and amount.verdict == "accepted" else None,
        None if check.page is None else _small(check.page.pixels),
    )


def looks_of_record(record: Record, jpeg: bytes | None) -> Looks:
    """Return how a stored check looked; ``jpeg`` is its picture, None where there is none (any more)."""
    micr, amount = record.fields.get("micr") or {}, record.fields.get("amount") or {}
    pixels = None if jpeg is None else cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return Looks(
        micr.get("text"),
        micr.get("text") if micr.get("verdict") == "accepted" else None,
        amount.get("text") if amount.get("verdict") == "accepted" else None,
        None if pixels is None else _small(np.asarray(pixels, np.uint8)),
    )


def is_same(one: Looks, other: Looks) -> bool:
    """Return whether two looks are of the same sheet of paper: the same MICR line, or the same picture without a sure contradiction.

    Both readings may be wrong; so a wrong reading alone makes no check the same as another for ever: it ends when the check leaves.
    """
    is_alike = one.picture is not None and other.picture is not None and _correlation(one.picture, other.picture) >= _ALIKE
    for mine, theirs in ((one.sure_line, other.sure_line), (one.sure_amount, other.sure_amount)):
        if mine and theirs and mine != theirs:
            return False
    return is_alike or bool(one.line and one.line == other.line)


def _small(pixels: U8) -> F32:
    grey = cv2.cvtColor(cv2.resize(pixels, _SIZE_PX, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    calm = cv2.GaussianBlur(grey, (3, 3), 0).astype(np.float32)
    calm -= cv2.blur(calm, (31, 31))  # what the light does
    return np.asarray(calm / max(1e-6, float(np.linalg.norm(calm))), np.float32)


def _correlation(one: F32, other: F32) -> float:
    return float(np.sum(one * other))
