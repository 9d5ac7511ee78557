"""How much of the released weights stays in a network that was fitted to a site: the validation strips settle it.

Between the released and the fitted weights lies a line of networks (Wortsman et al. 2022): the less is kept, the better they read the site,
and the more they have forgotten of all other hands.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.datatypes import F32, Reading
from edge.decode.accept import thresholds_of
from edge.recognize.bundle import Bundle, parse_bundle, write_bundle
from train.calibration import drawn_set
from train.fit import save_weights
from train.networks import Design
from train.quantize import network_card, quantize, released_model
from train.release import FITTED_ON, fit_network, read_strips, strips_to_fit_on

# Tried in this order; below a half invented sites were read better still, and other hands much worse (docs/retraining.md).
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)
# Of the validation strips so many fewer may be right, and so many fewer accepted rightly: as many as `retrain` allows on all development
# sets of the former, half as many of the latter.
_MOST_LOST, _MOST_UNSURE = 0.005, 0.01


@dataclass(frozen=True, slots=True)
class Kept:
    """What the int8 network that keeps a share ``kept`` of the released weights (1: the bundle that devices have) makes of ``n`` strips.

    ``n_rightly``: so many are right and reach ``accept``, the threshold that it would have (None: nothing is accepted).
    """

    kept: float
    n: int
    n_right: int
    n_rightly: int
    accept: float | None


def keep(fitted: Path, released: Path, bundle: Bundle, folder: Path, out: Path) -> list[Kept]:
    """Write the run folder of the network that keeps as little as the validation strips allow; return what was tried, the taken one last.

    Its configuration is that of the run folder ``fitted``, with the share as ``kept`` and all figures as ``shares``.

    Args:
        released: run folder of the weights that ``fitted`` started from.
        bundle: made of them; no threshold is fitted below its own.

    Raises:
        FileNotFoundError: a run has no weights.
        ValueError: the weights are of another network; or whatever share is kept, too much is forgotten.
    """
    design, model = released_model(fitted)
    network, end, start = design.network, model.get_weights(), released_model(released)[1].get_weights()
    strips, pictures, kind = strips_to_fit_on(network, folder), drawn_set(network).pictures, FITTED_ON[network]

    def read(share: float) -> Kept:
        model.set_weights(mixed(start, end, share))
        other = _with_network(bundle, design, quantize(model, design, pictures))
        fit, found = fit_network(other, network, strips, bundle)
        return _figures(share, found, thresholds_of({network: fit}, network, kind).accept)

    today = _figures(1.0, read_strips(bundle, network, strips), thresholds_of(bundle.card.thresholds, network, kind).accept)
    tried = choose(today, map(read, SHARES))
    config = json.loads((fitted / "config.json").read_text())
    out.mkdir(parents=True, exist_ok=True)
    save_weights(out / "weights.npz", mixed(start, end, tried[-1].kept))
    figures = {"kept": tried[-1].kept, "shares": [asdict(figure) for figure in tried]}
    (out / "config.json").write_text(json.dumps({**config, **figures}, indent=1) + "\n")
    return tried


def mixed(start: Sequence[F32], end: Sequence[F32], kept: float) -> list[F32]:
    """Return weights on the line between two networks: all of ``start`` at 1, none at 0."""
    return [kept * a + (1 - kept) * b for a, b in zip(start, end, strict=True)]


def choose(today: Kept, candidates: Iterable[Kept]) -> list[Kept]:
    """Return the figures up to the first candidate that has not forgotten too much, after those of the bundle that devices have.

    A candidate has where more than 0.5 % of the strips fewer are right, or more than 1 % of them fewer are accepted rightly.

    Raises:
        ValueError: all candidates have.
    """
    tried = [today]
    for one in candidates:
        tried.append(one)
        if one.n_right >= today.n_right - _MOST_LOST * today.n and one.n_rightly >= today.n_rightly - _MOST_UNSURE * today.n:
            return tried
    last = tried[-1]
    raise ValueError(
        f"too much is forgotten whatever is kept of the released weights: with {100 * last.kept:.0f} % of them {last.n_right} of {last.n} "
        f"validation strips are right and {last.n_rightly} accepted rightly, instead of {today.n_right} and {today.n_rightly}; "
        "review more, or fit with another seed or a lower rate"
    )


def _figures(share: float, found: Sequence[tuple[Reading, bool]], accept: float | None) -> Kept:
    right = [reading.confidence for reading, is_right in found if is_right]
    return Kept(share, len(found), len(right), sum(accept is not None and c >= accept for c in right), accept)


def _with_network(bundle: Bundle, design: Design, int8: bytes) -> Bundle:
    """Return a bundle in which one network is another one of the same design."""
    card = {**network_card(design, int8), "file": bundle.card.networks[design.network].file}
    members = {bundle.card.networks[name].file: model for name, model in bundle.models.items()} | {card["file"]: int8} | dict(bundle.golden)
    networks = {**bundle.card.raw["networks"], design.network: card}
    return parse_bundle(write_bundle({**bundle.card.raw, "networks": networks}, members), "the bundle being tried")
