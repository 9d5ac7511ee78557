"""The desktop command: ``checkreader-train fit | keep | quantize | evaluate | ...``; see also
quantization_cli, for what proves the int8 networks, and measuring_cli, for what measures the whole reader.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from edge.errors import EdgeError
from train.data.sources import data_folder
from train.measuring_cli import bursts, quality, stages
from train.quantization_cli import BundleFile, Data, choose_backend, coverage, parity, quantize, reproduce, runtimes
from train.report_cli import report

# As in sysexits.h.
_BAD_DATA, _NO_INPUT, _OUTPUT = 65, 66, 74

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

for command in (quantize, coverage, parity, reproduce, runtimes, stages, bursts, quality, report):
    app.command()(command)


@app.callback()
def _root() -> None:
    """Train, quantize and measure the networks of checkreader."""


@app.command()
def fit(
    design: Annotated[str, typer.Argument(help="which network: digit, strip, micr, or another design of train/networks.py")],
    run: Annotated[Path, typer.Option(help="folder of the run; an interrupted run in it goes on")],
    data: Data = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    batches: Annotated[int | None, typer.Option(min=1, help="batches an epoch")] = None,
    rate: Annotated[float | None, typer.Option(min=1e-6, help="highest learning rate")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    licence: Annotated[Literal["any", "open"], typer.Option(help="open: only openly licensed sets")] = "any",
    start_from: Annotated[Path | None, typer.Option(help="weights.npz of an earlier run of the same design")] = None,
    corrections: Annotated[
        list[Path] | None, typer.Option(help="also learn from a folder of checkreader store export-training; may be given again")
    ] = None,
) -> None:
    """Train one network from the development sets; start again to go on from the last finished epoch."""
    choose_backend()
    from dataclasses import replace

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from train.fit import fit as fit_network
    from train.networks import DESIGNS
    from train.recipes import full_run, recipe, site_recipe

    if design not in DESIGNS:
        raise typer.BadParameter(f"{design} is none of {', '.join(DESIGNS)}", param_hint="design")
    full = full_run(DESIGNS[design])
    config = replace(
        full,
        epochs=epochs or full.epochs,
        batches_per_epoch=batches or full.batches_per_epoch,
        learning_rate=rate or full.learning_rate,
        seed=seed,
        licence=licence,
        start_from=str(start_from) if start_from else None,
    )
    if corrections:
        config, made = site_recipe(config, data_folder(data), corrections)
    else:
        made = recipe(config, data_folder(data))
    columns = (
        TextColumn("epoch {task.fields[epoch]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.3f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as bar:
        task = bar.add_task("fit", total=config.epochs * config.batches_per_epoch, epoch=0, loss=0.0)

        def progress(epoch: int, batch: int, loss: float) -> None:
            bar.update(task, completed=epoch * config.batches_per_epoch + batch + 1, epoch=epoch, loss=loss)

        fit_network(config, run, made.batches, made.validate, progress)
    typer.echo(f"{run}: weights.npz, metrics.csv, learning_curve.png")


@app.command()
def keep(
    fitted: Annotated[Path, typer.Argument(help="run folder of a network that was fitted to a site")],
    released: Annotated[Path, typer.Option(help="run folder of the weights that it started from")],
    out: Annotated[Path, typer.Option("--out", "-o", help="run folder to write")],
    bundle: BundleFile = None,
    data: Data = None,
) -> None:
    """Mix fitted and released weights, with as little of the latter as the validation strips allow. Exit: 65 where no share does."""
    choose_backend()
    from edge.recognize.bundle import read_bundle
    from train.kept_share import keep as keep_share

    tried = keep_share(fitted, released, read_bundle(bundle), data_folder(data), out)
    for one in tried:
        accepted = "nothing is accepted" if one.accept is None else f"{one.n_rightly} accepted rightly, from {one.accept:.4f} on"
        typer.echo(f"{100 * one.kept:3.0f} % kept: {one.n_right} of {one.n} validation strips right, {accepted}")
    typer.echo(f"{out}: {100 * tried[-1].kept:.0f} % of {released} kept")


@app.command()
def evaluate(
    bundle: Annotated[Path | None, typer.Option(help="the bundle; default: the reader's own")] = None,
    data: Data = None,
    errors: Annotated[Path | None, typer.Option(help="folder for pictures of the worst errors")] = None,
    write: Annotated[bool, typer.Option("--write", help="put the figures on the bundle's card")] = False,
) -> None:
    """Measure a bundle on strips and digits that took no part in training or in fitting thresholds."""
    from dataclasses import asdict

    from edge.pipeline import Reader
    from edge.recognize.bundle import read_bundle, save_bundle
    from train.evaluate import draw_errors, measure_digits, measure_strips, tasks
    from train.release import with_accuracy

    if write and bundle is None:
        raise typer.BadParameter("name the bundle that the figures are written to", param_hint="--bundle")
    folder, reader = data_folder(data), Reader(read_bundle(bundle))
    figures = []
    for name, kind, currency, strips in tasks(folder, "measure"):
        figure, wrong = measure_strips(reader, name, kind, currency, strips)
        figures.append(figure)
        typer.echo(_line(asdict(figure)))
        if errors:
            errors.mkdir(parents=True, exist_ok=True)
            draw_errors(wrong, errors / f"{name.replace('/', '-')}.png")
    for figure in measure_digits(reader, folder):
        figures.append(figure)
        typer.echo(_line(asdict(figure)))
    if write and bundle:
        save_bundle(bundle, with_accuracy(bundle.read_bytes(), [asdict(f) for f in figures]))


@app.command()
def generate(
    folder: Annotated[Path, typer.Argument(help="a new folder: images/ and labels.jsonl are written into it")],
    what: Annotated[
        Literal["checks", "frames", "empty", "samples"],
        typer.Option(help="flat checks, camera frames of one, frames without, or the samples that come with the reader"),
    ] = "frames",
    count: Annotated[int, typer.Option(min=1)] = 100,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    width: Annotated[int, typer.Option(min=320, help="pixels of a frame")] = 1600,
    height: Annotated[int, typer.Option(min=240)] = 1200,
) -> None:
    """Draw a labelled set of checks of every layout: corners, boxes and texts are exact."""
    from rich.progress import Progress

    from train.data.generate import write_set
    from train.data.samples import write_samples

    if what == "samples":
        write_samples(folder)
        typer.echo(f"{folder}: frames/, strips/, labels.jsonl")
        return
    with Progress() as bar:
        task = bar.add_task(what, total=count)
        write_set(folder, what, count, seed, (width, height), lambda done: bar.update(task, completed=done))
    typer.echo(f"{folder}: {count} pictures, labels.jsonl")


def _line(figure: dict[str, Any]) -> str:
    def percent(key: str) -> str:
        return f"{100 * figure[key]:.2f}"

    shown = f"{figure['name']:28} n={figure['n']:<5} exact {percent('exact')} % ({percent('exact_low')} to {percent('exact_high')})"
    if figure["accepted"] is not None:
        shown += (
            f"  accepted {percent('accepted')} %, wrong among them {percent('error_among_accepted')} % (at most {percent('error_upper')})"
        )
    if figure["box_iou_x"] is not None:
        shown += f"  boxes {figure['box_iou_x']:.3f}"
    return shown


def main() -> None:
    """Run the command; broken input ends with a sentence and its exit code (see :mod:`edge.errors`), not with a traceback."""
    try:
        app()
    except EdgeError as error:
        print(f"checkreader-train: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except (OSError, ValueError) as error:
        print(f"checkreader-train: {error}", file=sys.stderr)
        sys.exit(_NO_INPUT if isinstance(error, FileNotFoundError) else _OUTPUT if isinstance(error, OSError) else _BAD_DATA)


if __name__ == "__main__":
    main()
