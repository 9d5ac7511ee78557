"""`checkreader-firmware deploy`."""

import os
import uuid
from pathlib import Path
from typing import Annotated

import typer

from edge.errors import BundleError, UsageError
from edge.service.trust import SUFFIX, check_file, read_statement

_CONFIG_HELP = "The device's configuration, as the daemon reads it."
_USER_HELP = "Who runs the daemon on the device; the login becomes this user by sudo."
_LOG_HELP = "Where the outcomes are kept on this machine, one JSON line a host."
_DOWNGRADE_HELP = "Also bring an older bundle, if it was signed as such."


def default_log() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "checkreader" / "deploy.log"


def add_deploy(app: typer.Typer) -> None:
    """Add the command to the others."""

    @app.command()
    def deploy(
        hosts: Annotated[list[str], typer.Argument(metavar="HOST...", help="As ssh takes them: name, user@name, ssh://user@name:port.")],
        bundle: Annotated[Path, typer.Option("--bundle", metavar="FILE", help="What to bring; FILE.sig lies beside it.")],
        canary: Annotated[int, typer.Option("--canary", min=0, help="So many hosts go first; the others only if those are well.")] = 0,
        at_once: Annotated[int, typer.Option("--at-once", min=1, max=256, help="Hosts at the same time.")] = 32,
        allow_downgrade: Annotated[bool, typer.Option("--allow-downgrade", help=_DOWNGRADE_HELP)] = False,
        again: Annotated[bool, typer.Option("--again", help="Also bring a bundle that a device has taken back.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a host, as soon as it has ended.")] = False,
        config: Annotated[str, typer.Option("--config", metavar="PATH", help=_CONFIG_HELP)] = "/etc/checkreader.toml",
        user: Annotated[str, typer.Option("--user", metavar="NAME", help=_USER_HELP)] = "checkreader",
        tries: Annotated[int, typer.Option("--tries", min=1, max=100, help="Connections to a host that breaks off or is not there.")] = 4,
        accept_new: Annotated[bool, typer.Option("--accept-new", help="Believe the key of a host that was never seen.")] = False,
        ssh_config: Annotated[Path | None, typer.Option("--ssh-config", metavar="FILE", help="Instead of ~/.ssh/config.")] = None,
        log: Annotated[Path | None, typer.Option("--log", metavar="FILE", help=_LOG_HELP)] = None,
    ) -> None:
        """Bring a signed bundle to devices, each of which does with it what `update` does, and wait until its daemon has judged it.

        A second run changes nothing on a device that has the bundle, and goes on where a copy broke off. Exit codes: 0 all hosts have it
        and are well; 75 some, 69 none; 65 the bundle itself is refused here.
        """
        from edge.output import write_line
        from edge.recognize.bundle import parse_bundle
        from firmware_tools.deploy import Order, Progress, Result
        from firmware_tools.fleet import FleetTable, append_log, deploy_fleet, exit_code, unique

        for host in hosts:
            if host.startswith("-") or any(letter.isspace() for letter in host):
                raise UsageError(f"{host!r} is no host; give what ssh takes, such as pi@counter-1")
        data, signature = _content(bundle), _content(bundle.with_name(bundle.name + SUFFIX))
        checked = parse_bundle(data, str(bundle))
        statement, _ = read_statement(signature, bundle.name + SUFFIX)
        check_file(statement, data, str(bundle))
        order = Order(
            data=data, name=bundle.name, version=checked.version, sha256=checked.sha256, signature=signature.decode(), run=uuid.uuid4().hex,
            may_downgrade=allow_downgrade, may_repeat=again, config=config, user=user, tries=tries, takes_new_keys=accept_new,
            ssh_config=ssh_config,
        )  # fmt: skip
        named = unique(hosts)
        progress = {host: Progress() for host in named}
        ends: dict[str, Result] = {}

        def ended(result: Result) -> None:
            ends[result.host] = result
            append_log(log or default_log(), order, result)
            if as_json:
                write_line(result.facts())

        if as_json:
            results = deploy_fleet(named, order, canary, at_once, progress, ended)
        else:
            table = FleetTable(progress, ends, len(order.data))
            with table.live():
                results = deploy_fleet(named, order, canary, at_once, progress, ended)
            table.print()
        raise typer.Exit(exit_code(results))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        what = "sign the bundle with checkreader-firmware sign" if path.suffix == SUFFIX else "name an existing file with --bundle"
        raise BundleError(f"{path} cannot be read ({error.strerror}); {what}") from None
