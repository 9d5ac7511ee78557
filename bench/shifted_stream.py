"""Are the running audit and `checkreader calibrate` enough when the stream shifts? Real readings of drawn amounts, whose truth is known.

A site reads printed amounts as the generator draws them. Then come other pens (strokes broader by 6 % of the strip's height) and another
camera (strips 18 pixels high, blurred, JPEG of quality 35). All else is the daemon's own code: the released bundle reads, people are asked
about all unsure readings and about those that chance drew, the audit tightens, calibration refits. Half of the strips are what a site
meets, in an order of its own; the other half judges it.
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing import Pool

import cv2
import numpy as np

from edge.datatypes import CheckReading, Frame, Quality, Reading
from edge.decode.accept import DEFAULT_BUDGET, thresholds_of
from edge.decode.amount import parse_amount
from edge.decode.currency import currency_of
from edge.pipeline import Reader
from edge.recognize.bundle import read_bundle
from edge.service.audit import clopper_pearson, guarded_threshold, is_drawn
from edge.service.calibrate import fit
from edge.service.record import Evidence
from edge.service.tuning import Tuning, judged_here
from train.data.paper import security_papers
from train.data.strips import bend, printed_strip

_BROADER, _ROWS, _BLUR_PX, _QUALITY = 0.06, 18, 0.5, 35
_CURRENCY = "USD"
_ONE_IN = 50  # as the daemon's settings have it
_BLOCK = 250


@dataclass(frozen=True, slots=True)
class Read:
    """A check with nothing but its amount, as the bundle reads it, and whether that is right."""

    check: CheckReading
    is_right: bool


def shifted(picture: np.ndarray) -> np.ndarray:
    """Return a strip as other pens would have written it, seen by another camera."""
    pen = max(1, round(_BROADER * picture.shape[0]))
    broad = cv2.erode(picture, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen)))
    width = max(6, round(picture.shape[1] * _ROWS / picture.shape[0]))
    seen = cv2.GaussianBlur(cv2.resize(broad, (width, _ROWS), interpolation=cv2.INTER_AREA), (0, 0), _BLUR_PX)
    _, packed = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))


def read_block(seed: int) -> tuple[list[Read], list[Read]]:
    """Return the readings of one block of strips, as they were drawn and shifted."""
    reader, money, rng = Reader(read_bundle()), currency_of(_CURRENCY), np.random.default_rng(seed)
    draw = printed_strip(security_papers(60, rng))
    calm: list[Read] = []
    off: list[Read] = []
    while len(calm) < _BLOCK:
        strip = draw(rng)
        minor_units = parse_amount(strip.text.replace("$", ""), money)
        if isinstance(minor_units, str):  # says why it is no amount
            continue
        picture = bend(strip, rng).picture
        for block, seen in ((calm, picture), (off, shifted(picture))):
            amount = reader.read_strip(Frame(cv2.cvtColor(seen, cv2.COLOR_GRAY2BGR)), "amount", _CURRENCY)
            check = CheckReading(0, (1, 1), None, Quality(), {"amount": replace(amount, symbols=())}, {})
            block.append(Read(check, amount.values.get("minor_units") == minor_units))
    return calm, off


class Site:
    """The daemon's judgement of a stream, with people who answer what they are asked."""

    def __init__(self, card_accept: float, seed: int) -> None:
        self.card_accept, self.tuning = card_accept, Tuning()
        self.chance = random.Random(seed)
        self.evidence: list[Evidence] = []  # newest first
        self.confidences: list[float] = []
        self.n_read = 0

    def judged(self, read: Read) -> Reading:
        amount = judged_here(read.check, self.tuning, self.card_accept).fields["amount"]
        assert amount is not None
        return amount

    def watch(self, stream: Sequence[Read], is_all_looked_at: bool = False) -> None:
        """Read a stream; people look at what they are asked about, or at everything."""
        for read in stream:
            self.n_read += 1
            amount = self.judged(read)
            self.confidences.append(amount.confidence)
            was_accepted = amount.verdict == "accepted"
            drawn = was_accepted and is_drawn(_ONE_IN, self.evidence, self.chance)
            if drawn or not was_accepted or is_all_looked_at:
                found = Evidence(
                    record_id=self.n_read, was_accepted=was_accepted, is_drawn=drawn, confidence=amount.confidence, is_right=read.is_right
                )
                self.evidence.insert(0, found)
            if drawn:
                before = self.tuning.threshold(self.card_accept)
                after = guarded_threshold(self.evidence, before, DEFAULT_BUDGET)
                if after > before:
                    self.tuning = replace(self.tuning, guard=after)

    def calibrate(self) -> None:
        found = fit(self.evidence, self.confidences, DEFAULT_BUDGET)
        self.tuning = Tuning(temperature=self.tuning.temperature * found.temperature, accept=found.accept)
        self.evidence, self.confidences = [], []

    def score(self, others: Sequence[Read]) -> tuple[int, int]:
        """Return how many of these would be accepted, and how many of those wrongly."""
        accepted = [read for read in others if self.judged(read).verdict == "accepted"]
        return len(accepted), sum(not read.is_right for read in accepted)


