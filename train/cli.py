"""The desktop command: ``checkreader-train fit | quantize | evaluate``."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from train.data.sources import data_folder

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Data = Annotated[Path | None, typer.Option("--data", help="folder of labelled sets; default: TRAIN_DATA, else ../shared/data beside the repository")]


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
    columns = (TextColumn("epoch {task.fields[epoch]}"), BarColumn(), MofNCompleteColumn(), TextColumn("loss {task.fields[loss]:.3f}"), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("fit", total=config.epochs * config.batches_per_epoch, epoch=0, loss=0.0)

        def progress(epoch: int, batch: int, loss: float) -> None:
            bar.update(task, completed=epoch * config.batches_per_epoch + batch + 1, epoch=epoch, loss=loss)

        fit_network(config, run, made.batches, made.validate, progress)
    typer.echo(f"{run}: weights.npz, metrics.csv, learning_curve.png")


def main() -> None:
    """Run the command; broken input ends with a sentence and its exit code, not with a traceback."""
    try:
        app()
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"checkreader-train: {error}")


if __name__ == "__main__":
    main()
