"""Best strings of a lattice: CTC prefix beam search with forward scores, and where each symbol stands.

The score of a string is the sum over all its alignments (Graves, Fernandez, Gomez, Schmidhuber 2006, section 4); the search keeps
prefixes, split by whether they end in a blank (Graves 2012, section 7.5; Hannun 2014).
"""

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from edge.datatypes import F64, Hypothesis, Lattice

# A column this sure of the blank starts no symbol; one less likely than this starts none either. Both only save time:
# what is left out counts as a rival of the answer, because scores are probabilities and the rest of one is nobody's.
_SURE_BLANK = 0.9995
_LEAST_SYMBOL = 5e-4
_LEAST_PREFIX = 1e-7
# A wide strip of noise would leave nothing of the smallest float; from here on the beam is scaled up, and the scale kept apart.
_FAINT = 1e-150


def fold(lattice: Lattice, kept: Iterable[str]) -> Lattice:
    """Add the probability of every symbol that is not kept to the blank: marks that carry no digits become silence."""
    blank = lattice.symbols.index("")
    keep = [lattice.symbols.index(symbol) for symbol in kept]
    gone = [i for i in range(len(lattice.symbols)) if i not in keep]
    log_blank = np.logaddexp.reduce(lattice.log_probs[:, gone], axis=1, keepdims=True)
    log_probs = np.concatenate([lattice.log_probs[:, keep], log_blank], axis=1).astype(np.float32)
    return Lattice(log_probs, (*(lattice.symbols[i] for i in keep), lattice.symbols[blank]), lattice.column_px, lattice.extents)


def best_strings(lattice: Lattice, width: int = 8) -> tuple[Hypothesis, ...]:
    """Return the most probable strings, best first, with the logarithm of their forward scores.

    At most ``width`` strings; the scores sum to at most one, and what is missing to one belongs to strings not found.
    """
    blank = lattice.symbols.index("")
    probs = np.exp(lattice.log_probs.astype(np.float64))
    rows = probs.tolist()
    of_symbol = {symbol: i for i, symbol in enumerate(lattice.symbols)}
    ending = [(symbol, i) for i, symbol in enumerate(lattice.symbols) if i != blank]
    # prefix -> (probability of paths that end in a blank, of paths that end in the prefix's last symbol), both over ``silence``
    beam: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}
    silence, is_silent, log_scale = 1.0, True, 0.0
    for row in rows:
        nothing = row[blank]
        if nothing > _SURE_BLANK:
            if not is_silent:
                beam = {prefix: (after_blank + after_symbol, 0.0) for prefix, (after_blank, after_symbol) in beam.items()}
            silence, is_silent = silence * nothing, True
            continue
        is_silent = False
        heard = [(symbol, row[i]) for symbol, i in ending if row[i] > _LEAST_SYMBOL]
        grown: dict[str, tuple[float, float]] = {}
        for prefix, (after_blank, after_symbol) in beam.items():
            total = after_blank + after_symbol
            last = prefix[-1:]
            before = grown.get(prefix)
            again = after_symbol * row[of_symbol[last]] if last else 0.0
            grown[prefix] = (total * nothing, again) if before is None else (before[0] + total * nothing, before[1] + again)
            for symbol, p in heard:
                # The same symbol again is a new one only after a blank.
                more = p * (after_blank if symbol == last else total)
                longer = prefix + symbol
                before = grown.get(longer)
                grown[longer] = (0.0, more) if before is None else (before[0], before[1] + more)
        ranked = sorted(grown.items(), key=_mass, reverse=True)[:width]
        most = _mass(ranked[0])
        scale = 1.0 if most > _FAINT else 1.0 / most
        log_scale -= math.log(scale)
        beam = {prefix: (b * scale, s * scale) for prefix, (b, s) in ranked if b + s > _LEAST_PREFIX * most}
    log_scale += math.log(silence)
    found = sorted(beam.items(), key=_mass, reverse=True)
    return tuple(Hypothesis(p, math.log(b + s) + log_scale) for p, (b, s) in found)


