"""Which groups train, which decide, and which only measure: settled once, by a hash of each group's name."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Literal

Part = Literal["train", "validate", "measure"]

# Percent of each set: ``validate`` chooses epochs, temperature and thresholds; ``measure`` only ever measures.
# MNIST and USPS have test sets of their own, so nothing more of them is kept back than what decisions need.
SHARES: dict[str, tuple[int, int]] = {
    "mnist": (4, 0),
    "usps": (8, 0),
    "sudoku_printed": (8, 8),
    "orand_car_a": (12, 15),
    "meza": (14, 10),
    "dbgt": (0, 35),
    "idrbt": (0, 40),
    "dbgt_dates": (0, 35),
    "idrbt_dates": (0, 40),
    "micr_reallife": (20, 12),
    "micr_font_generated": (5, 5),
}


def split(source: str, groups: Sequence[str]) -> list[Part]:
    """Return the part of each row; rows of one group (writer, check, neighbourhood) always share a part.

    A group that would fill more than half of a part goes to training: one check is no sample.
    """
    sizes = Counter(groups)
    quotas = {part: share * len(groups) / 100 for part, share in zip(("validate", "measure"), SHARES[source], strict=True)}
    part_of_group: dict[str, Part] = {}
    filled = Counter[str]()
    for group in sorted(sizes, key=lambda g: hashlib.sha256(g.encode()).digest()):
        part_of_group[group] = "train"
        for part in ("validate", "measure"):
            if filled[part] < quotas[part] and sizes[group] <= quotas[part] / 2:
                part_of_group[group] = part  # type: ignore[assignment]
                filled[part] += sizes[group]
                break
    return [part_of_group[group] for group in groups]
