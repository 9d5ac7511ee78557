"""The desktop command: ``checkreader-train fit | quantize | evaluate``."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from train.data.sources import REPOSITORY, data_folder, found_folder

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Data = Annotated[
    Path | None, typer.Option("--data", help="folder of labelled sets; default: TRAIN_DATA, else ../shared/data beside the repository")
]


def _choose_backend() -> None:
    """Let Keras run on what is installed, TensorFlow first, unless KERAS_BACKEND says otherwise."""
    if "KERAS_BACKEND" not in os.environ:
        found = [b for b in ("tensorflow", "jax", "torch") if find_spec(b)]
        if not found:
            sys.exit("no Keras backend is installed: pip install 'checkreader[train]' brings TensorFlow")
        os.environ["KERAS_BACKEND"] = found[0]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


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
) -> None:
    """Train one network from the development sets; start again to go on from the last finished epoch."""
    _choose_backend()
    from dataclasses import replace

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from train.fit import fit as fit_network
    from train.networks import DESIGNS
    from train.recipes import full_run, recipe

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
def quantize(
    runs: Annotated[list[Path], typer.Argument(help="run folders, one for each network")],
    out: Annotated[Path, typer.Option("--out", "-o", help="the bundle to write")],
    version: Annotated[str, typer.Option(help="version on the card")] = "0.1.0",
    data: Data = None,
) -> None:
    """Convert runs to int8, fit temperature and thresholds with the int8 networks, and write a bundle."""
    _choose_backend()
    from train.release import build_bundle, design_of

    of_network = {design_of(run): run for run in runs}
    if missing := {"digit", "strip", "date", "micr", "fields"} - of_network.keys():
        raise typer.BadParameter(f"no run for {', '.join(sorted(missing))}", param_hint="runs")
    bundle = build_bundle(of_network, data_folder(data), version)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(bundle)
    typer.echo(f"{out}: {len(bundle)} bytes; measure it with: checkreader-train evaluate --bundle {out} --write")


@app.command()
def evaluate(
    bundle: Annotated[Path | None, typer.Option(help="the bundle; default: the reader's own")] = None,
    data: Data = None,
    errors: Annotated[Path | None, typer.Option(help="folder for pictures of the worst errors")] = None,
    write: Annotated[bool, typer.Option("--write", help="put the figures on the bundle's card")] = False,
    bursts: Annotated[Path | None, typer.Option(help="also read strips in bursts of frames; the picture of the curves to write")] = None,
) -> None:
    """Measure a bundle on strips and digits that took no part in training or in fitting thresholds."""
    from dataclasses import asdict

    from edge.pipeline import Reader
    from edge.recognize.bundle import read_bundle
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
    if bursts:
        from train.bursts import compare_bursts

        for line in compare_bursts(reader, [s for n, k, _, rows in tasks(folder, "measure") if k == "digits" for s in rows], bursts):
            typer.echo(line)
    if write and bundle:
        bundle.write_bytes(with_accuracy(bundle.read_bytes(), [asdict(f) for f in figures]))


@app.command()
def parity(
    runs: Annotated[list[Path], typer.Argument(help="run folders that the bundle was quantized from")],
    bundle: Annotated[Path | None, typer.Option(help="the bundle; default: the reader's own")] = None,
    data: Data = None,
) -> None:
    """Compare the bundle's int8 networks with their float twins, string by string."""
    _choose_backend()
    from edge.recognize.bundle import read_bundle
    from train.parity import compare
    from train.release import design_of

    for row in compare(read_bundle(bundle), {design_of(run): run for run in runs}, data_folder(data)):
        typer.echo(
            f"{row.name:28} n={row.n:<5} right: float {row.n_right_float}, int8 {row.n_right_int8}; "
            f"changed: {row.n_changed_texts} texts, {row.n_changed_verdicts} verdicts"
        )


@app.command()
def reproduce(
    bundle: Annotated[Path | None, typer.Argument(help="the bundle; default: the reader's own")] = None,
    released: Annotated[Path, typer.Option(help="folder with the float weights of each network")] = REPOSITORY / "train" / "released",
) -> None:
    """Rebuild every model of a bundle from its float weights. Exit: 0 the same bytes, 2 the same answers, 1 other answers."""
    _choose_backend()
    from edge.recognize.bundle import read_bundle
    from train.reproduce import EXIT_CODES, rebuild

    worst = 0
    for network in rebuild(read_bundle(bundle), released):
        said = {"bytes": "identical", "answers": "other bytes, the same answers", "nothing": "OTHER ANSWERS"}[network.same]
        typer.echo(f"{network.network:8} {network.packed_sha256[:16]} {network.rebuilt_sha256[:16]} {said}")
        for difference in network.differences:
            typer.echo(f"         {difference}")
        code = EXIT_CODES[network.same]
        worst = code if worst == 0 or code == 1 else worst
    raise typer.Exit(worst)


@app.command()
def generate(
    folder: Annotated[Path, typer.Argument(help="a new folder: images/ and labels.jsonl are written into it")],
    what: Annotated[
        Literal["checks", "frames", "empty"], typer.Option(help="flat checks, camera frames of one, or frames without")
    ] = "frames",
    count: Annotated[int, typer.Option(min=1)] = 100,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    width: Annotated[int, typer.Option(min=320, help="pixels of a frame")] = 1600,
    height: Annotated[int, typer.Option(min=240)] = 1200,
) -> None:
    """Draw a labelled set of checks of every layout: corners, boxes and texts are exact."""
    from rich.progress import Progress

    from train.data.generate import write_set

    with Progress() as bar:
        task = bar.add_task(what, total=count)
        write_set(folder, what, count, seed, (width, height), lambda done: bar.update(task, completed=done))
    typer.echo(f"{folder}: {count} pictures, labels.jsonl")


@app.command()
def report(
    bundle: Annotated[Path | None, typer.Option(help="the bundle; default: the reader's own")] = None,
    released: Annotated[Path, typer.Option(help="folder with the float weights of each network")] = REPOSITORY / "train" / "released",
    data: Data = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="the HTML file to write")] = Path("build/report.html"),
    generated: Annotated[int, typer.Option(min=1, help="strips of our own generator to read")] = 300,
    no_sets: Annotated[bool, typer.Option("--no-sets", help="leave the labelled sets out: the page may then be passed on")] = False,
) -> None:
    """Write one self-contained page with all that can be measured of a bundle; without labelled sets it says what is missing."""
    _choose_backend()
    from train.report import build_report
    from train.report_evidence import gather

    folder = None if no_sets else found_folder(data)
    text = build_report(gather(bundle, released, folder, generated))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    typer.echo(f"{out}: {len(text.encode()):,} bytes, {'with' if folder else 'without'} the labelled sets")


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
    """Run the command; broken input ends with a sentence and its exit code, not with a traceback."""
    try:
        app()
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"checkreader-train: {error}")


if __name__ == "__main__":
    main()
