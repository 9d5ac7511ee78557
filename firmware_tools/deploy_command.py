"""`checkreader-firmware deploy`."""

import os
import uuid
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from edge.errors import BundleError, UsageError

_CONFIG_HELP = "The device's configuration; reading.bundle in it is the file that is replaced."
_RESTART_HELP = "What starts the daemon anew on the device."
_LOG_HELP = "Where the outcomes are kept on this machine, one JSON line a host."
_DEVICE_LOG_HELP = "Where the device keeps them, beside its journal."


def default_log() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "checkreader" / "deploy.log"


def add_deploy(app: typer.Typer) -> None:
    """Add the command to the others."""

    @app.command()
    def deploy(
        hosts: Annotated[list[str], typer.Argument(metavar="HOST...", help="As ssh takes them: name, user@name, ssh://user@name:port.")],
        bundle: Annotated[Path | None, typer.Option("--bundle", metavar="FILE", help="Without it, the one that came along.")] = None,
        canary: Annotated[int, typer.Option("--canary", min=0, help="So many hosts go first; the others only if those are well.")] = 0,
        at_once: Annotated[int, typer.Option("--at-once", min=1, max=256, help="Hosts at the same time.")] = 32,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a host, as soon as it has ended.")] = False,
        config: Annotated[str, typer.Option("--config", metavar="PATH", help=_CONFIG_HELP)] = "/etc/checkreader.toml",
        restart: Annotated[str, typer.Option("--restart", metavar="COMMAND", help=_RESTART_HELP)] = "systemctl restart checkreader",
        settle_s: Annotated[float, typer.Option("--settle", min=0, max=3600, help="Seconds on end that the daemon has to be well.")] = 10.0,
        patience_s: Annotated[float, typer.Option("--patience", min=1, max=3600, help="Seconds until it has to be well.")] = 60.0,
        tries: Annotated[int, typer.Option("--tries", min=1, max=100, help="Connections to a host that breaks off or is not there.")] = 4,
        sudo: Annotated[bool, typer.Option("--sudo/--no-sudo", help="Become root on the device where the login is not.")] = True,
        accept_new: Annotated[bool, typer.Option("--accept-new", help="Believe the key of a host that was never seen.")] = False,
        ssh_config: Annotated[Path | None, typer.Option("--ssh-config", metavar="FILE", help="Instead of ~/.ssh/config.")] = None,
        log: Annotated[Path | None, typer.Option("--log", metavar="FILE", help=_LOG_HELP)] = None,
        device_log: Annotated[str, typer.Option("--device-log", metavar="PATH", help=_DEVICE_LOG_HELP)] = "/var/log/checkreader-deploy.log",
    ) -> None:
        """Bring a bundle to devices: copy, verify there, switch, look at the daemon's health, and go back where it is not well.

        A second run changes nothing on a device that has the bundle, and goes on where a copy broke off. Exit codes: 0 all hosts have it
        and are well; 75 some, 69 none; 65 the bundle itself is refused here.
        """
        from edge.output import write_line
        from edge.recognize.bundle import parse_bundle
        from firmware_tools.deploy import Order, Result
        from firmware_tools.fleet import FleetTable, append_log, deploy_fleet, exit_code, unique

        for host in hosts:
            if host.startswith("-") or any(letter.isspace() for letter in host):
                raise UsageError(f"{host!r} is no host; give what ssh takes, such as pi@counter-1")
        data = _content(bundle)
        checked = parse_bundle(data, str(bundle or "the bundle that came along"))
        order = Order(
            data=data, version=checked.version, sha256=checked.sha256, run=uuid.uuid4().hex, signature=_signature(bundle),
            config=config, restart=restart, log=device_log,
            settle_s=settle_s, patience_s=patience_s, tries=tries, is_root_needed=sudo, takes_new_keys=accept_new, ssh_config=ssh_config,
        )  # fmt: skip
        named = unique(hosts)
        table = FleetTable(named, len(order.data))

        def ended(result: Result) -> None:
            table.results[result.host] = result
            append_log(log or default_log(), order, result)
            if as_json:
                write_line(result.facts())

        if as_json:
            results = deploy_fleet(named, order, canary, at_once, table.progress, ended)
        else:
            with table.live():
                results = deploy_fleet(named, order, canary, at_once, table.progress, ended)
            table.print()
        raise typer.Exit(exit_code(results))


def _content(path: Path | None) -> bytes:
    try:
        return (path or Path(str(resources.files("edge").joinpath("bundles", "checkreader.bundle")))).read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read the bundle {path} ({error.strerror}); name an existing file with --bundle") from None


def _signature(path: Path | None) -> str:
    """Return what `checkreader-firmware sign` has written beside the bundle, for the device to judge; nothing where it is not signed."""
    beside = path and path.with_name(path.name + ".sig")
    return beside.read_text("utf-8") if beside and beside.is_file() else ""
