"""The picture of how many calibration samples are enough."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from train.coverage import MOST_BEYOND, Coverage


def draw_curves(curves: Mapping[str, Sequence[Coverage]], path: Path) -> None:
    """Write a picture: for each network the share beyond the range in its worst layer, and the answer's signal-to-noise ratio, by size."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for network, covered in curves.items():
        sizes = sorted({c.n for c in covered})
        beyond = [[100 * max(f.beyond for f in c.layers) for c in covered if c.n == size] for size in sizes]
        ratio = [[c.layers[-1].sqnr_db for c in covered if c.n == size] for size in sizes]
        for axes, values in ((left, beyond), (right, ratio)):
            (line,) = axes.plot(sizes, [float(np.median(v)) for v in values], marker=".", label=network)
            axes.fill_between(sizes, [min(v) for v in values], [max(v) for v in values], alpha=0.15, color=line.get_color())
    left.axhline(100 * MOST_BEYOND, color="black", linestyle=":", label="refused above")
    left.set(xscale="log", xlabel="calibration pictures", ylabel="beyond the range, worst layer (%)")
    left.set_yscale("symlog", linthresh=1e-4)
    left.set_ylim(bottom=0)
    right.set(xscale="log", xlabel="calibration pictures", ylabel="signal to noise at the answer (dB)")
    left.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)
