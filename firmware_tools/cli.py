"""The `checkreader-firmware` command: bundles on their way from the desktop to the device."""

import sys
from typing import Annotated, NoReturn

import typer

from edge import __version__
from edge.errors import EdgeError
from edge.quiet import quiet_libraries
from firmware_tools.compare_command import add_compare
from firmware_tools.deb_command import add_deb
from firmware_tools.deploy_command import add_deploy
from firmware_tools.keys import keygen
from firmware_tools.pack import pack
from firmware_tools.provision_command import add_provision
from firmware_tools.receive import receive
from firmware_tools.retrain_command import add_retrain
from firmware_tools.sign import sign
from firmware_tools.update import rollback, update
from firmware_tools.verify import verify

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


app.command()(pack)
app.command()(keygen)
app.command()(sign)
app.command()(verify)
app.command()(update)
app.command()(rollback)
app.command(hidden=True)(receive)


add_compare(app)
add_deb(app)
add_deploy(app)
add_provision(app)
add_retrain(app)


def main() -> NoReturn:
    try:
        with quiet_libraries():
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
