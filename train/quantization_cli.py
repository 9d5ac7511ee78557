"""The commands that make int8 networks and prove them: ``quantize | coverage | parity | reproduce | runtimes``."""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from train.data.sources import REPOSITORY, MissingDataError, data_folder

if TYPE_CHECKING:
    from train.coverage import Coverage, LayerFigure
    from train.networks import NetworkName
    from train.parity import Parity

Data = Annotated[
    Path | None, typer.Option("--data", help="folder of labelled sets; default: TRAIN_DATA, else ../shared/data beside the repository")
]
BundleFile = Annotated[Path | None, typer.Option("--bundle", help="the bundle; default: the reader's own")]
Released = Annotated[Path, typer.Option("--released", help="folder with the float weights of each network")]
Calibrate = Annotated[
    Path | None, typer.Option("--calibrate", help="folder with a folder of pictures for each network: strip/, date/, micr/, digit/ ...")
]
Networks = Annotated[list[str] | None, typer.Option("--network", help="only this network; may be given again")]
RELEASED = REPOSITORY / "train" / "released"


def choose_backend() -> None:
    """Let Keras run on what is installed, TensorFlow first, unless KERAS_BACKEND says otherwise."""
    if "KERAS_BACKEND" not in os.environ:
        found = [b for b in ("tensorflow", "jax", "torch") if find_spec(b)]
        if not found:
            sys.exit("no Keras backend is installed: pip install 'checkreader[train]' brings TensorFlow")
        os.environ["KERAS_BACKEND"] = found[0]
    # What TensorFlow tells its own developers would drown what we tell the user.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import logging

    logging.getLogger("absl").setLevel(logging.ERROR)


def quantize(
    runs: Annotated[list[Path], typer.Argument(help="run folders, one for each network")],
    out: Annotated[Path, typer.Option("--out", "-o", help="the bundle to write")],
    version: Annotated[str, typer.Option(help="version on the card")] = "0.1.0",
    calibrate: Calibrate = None,
    allow_narrow: Annotated[bool, typer.Option("--allow-narrow", help="also take a calibration set that covers too little")] = False,
    not_below: Annotated[Path | None, typer.Option(help="a bundle whose thresholds are the least that the new one may have")] = None,
    data: Data = None,
) -> None:
    """Convert runs to int8, fit temperature and thresholds with the int8 networks, prove them against float, and write a bundle."""
    choose_backend()
    from edge.recognize.bundle import read_bundle, save_bundle
    from train.calibration import folder_sets
    from train.release import build_bundle, design_of

    of_network = {design_of(run): run for run in runs}
    if missing := {"digit", "strip", "date", "micr", "fields"} - of_network.keys():
        raise typer.BadParameter(f"no run for {', '.join(sorted(missing))}", param_hint="runs")
    sets = folder_sets(calibrate) if calibrate else {}
    least = read_bundle(not_below) if not_below else None
    bundle = build_bundle(of_network, data_folder(data), version, sets, allow_narrow, least)
    save_bundle(out, bundle)
    typer.echo(f"{out}: {len(bundle)} bytes; measure it with: checkreader-train evaluate --bundle {out} --write")


def coverage(
    network: Networks = None,
    calibrate: Calibrate = None,
    released: Released = RELEASED,
    sizes: Annotated[str, typer.Option(help="instead: sets of so many pictures, such as 1,10,100")] = "",
    sets: Annotated[int, typer.Option(min=1, help="sets of each size")] = 3,
    picture: Annotated[Path | None, typer.Option(help="with --sizes: the picture of the curve to write")] = None,
) -> None:
    """Measure what a calibration set covers of pictures that it does not hold, layer by layer. Exit: 1 where it is too narrow."""
    choose_backend()
    from train.calibration import drawn_set, folder_sets, unseen_pictures
    from train.coverage import measure_coverage, measure_sizes
    from train.quantize import quantize as convert
    from train.quantize import released_model

    chosen = folder_sets(calibrate) if calibrate else {}
    curves: dict[str, list[Coverage]] = {}
    reasons: list[str] = []
    for name in _networks(network, list(chosen) if calibrate else None):
        design, model = released_model(released / name)
        used = chosen.get(name) or drawn_set(name)
        if sizes:
            wanted = [min(int(size), len(used.pictures)) for size in sizes.split(",")]
            curves[name] = []
            for covered in measure_sizes(design, model, used.pictures, wanted, sets, unseen_pictures(name)):
                curves[name].append(covered)
                typer.echo(_said_of_size(covered))
            continue
        covered = measure_coverage(design, model, convert(model, design, used.pictures), used.pictures, unseen_pictures(name))
        typer.echo(f"{name}: {covered.n} pictures, {covered.n_different} different, sha256 {covered.sha256[:16]}")
        for figure in covered.layers:
            typer.echo(_said_of_layer(figure))
        reasons += covered.reasons()
    if picture and curves:
        from train.coverage_curve import draw_curves

        draw_curves(curves, picture)
    for reason in reasons:
        typer.echo(f"too narrow: {reason}")
    raise typer.Exit(1 if reasons else 0)


