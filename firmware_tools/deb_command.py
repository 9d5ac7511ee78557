"""`checkreader-firmware deb`."""

from pathlib import Path
from typing import Annotated

import typer

_WHEELS_HELP = "Where the downloaded packages are kept; build/wheels/ in the checkout otherwise."


def add_deb(app: typer.Typer) -> None:
    """Add the command to the others."""

    @app.command()
    def deb(
        suite: Annotated[str, typer.Option("--suite", metavar="NAME", help="Of Raspberry Pi OS: bookworm or trixie.")] = "trixie",
        arch: Annotated[str, typer.Option("--arch", metavar="NAME", help="arm64 for a Pi, amd64 for a PC.")] = "arm64",
        out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The package goes here.")] = Path("dist"),
        revision: Annotated[str, typer.Option("--revision", metavar="N", help="Higher than an earlier package of this version.")] = "1",
        checkout: Annotated[Path, typer.Option("--checkout", metavar="DIR", help="This project's files.")] = Path(),
        wheels: Annotated[Path | None, typer.Option("--wheels", metavar="DIR", help=_WHEELS_HELP)] = None,
    ) -> None:
        """Make a Debian package for Raspberry Pi OS, without a Pi.

        Everything that the reader needs is inside, by its hash in requirements/serve.txt; nothing is fetched where it is installed.
        """
        from firmware_tools.debian import build_deb

        made = build_deb(checkout.resolve(), suite, arch, out, revision, wheels)
        typer.echo(f"{made} ({made.stat().st_size / 1e6:.0f} MB); on the device: sudo apt install ./{made.name}")
