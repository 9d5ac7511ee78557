"""What int8 may lose against float before a bundle is not packed: one definition for the gate that measures and for whoever packs."""

from collections.abc import Mapping

# The most that int8 may read worse than float, as a share of all strings, and accept more wrong ones, as a share of the accepted; and
# accepted amounts that may flip.
MOST_LOST, MOST_FLIPPED = 0.001, 0
COUNTS = (
    "n", "n_right_float", "n_right_int8", "n_accepted_float", "n_accepted_int8", "n_wrong_accepted_float", "n_wrong_accepted_int8",
    "n_flipped_amounts",
)  # fmt: skip


def refusals(counts: Mapping[str, int]) -> list[str]:
    """Return why a bundle must not be packed; empty where int8 reads as float does.

    Args:
        counts: of strips that both read, by the names in ``COUNTS``.
    """
    reasons = []
    n, right_float, right_int8, accepted_float, accepted_int8, wrong_float, wrong_int8, n_flipped = (counts[name] for name in COUNTS)
    lost = _share(right_float - right_int8, n)
    if lost > MOST_LOST:
        reasons.append(
            f"int8 reads {right_int8} of {n} strings, float {right_float}: {100 * lost:.2f} points less, {100 * MOST_LOST:.1f} are allowed"
        )
    more = _share(wrong_int8, accepted_int8) - _share(wrong_float, accepted_float)
    if more > MOST_LOST:
        reasons.append(
            f"of what int8 accepts {wrong_int8} of {accepted_int8} are wrong, of float's {wrong_float} of {accepted_float}: "
            f"{100 * more:.2f} points more, {100 * MOST_LOST:.1f} are allowed"
        )
    if n_flipped > MOST_FLIPPED:
        reasons.append(f"{n_flipped} accepted amounts of {n} strings flip, none may")
    return reasons


def _share(part: int, whole: int) -> float:
    return part / max(1, whole)
