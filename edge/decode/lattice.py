"""Best strings of a lattice: CTC prefix beam search with forward scores, and where each symbol stands.

The score of a string is the sum over all its alignments (Graves, Fernandez, Gomez, Schmidhuber 2006, section 4); the search keeps
prefixes, split by whether they end in a blank (Graves 2012, section 7.5; Hannun 2014).
"""

from collections.abc import Iterable

import numpy as np

from edge.datatypes import F64, Hypothesis, Lattice

# A column this sure of the blank starts no symbol; one less likely than this starts none either. Both only save time:
# what is left out counts as a rival of the answer, because scores are probabilities and the rest of one is nobody's.
_SURE_BLANK = 0.9995
_LEAST_SYMBOL = 1e-4
_LEAST_PREFIX = 1e-9


def fold(lattice: Lattice, kept: Iterable[str]) -> Lattice:
    """Add the probability of every symbol that is not kept to the blank: marks that carry no digits become silence."""
    blank = lattice.symbols.index("")
    keep = [lattice.symbols.index(symbol) for symbol in kept]
    gone = [i for i in range(len(lattice.symbols)) if i not in keep]
    log_blank = np.logaddexp.reduce(lattice.log_probs[:, gone], axis=1, keepdims=True)
    log_probs = np.concatenate([lattice.log_probs[:, keep], log_blank], axis=1).astype(np.float32)
    return Lattice(log_probs, (*(lattice.symbols[i] for i in keep), lattice.symbols[blank]), lattice.column_px, lattice.extents)


def best_strings(lattice: Lattice, width: int = 12) -> tuple[Hypothesis, ...]:
    """Return the most probable strings, best first, with the logarithm of their forward scores.

    At most ``width`` strings; the scores sum to at most one, and what is missing to one belongs to strings not found.
    """
    blank = lattice.symbols.index("")
    probs = np.exp(lattice.log_probs.astype(np.float64))
    sure = probs[:, blank] > _SURE_BLANK
    rows = probs.tolist()
    of_symbol = {symbol: i for i, symbol in enumerate(lattice.symbols)}
    ending = [(symbol, i) for i, symbol in enumerate(lattice.symbols) if i != blank]
    # prefix -> (probability of paths that end in a blank, of paths that end in the prefix's last symbol)
    beam: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}
    for row, is_silent in zip(rows, sure.tolist(), strict=True):
        silence = row[blank]
        if is_silent:
            beam = {p: ((b + s) * silence, s * row[of_symbol[p[-1]]] if p else 0.0) for p, (b, s) in beam.items()}
            continue
        heard = [(symbol, row[i]) for symbol, i in ending if row[i] > _LEAST_SYMBOL]
        grown: dict[str, list[float]] = {}
        for prefix, (after_blank, after_symbol) in beam.items():
            total = after_blank + after_symbol
            own = grown.setdefault(prefix, [0.0, 0.0])
            own[0] += total * silence
            last = prefix[-1:]
            if last:
                own[1] += after_symbol * row[of_symbol[last]]
            for symbol, p in heard:
                # The same symbol again is a new one only after a blank.
                longer = grown.setdefault(prefix + symbol, [0.0, 0.0])
                longer[1] += p * (after_blank if symbol == last else total)
        ranked = sorted(grown.items(), key=_mass, reverse=True)[:width]
        least = _LEAST_PREFIX * sum(ranked[0][1])
        beam = {p: (b, s) for p, (b, s) in ranked if b + s > least}
    found = sorted(beam.items(), key=_mass, reverse=True)
    return tuple(Hypothesis(p, float(np.log(b + s))) for p, (b, s) in found if b + s > 0)


def _mass(item: tuple[str, list[float] | tuple[float, float]]) -> float:
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

    Raises:
        ValueError: the strip has too few columns to say the text.
    """
    if not text:
        return ()
    emissions, may_skip = _extended(lattice, text)
    n_columns, n_states = emissions.shape
    came_from = np.zeros((n_columns, n_states), np.int64)
    score = np.full(n_states, -np.inf)
    score[:2] = emissions[0, :2]
    for column in range(1, n_columns):
        ways = np.stack([score, _shifted(score, 1), np.where(may_skip, _shifted(score, 2), -np.inf)])
        came_from[column] = ways.argmax(axis=0)
        score = ways.max(axis=0) + emissions[column]
    state = n_states - 1 if score[-1] >= score[-2] else n_states - 2
    if score[state] == -np.inf:
        raise ValueError(f"{n_columns} columns cannot say {text!r}")
    spans: list[list[int]] = [[] for _ in text]
    for column in range(n_columns - 1, -1, -1):
        if state % 2:
            spans[state // 2].append(column)
        state -= int(came_from[column, state])
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
