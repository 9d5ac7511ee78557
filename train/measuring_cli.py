"""The commands that measure the whole reader and write the tables of the docs: ``stages | bursts | quality``."""

from pathlib import Path
from typing import Annotated

import typer

from train.data.sources import data_folder
from train.quantization_cli import BundleFile, Data


def stages(
    bundle: BundleFile = None,
    data: Data = None,
    docs: Annotated[Path | None, typer.Option(help="the text whose tables are written again, such as docs/stages.md")] = None,
    failures: Annotated[Path | None, typer.Option(help="folder for pictures of the worst 20 failures")] = None,
    frames: Annotated[int, typer.Option(min=1, help="frames to draw; and so many without a check")] = 200,
) -> None:
    """Say where accuracy is lost: pages, fields, strips and decoding, each with what comes before it given."""
    from edge.pipeline import Reader
    from edge.recognize.bundle import read_bundle
    from train.measured import put_table
    from train.stages import frames_without, measure_stages, measure_without, stage_tables, write_failures

    folder, reader = data_folder(data), Reader(read_bundle(bundle))
    figures = list(measure_stages(reader, folder, frames))
    without, invented = measure_without(reader, frames_without(folder, frames))
    for name, lines in stage_tables(figures, without):
        typer.echo("\n".join(["", name, *lines]))
        if docs:
            put_table(docs, name, lines)
    if failures:
        write_failures([*invented, *(failure for f in figures for failure in f.failures)], failures)


def bursts(
    bundle: BundleFile = None,
    data: Data = None,
    docs: Annotated[Path | None, typer.Option(help="docs/fusion.md, whose tables are written again, and its picture beside it")] = None,
) -> None:
    """Read strips in one frame and in several together: does it pay?"""
    from edge.pipeline import Reader
    from edge.recognize.bundle import read_bundle
    from train.bursts import compare_bursts
    from train.evaluate import tasks
    from train.measured import put_table

    folder, reader = data_folder(data), Reader(read_bundle(bundle))
    for part in ("validate", "measure"):
        strips = [strip for _, kind, _, rows in tasks(folder, part) if kind == "digits" for strip in rows]
        lines = compare_bursts(reader, strips, docs.with_suffix(".png") if docs and part == "measure" else None)
        typer.echo("\n".join(["", part, *lines]))
        if docs:
            put_table(docs, part, lines)


def quality(
    bundle: BundleFile = None,
    docs: Annotated[Path | None, typer.Option(help="the text whose table is written again, such as docs/stages.md")] = None,
    frames: Annotated[int, typer.Option(min=24, help="frames to draw with each fault")] = 96,
) -> None:
    """Fit the thresholds of edge/locate/quality.py to where readings fail, and show them beside those in use."""
    from edge.pipeline import Reader
    from edge.recognize.bundle import read_bundle
    from train.fit_quality import fit_thresholds, threshold_table
    from train.measured import put_table

    lines = threshold_table(list(fit_thresholds(Reader(read_bundle(bundle)), frames)))
    typer.echo("\n".join(lines))
    if docs:
        put_table(docs, "quality", lines)
