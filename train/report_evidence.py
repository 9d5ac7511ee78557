"""Everything that the report shows, measured: the bundle's card, what it reads, its layers, the designs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.recognize.bundle import Bundle, read_bundle
from train.coverage import LayerFigure
from train.evaluate import Figure
from train.report_networks import DesignFigure, layers_of, learning_curves, measure_designs
from train.report_reading import Read, accuracy, read_strips, some_inks


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Everything that the page shows; ``has_sets`` says whether labelled sets were there to measure on."""

    card: Mapping[str, Any]
    sha256: str
    sizes: Mapping[str, int]
    has_sets: bool
    read: Sequence[Read]
    accuracy: Sequence[Figure]
    curves: Mapping[str, list[dict[str, float]]]
    layers: Mapping[str, list[LayerFigure]]
    designs: Sequence[DesignFigure]


def gather(
    bundle: Path | None,
    released: Path,
    folder: Path | None,
    n_generated: int = 300,
    n_pictures: int = 30,
    designs: Sequence[str] | None = None,
) -> Evidence:
    """Measure a bundle.

    Args:
        folder: the labelled sets, or None where there are none.
        n_generated: strips of the generator to read.
        n_pictures: pictures that each layer is looked at with.
        designs: which to convert and time; None is all of them.
    """
    opened: Bundle = read_bundle(bundle)
    read = read_strips(opened, folder, n_generated)
    return Evidence(
        opened.card.raw,
        opened.sha256,
        {name: len(model) for name, model in opened.models.items()},
        folder is not None,
        read,
        accuracy(read, opened, folder),
        learning_curves(released),
        dict(layers_of(opened, released, n_pictures, some_inks(read, n_pictures))),
        measure_designs(designs),
    )