def parity(
    runs: Annotated[list[Path] | None, typer.Argument(help="run folders that the bundle was quantized from; default: the released")] = None,
    bundle: BundleFile = None,
    data: Data = None,
    strips: Annotated[int, typer.Option(min=1, help="compared; what the labelled sets lack is drawn")] = 8000,
    errors: Annotated[Path | None, typer.Option(help="folder for pictures of the worst cases")] = None,
) -> None:
    """Compare the bundle's int8 networks with their float twins: strings, verdicts, layers. Exit: 1 where the bundle must not be packed."""
    choose_backend()
    from edge.recognize.bundle import read_bundle
    from train.parity import compare, compare_digits, compare_layers, load_models, losing_layers, refusals, summed
    from train.parity_sets import tasks_to_compare
    from train.release import design_of

    opened = read_bundle(bundle)
    given = {design_of(run): run for run in runs} if runs else {name: RELEASED / name for name in _networks(None, list(opened.models))}
    models = load_models(given)
    if missing := {"strip", "date", "micr"} - models.keys():
        raise typer.BadParameter(f"no run for {', '.join(sorted(missing))}", param_hint="runs")
    try:
        folder = data_folder(data)
    except MissingDataError:
        typer.echo("no labelled sets here: every strip is drawn")
        folder = None
    rows: list[Parity] = []
    for row, cases in compare(opened, models, tasks_to_compare(folder, strips)):
        rows.append(row)
        typer.echo(_said_of_set(row))
        if errors:
            from train.worst_cases import draw_cases

            draw_cases(cases, errors / f"{row.name.replace('/', '-').replace(' ', '-')}.png")
    typer.echo(_said_of_set(summed(rows)))
    if "digit" in models:
        typer.echo("digit: {} of {} labels changed".format(*compare_digits(opened, models["digit"], folder)))
    for name, figures in compare_layers(opened, models):
        last = figures[-1]
        typer.echo(f"{name}: {last.sqnr_db:.1f} dB at the answer, {100 * (last.changed or 0.0):.3f} % of columns or cells changed")
        for figure in losing_layers(figures):
            typer.echo(f"    {figure.layer} loses {figure.loss_db:.1f} dB, {figure.sqnr_db:.1f} are left")
    reasons = refusals(rows)
    for reason in reasons:
        typer.echo(f"not to be packed: {reason}")
    raise typer.Exit(1 if reasons else 0)


