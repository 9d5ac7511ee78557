"""What the report says of the networks themselves: how they learned, what int8 does to each layer, how large and fast each design is."""

import csv
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.datatypes import U8
from edge.recognize.bundle import Bundle
from edge.recognize.interpreter import Int8Model
from train.calibration import SEED, calibration_pictures
from train.coverage import LayerFigure, measure_layers
from train.data.sources import REPOSITORY
from train.fit import hashes_of_weights
from train.layers import Twins
from train.networks import DESIGNS, Design, NetworkName
from train.precisions import convert
from train.quantize import SHAPES, pieces, released_model

RECORDED = REPOSITORY / "bench" / "designs.csv"
# Height, width and channels of the input that a design is timed with.
_SHAPES = {
    "digit": (32, 32, 1),
    "strip": (32, 160, 1),
    "date": (32, 160, 1),
    "micr": (32, 640, 1),
    "page": (192, 256, 3),
    "fields": (192, 384, 1),
}
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class DesignFigure:
    """One design as it stands in the code: size and speed measured here, shares right (ORAND, Meza, validate) as they were recorded."""

    design: str
    network: str
    input_size: tuple[int, int]
    parameters: int
    n_bytes: int
    us: float
    recorded: tuple[float, float] | None


def learning_curves(released: Path) -> dict[str, list[dict[str, float]]]:
    """Return the metrics of each epoch of each released network's last phase of training."""
    return {
        path.parent.name: [{key: float(value) for key, value in row.items()} for row in csv.DictReader(path.read_text().splitlines())]
        for path in sorted(released.glob("*/metrics.csv"))
    }


def layers_of(bundle: Bundle, released: Path, n_pictures: int, real: Mapping[str, Sequence[U8]]) -> Iterator[tuple[str, list[LayerFigure]]]:
    """Yield each network of a bundle with its layers, on pictures of the generator that calibration did not see, and on real ones.

    ``real`` holds inks (32, width) for the networks that there are any for. A network that was not quantized from the weights in
    ``released`` is left out: it has no twin here.

    Raises:
        ValueError: the float weights are those of another network.
    """
    names: list[NetworkName] = sorted(bundle.card.networks)  # type: ignore[arg-type]
    for name in names:
        weights = released / name / "weights.npz"
        if hashes_of_weights(weights) != bundle.card.raw["runs"][name].get("weights_sha256"):
            continue
        design, model = released_model(released / name)
        shown = pieces([*calibration_pictures(name, n_pictures, SEED + 1), *real.get(name, ())], SHAPES[name])
        yield name, measure_layers(Twins(model, bundle.models[name], bundle.card.networks[name].input), list(shown), len(design.symbols))


def measure_designs(names: Sequence[str] | None = None) -> list[DesignFigure]:
    """Convert each design with the weights that it starts from (size and speed do not depend on them) and time it on one thread.

    The time is the least of many runs, the designs in turns: what else the machine does can only add to it.
    """
    recorded = {
        r["design"]: (float(r["orand_validate"]), float(r["meza_validate"])) for r in csv.DictReader(RECORDED.read_text().splitlines())
    }
    designs = [DESIGNS[name] for name in names or DESIGNS]
    models = [_converted(design) for design in designs]
    opened = [Int8Model(model) for model in models]
    codes = [np.zeros((1, *_SHAPES[d.network]), np.int8) for d in designs]
    least = [float("inf")] * len(designs)
    for _ in range(_ROUNDS):
        for place, (run, given) in enumerate(zip(opened, codes, strict=True)):
            run(given)
            start = time.perf_counter()
            run(given)
            least[place] = min(least[place], (time.perf_counter() - start) * 1e6)
    return [
        DesignFigure(
            d.name,
            d.network,
            (_SHAPES[d.network][1], _SHAPES[d.network][0]),
            int(d.build().count_params()),
            len(m),
            us,
            recorded.get(d.name),
        )
        for d, m, us in zip(designs, models, least, strict=True)
    ]


def _converted(design: Design) -> bytes:
    rng = np.random.default_rng(1)
    shape = _SHAPES[design.network]
    return convert(design.build(), "int8", [rng.random((1, *shape), dtype=np.float32) for _ in range(2)])