def _mass(item: tuple[str, tuple[float, float]]) -> float:
    return item[1][0] + item[1][1]


def forward_score(lattice: Lattice, text: str) -> float:
    """Return the logarithm of the exact probability of a string: the sum over all its alignments."""
    emissions, may_skip = _extended(lattice, text)
    score = np.full(emissions.shape[1], -np.inf)
    score[:2] = emissions[0, :2]
    for emission in emissions[1:]:
        reached = np.logaddexp(score, _shifted(score, 1))
        score = np.where(may_skip, np.logaddexp(reached, _shifted(score, 2)), reached) + emission
    return float(np.logaddexp.reduce(score[-2:]))


def align(lattice: Lattice, text: str) -> tuple[tuple[int, int], ...]:
    """Return first and last column of each symbol on the most probable path that says ``text`` (Viterbi).

    Of columns in a row that are sure of the blank, as between the groups of a MICR line, the first stands for all.

    Raises:
        ValueError: the strip has too few columns to say the text.
    """
    if not text:
        return ()
    likeliest = lattice.log_probs.argmax(axis=1)
    starts = np.flatnonzero(np.diff(likeliest, prepend=-1))
    runs = [(int(likeliest[start]), int(start), int(end)) for start, end in pairwise([*starts, len(likeliest)])]
    heard = [(lattice.symbols[index], first, end - 1) for index, first, end in runs if lattice.symbols[index]]
    if "".join(symbol for symbol, _, _ in heard) == text:  # no path is likelier than that of each column's likeliest symbol
        return tuple((first, last) for _, first, last in heard)
    sure = lattice.log_probs[:, lattice.symbols.index("")] > math.log(_SURE_BLANK)
    kept = np.flatnonzero(~(sure & np.concatenate([[False], sure[:-1]])))
    emissions, may_skip = _extended(lattice, text)
    n_columns, n_states = len(kept), emissions.shape[1]
    # Plain lists: a dozen states are too few for arrays to pay.
    rows, skips = emissions[kept].tolist(), may_skip.tolist()
    impossible = -math.inf
    score = rows[0][:2] + [impossible] * (n_states - 2)
    came_from = [[0] * n_states]
    for row in rows[1:]:
        steps, reached = [], []
        for state in range(n_states):
            best, step = score[state], 0
            if state and score[state - 1] > best:
                best, step = score[state - 1], 1
            if skips[state] and score[state - 2] > best:
                best, step = score[state - 2], 2
            steps.append(step)
            reached.append(best + row[state])
        came_from.append(steps)
        score = reached
    state = n_states - 1 if score[-1] >= score[-2] else n_states - 2
    if score[state] == impossible:
        raise ValueError(f"{n_columns} columns cannot say {text!r}")
    spans: list[list[int]] = [[] for _ in text]
    for column in range(n_columns - 1, -1, -1):
        if state % 2:
            spans[state // 2].append(int(kept[column]))
        state -= came_from[column][state]
    return tuple((columns[-1], columns[0]) for columns in spans)


def _extended(lattice: Lattice, text: str) -> tuple[F64, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return the emissions (columns, 2 * len(text) + 1) of blank, symbol, blank, ... and which states may be reached over a blank."""
    blank = lattice.symbols.index("")
    labels = np.full(2 * len(text) + 1, blank)
    labels[1::2] = [lattice.symbols.index(symbol) for symbol in text]
    may_skip = np.zeros(len(labels), bool)
    may_skip[3::2] = labels[3::2] != labels[1:-2:2]
    return lattice.log_probs[:, labels].astype(np.float64), may_skip


def _shifted(score: F64, by: int) -> F64:
    return np.concatenate([np.full(by, -np.inf), score[:-by]]) if by < len(score) else np.full(len(score), -np.inf)
