"""The commands of the daemon: watch, serve, store and calibrate; each imports its work on use."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from edge.config import Config

_CAMERA_HELP = "picam, webcam, webcam:NUMBER, or replay:PATH (a folder, a video or a script)."
ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The configuration, TOML.")]
StoreFolder = Annotated[Path | None, typer.Option("--store", metavar="DIR", help="Where the records lie.")]
CameraName = Annotated[str | None, typer.Option("--camera", metavar="NAME", help=_CAMERA_HELP)]
BundleName = Annotated[Path | None, typer.Option("--bundle", metavar="FILE", help="Another bundle than the one that came with the reader.")]
Finish = Callable[[Callable[[], int]], NoReturn]


def add_commands(app: typer.Typer, finish: Finish) -> None:
    """Add the daemon's commands; ``finish`` does the work of a command and leaves with its exit code."""
    store_app = typer.Typer(name="store", no_args_is_help=True, help="Look after the records of the daemon.", rich_markup_mode=None)
    app.add_typer(store_app)

    @app.command()
    def watch(
        config: ConfigFile = None,
        camera: CameraName = None,
        store: StoreFolder = None,
        bundle: BundleName = None,
        records: Annotated[int | None, typer.Option("--records", min=1, help="End after so many checks.")] = None,
    ) -> None:
        """Show live in the terminal what happens under the camera.

        Nothing is kept unless --store says where.
        """

        def work() -> int:
            from edge.service.watch import watch as show

            return show(configured_by(config, camera, store, bundle), store is not None, records)

        finish(work)

    @app.command()
    def serve(
        config: ConfigFile = None,
        camera: CameraName = None,
        store: StoreFolder = None,
        bundle: BundleName = None,
        host: Annotated[str | None, typer.Option("--host", help="Where to listen; beyond localhost with a token and TLS.")] = None,
        port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="8642 unless told otherwise.")] = None,
    ) -> None:
        """Run the daemon with its page, at http://localhost:8642."""

        def work() -> int:
            from edge.service.serve import serve as run

            return run(configured_by(config, camera, store, bundle, host, port))

        finish(work)

    @app.command()
    def calibrate(
        config: ConfigFile = None,
        store: StoreFolder = None,
        bundle: BundleName = None,
        restore: Annotated[bool, typer.Option("--restore", help="Go back to what was before the last calibration.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    ) -> None:
        """Fit the confidence of amounts to this site, from readings that people have confirmed or corrected.

        The daemon must not run meanwhile; while it does, its page under Accuracy offers the same.
        """

        def work() -> int:
            from edge.service.calibrate_command import calibrate_store

            return calibrate_store(configured_by(config, None, store, bundle), is_restored=restore, is_tried=dry_run)

        finish(work)

    @store_app.command()
    def backup(
        to: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that does not exist yet.")],
        config: ConfigFile = None,
        store: StoreFolder = None,
    ) -> None:
        """Copy all records and pictures, also while the daemon runs."""

        def work() -> int:
            from edge.service.backup import back_up

            return back_up(configured_by(config, None, store, None), to)

        finish(work)

    @store_app.command("export-training")
    def export_training(
        to: Annotated[Path, typer.Argument(metavar="DIR", help="Strips and labels go here.")],
        config: ConfigFile = None,
        store: StoreFolder = None,
    ) -> None:
        """Write the fields that people confirmed or corrected as labelled strips, as checkreader-train reads them.

        The daemon must not run meanwhile.
        """

        def work() -> int:
            from edge.service.export_training import export_strips

            return export_strips(configured_by(config, None, store, None), to)

        finish(work)

    @store_app.command()
    def check(config: ConfigFile = None, store: StoreFolder = None) -> None:
        """Look whether every record and every picture can be read back.

        The daemon must not run meanwhile.
        """

        def work() -> int:
            from edge.service.backup import check_store

            return check_store(configured_by(config, None, store, None))

        finish(work)


def configured_by(
    config: Path | None, camera: str | None, store: Path | None, bundle: Path | None, host: str | None = None, port: int | None = None
) -> "Config":
    """Return the configuration of a file with what the options say in its place."""
    from edge.config import changed_config, read_config

    said = {
        "camera.source": camera, "store.folder": store and str(store), "reading.bundle": bundle and str(bundle),
        "web.host": host, "web.port": port,
    }  # fmt: skip
    return changed_config(read_config(config), {key: value for key, value in said.items() if value is not None})
