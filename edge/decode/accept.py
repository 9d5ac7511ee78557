"""From rival strings to one reading: what it means, how sure it is, and whether the error budget lets it through."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edge.datatypes import Alternative, Lattice, Verdict
from edge.decode.lattice import align, best_strings
from edge.errors import BundleError, ConfigError

DEFAULT_BUDGET = 0.01
_MOST_ALTERNATIVES = 4
_LEAST_ALTERNATIVE = 1e-4
# A rival less likely than this is not named: it would say nothing.
_LEAST_RIVAL = 0.005
# A symbol this sure against its rivals is not what makes a reading doubtful.
_CLEAR = 0.98
# When what stands there breaks the rules and is this many times as likely as anything that keeps them, a reading would be a correction.
_FAR_LIKELIER = 10.0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How probabilities of one kind of field are made honest, and from which one on a reading is accepted (None: never).

    ``rest`` is how much the strings count that were not found or break the rules; see :func:`temper`.
    """

    temperature: float
    accept: float | None
    rest: float = 1.0


def thresholds_of(card: Mapping[str, Any], network: str, kind: str, budget: float | None = None) -> Thresholds:
    """Return the thresholds of one kind of field from the bundle's card.

    Args:
        budget: share of wrong readings among the accepted that the owner allows; None is the card's own budget.

    Raises:
        BundleError: the card has none for this network or kind.
        ConfigError: the card was not fitted for this budget.
    """
    try:
        own = card[network]
        by_budget: dict[str, float | None] = dict(own["accept"][kind])
        temperature, rest = float(own["temperature"]), float(own["rest"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"the card has no thresholds for {kind} of the network {network}: pack the bundle again") from error
    wanted = DEFAULT_BUDGET if budget is None else budget
    for stated, threshold in by_budget.items():
        if math.isclose(float(stated), wanted):
            return Thresholds(temperature, threshold, rest)
    raise ConfigError(f"the error budget {wanted} is none of those that this bundle was fitted for: {', '.join(by_budget)}")


def reject_above(card: Mapping[str, Any]) -> float:
    """Return the probability of *not a digit* above which an isolated picture is none.

    Raises:
        BundleError: the card does not say.
    """
    try:
        return float(card["digit"]["reject_above"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError("the card does not say when a picture is no digit: pack the bundle again") from error


@dataclass(frozen=True, slots=True)
class FoundSymbol:
    """A symbol of the answer, its columns, and its share against other symbols there; ``rival`` is the next best one."""

    symbol: str
    columns: tuple[int, int]
    confidence: float
    rival: str
    rival_confidence: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a field says, see :class:`edge.datatypes.Reading`; ``look`` is the lattice that the symbols' columns are of."""

    text: str | None
    verdict: Verdict
    confidence: float
    reason: str | None
    symbols: tuple[FoundSymbol, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    look: int = 0


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a string means: strings of equal ``key`` say the same.

    ``weight`` is a prior, at most one; ``doubt`` says why the reading is not accepted however sure it is.
    """

    key: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    doubt: str | None = None


# Returns the meaning of a string, or the rule that it breaks.
Interpret = Callable[[str], Meaning | str]


def decode(
    lattice: Lattice, interpret: Interpret, thresholds: Thresholds, absent: Mapping[str, Any], also: Sequence[Lattice] = ()
) -> Decoded:
    """Return the most probable meaning of a field.

    Strings that mean the same add up. Everything else is a rival: other meanings, strings that break the rules, and strings that the
    search did not keep. ``also`` are further looks at the same field: each has an equal say. ``absent`` are the values of a reading
    that means nothing.
    """
    looks = [lattice, *also]
    said = [{h.text: float(np.exp(h.log_score)) / len(looks) for h in best_strings(look)} for look in looks]
    masses: dict[str, float] = {}
    for strings in said:
        for text, mass in strings.items():
            masses[text] = masses.get(text, 0.0) + mass
    texts = sorted(masses, key=lambda text: -masses[text])
    if not texts or not any(symbol.isalnum() for symbol in texts[0]):  # a printed sign or a rule is not writing
        return Decoded(None, "unreadable", 0.0, "empty", values=absent)
    groups: dict[str, list[tuple[str, Meaning]]] = {}
    broken: str | None = None
    for text in texts:
        meaning = interpret(text)
        if isinstance(meaning, Meaning):
            groups.setdefault(meaning.key, []).append((text, meaning))
        elif broken is None:
            broken = f"{text!r}: {meaning}"
    if not groups:
        return Decoded(None, "unreadable", 0.0, broken, values=absent)
    found = [sum(masses[text] for text, _ in members) for members in groups.values()]
    if broken and masses[texts[0]] > _FAR_LIKELIER * max(found):
        return Decoded(None, "unreadable", 0.0, broken, values=absent)
    priors = [max(meaning.weight for _, meaning in members) for members in groups.values()]
    shares = temper(found, thresholds.temperature, thresholds.rest, priors)
    ranked = sorted(zip(shares, groups.values(), strict=True), key=lambda pair: -pair[0])
    confidence, members = ranked[0]
    text, meaning = members[0]
    look = max(range(len(looks)), key=lambda i: said[i].get(text, 0.0))
    symbols = find_symbols(looks[look], text)
    alternatives = tuple(Alternative(m[0][1].text, share) for share, m in ranked[1 : _MOST_ALTERNATIVES + 1] if share >= _LEAST_ALTERNATIVE)
    if thresholds.accept is not None and confidence >= thresholds.accept:
        if meaning.doubt:
            return Decoded(meaning.text, "unsure", confidence, meaning.doubt, symbols, alternatives, meaning.values, look)
        return Decoded(meaning.text, "accepted", confidence, None, symbols, alternatives, meaning.values, look)
    reason = broken if broken and text != texts[0] else _doubt(symbols, alternatives, thresholds)
    return Decoded(meaning.text, "unsure", confidence, reason, symbols, alternatives, meaning.values, look)


def temper(masses: Sequence[float], temperature: float, rest: float = 1.0, priors: Sequence[float] | None = None) -> list[float]:
    """Return honest shares of probabilities that need not sum to one; what is missing to one is a rival too.

    Each is raised to 1 / temperature and the whole normalised again (Guo, Pleiss, Sun, Weinberger 2017, on whole strings). What is
    missing counts ``rest`` times: where many strings break the rules, as with the letters of months, it says less against an answer.
    ``priors`` weigh the answers against each other, one each.
    """
    missing = max(1.0 - float(np.sum(masses)), 1e-12)
    raised = np.power(np.maximum([*masses, missing], 1e-300), 1.0 / temperature) * np.array([*(priors or [1.0] * len(masses)), rest])
    return [float(share) for share in raised[:-1] / raised.sum()]


def find_symbols(lattice: Lattice, text: str) -> tuple[FoundSymbol, ...]:
    """Return each symbol of a text with its columns and its share among all symbols there, the blank left out.

    This ranks the symbols of one reading; the probability of the whole reading is not made from it.
    """
    found = []
    blank = lattice.symbols.index("")
    for symbol, (first, last) in zip(text, align(lattice, text), strict=True):
        heard = np.exp(lattice.log_probs[first : last + 1].astype(np.float64)).sum(axis=0)
        heard[blank] = 0.0
        heard /= heard.sum()
        own = lattice.symbols.index(symbol)
        share = float(heard[own])
        heard[own] = 0.0
        rival = int(heard.argmax())
        found.append(FoundSymbol(symbol, (first, last), share, lattice.symbols[rival], float(heard[rival])))
    return tuple(found)


def _doubt(symbols: Sequence[FoundSymbol], alternatives: Sequence[Alternative], thresholds: Thresholds) -> str:
    """Say what speaks against a reading: its weakest symbol, or another reading where each symbol by itself is clear."""
    place, weakest = min(enumerate(symbols, 1), key=lambda pair: pair[1].confidence)
    if weakest.confidence > _CLEAR:
        if thresholds.accept is None:
            return "the bundle was not shown enough strips of this kind to promise so small an error"
        if not alternatives or alternatives[0].confidence < _LEAST_RIVAL:
            return "no other reading is likely, but the error budget asks for more certainty"
        else:
            return f"may be {alternatives[0].text!r} instead ({100 * alternatives[0].confidence:.1f} %)"
    return (
        f"symbol {place} of {len(symbols)} may be {weakest.rival!r} instead of {weakest.symbol!r} "
        f"({100 * weakest.rival_confidence:.0f} % to {100 * weakest.confidence:.0f} %)"
    )
