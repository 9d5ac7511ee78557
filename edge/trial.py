"""Does a new bundle read well on this device? Asked before it is read with."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from edge.datatypes import Lattice
from edge.decode.accept import Decoded, Thresholds, thresholds_of
from edge.decode.amount import read_amount
from edge.decode.date import read_date
from edge.decode.digits import read_digits
from edge.decode.micr import read_micr
from edge.errors import BundleError
from edge.finding import Finding
from edge.golden import Answer, answer_cases, verdict_of
from edge.recognize.bundle import Bundle
from edge.recognize.network import log_softmax
from edge.recognize.tensor import dequantize

# A card that names no limit: so long may a network take for one case. Reading is meant to take a fraction of a second.
_CASE_MS = 250.0
# What is slower than the card's limit is still taken where the bundle that runs now is about as slow on this device.
_SLOWER = 1.25
_READS: Mapping[str, Mapping[str, Callable[[Lattice, Thresholds], Decoded]]] = {
    "strip": {"amount": read_amount, "digits": read_digits},
    "date": {"date": lambda lattice, thresholds: read_date(lattice, thresholds, "USD", None)},
    "micr": {"micr": read_micr},
}
NETWORKS = ("strip", "date", "micr", "digit", "fields")


def try_bundle(new: Bundle, old: Bundle, runtime: str, threads: int, budget: float | None) -> list[Finding]:
    """Run the golden set of a new bundle with this device's runtime: codes, strings, accept decisions, and time.

    Args:
        old: the bundle that runs now, whose time counts where the new one is slow.
        budget: as the site has set it; None: the card's own.

    Raises:
        BundleError: the bundle has no golden set, or a network that the runtime refuses.
        ConfigError: it was not fitted for this budget.
        MissingDependencyError: the runtime is not installed.
    """
    if missing := [name for name in NETWORKS if name not in new.models]:
        raise BundleError(f"the bundle {new.version} has no network {missing[0]!r}, expected are {', '.join(NETWORKS)}: use a complete one")
    answers = answer_cases(new, runtime, threads)
    if absent := set(new.models) - {answer.network for answer in answers}:
        raise BundleError(f"the golden set of the bundle {new.version} has no case for {', '.join(sorted(absent))}: pack it again")
    return [_codes(new, answers), *_strings(new, answers, budget), _time(new, old, answers, runtime, threads)]


def _codes(bundle: Bundle, answers: Sequence[Answer]) -> Finding:
    verdicts = [verdict_of(answer, len(bundle.card.networks[answer.network].symbols)) for answer in answers]
    n_codes, n_differing = sum(v.n_codes for v in verdicts), sum(v.n_differing for v in verdicts)
    others = sorted({v.network for v in verdicts if not v.is_same_answer})
    if others:
        return Finding("codes", False, f"{', '.join(others)}: other answers than where the bundle was built, expected are the same")
    return Finding("codes", True, f"{n_differing} of {n_codes} codes differ, the answers of {len(verdicts)} cases are the same")


def _strings(bundle: Bundle, answers: Sequence[Answer], budget: float | None) -> list[Finding]:
    """Return what becomes of strings and of decisions where the codes of this device take the place of those recorded."""
    n, texts, verdicts = 0, [], []
    for answer in answers:
        is_same = np.array_equal(answer.found, answer.wanted)  # then it is read as the same, and need not be
        for kind, read in _READS.get(answer.network, {}).items():
            thresholds = thresholds_of(bundle.card.thresholds, answer.network, kind, budget)
            n += 1
            if is_same:
                continue
            there, here = (read(_lattice(bundle, answer.network, codes), thresholds) for codes in (answer.wanted, answer.found))
            if here.text != there.text:
                texts.append(f"{kind} reads {here.text!r}, expected is {there.text!r}")
            if (here.verdict == "accepted") != (there.verdict == "accepted"):
                verdicts.append(f"{kind} {there.text!r} is {here.verdict}, expected is {there.verdict}")
    said = f"{n} of {n} are as where the bundle was built"
    return [Finding(name, not other, other[0] if other else said) for name, other in (("strings", texts), ("decisions", verdicts))]


def _lattice(bundle: Bundle, network: str, codes: Any) -> Lattice:
    card = bundle.card.networks[network]
    answers = dequantize(codes[0, 0], card.output.scale, card.output.zero_point)
    return Lattice(log_softmax(answers[:, : len(card.symbols)]), card.symbols, float(card.column_px))


def _time(new: Bundle, old: Bundle, answers: Sequence[Answer], runtime: str, threads: int) -> Finding:
    limit_ms = new.card.raw.get("limits", {}).get("case_ms", _CASE_MS)
    slow = {network: ms for network, ms in _medians(answers).items() if ms > limit_ms}
    if slow:
        now = _medians(answer_cases(old, runtime, threads))
        slow = {network: ms for network, ms in slow.items() if ms > _SLOWER * now.get(network, 0.0)}
    if slow:
        network, ms = max(slow.items(), key=lambda pair: pair[1])
        said = f"{network} takes {ms:.0f} ms a case, expected are at most {limit_ms:g} (limits.case_ms on the card)"
        return Finding("time", False, said)
    return Finding("time", True, f"{sum(answer.ms for answer in answers):.0f} ms for {len(answers)} cases, at most {limit_ms:g} ms for one")


def _medians(answers: Sequence[Answer]) -> dict[str, float]:
    by_network: dict[str, list[float]] = defaultdict(list)
    for answer in answers:
        by_network[answer.network].append(answer.ms)
    return {network: float(np.median(times)) for network, times in by_network.items()}
