"""`checkreader-firmware compare`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.errors import MissingDependencyError, OutputError

if TYPE_CHECKING:
    from firmware_tools.compare import Comparison

REFUSED = 65
_ON_HELP = "A folder of `checkreader store export-training`; may be given again."
_WIDTH = 44


def add_compare(app: typer.Typer) -> None:
    """Add the command to the others."""

    @app.command()
    def compare(
        old: Annotated[Path, typer.Argument(metavar="OLD", help="The bundle that devices have.")],
        new: Annotated[Path, typer.Argument(metavar="NEW", help="The one that may take its place.")],
        on: Annotated[list[Path], typer.Option("--on", metavar="FOLDER", help=_ON_HELP)],
        budget: Annotated[float | None, typer.Option("--budget", help="Wrong among the accepted, at most; 0.01 unless told.")] = None,
        chart: Annotated[Path | None, typer.Option("--chart", metavar="FILE", help="A picture of risk over coverage (.png, .svg).")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Compare two bundles on what people confirmed or corrected, and say whether the new one may be promoted.

        Checks that a bundle learned from do not count. Exit codes: 0 promote, 65 refuse.
        """
        from edge.recognize.bundle import read_bundle
        from edge.service.labelled import read_folders
        from firmware_tools.compare import compare as compare_bundles

        comparison = compare_bundles(read_bundle(old), read_bundle(new), read_folders(on), budget)
        if chart is not None:
            draw_chart(comparison, chart)
        typer.echo(json.dumps(comparison.facts()) if as_json else table(comparison))
        raise typer.Exit(0 if comparison.reason() is None else REFUSED)


def table(comparison: "Comparison") -> str:
    """Return the comparison as lines of text, the verdict last."""
    from firmware_tools.compare import COVERAGES, risk_at

    sides = (comparison.old, comparison.new)
    every, accepted, unsure = ([comparison.figures(side, which) for side in sides] for which in (None, True, False))
    n_accepted, n_unsure = accepted[0].n, unsure[0].n
    rows = [
        (f"{len(comparison.fields)} readings", comparison.old_version, comparison.new_version),
        ("right", *(_share(f.n_right, f.n) for f in every)),
        (f"accepted at {100 * comparison.budget:g} %", *(_share(f.n_accepted, f.n) for f in every)),
        (
            "wrong among the accepted",
            *(f"{f.n_wrong_accepted} ({100 * f.error_low:.1f} to {100 * f.error_high:.1f} %)" for f in every),
        ),
        (f"right of {n_accepted} accepted on the device", *(_share(f.n_right, f.n) for f in accepted)),
        (f"right of {n_unsure} unsure there", *(_share(f.n_right, f.n) for f in unsure)),
    ]
    if comparison.fields:
        estimates = [comparison.of_all(side) for side in sides]
        rows += [
            (f"of all checks, about: {name.replace('_', ' ')}", *(f"{100 * estimate[name]:.1f} %" for estimate in estimates))
            for name in estimates[0]
        ]
        for coverage in COVERAGES:
            risks = [risk_at(side, coverage) for side in sides]
            rows.append((f"wrong among the surest {100 * coverage:.0f} %", *(f"{100 * risk:.1f} % of {n}" for n, risk in risks)))
    return "\n".join([*(f"{name:{_WIDTH}}{old:>24}{new:>24}" for name, old, new in rows), comparison.words()])


def draw_chart(comparison: "Comparison", path: Path) -> None:
    """Write risk over coverage of both bundles as a picture.

    Raises:
        MissingDependencyError: matplotlib is not installed.
        OutputError: the picture cannot be written.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise MissingDependencyError("a chart needs matplotlib: make train, or leave --chart out")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for version, judged in ((comparison.old_version, comparison.old), (comparison.new_version, comparison.new)):
        ranked, wrong, risks = sorted(judged, key=lambda j: -j.confidence), 0, []
        for n, one in enumerate(ranked, 1):
            wrong += not one.is_right
            risks.append(100 * wrong / n)
        axes.step([100 * n / len(ranked) for n in range(1, len(ranked) + 1)], risks, where="post", label=version)
    axes.axhline(100 * comparison.budget, color="black", linestyle=":", label="budget")
    axes.set(xlabel="coverage (% of the readings, the surest first)", ylabel="wrong among them (%)", xlim=(0, 100), ylim=(0, None))
    axes.legend()
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:  # a place that cannot be written to, or an ending that is no picture's
        raise OutputError(f"the chart {path} cannot be written ({error}); name a .png or .svg in a folder that exists") from None


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}" + (f" ({100 * part / whole:.1f} %)" if whole else "")
