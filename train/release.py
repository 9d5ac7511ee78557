"""From run folders to one bundle: quantize each network, fit the thresholds with the int8 networks themselves, fill in the card."""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edge.datatypes import Reading
from edge.decode.date import parse_date
from edge.golden import MEMBER, record_cases
from edge.pipeline import Kind, Reader
from edge.recognize.bundle import Bundle, parse_bundle, write_bundle
from train.calibrate import Judged, at_least, calibration_error, fit_temperature, fit_threshold
from train.calibration import CalibrationSet, drawn_set, unseen_pictures
from train.coverage import measure_coverage
from train.data.sources import SOURCES, LabelledStrip, sha256_of
from train.evaluate import frame_of, is_right, tasks
from train.fit import hashes_of_weights
from train.golden import golden_inputs
from train.networks import DESIGNS, NetworkName
from train.parity import compare, compare_layers, counts_of, losing_layers, refusals
from train.parity_sets import tasks_to_compare
from train.quantize import network_card, quantize, released_model
from train.recipes import generated_dates
from train.validate import REJECT_DIGIT_ABOVE

BUDGETS = (0.005, 0.01, 0.02, 0.05)
# One network reads these kinds; they share its temperature, and a kind without real labelled strips shares the threshold of the digits.
_KINDS = {"strip": ("digits", "amount"), "date": ("date",), "micr": ("micr",)}
FITTED_ON: dict[NetworkName, Kind] = {"strip": "digits", "date": "date", "micr": "micr"}
# The strips that fit a threshold also chose among many epochs and averages of weights, so what they promise is a little too good: so much
# of the budget is aimed at. MICR lines chose among few epochs.
_AIM = {"strip": 0.7, "date": 0.7, "micr": 1.0}
# Real dates are too few to fit anything on: these are drawn.
_N_DATES, _DATE_SEED = 4000, 5
_TOOLS = ("tensorflow-cpu", "keras", "ai-edge-litert", "numpy", "opencv-python-headless")


def build_bundle(
    runs: Mapping[NetworkName, Path],
    folder: Path,
    version: str,
    calibration: Mapping[NetworkName, CalibrationSet] | None = None,
    allow_narrow: bool = False,
    not_below: Bundle | None = None,
) -> bytes:
    """Return the bytes of a bundle made of the best weights of each run.

    Args:
        not_below: a bundle whose thresholds are the least: the new one accepts nothing at a lower probability.
        calibration: what takes the place of the generator's pictures, by network.
        allow_narrow: also take a calibration set that covers too little; the card says so.

    Raises:
        FileNotFoundError: a run has no weights yet.
        ValueError: weights do not fit, a calibration set is too narrow, or int8 does not read as float does.
    """
    networks, members, trained, calibrated, models, narrow = {}, {}, {}, {}, {}, []
    for name, run in runs.items():
        chosen = (calibration or {}).get(name) or drawn_set(name)
        design, models[name] = released_model(run)
        int8 = quantize(models[name], design, chosen.pictures)
        covered = measure_coverage(design, models[name], int8, chosen.pictures, unseen_pictures(name))
        narrow += covered.reasons()
        calibrated[name] = {**chosen.origin, **covered.on_card(), **({"allow_narrow": True} if covered.reasons() else {})}
        networks[name] = network_card(design, int8)
        members[networks[name]["file"]] = int8
        trained[name] = {**json.loads((run / "config.json").read_text()), "weights_sha256": hashes_of_weights(run / "weights.npz")}
    if narrow and not allow_narrow:
        raise ValueError("the calibration set is too narrow (--allow-narrow takes it all the same):\n  " + "\n  ".join(narrow))
    nothing = {str(budget): None for budget in BUDGETS}
    unfitted = {n: {"temperature": 1.0, "rest": 1.0, "accept": dict.fromkeys(kinds, nothing)} for n, kinds in _KINDS.items()}
    card: dict[str, Any] = {
        "format": 1,
        "version": version,
        "networks": networks,
        "thresholds": {"digit": {"reject_above": REJECT_DIGIT_ABOVE}, **unfitted},
        "runs": trained,
        "calibration": calibrated,
        "accuracy": [],
        "sources": [
            {"name": s.name, "kind": s.kind, "licence": s.licence, "is_open": s.is_open, "sha256": sha256_of(s, folder)} for s in SOURCES
        ]
        + list(_corrections(trained)),
        "tools": {"python": platform.python_version(), **{tool: metadata.version(tool) for tool in _TOOLS if _is_installed(tool)}},
    }
    unproved = parse_bundle(write_bundle(card, members), "the bundle being made")
    members[MEMBER] = record_cases(unproved.models, golden_inputs(unproved.card.networks))
    card["thresholds"] |= fit_thresholds(write_bundle(card, members), folder, not_below)
    card["parity"] = _proved(parse_bundle(write_bundle(card, members), "the bundle being proved"), models, folder)
    return write_bundle(card, members)


