"""The command that shows all that was measured of a bundle on one page: ``report``."""

from pathlib import Path
from typing import Annotated

import typer

from train.data.sources import MissingDataError, data_folder
from train.quantization_cli import RELEASED, BundleFile, Data, Released, choose_backend


def report(
    bundle: BundleFile = None,
    released: Released = RELEASED,
    data: Data = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="the HTML file to write")] = Path("build/report.html"),
    generated: Annotated[int, typer.Option(min=1, help="strips of our own generator to read")] = 300,
    no_sets: Annotated[bool, typer.Option("--no-sets", help="leave the labelled sets out: the page may then be passed on")] = False,
) -> None:
    """Write one self-contained page with all that can be measured of a bundle; without labelled sets it says what is missing."""
    choose_backend()
    from train.report import build_report
    from train.report_evidence import gather

    try:
        folder = None if no_sets else data_folder(data)
    except MissingDataError:
        if data is not None:
            raise
        folder = None
    text = build_report(gather(bundle, released, folder, generated))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    typer.echo(f"{out}: {len(text.encode()):,} bytes, {'with' if folder else 'without'} the labelled sets")