def simulate(calm: list[Read], off: list[Read], seed: int, n_looked_at: int, n_audited: int) -> dict[str, tuple[int, int]]:
    """Return accepted and wrong among the half that judges, for each state of one site."""
    chance = np.random.default_rng(seed)
    accept = thresholds_of(read_bundle().card.thresholds, "strip", "amount", DEFAULT_BUDGET).accept
    assert accept is not None
    order = chance.permutation(len(calm))
    met, judging = order[: len(order) // 2], order[len(order) // 2 :]

    def stream(reads: list[Read], n: int) -> list[Read]:
        return [reads[i] for i in chance.choice(met, n)]

    calm_rest, off_rest = [calm[i] for i in judging], [off[i] for i in judging]
    site = Site(accept, seed)
    scores = {"before the shift, as released": site.score(calm_rest), "shifted, as released": site.score(off_rest)}
    site.watch(stream(calm, n_looked_at), is_all_looked_at=True)
    site.calibrate()
    scores[f"before the shift, calibrated with {n_looked_at}"] = site.score(calm_rest)
    scores[f"shifted, calibrated before with {n_looked_at}"] = site.score(off_rest)
    site.watch(stream(off, n_audited))
    scores[f"the same ({n_looked_at}), {n_audited:,} readings later: the audit has tightened"] = site.score(off_rest)
    site.evidence, site.confidences = [], []  # of what came since, a person looks at so many in a row
    site.watch(stream(off, n_looked_at), is_all_looked_at=True)
    site.calibrate()
    scores[f"the same, calibrated anew with {n_looked_at}"] = site.score(off_rest)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strips", type=int, default=8_000)
    parser.add_argument("--sites", type=int, default=60)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    with Pool(options.processes) as pool:
        blocks = pool.map(read_block, range(1000, 1000 + options.strips // _BLOCK), chunksize=1)
    calm, off = [read for block, _ in blocks for read in block], [read for _, block in blocks for read in block]
    print(
        f"{len(calm)} drawn amounts: right {share(calm)} as drawn, {share(off)} shifted; {options.sites} sites; budget {DEFAULT_BUDGET:.0%}"
    )
    table: dict[str, list[tuple[int, int]]] = {}
    for n_looked_at in (50, 150, 500):
        for seed in range(options.sites):
            for state, score in simulate(calm, off, seed, n_looked_at, 5_000).items():
                if "released" not in state or n_looked_at == 50:
                    table.setdefault(state, []).append(score)
    n_judged = len(calm) - len(calm) // 2
    print("| stream | error among the accepted (95 % of the sites) | sites within 1 % | accepted |\n|---|---|---|---|")
    for state, scores in table.items():
        errors = np.array([wrong / accepted if accepted else 0.0 for accepted, wrong in scores])
        low, high = np.percentile(errors, (2.5, 97.5))
        coverage = np.mean([accepted for accepted, _ in scores]) / n_judged
        print(f"| {state} | {errors.mean():.2%} ({low:.2%} to {high:.2%}) | {np.mean(errors <= DEFAULT_BUDGET):.0%} | {coverage:.1%} |")


def share(reads: Sequence[Read]) -> str:
    n_right = sum(read.is_right for read in reads)
    low, high = clopper_pearson(n_right, len(reads))
    return f"{n_right / len(reads):.1%} ({low:.1%} to {high:.1%})"


if __name__ == "__main__":
    main()
