"""How much of the released weights stays in a network that was fitted to a site: the validation strips settle it, before int8.

Between the released and the fitted weights lies a line of networks (Wortsman et al. 2022): the less is kept, the better they read the site,
and the more they have forgotten of all other hands.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras

from edge.datatypes import F32
from edge.pipeline import Kind, Reader
from edge.recognize.bundle import Bundle
from train.calibrate import brier_score, fit_temperature
from train.data.sources import LabelledStrip
from train.fit import save_weights
from train.networks import NetworkName
from train.parity import FloatNetwork
from train.quantize import released_model
from train.release import FITTED_ON, judged_strips, strips_to_fit_on, with_scales

# Tried in this order; below a half invented sites were read better still, and other hands much worse (docs/retraining.md).
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)
# Of the validation strips, so many fewer may be right: as many as `retrain` allows on all development sets.
_MOST_LOST = 0.005


@dataclass(frozen=True, slots=True)
class Kept:
    """What the network reads of ``n`` validation strips that keeps a share ``kept`` of the released weights, 1 for all of them.

    ``brier`` is the Brier score of its tempered probabilities. What a threshold accepts would say the same less surely: it stands on one
    or two sure errors.
    """

    kept: float
    n: int
    n_right: int
    brier: float


def keep(fitted: Path, released: Path, bundle: Bundle, folder: Path, out: Path) -> list[Kept]:
    """Write the run folder of the network that keeps as little as the validation strips allow; return what was tried, the taken one last.

    Its configuration is that of the run folder ``fitted``, with the share as ``kept`` and all figures as ``shares``.

    Args:
        released: run folder of the weights that ``fitted`` started from, whose figures come first.
        bundle: made of them; it reads the strips with the float networks in place of its own.

    Raises:
        FileNotFoundError: a run has no weights.
        ValueError: the weights are of another network; or whatever share is kept, too much is forgotten.
    """
    design, model = released_model(released)
    start = model.get_weights()
    end = released_model(fitted)[1].get_weights()
    kind, strips = FITTED_ON[design.network], strips_to_fit_on(design.network, folder)

    def read(share: float) -> Kept:
        model.set_weights(mixed(start, end, share))
        return _figures(share, bundle, design.network, model, kind, strips)

    tried = choose(read(1.0), map(read, SHARES))
    config = json.loads((fitted / "config.json").read_text())
    out.mkdir(parents=True, exist_ok=True)
    save_weights(out / "weights.npz", mixed(start, end, tried[-1].kept))
    figures = {"kept": tried[-1].kept, "shares": [asdict(figure) for figure in tried]}
    (out / "config.json").write_text(json.dumps({**config, **figures}, indent=1) + "\n")
    return tried


def mixed(start: Sequence[F32], end: Sequence[F32], kept: float) -> list[F32]:
    """Return weights on the line between two networks: all of ``start`` at 1, none at 0."""
    return [kept * a + (1 - kept) * b for a, b in zip(start, end, strict=True)]


def choose(released: Kept, candidates: Iterable[Kept]) -> list[Kept]:
    """Return the figures up to the first candidate that has not forgotten too much, after those of the released weights.

    A candidate has where more than 0.5 % of the strips fewer are right, or where its Brier score is higher than the released one.

    Raises:
        ValueError: all candidates have.
    """
    tried = [released]
    for candidate in candidates:
        tried.append(candidate)
        if candidate.n_right >= released.n_right - _MOST_LOST * released.n and candidate.brier <= released.brier:
            return tried
    last = tried[-1]
    raise ValueError(
        f"too much is forgotten whatever is kept of the released weights: with {100 * last.kept:.0f} % of them {last.n_right} of {last.n} "
        f"validation strips are right instead of {released.n_right}, with a Brier score of {last.brier:.4f} instead of "
        f"{released.brier:.4f}; fit with a lower rate, or review more"
    )


def _figures(share: float, bundle: Bundle, network: NetworkName, model: keras.Model, kind: Kind, strips: Sequence[LabelledStrip]) -> Kept:
    plain = replace(bundle, card=with_scales(bundle.card, network, 1.0, 1.0))
    judged = judged_strips(Reader(plain, networks={network: FloatNetwork(model, bundle.card.networks[network])}), strips, kind)
    n_right = sum(one.right == 0 for one in judged)
    return Kept(share, len(judged), n_right, brier_score(judged, *fit_temperature(judged)))
