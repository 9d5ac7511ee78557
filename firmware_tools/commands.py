"""The commands of `checkreader-firmware` that people call: bundles on their way from the desktop to the device."""

from typing import Annotated

import typer

from edge import __version__
from firmware_tools.compare_command import add_compare
from firmware_tools.deb_command import add_deb
from firmware_tools.deploy_command import add_deploy
from firmware_tools.keys import keygen
from firmware_tools.pack import pack
from firmware_tools.provision_command import add_provision
from firmware_tools.retrain_command import add_retrain
from firmware_tools.sign import sign
from firmware_tools.update import rollback, update
from firmware_tools.verify import verify

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

add_compare(app)
add_deb(app)
add_deploy(app)
add_provision(app)
add_retrain(app)
