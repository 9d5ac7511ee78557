"""A new bundle or package for this device, fetched from where it is offered; and the way back."""

import datetime
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from edge import __version__
from edge.config import Config, read_config
from edge.errors import BundleError, ConfigError, EdgeError, UsageError
from edge.recognize.bundle import read_bundle
from edge.service.trust import SUFFIX, Statement, Trust, check_file, check_signature, read_trust
from edge.service.versions import version_key
from firmware_tools.device import Device, Offer, Taken, Wish, need_newer, open_device, take
from firmware_tools.guards import alone, check, need_space, noted
from firmware_tools.package import MOST_PACKAGE_BYTES, install_package, installed_version, is_package
from firmware_tools.sources import find_offers

ConfigFile = Annotated[Path, typer.Option("--config", metavar="FILE", help="The configuration of the device.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_CONFIG = Path("/etc/checkreader.toml")


def update(
    source: Annotated[str | None, typer.Argument(metavar="[FROM]", help="A bundle, a folder, usb, or an https address.")] = None,
    config: ConfigFile = _CONFIG,
    allow_downgrade: Annotated[
        bool, typer.Option("--allow-downgrade", help="Also take an older bundle, if it was signed as such.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also take a bundle that did not run before, or was taken back.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until the daemon has judged the bundle; 65 where it was taken back.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and try the bundle, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take up a new bundle, if a trusted key signed it and it reads well on this device.

    The daemon reads with it from the next check on; if it does not run well with it, it goes back by itself. Without FROM the place is
    firmware.source of the configuration.
    """
    configured = read_config(config)
    source = source or configured.firmware.source
    if not source:
        raise UsageError("say where the update comes from: a file, a folder, usb or an https address, or set firmware.source")
    if source.endswith(".deb"):
        _take_package(configured, source, is_downgrade_allowed=allow_downgrade, is_dry=dry_run, as_json=as_json)
        return
    device = open_device(configured)
    wish = Wish(may_downgrade=allow_downgrade, may_repeat=again, is_dry=dry_run, is_judged=wait and not dry_run)
    with noted(device.firmware.folder) as note, alone(device.firmware.folder):
        offer, statement = _best_offer(device.config, device.trust, source)
        with _progress(f"fetching {offer.name}", statement.file_bytes) as fetched:
            taken = take(device, offer, statement, wish, lambda step: None, fetched)
        said = _said(taken, offer.name, device.now.version, wish)
        if taken.is_changed:
            note(said)
    findings = [f"ok    {finding.name}: {finding.words}" for finding in taken.findings]
    _tell(as_json, "\n".join([*findings, said]), _facts(taken, device, statement))


def rollback(config: ConfigFile = _CONFIG, as_json: AsJson = False) -> None:
    """Go back to the bundle before, or else to the one that came with the reader; the timer will not bring the present one again."""
    device = open_device(read_config(config))
    with noted(device.firmware.folder) as note, alone(device.firmware.folder):
        slots = device.firmware.roll_back()
        version = slots.slot.version if slots.slot is not None else read_bundle().version
        note(said := f"version {version} takes the place of {device.now.version}")
    _tell(as_json, said, {"from": device.now.version, "version": version})


def _said(taken: Taken, name: str, before: str, wish: Wish) -> str:
    if taken.is_changed:
        judged = "the daemon runs well with it" if wish.is_judged else "the daemon judges it as soon as it reads with it"
        return f"version {taken.version} takes the place of {before}; {judged}"
    if taken.findings:
        return f"version {taken.version} can be taken; nothing was changed"
    return f"{name}: version {taken.version} is what this device reads with already"


def _facts(taken: Taken, device: Device, statement: Statement) -> dict[str, Any]:
    """Return what a program wants to know of it."""
    return {
        "is_changed": taken.is_changed, "from": device.now.version, "version": taken.version, "sha256": taken.sha256, "key": statement.key,
        "findings": {finding.name: finding.words for finding in taken.findings},
    }  # fmt: skip


def _take_package(config: Config, source: str, *, is_downgrade_allowed: bool, is_dry: bool, as_json: bool) -> None:
    """Install a new version of the reader itself; the bundle in the slots stays, unless the new reader brings a newer one."""
    if not config.firmware.trust:
        raise ConfigError("firmware.trust is not set; name the folder of the keys whose packages may be installed")
    offer, statement = _best_offer(config, read_trust(Path(config.firmware.trust).expanduser()), source)
    now = installed_version() or __version__
    with check("version"):
        need_newer(statement, now, is_allowed=is_downgrade_allowed)
    with check("space"):
        if statement.file_bytes > MOST_PACKAGE_BYTES:
            raise BundleError(f"the field file_bytes is {statement.file_bytes}, expected are at most {MOST_PACKAGE_BYTES}")
        need_space(Path(tempfile.gettempdir()), statement.file_bytes)
    with check("source"), _progress(f"fetching {offer.name}", statement.file_bytes) as told:
        data = offer.read(statement.file_bytes, told)
    with check("signature"):
        check_file(statement, data, offer.name)
        if not is_package(data):
            raise BundleError(f"{offer.name} is no Debian package, expected is one by its name")
    if not is_dry:
        with check("package"):
            install_package(data, statement.version)
    done = "can be installed; nothing was changed" if is_dry else f"takes the place of {now}"
    _tell(
        as_json, f"the package of version {statement.version} {done}", {"is_changed": not is_dry, "from": now, "version": statement.version}
    )


def _best_offer(config: Config, trust: Trust, source: str) -> tuple[Offer, Statement]:
    """Return the newest bundle of those that a trusted key signed; the first refusal where there is none.

    Raises:
        EdgeError: nothing can be fetched, or nothing is trusted.
    """
    authority = config.firmware.authority
    with check("source"):
        offers = find_offers(source, Path(authority).expanduser() if authority else None)
    today = datetime.datetime.now(datetime.UTC).date()
    trusted, refusals = [], []
    for offer in offers:
        try:
            with check("signature"):
                trusted.append((offer, check_signature(offer.signature, offer.name + SUFFIX, trust, today)))
        except EdgeError as error:
            refusals.append(error)
    if not trusted:
        raise refusals[0]
    return max(trusted, key=lambda pair: version_key(pair[1].version))


@contextmanager
def _progress(words: str, n_bytes: int) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(words, total=n_bytes)
        yield lambda done: progress.update(task, completed=done)


def _tell(as_json: bool, words: str, facts: dict[str, Any]) -> None:
    typer.echo(json.dumps(facts) if as_json else words)