def _corrections(trained: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what networks learned from a site's own checks, as sources for the card."""
    for network, config in trained.items():
        if digest := config.get("corrected_sha256"):
            yield {
                "name": f"corrections ({network})", "kind": "corrections", "licence": "the site's own, not to be passed on",
                "is_open": False, "sha256": digest, "n": config["n_corrected"],
            }  # fmt: skip


def _proved(bundle: Bundle, models: Mapping[NetworkName, keras.Model], folder: Path) -> dict[str, int]:
    """Return what int8 and float read of the same strips, for the card.

    Raises:
        ValueError: int8 does not read as float does; with the layers that lose most.
    """
    rows = [row for row, _ in compare(bundle, models, tasks_to_compare(folder))]
    if reasons := refusals(rows):
        for name, figures in compare_layers(bundle, models):
            reasons += [
                f"{name}: {f.layer} loses {f.loss_db:.1f} dB, {f.sqnr_db:.1f} are left" for f in losing_layers(figures) if name in _KINDS
            ]
        raise ValueError("the bundle is not packed, since its int8 networks do not read as the float ones do:\n  " + "\n  ".join(reasons))
    return counts_of(rows)


def fit_thresholds(bundle: bytes, folder: Path, not_below: Bundle | None = None) -> dict[str, Any]:
    """Return temperature and thresholds of each network, fitted on the validation parts with a bundle whose temperature is one.

    Just below a threshold int8 and float differ most, so that one lower than a proved bundle's, which chance may bring, invites flips.
    """
    parsed = parse_bundle(bundle, "the bundle being fitted")
    return {network: fit_network(parsed, network, strips_to_fit_on(network, folder), not_below)[0] for network in FITTED_ON}


def fit_network(
    bundle: Bundle, network: NetworkName, strips: Sequence[LabelledStrip], not_below: Bundle | None
) -> tuple[dict[str, Any], list[tuple[Reading, bool]]]:
    """Return one network's part of :func:`fit_thresholds`, and what it reads of the strips so tempered, and whether that is right."""
    kind = FITTED_ON[network]
    plain = Reader(_with_scales(bundle, network, 1.0, 1.0))
    temperature, rest = fit_temperature([_judged(plain.read_strip(frame_of(s.picture), kind, "USD"), s, kind) for s in strips])
    read = read_strips(_with_scales(bundle, network, temperature, rest), network, strips)
    confidences, right = [r.confidence for r, _ in read], [is_right for _, is_right in read]
    least = not_below.card.thresholds[network]["accept"][kind] if not_below else {}
    accept = {str(b): at_least(fit_threshold(confidences, right, b * _AIM[network]), least.get(str(b))) for b in BUDGETS}
    return {
        "temperature": temperature,
        "rest": rest,
        "accept": dict.fromkeys(_KINDS[network], accept),
        "fitted_on": {"n": len(strips), "n_right": int(np.sum(right)), "calibration_error": calibration_error(confidences, right)},
    }, read


def read_strips(bundle: Bundle, network: NetworkName, strips: Sequence[LabelledStrip]) -> list[tuple[Reading, bool]]:
    """Return what a bundle reads of strips that fit a network's threshold, and whether that is right."""
    reader, kind = Reader(bundle), FITTED_ON[network]
    readings = [reader.read_strip(frame_of(s.picture), kind, "USD") for s in strips]
    return [(r, is_right(r, s, kind, "USD")) for r, s in zip(readings, strips, strict=True)]


def strips_to_fit_on(network: NetworkName, folder: Path) -> list[LabelledStrip]:
    """Return the validation strips of a network; those of dates are drawn."""
    kind = FITTED_ON[network]
    if kind != "date":
        return [s for _, k, _, strips in tasks(folder, "validate") if k == kind for s in strips]
    drawn = generated_dates(folder, _N_DATES, _DATE_SEED)
    return [s for s in drawn if not isinstance(parse_date(s.text, "month_first"), str)]


def _with_scales(bundle: Bundle, network: str, temperature: float, rest: float) -> Bundle:
    own = {**bundle.card.thresholds[network], "temperature": temperature, "rest": rest}
    return replace(bundle, card=replace(bundle.card, thresholds={**bundle.card.thresholds, network: own}))


def _judged(reading: Reading, strip: LabelledStrip, kind: Kind) -> Judged:
    texts = [reading.text, *(a.text for a in reading.alternatives)]
    masses = [reading.confidence, *(a.confidence for a in reading.alternatives)]
    if kind == "date":  # the same day may be written in several ways
        wanted = parse_date(strip.text, "month_first")
        right = next((i for i, text in enumerate(texts) if text and parse_date(text, "month_first") == wanted), None)
    else:
        right = texts.index(strip.text) if strip.text in texts else None
    return Judged(tuple(masses), right)


def with_accuracy(bundle: bytes, figures: list[dict[str, Any]]) -> bytes:
    """Return the same bundle with measured figures on its card."""
    parsed = parse_bundle(bundle, "the bundle")
    members = {parsed.card.networks[name].file: model for name, model in parsed.models.items()} | dict(parsed.golden)
    return write_bundle({**parsed.card.raw, "accuracy": figures}, members)


def design_of(run: Path) -> NetworkName:
    """Return which network a run folder trains."""
    return DESIGNS[json.loads((run / "config.json").read_text())["design"]].network


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
