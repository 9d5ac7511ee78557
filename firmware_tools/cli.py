"""The `checkreader-firmware` command: bundles on their way from the desktop to the device."""

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from edge import __version__
from edge.errors import EdgeError
from firmware_tools.deb_command import add_deb
from firmware_tools.deploy_command import add_deploy
from firmware_tools.provision_command import add_provision

_USAGE, _OUTPUT, _INTERRUPTED = 64, 74, 130

app = typer.Typer(
    name="checkreader-firmware",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"checkreader-firmware {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Look after the model bundles that devices run."""


@app.command()
def verify(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A bundle; without it, the one that came along.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check every byte of a bundle against its card, and say what is in it; 65 when anything differs."""
    from edge.recognize.bundle import read_bundle

    bundle = read_bundle(file)
    n_bytes = {name: len(model) for name, model in sorted(bundle.models.items())}
    if as_json:
        facts = {"version": bundle.version, "sha256": bundle.sha256, "models_bytes": n_bytes, "golden": sorted(bundle.golden)}
        typer.echo(json.dumps(facts))
        return
    typer.echo(f"{file or 'the bundle that came with the reader'}: every byte is what its card says")
    typer.echo(f"version {bundle.version}, sha256 {bundle.sha256}")
    for name, size in n_bytes.items():
        typer.echo(f"{size:10,} bytes  {name}")
    typer.echo(f"{sum(n_bytes.values()):10,} bytes  all models; {len(bundle.golden)} files of the golden set")


add_deb(app)
add_deploy(app)
add_provision(app)


def main() -> NoReturn:
    try:
        app()
    except EdgeError as error:
        print(f"checkreader-firmware: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"checkreader-firmware: input or output failed: {error}", file=sys.stderr)
        sys.exit(_OUTPUT)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except SystemExit as done:  # Typer leaves with 2 when the usage is wrong
        sys.exit(_USAGE if done.code == 2 else done.code)
    sys.exit(0)
