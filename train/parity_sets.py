"""What the twins and the runtimes are compared on: labelled strips that no training saw, and drawn ones to make them many."""

from collections.abc import Iterator
from pathlib import Path

from edge.pipeline import Kind
from train.data.drawn import CURRENCY, drawn_strips
from train.data.sources import LabelledStrip
from train.evaluate import tasks

N_STRIPS = 8000
# Of the strips that the generator adds, the share of each kind. MICR lines take longest to draw.
_DRAWN: tuple[tuple[Kind, float], ...] = (("amount", 0.65), ("date", 0.25), ("micr", 0.10))

Task = tuple[str, Kind, str, list[LabelledStrip]]


def tasks_to_compare(folder: Path | None, n_strips: int = N_STRIPS) -> Iterator[Task]:
    """Yield labelled strips, those that measure and those that fit thresholds (no training sees either), then drawn ones up to the number.

    Each strip once: where a set is read as digits and as amounts, as amounts. Without a folder all are drawn.
    """
    left = n_strips
    if folder is not None:
        for part in ("measure", "validate"):
            found = list(tasks(folder, part))
            money = {name.partition("/")[0] for name, kind, _, _ in found if kind == "amount"}
            for name, kind, currency, strips in found:
                chosen = strips[: max(0, left)]
                if chosen and not (kind == "digits" and name.partition("/")[0] in money):
                    yield f"{name} ({part})", kind, currency, chosen
                    left -= len(chosen)
    for kind, share in _DRAWN:
        if left > 0:
            yield f"drawn/{kind}", kind, CURRENCY, drawn_strips(kind, round(share * left))
