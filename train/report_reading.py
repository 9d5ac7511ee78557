"""What the report says of reading: every strip read with the fitted temperature and without, and what follows from that."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import beta

from edge.datatypes import F64, U8
from edge.locate.strip import normalize_strip
from edge.pipeline import Reader
from edge.recognize.bundle import Bundle
from train.ablation import generated_strips
from train.calibrate import upper_bound, wilson_interval
from train.evaluate import Figure, frame_of, is_right, measure_digits, tasks

# What a symbol is set against where the other string has none.
NOTHING = "∅"
# How the source of our own strips begins.
GENERATED = "generated"
_LEVEL = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """One strip as the bundle reads it; ``raw_confidence`` is the one at temperature one."""

    source: str
    kind: str
    label: str
    text: str
    confidence: float
    raw_confidence: float
    is_accepted: bool
    is_right: bool
    picture: U8
    file: str

    @property
    def network(self) -> str:
        return self.kind if self.kind in ("micr", "date") else "strip"


def read_strips(bundle: Bundle, folder: Path | None, n_generated: int) -> list[Read]:
    """Read the measuring parts of the sets, where there are any, and strips of our own generator."""
    reader, raw = Reader(bundle), Reader(_untempered(bundle))
    chosen = list(tasks(folder, "measure")) if folder is not None else []
    chosen.append((f"{GENERATED}/digits", "digits", "USD", generated_strips(n_generated)))
    found = []
    for source, kind, currency, strips in chosen:
        for strip in strips:
            frame = frame_of(strip.picture, strip.file)
            reading, plain = reader.read_strip(frame, kind, currency), raw.read_strip(frame, kind, currency)
            is_ok = is_right(reading, strip, kind, currency)
            said, is_accepted = reading.text or "", reading.verdict == "accepted"
            found.append(
                Read(source, kind, strip.text, said, reading.confidence, plain.confidence, is_accepted, is_ok, strip.picture, strip.file)
            )
    return found


def _untempered(bundle: Bundle) -> Bundle:
    thresholds: dict[str, Any] = {n: {**t, "temperature": 1.0} if "temperature" in t else t for n, t in bundle.card.thresholds.items()}
    return replace(bundle, card=replace(bundle.card, thresholds=thresholds))


def accuracy(read: Sequence[Read], bundle: Bundle, folder: Path | None) -> list[Figure]:
    """Return the accuracy of each source that was read, and of isolated digits where there are sets."""
    figures = []
    for source in dict.fromkeys(r.source for r in read):
        rows = [r for r in read if r.source == source]
        n_right, n_accepted = sum(r.is_right for r in rows), sum(r.is_accepted for r in rows)
        n_wrong = sum(r.is_accepted and not r.is_right for r in rows)
        share = n_wrong / n_accepted if n_accepted else 0.0
        bounds = wilson_interval(n_right, len(rows))
        accepted = (n_accepted / max(1, len(rows)), n_accepted, share, upper_bound(n_wrong, n_accepted))
        figures.append(Figure(source, len(rows), n_right, n_right / max(1, len(rows)), *bounds, *accepted))
    return figures + (list(measure_digits(Reader(bundle), folder)) if folder is not None else [])


def align_texts(label: str, text: str) -> list[tuple[str, str]]:
    """Return pairs of symbols of the cheapest way to turn a label into what was read (Levenshtein 1966); NOTHING where one has none."""
    costs = np.zeros((len(label) + 1, len(text) + 1), int)
    costs[:, 0], costs[0, :] = np.arange(len(label) + 1), np.arange(len(text) + 1)
    for i, a in enumerate(label, 1):
        for j, b in enumerate(text, 1):
            costs[i, j] = min(costs[i - 1, j] + 1, costs[i, j - 1] + 1, costs[i - 1, j - 1] + (a != b))
    pairs, i, j = [], len(label), len(text)
    while i or j:
        if i and j and costs[i, j] == costs[i - 1, j - 1] + (label[i - 1] != text[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((label[i], text[j]))
        elif i and costs[i, j] == costs[i - 1, j] + 1:
            i -= 1
            pairs.append((label[i], NOTHING))
        else:
            j -= 1
            pairs.append((NOTHING, text[j]))
    return pairs[::-1]


def confusion(read: Sequence[Read]) -> tuple[list[str], F64]:
    """Return the symbols and how often each label symbol (row) was read as which (column)."""
    counts = Counter(pair for r in read for pair in align_texts(r.label, r.text))
    names = [*sorted({s for pair in counts for s in pair} - {NOTHING}), NOTHING]
    matrix = np.zeros((len(names), len(names)))
    for (a, b), n in counts.items():
        matrix[names.index(a), names.index(b)] = n
    return names, matrix


def reliability(confidences: Sequence[float], right: Sequence[bool], n_bins: int = 10) -> list[tuple[float, float]]:
    """Return mean confidence and share right in bins of equal count, the least sure first."""
    order = np.argsort(confidences, kind="stable")
    bins = [rows for rows in np.array_split(order, n_bins) if len(rows)]
    return [(float(np.mean([confidences[i] for i in rows])), float(np.mean([right[i] for i in rows]))) for rows in bins]


def risk_band(n_wrong: Sequence[int], n: Sequence[int]) -> tuple[F64, F64]:
    """Return the two-sided confidence band of an error share at each number of accepted strips (Clopper, Pearson 1934)."""
    wrong, total = np.asarray(n_wrong, float), np.asarray(n, float)
    tail = (1 - _LEVEL) / 2
    low = np.where(wrong > 0, beta.ppf(tail, np.maximum(wrong, 1e-9), total - wrong + 1), 0.0)
    high = np.where(wrong < total, beta.ppf(1 - tail, wrong + 1, np.maximum(total - wrong, 1e-9)), 1.0)
    return low, high


def some_inks(read: Sequence[Read], most: int) -> dict[str, list[U8]]:
    """Return for each network so many of its real strips as the networks see them, taken evenly from all."""
    found: dict[str, list[U8]] = {}
    for name in dict.fromkeys(r.network for r in read):
        rows = [r for r in read if r.network == name and not r.source.startswith(GENERATED)]
        found[name] = [normalize_strip(r.picture).ink for r in rows[:: max(1, len(rows) // most)][:most]]
    return found


def worst_errors(read: Sequence[Read], most: int = 50) -> list[Read]:
    """Return what was read wrongly in sets of other people, the surest first; each strip once."""
    wrong = sorted((r for r in read if not r.is_right and not r.source.startswith(GENERATED)), key=lambda r: -r.confidence)
    seen: dict[tuple[str, str], Read] = {}
    for r in wrong:
        seen.setdefault((r.source.partition("/")[0], r.file), r)
    return list(seen.values())[:most]
