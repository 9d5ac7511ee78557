"""A new bundle for this device: fetched, checked, tried, and switched to; and the way back."""

import datetime
import fcntl
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge import __version__
from edge.config import Config, read_config
from edge.errors import BundleError, ConfigError, EdgeError, OutputError, UpdateError, UsageError
from edge.recognize.bundle import MOST_BYTES, Bundle, read_bundle
from edge.service.durable import make_folder
from edge.service.slots import MOST_FAILURES, Firmware, Slot, firmware_of
from edge.service.trust import SUFFIX, Statement, Trust, check_file, check_signature, read_trust, trusted_bundle
from edge.service.versions import version_key
from firmware_tools.package import MOST_PACKAGE_BYTES, install_package, installed_version, is_package
from firmware_tools.sources import Offer, find_offers

if TYPE_CHECKING:
    from edge.trial import Finding

ConfigFile = Annotated[Path, typer.Option("--config", metavar="FILE", help="The configuration of the device.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_CONFIG = Path("/etc/checkreader.toml")
_MOST_CONFIRMED = 100
# Beside the bundle itself: its signature, and the file that says which slot is read with, twice.
_MORE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Device:
    """What an update has to know of the device that it comes to; ``now`` is the bundle that is read with."""

    config: Config
    firmware: Firmware
    trust: Trust
    now: Bundle


def update(
    source: Annotated[str | None, typer.Argument(metavar="[FROM]", help="A bundle, a folder, usb, or an https address.")] = None,
    config: ConfigFile = _CONFIG,
    allow_downgrade: Annotated[
        bool, typer.Option("--allow-downgrade", help="Also take an older bundle, if it was signed as such.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also take a bundle that did not run before, or was taken back.")] = False,
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
    with _alone(device.firmware.folder):
        offer, statement = _best_offer(device.config, device.trust, source)
        if statement.file_sha256 == device.now.sha256:
            _tell(as_json, f"{offer.name}: version {statement.version} is what this device reads with already", {"is_changed": False})
            return
        data, bundle, findings = _checked(device, offer, statement, is_downgrade_allowed=allow_downgrade, is_again=again)
        if not dry_run:
            slot = Slot(bundle.sha256, bundle.version, is_downgrade=_is_older(bundle.version, device.now.version))
            device.firmware.install(data, offer.signature, slot)
    facts = {
        "is_changed": not dry_run, "from": device.now.version, "version": bundle.version, "sha256": bundle.sha256, "key": statement.key,
        "findings": {finding.name: finding.words for finding in findings},
    }  # fmt: skip
    said = [f"ok    {finding.name}: {finding.words}" for finding in findings]
    if dry_run:
        last = f"version {bundle.version} can be taken; nothing was changed"
    else:
        last = f"version {bundle.version} takes the place of {device.now.version}; the daemon judges it as soon as it reads with it"
    _tell(as_json, "\n".join([*said, last]), facts)


def rollback(config: ConfigFile = _CONFIG, as_json: AsJson = False) -> None:
    """Go back to the bundle before, or else to the one that came with the reader; the timer will not bring the present one again."""
    device = open_device(read_config(config))
    with _alone(device.firmware.folder):
        slots = device.firmware.roll_back()
    version = slots.slot.version if slots.slot is not None else read_bundle().version
    _tell(as_json, f"version {version} takes the place of {device.now.version}", {"from": device.now.version, "version": version})


def open_device(config: Config) -> Device:
    """Return the device that a configuration describes.

    Raises:
        ConfigError: it has no slots, or no trusted keys.
    """
    if config.reading.bundle:
        raise ConfigError(
            f"reading.bundle is {config.reading.bundle!r}, so that the slots are not read from; take it out to let updates in"
        )
    firmware = firmware_of(config)
    if firmware is None:
        raise ConfigError("firmware.folder is not set; name a folder for the two slots, such as /var/lib/checkreader/firmware")
    trust = read_trust(Path(config.firmware.trust).expanduser())
    try:
        return Device(config, firmware, trust, read_bundle(firmware.active_file()))
    except BundleError:  # what lies in the slot is damaged: the reader goes on with the one that came with it
        return Device(config, firmware, trust, read_bundle())


def _take_package(config: Config, source: str, *, is_downgrade_allowed: bool, is_dry: bool, as_json: bool) -> None:
    """Install a new version of the reader itself; the bundle in the slots stays, unless the new reader brings a newer one."""
    if not config.firmware.trust:
        raise ConfigError("firmware.trust is not set; name the folder of the keys whose packages may be installed")
    offer, statement = _best_offer(config, read_trust(Path(config.firmware.trust).expanduser()), source)
    now = installed_version() or __version__
    with _check("version"):
        _need_newer(statement, now, is_downgrade_allowed=is_downgrade_allowed)
    with _check("space"):
        if statement.file_bytes > MOST_PACKAGE_BYTES:
            raise BundleError(f"the field file_bytes is {statement.file_bytes}, expected are at most {MOST_PACKAGE_BYTES}")
        _need_space(Path(tempfile.gettempdir()), statement.file_bytes)
    with _check("source"), _progress(f"fetching {offer.name}", statement.file_bytes) as told:
        data = offer.read(statement.file_bytes, told)
    with _check("signature"):
        check_file(statement, data, offer.name)
        if not is_package(data):
            raise BundleError(f"{offer.name} is no Debian package, expected is one by its name")
    if not is_dry:
        with _check("package"):
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
    with _check("source"):
        offers = find_offers(source, Path(authority).expanduser() if authority else None)
    today = datetime.datetime.now(datetime.UTC).date()
    trusted, refusals = [], []
    for offer in offers:
        try:
            with _check("signature"):
                trusted.append((offer, check_signature(offer.signature, offer.name + SUFFIX, trust, today)))
        except EdgeError as error:
            refusals.append(error)
    if not trusted:
        raise refusals[0]
    return max(trusted, key=lambda pair: version_key(pair[1].version))


def _checked(
    device: Device, offer: Offer, statement: Statement, *, is_downgrade_allowed: bool, is_again: bool
) -> tuple[bytes, Bundle, list["Finding"]]:
    """Return the bundle with all that was found of it.

    Raises:
        EdgeError: a check refuses it; the message names the check, the field, and what was expected.
    """
    now = device.now.version
    with _check("version"):
        _need_newer(statement, now, is_downgrade_allowed=is_downgrade_allowed)
        n_failures = device.firmware.slots().failures.get(statement.file_sha256, 0)
        if n_failures >= MOST_FAILURES and not is_again:
            raise BundleError(f"version {statement.version} was taken back before; --again takes it all the same")
    with _check("space"):
        if statement.file_bytes > MOST_BYTES:
            raise BundleError(f"the field file_bytes is {statement.file_bytes}, expected are at most {MOST_BYTES}")
        _need_space(device.firmware.folder, statement.file_bytes + _MORE_BYTES)
    with _check("source"), _progress(f"fetching {offer.name}", statement.file_bytes) as told:
        data = offer.read(statement.file_bytes, told)
    with _check("signature"):
        bundle, _ = trusted_bundle(data, offer.signature, offer.name, device.trust, None)
    with _check("reader"):
        needed = bundle.card.raw.get("needs_reader")
        if needed is not None and (not isinstance(needed, str) or _is_newer(needed, __version__)):
            raise BundleError(f"the field needs_reader is {needed}, this reader is {__version__}; update the reader first")
    return data, bundle, _tried(device, bundle)


def _tried(device: Device, bundle: Bundle) -> list["Finding"]:
    from edge.trial import Finding, try_bundle

    reading = device.config.reading
    with _check("golden set"):
        findings = try_bundle(bundle, device.now, reading.runtime, reading.threads, reading.budget)
    with _check("confirmed readings"):
        from edge.pipeline import Reader
        from edge.service.confirmed import confirmed_strips, score

        strips = confirmed_strips(device.config, _MOST_CONFIRMED)
        before, after = (score(Reader(b, reading.runtime, reading.threads, reading.budget), strips) for b in (device.now, bundle))
        is_worse = after.n_right < before.n_right or after.n_wrong_accepted > before.n_wrong_accepted
        right = f"{after.n_right} of {after.n} read right, {before.n_right} expected"
        wrong = f"{after.n_wrong_accepted} accepted wrongly, at most {before.n_wrong_accepted} expected"
        findings.append(Finding("confirmed readings", not is_worse, f"{right}; {wrong}" if strips else "the site has none"))
    for finding in findings:
        if not finding.is_passed:
            raise BundleError(f"version {bundle.version} is refused at the check {finding.name}: {finding.words}")
    return findings


def _need_newer(statement: Statement, now: str, *, is_downgrade_allowed: bool) -> None:
    if _is_newer(statement.version, now) or (is_downgrade_allowed and statement.allow_downgrade):
        return
    signed = "signed for going back" if statement.allow_downgrade else "not signed for going back (sign --allow-downgrade)"
    said = f"the field version is {statement.version}, expected is one after {now}; it is {signed}"
    raise BundleError(f"{said}, and --allow-downgrade was {'' if is_downgrade_allowed else 'not '}given here")


def _need_space(folder: Path, n_bytes: int) -> None:
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    found = os.statvfs(there)
    if found.f_flag & os.ST_RDONLY:
        raise OutputError(f"{there} is on a disk that is mounted read-only, expected is one that can be written to; mount it so")
    if found.f_bavail * found.f_frsize < n_bytes:
        raise OutputError(f"{there} has {found.f_bavail * found.f_frsize} bytes left, expected are at least {n_bytes}; make room")
    if not os.access(there, os.W_OK):
        raise OutputError(f"{there} belongs to another user; run the update as the user of the daemon")


def _is_newer(version: str, other: str) -> bool:
    return version_key(version) > version_key(other)


def _is_older(version: str, other: str) -> bool:
    return version_key(version) < version_key(other)


@contextmanager
def _check(name: str) -> Iterator[None]:
    """Say in an error which check it was."""
    try:
        yield
    except EdgeError as error:
        raise type(error)(f"update refused at the check {name}: {error}") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second update out while the first one is not done, and root out of what the daemon has to write to."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    owner = there.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        raise UsageError(f"{there} belongs to user {owner}, who could not write to what root makes there; run this as that user (sudo -u)")
    try:
        make_folder(folder)
        handle = os.open(folder / "update.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OutputError(
            f"update refused at the check space: {folder} cannot be written to ({error.strerror}); see to that first"
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise UpdateError(f"another update is going on in {folder}; wait until it is done") from None
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def _progress(words: str, n_bytes: int) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(words, total=n_bytes)
        yield lambda done: progress.update(task, completed=done)


def _tell(as_json: bool, words: str, facts: dict[str, Any]) -> None:
    typer.echo(json.dumps(facts) if as_json else words)
