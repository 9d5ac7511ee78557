"""Rebuild every model of a bundle from the committed float weights, and say what differs and whether it matters."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from edge.datatypes import I8
from edge.recognize.bundle import Bundle
from edge.recognize.interpreter import Int8Model
from edge.recognize.tflite_file import Tensor, read_graph
from train.calibration import calibration_pictures
from train.golden import golden_inputs
from train.networks import NetworkName
from train.quantize import quantize_run

Sameness = Literal["bytes", "answers", "nothing"]
# Exit codes: the same bytes, other answers, the same answers from other bytes.
EXIT_CODES: dict[Sameness, int] = {"bytes": 0, "nothing": 1, "answers": 2}


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One network: how much of it came out the same, the sha256 of both files, and what differs."""

    network: str
    same: Sameness
    packed_sha256: str
    rebuilt_sha256: str
    differences: tuple[str, ...]


def rebuild(bundle: Bundle, released: Path) -> Iterator[Rebuilt]:
    """Yield each network of a bundle, rebuilt from ``released/<network>`` with the generator's calibration pictures.

    Raises:
        FileNotFoundError: the float weights of a network are not there.
        ValueError: they belong to another network.
    """
    inputs = golden_inputs(bundle.card.networks)
    names: list[NetworkName] = sorted(bundle.card.networks)  # type: ignore[arg-type]
    for name in names:
        packed = bundle.models[name]
        _, rebuilt = quantize_run(released / name, calibration_pictures(name))
        hashes = hashlib.sha256(packed).hexdigest(), hashlib.sha256(rebuilt).hexdigest()
        if packed == rebuilt:
            yield Rebuilt(name, "bytes", *hashes, ())
            continue
        differences = tuple(_differing_tensors(packed, rebuilt))
        n_other = _n_other_answers(packed, rebuilt, inputs[name], len(bundle.card.networks[name].symbols))
        if n_other:
            differences += (f"{n_other} columns or cells of the golden set have another answer",)
        yield Rebuilt(name, "nothing" if n_other else "answers", *hashes, differences)


def _differing_tensors(packed: bytes, rebuilt: bytes) -> Iterator[str]:
    """Yield what differs in the tensors of two models, in their order; names count for nothing."""
    one, other = read_graph(packed), read_graph(rebuilt)
    if [o.name for o in one.operators] != [o.name for o in other.operators]:
        yield "the operators are not the same"
        return
    for index, (a, b) in enumerate(zip(one.tensors, other.tensors, strict=False)):
        if a.shape != b.shape:
            yield f"tensor {index}: shape {a.shape} and {b.shape}"
        elif not (np.array_equal(a.scales, b.scales) and np.array_equal(a.zero_points, b.zero_points)):
            yield f"tensor {index} ({a.name}): scale or zero point differ, by {_relative(a, b):.2g} at most"
        elif a.values is not None and b.values is not None and not np.array_equal(a.values, b.values):
            n = int(np.count_nonzero(a.values != b.values))
            yield f"tensor {index} ({a.name}): {n} of {a.values.size} values differ"


def _relative(a: Tensor, b: Tensor) -> float:
    if len(a.scales) != len(b.scales) or not len(a.scales):
        return float("inf")
    return float(np.max(np.abs(a.scales / b.scales - 1)))


def _n_other_answers(packed: bytes, rebuilt: bytes, inputs: list[I8], n_symbols: int) -> int:
    one, other = Int8Model(packed, "reference"), Int8Model(rebuilt, "reference")
    answers = ((m(codes)[..., :n_symbols].argmax(axis=-1) for m in (one, other)) for codes in inputs)
    return sum(int(np.count_nonzero(a != b)) for a, b in answers)
