"""Two bundles on what a site's people corrected: who reads more of it right, who accepts what is wrong, and whether that says anything."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edge.decode.accept import DEFAULT_BUDGET
from edge.pipeline import Reader
from edge.recognize.bundle import Bundle
from edge.service.audit import clopper_pearson, is_at_risk
from edge.service.confirmed import is_right
from edge.service.labelled import Labelled

# Fewer readings tell nothing of an error budget, and hardly anything of a gain.
LEAST_READINGS = 30
# A gain counts where chance would bring it this seldom; half of it for each of the two that are looked at.
_CHANCE = 0.05
COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class Judged:
    """How one bundle reads one field."""

    confidence: float
    is_right: bool
    is_accepted: bool

    @property
    def is_rightly_accepted(self) -> bool:
        return self.is_right and self.is_accepted


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of readings; ``error_low`` to ``error_high`` is the exact interval of 95 % of the error among the accepted."""

    n: int
    n_right: int
    n_accepted: int
    n_wrong_accepted: int
    error_low: float
    error_high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two bundles read of the same fields, in their order; ``old_version`` and ``new_version`` name them in words."""

    old_version: str
    new_version: str
    budget: float
    fields: Sequence[Labelled]
    old: Sequence[Judged]
    new: Sequence[Judged]

    def figures(self, judged: Sequence[Judged], was_accepted: bool | None = None) -> Figures:
        """Return the counts of one bundle; of those fields alone that the device had accepted, or had not."""
        chosen = [j for j, field in zip(judged, self.fields, strict=True) if was_accepted in (None, field.was_accepted)]
        n_accepted, n_wrong = sum(j.is_accepted for j in chosen), sum(j.is_accepted and not j.is_right for j in chosen)
        return Figures(len(chosen), sum(j.is_right for j in chosen), n_accepted, n_wrong, *clopper_pearson(n_wrong, n_accepted))

    def of_all(self, judged: Sequence[Judged]) -> dict[str, float]:
        """Return what may be expected of all checks of the site, as shares: each reading counts for as many as it stands for."""
        weights = [field.stands_for for field in self.fields]
        total = sum(weights) or 1.0
        accepted = sum(w for w, j in zip(weights, judged, strict=True) if j.is_accepted)
        wrong = sum(w for w, j in zip(weights, judged, strict=True) if j.is_accepted and not j.is_right)
        right = sum(w for w, j in zip(weights, judged, strict=True) if j.is_right)
        return {"right": right / total, "accepted": accepted / total, "wrong_among_accepted": wrong / accepted if accepted else 0.0}

    def reason(self) -> str | None:
        """Return why the new bundle must not take the place of the old one, None where it may; see docs/retraining.md."""
        (old, new), names = (self.figures(j) for j in (self.old, self.new)), (self.old_version, self.new_version)
        if new.n < LEAST_READINGS:
            return f"there are {new.n} readings to judge by, at least {LEAST_READINGS} are needed; review more, and export again"
        n_flipped = sum(a.is_rightly_accepted and b.is_accepted and not b.is_right for a, b in zip(self.old, self.new, strict=True))
        if n_flipped:
            return f"{n_flipped} of {new.n} readings that {names[0]} accepts rightly are accepted wrongly by {names[1]}, none may be"
        if new.n_right < old.n_right:
            return f"{names[1]} reads {new.n_right} of {new.n} right, expected are at least the {old.n_right} of {names[0]}"
        if new.n_wrong_accepted > old.n_wrong_accepted and is_at_risk(new.n_wrong_accepted, new.n_accepted, self.budget):
            return (
                f"{new.n_wrong_accepted} of the {new.n_accepted} that {names[1]} accepts are wrong, more than the budget of "
                f"{100 * self.budget:g} % explains; of {names[0]}'s {old.n_accepted} they are {old.n_wrong_accepted}"
            )
        rightly_old, rightly_new = (f.n_accepted - f.n_wrong_accepted for f in (old, new))
        if rightly_new < rightly_old:
            return f"{names[1]} accepts {rightly_new} of {new.n} rightly, expected are at least the {rightly_old} of {names[0]}"
        if min(self.chances()) > _CHANCE / 2:
            return (
                f"what {names[1]} gains may be chance: {new.n_right} right instead of {old.n_right}, {rightly_new} accepted rightly "
                f"instead of {rightly_old}, of {new.n}"
            )
        return None

    def chances(self) -> tuple[float, float]:
        """Return how often chance alone would bring such a gain or more: of readings that are right, and of those accepted rightly."""
        pairs = list(zip(self.old, self.new, strict=True))
        return (
            sign_test([(a.is_right, b.is_right) for a, b in pairs]),
            sign_test([(a.is_rightly_accepted, b.is_rightly_accepted) for a, b in pairs]),
        )

    def words(self) -> str:
        """Return the verdict in one sentence."""
        reason = self.reason()
        if reason is not None:
            return f"refuse: {reason}"
        old, new = (self.figures(j) for j in (self.old, self.new))
        return (
            f"promote: {self.new_version} reads {new.n_right} of {new.n} right instead of {old.n_right}, and accepts {new.n_accepted} "
            f"instead of {old.n_accepted}, of which {new.n_wrong_accepted} are wrong instead of {old.n_wrong_accepted}"
        )

    def facts(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        sides = {"old": (self.old_version, self.old), "new": (self.new_version, self.new)}
        return {
            **{
                side: {
                    "version": version, **asdict(self.figures(judged)),
                    "accepted_on_device": asdict(self.figures(judged, was_accepted=True)),
                    "unsure_on_device": asdict(self.figures(judged, was_accepted=False)),
                    "of_all": self.of_all(judged),
                    "risk_at_coverage": {f"{share:g}": risk_at(judged, share)[1] for share in COVERAGES if judged},
                }
                for side, (version, judged) in sides.items()
            },
            "n": len(self.fields), "budget": self.budget, "chance_right": self.chances()[0], "chance_accepted": self.chances()[1],
            "verdict": "promote" if self.reason() is None else "refuse", "cause": self.words(),
        }  # fmt: skip


def compare(old: Bundle, new: Bundle, fields: Sequence[Labelled], budget: float | None = None) -> Comparison:
    """Read fields with two bundles.

    Only those checks count that no retraining saw: where a bundle's card says that it learned from corrections, the judging part.

    Args:
        budget: share of wrong readings among the accepted that the owner allows; None: the card's own.

    Raises:
        PictureError: a picture is not there, or damaged.
        ConfigError: a bundle was not fitted for this budget.
    """
    if any(has_learned_from_corrections(bundle) for bundle in (old, new)):
        fields = [field for field in fields if field.part == "judge"]
    judged = [_judge(Reader(bundle, budget=budget), fields) for bundle in (old, new)]
    return Comparison(old.version, new.version, DEFAULT_BUDGET if budget is None else budget, fields, *judged)


def has_learned_from_corrections(bundle: Bundle) -> bool:
    """Return whether a card says that a network was trained on what people corrected."""
    runs = bundle.card.raw.get("runs")
    return isinstance(runs, dict) and any(isinstance(run, dict) and run.get("corrected_sha256") for run in runs.values())


def risk_at(judged: Sequence[Judged], coverage: float) -> tuple[int, float]:
    """Return how many readings a share of the surest is, at least one, and the share of wrong ones among them."""
    surest = sorted(judged, key=lambda j: -j.confidence)[: max(1, round(coverage * len(judged)))]
    return len(surest), sum(not j.is_right for j in surest) / len(surest)


def sign_test(pairs: Sequence[tuple[bool, bool]]) -> float:
    """Return the probability of so many gains or more among what changed, if a loss were as likely (one-sided, exact; McNemar 1947)."""
    n_gained, n_lost = sum(b and not a for a, b in pairs), sum(a and not b for a, b in pairs)
    n = n_gained + n_lost
    return float(sum(math.comb(n, k) for k in range(n_gained, n + 1)) / 2**n)


def _judge(reader: Reader, fields: Sequence[Labelled]) -> list[Judged]:
    found = []
    for field in fields:
        reading = reader.read_strip(field.frame(), field.kind, field.currency)
        found.append(Judged(reading.confidence, is_right(reading, field.kind, field.value), reading.verdict == "accepted"))
    return found
