"""The `checkreader` command: options in, exit codes of sysexits.h out; the work is done elsewhere and imported on use."""

import os
import sys
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from edge import __version__
from edge.errors import EdgeError
from edge.quiet import quiet_libraries
from edge.service_commands import CameraName, ConfigFile, StoreFolder, add_commands, configured_by

_USAGE, _OUTPUT, _INTERRUPTED, _PIPE_CLOSED = 64, 74, 130, 141  # the last two as shells report SIGINT and SIGPIPE

DEVICE_CONFIG = Path("/etc/checkreader.toml")

app = typer.Typer(
    name="checkreader",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: importing Rich for it would double the time that --help takes
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


class StripKind(StrEnum):
    DIGITS = "digits"
    AMOUNT = "amount"
    DATE = "date"
    MICR = "micr"


class Runtime(StrEnum):
    AUTO = "auto"
    LITERT = "litert"
    TFLITE = "tflite"
    REFERENCE = "reference"


class Layout(StrEnum):
    AUTO = "auto"


_BUDGET_HELP = "Share of wrong readings among the accepted that you can bear; the card says 0.01."
_CURRENCY_HELP = "What the amounts are in: USD, INR, EUR ...; auto decides by what stands on the check, USD where nothing tells."
_TODAY_HELP = "The day from which dates are judged, as YYYY-MM-DD; the device's clock where it is not given."
_CAMERA_HELP = "Instead of PATH: webcam, picam or replay:DIR; ends when a check is accepted."

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
BundleFile = Annotated[Path | None, typer.Option("--bundle", metavar="FILE", help="Another bundle than the one that came with the reader.")]
RuntimeName = Annotated[Runtime, typer.Option("--runtime", help="Which interpreter runs the networks; auto prefers litert.")]
Threads = Annotated[int, typer.Option("--threads", min=1, max=64, help="Threads of the interpreter.")]


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"checkreader {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Read the amount, the date, the number and the MICR line of paper checks, each with a calibrated probability."""


@app.command()
def read(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="PATH", help="Pictures, or folders of pictures.")] = None,
    strip: Annotated[StripKind | None, typer.Option("--strip", help="Each picture is one field, already cut.")] = None,
    as_json: AsJson = False,
    annotate: Annotated[Path | None, typer.Option("--annotate", metavar="DIR", help="Draw what was found into this folder.")] = None,
    currency: Annotated[str, typer.Option("--currency", metavar="CODE", help=_CURRENCY_HELP)] = "auto",
    layout: Annotated[Layout, typer.Option("--layout", help="Where the fields lie: auto finds them.")] = Layout.AUTO,
    bundle: BundleFile = None,
    runtime: RuntimeName = Runtime.AUTO,
    threads: Threads = 1,
    budget: Annotated[float | None, typer.Option("--budget", metavar="SHARE", help=_BUDGET_HELP)] = None,
    camera: Annotated[str | None, typer.Option("--camera", metavar="NAME", help=_CAMERA_HELP)] = None,
    today: Annotated[datetime | None, typer.Option("--today", formats=["%Y-%m-%d"], metavar="DATE", help=_TODAY_HELP)] = None,
    burst: Annotated[bool, typer.Option("--burst", help="The pictures are frames of one check: read them together.")] = False,
) -> None:
    """Read checks, or strips cut from checks.

    A check that cannot be read is a result, not an error; a file that is not a picture is one, and the others are still read.
    """
    if bool(paths) == bool(camera):
        _refuse("give either pictures or folders, or --camera")
    if camera and strip:
        _refuse("--strip is for pictures; a camera sees whole checks")
    if burst and (camera or strip):
        _refuse("--burst is for pictures of a whole check")
    if budget is not None and not 0 < budget < 1:
        _refuse(f"--budget {budget} makes no sense: it is a share between 0 and 1, such as 0.01")

    def work() -> int:
        from edge.reading import Request, read_burst, read_camera, read_paths

        request = Request(
            strip=strip.value if strip else None, as_json=as_json, annotate=annotate, currency=currency,
            today=(today or datetime.now()).date(),
            bundle=bundle, runtime=runtime.value, threads=threads, budget=budget,
        )  # fmt: skip
        if camera:
            return read_camera(camera, request)
        return read_burst(paths or [], request) if burst else read_paths(paths or [], request)

    _finish(work)


@app.command()
def classify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="IDX, IDX.gz, .npy or .npz: uint8 (N, height, width).")],
    labels: Annotated[Path | None, typer.Option("--labels", metavar="FILE", help="The right answers: prints the accuracy.")] = None,
    as_json: AsJson = False,
    bundle: BundleFile = None,
    runtime: RuntimeName = Runtime.AUTO,
    threads: Threads = 1,
) -> None:
    """Say what isolated digits are.

    They may have any size, and stand dark on light or light on dark.
    """

    def work() -> int:
        from edge.reading import classify_file

        return classify_file(file, labels, as_json, bundle, runtime.value, threads)

    _finish(work)


@app.command()
def bench(
    as_json: AsJson = False,
    strips: Annotated[Path | None, typer.Option("--strips", metavar="DIR", help="Strips to time; otherwise made in memory.")] = None,
    bundle: BundleFile = None,
    runtime: RuntimeName = Runtime.AUTO,
    threads: Threads = 1,
) -> None:
    """Time each stage on this device.

    Microseconds, median and 95th percentile, on strips of digits; what the networks weigh; the most memory that was taken.
    """

    def work() -> int:
        from edge.bench import run_bench

        return run_bench(strips, as_json, bundle, runtime.value, threads)

    _finish(work)


@app.command()
def doctor(
    parity: Annotated[bool, typer.Option("--parity", help="Only run the bundle's golden set, and compare every code.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    camera: CameraName = None,
    store: StoreFolder = None,
    bundle: BundleFile = None,
    runtime: Annotated[Runtime | None, typer.Option("--runtime", help="Which interpreter runs the networks; auto prefers litert.")] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, max=64, help="Threads of the interpreter.")] = None,
) -> None:
    """Say what is wrong on this device, and how to mend it.

    Without --config, /etc/checkreader.toml is looked at where it is there. Exit: 1 where something has failed.
    """

    def work() -> int:
        from edge.config import changed_config

        said = {"reading.runtime": runtime and runtime.value, "reading.threads": threads}
        own = config or (DEVICE_CONFIG if not parity and DEVICE_CONFIG.exists() else None)
        configured = changed_config(
            configured_by(own, camera, store, bundle), {key: value for key, value in said.items() if value is not None}
        )
        if parity:
            from edge.doctor.parity import check_parity

            return check_parity(bundle, configured.reading.runtime, configured.reading.threads, as_json)
        from edge.doctor.examine import examine

        return examine(configured, as_json)

    _finish(work)


def _refuse(message: str) -> NoReturn:
    raise typer.BadParameter(message)


def _finish(work: Callable[[], int]) -> NoReturn:
    """Do the work of a command and leave with its exit code; nothing that goes wrong on purpose shows a traceback."""
    try:
        with quiet_libraries():
            code = work()
            sys.stdout.flush()
    except EdgeError as error:
        _complain(str(error))
        code = error.exit_code
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
        code = _PIPE_CLOSED
    except OSError as error:
        _complain(f"input or output failed: {error}")
        code = _OUTPUT
    raise typer.Exit(code)


def _complain(message: str) -> None:
    from edge.output import complain

    complain(message)


add_commands(app, _finish)


def main() -> NoReturn:
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except SystemExit as done:  # Typer leaves with 2 when the usage is wrong
        sys.exit(_USAGE if done.code == 2 else done.code)
    sys.exit(0)
