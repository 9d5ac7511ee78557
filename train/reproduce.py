"""Rebuild every model of a bundle from the committed float weights, and say what differs and whether it matters."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from edge.datatypes import I8
from edge.recognize.bundle import Bundle
from edge.recognize.interpreter import Int8Model
from edge.recognize.tflite_file import Graph, Tensor, read_graph
from train.calibration import CalibrationSet, drawn_set
from train.coverage import hash_of
from train.fit import hashes_of_weights
from train.golden import golden_inputs
from train.layers import match_layers
from train.networks import NetworkName
from train.quantize import quantize, released_model

Sameness = Literal["bytes", "answers", "nothing"]
# Exit codes: the same bytes, other answers, the same answers from other bytes or other weights.
EXIT_CODES: dict[Sameness, int] = {"bytes": 0, "nothing": 1, "answers": 2}


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One network: how much of it came out the same, the sha256 of both files, and what differs."""

    network: str
    same: Sameness
    packed_sha256: str
    rebuilt_sha256: str
    differences: tuple[str, ...]


def rebuild(bundle: Bundle, released: Path, folder_sets: Mapping[NetworkName, CalibrationSet] | None = None) -> Iterator[Rebuilt]:
    """Yield each network of a bundle, rebuilt from ``released/<network>`` by the recipe on the bundle's card.

    Raises:
        FileNotFoundError: the float weights of a network are not there.
        ValueError: they belong to another network, or the calibration pictures of a folder are wanted and not given.
    """
    inputs = golden_inputs(bundle.card.networks)
    names: list[NetworkName] = sorted(bundle.card.networks)  # type: ignore[arg-type]
    for name in names:
        chosen, differences = _calibration(bundle, name, folder_sets or {})
        design, model = released_model(released / name)
        differences += _differing_weights(bundle.card.raw["runs"][name], released / name / "weights.npz", model)
        packed, rebuilt = bundle.models[name], quantize(model, design, chosen.pictures)
        hashes = hashlib.sha256(packed).hexdigest(), hashlib.sha256(rebuilt).hexdigest()
        if packed == rebuilt:
            yield Rebuilt(name, "answers" if differences else "bytes", *hashes, tuple(differences))
            continue
        differences += _differing_tensors(packed, rebuilt, model)
        n_other, n_answers = _n_other_answers(packed, rebuilt, inputs[name], len(design.symbols))
        differences.append(f"{n_other} of {n_answers} columns or cells of the golden set have another answer")
        yield Rebuilt(name, "nothing" if n_other else "answers", *hashes, tuple(differences))


def differing_tools(bundle: Bundle) -> list[str]:
    """Return which tools have another version here than where the bundle was built."""
    found = []
    for tool, version in bundle.card.raw.get("tools", {}).items():
        here = _version(tool)
        if here is not None and here != version:
            found.append(f"{tool} {here} here, {version} where the bundle was built")
    return found


def _version(tool: str) -> str | None:
    try:
        return metadata.version(tool)
    except metadata.PackageNotFoundError:
        return None


def _calibration(bundle: Bundle, name: NetworkName, folder_sets: Mapping[NetworkName, CalibrationSet]) -> tuple[CalibrationSet, list[str]]:
    """Return the set that the card names, and what is wrong with it."""
    recorded = bundle.card.raw.get("calibration", {}).get(name, {})
    if "folder" in recorded:
        if name not in folder_sets:
            raise ValueError(f"{name} was calibrated with pictures of the folder {recorded['folder']!r}: name it with --calibrate")
        chosen = folder_sets[name]
    else:
        chosen = drawn_set(name, recorded.get("n"))
    here = hash_of(chosen.pictures)
    if recorded.get("sha256", here) == here:
        return chosen, []
    return chosen, [f"the calibration pictures are not those on the card: sha256 {here[:16]} here, {recorded['sha256'][:16]} there"]


def _differing_weights(run: Mapping[str, Any], path: Path, model: keras.Model) -> list[str]:
    recorded = run.get("weights_sha256")
    if recorded is None:
        return []
    pairs = zip(hashes_of_weights(path), recorded, model.weights, strict=False)
    return [f"float weights {w.path} (array w{i}) are not those on the card" for i, (a, b, w) in enumerate(pairs) if a != b]


def _differing_tensors(packed: bytes, rebuilt: bytes, model: keras.Model) -> list[str]:
    """Return what differs in the tensors of two models, in their order; names inside the files count for nothing."""
    one, other = read_graph(packed), read_graph(rebuilt)
    if [o.name for o in one.operators] != [o.name for o in other.operators]:
        return ["the operators are not the same"]
    named = _named_tensors(one, model)
    found = []
    for index, (a, b) in enumerate(zip(one.tensors, other.tensors, strict=False)):
        where = f"tensor {index} ({named.get(index, 'the input')})"
        if a.shape != b.shape:
            found.append(f"{where}: shape {a.shape} and {b.shape}")
            continue
        if not (np.array_equal(a.scales, b.scales) and np.array_equal(a.zero_points, b.zero_points)):
            found.append(f"{where}: scale or zero point differ, by {_relative(a, b):.2g} at most")
        if a.values is not None and b.values is not None and not np.array_equal(a.values, b.values):
            places = np.argwhere(a.values != b.values)
            first = tuple(places[0].tolist())
            found.append(
                f"{where}: {len(places)} of {a.values.size} values differ, first at {list(first)}: "
                f"{a.values[first]} in the bundle, {b.values[first]} rebuilt"
            )
    return found or ["the tensors are the same; the files differ in how they are laid out"]


def _named_tensors(graph: Graph, model: keras.Model) -> dict[int, str]:
    named: dict[int, str] = {}
    for layer, _ in match_layers(model, graph):
        parts = ("input", "weights", "bias")
        for part, index in zip(parts, graph.operators[layer.index].inputs, strict=False):
            if index >= 0 and graph.tensors[index].values is not None:
                named[index] = f"{part} of {layer}"
        named[layer.tensor] = f"answer of {layer}"
    return named


def _relative(a: Tensor, b: Tensor) -> float:
    if len(a.scales) != len(b.scales) or not len(a.scales):
        return float("inf")
    return float(np.max(np.abs(a.scales / b.scales - 1)))


def _n_other_answers(packed: bytes, rebuilt: bytes, inputs: list[I8], n_symbols: int) -> tuple[int, int]:
    """Return how many columns or cells have another answer, and how many there are."""
    one, other = Int8Model(packed, "reference"), Int8Model(rebuilt, "reference")
    answers = [[m(codes)[..., :n_symbols].argmax(axis=-1) for m in (one, other)] for codes in inputs]
    return sum(int(np.count_nonzero(a != b)) for a, b in answers), sum(a.size for a, _ in answers)