def reproduce(
    bundle: Annotated[Path | None, typer.Argument(help="the bundle; default: the reader's own")] = None,
    released: Released = RELEASED,
    calibrate: Calibrate = None,
    train: Annotated[bool, typer.Option("--train", help="also train anew from several seeds; needs the labelled sets")] = False,
    network: Networks = None,
    seeds: Annotated[int, typer.Option(min=1, help="with --train: how many")] = 3,
    epochs: Annotated[int | None, typer.Option(min=1, help="with --train: epochs instead of the recorded ones")] = None,
    batches: Annotated[int | None, typer.Option(min=1, help="with --train: batches an epoch instead of the recorded ones")] = None,
    runs: Annotated[Path, typer.Option(help="with --train: folder for the runs; interrupted ones go on")] = Path("runs/reproduce"),
    data: Data = None,
) -> None:
    """Rebuild every model of a bundle from its float weights. Exit: 0 the same bytes, 2 the same answers, 1 other answers."""
    choose_backend()
    from edge.recognize.bundle import read_bundle
    from train.calibration import folder_sets
    from train.reproduce import EXIT_CODES, differing_tools, rebuild

    opened = read_bundle(bundle)
    for tool in differing_tools(opened):
        typer.echo(f"note: {tool}")
    worst = 0
    for rebuilt in rebuild(opened, released, folder_sets(calibrate) if calibrate else None):
        said = {"bytes": "identical", "answers": "the same answers, but not the same", "nothing": "OTHER ANSWERS"}[rebuilt.same]
        typer.echo(f"{rebuilt.network:8} {rebuilt.packed_sha256[:16]} {rebuilt.rebuilt_sha256[:16]} {said}")
        for difference in rebuilt.differences:
            typer.echo(f"         {difference}")
        code = EXIT_CODES[rebuilt.same]
        worst = code if worst == 0 or code == 1 else worst
    if train:
        from train.retrain import retrain, spread

        for name in _networks(network, list(opened.models)):
            trained = []
            for one in retrain(opened, name, released, runs, data_folder(data), range(1, seeds + 1), epochs, batches):
                who = "released" if one.seed is None else f"seed {one.seed}"
                figures = "  ".join(f"{key} {value:.4f}" for key, value in one.figures.items())
                typer.echo(f"{name} {who}: {figures}  other int8 answers {100 * one.other_answers:.2f} %  ({one.seconds:.0f} s)")
                trained += [one] if one.seed is not None else []
            typer.echo(f"{name} score over seeds: {spread([t.figures['score'] for t in trained])}")
            typer.echo(f"{name} share of other int8 answers over seeds: {spread([t.other_answers for t in trained])}")
    raise typer.Exit(worst)


def runtimes(
    bundle: BundleFile = None,
    data: Data = None,
    strips: Annotated[int, typer.Option(min=1, help="compared; what the labelled sets lack is drawn")] = 2000,
) -> None:
    """Read the same strips with every runtime that is installed, and compare codes, strings, verdicts. Exit: 1 where accepted ones flip."""
    from train.evaluate import frame_of
    from train.parity_sets import tasks_to_compare
    from train.runtimes import compare_runtimes

    try:
        folder = data_folder(data)
    except MissingDataError:
        folder = None
    chosen = tasks_to_compare(folder, strips)
    given = [(frame_of(strip.picture).pixels, kind, currency) for _, kind, currency, rows in chosen for strip in rows]
    is_same = True
    for line in compare_runtimes(bundle, given):
        typer.echo(line.said())
        is_same = is_same and not line.n_flipped
    raise typer.Exit(0 if is_same else 1)


def _networks(wanted: Sequence[str] | None, there: Sequence[str] | None) -> list["NetworkName"]:
    from train.networks import NetworkName

    known: tuple[NetworkName, ...] = get_args(NetworkName)
    if unknown := set(wanted or ()) - set(known):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))} is none of {', '.join(known)}", param_hint="--network")
    return [name for name in known if (not wanted or name in wanted) and (there is None or name in there)]


def _said_of_size(covered: "Coverage") -> str:
    last = covered.layers[-1]
    return (
        f"{covered.network:7} {covered.n:4} pictures: {100 * max(f.beyond for f in covered.layers):.4f} % beyond in the worst layer, "
        f"clipping {max(f.clipped_db for f in covered.layers):6.1f} dB, answer {last.sqnr_db:.1f} dB, "
        f"{100 * (last.changed or 0.0):.3f} % answers changed"
    )


def _said_of_layer(figure: "LayerFigure") -> str:
    clipped = f"saturated {100 * figure.saturated:.4f} %  clipping {figure.clipped_db:6.1f} dB  SQNR {figure.sqnr_db:.1f} dB"
    return f"  {figure.layer!s:52} beyond {100 * figure.beyond:.4f} %  farthest {figure.farthest:.2f}  {clipped}"


def _said_of_set(row: "Parity") -> str:
    return (
        f"{row.name:34} n={row.n:<5} right: float {row.n_right_float}, int8 {row.n_right_int8}; changed: {row.n_changed_symbols} symbols, "
        f"{row.n_changed_texts} texts, {row.n_changed_verdicts} verdicts; accepted: {row.n_accepted_float}, {row.n_accepted_int8}, "
        f"wrong among them: {row.n_wrong_accepted_float}, {row.n_wrong_accepted_int8}; flipped: {row.n_flipped}"
    )
