"""The device that a bundle comes to, from wherever it comes: what is checked, in which order, how it is switched to, and who judges it.

The one place for a stick, the timer and a deploy alike.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge import __version__
from edge.config import Config
from edge.errors import BundleError, ConfigError
from edge.finding import Finding
from edge.recognize.bundle import MOST_BYTES, Bundle, read_bundle
from edge.service.confirmed import compare_confirmed
from edge.service.slot_state import Slot
from edge.service.slots import MOST_FAILURES, Firmware, firmware_of
from edge.service.trust import Statement, Trust, read_trust, trusted_bundle
from edge.service.versions import version_key
from firmware_tools.guards import check, need_space

# Beside the bundle itself: its signature, the file that says which slot is read with, twice, and the log.
_MORE_BYTES = 256 * 1024
# The daemon looks for a new bundle whenever it looks for a check and reads nothing; a check that comes meanwhile goes first.
_TAKEN_UP_S = 30.0
_LOOK_S = 0.1
Told = Callable[[str], object]
# Told after each block: the bytes that are here.
Fetched = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that somebody offers: its name, its signature, and what reads the given number of bytes of it."""

    name: str
    signature: bytes
    read: Callable[[int, Fetched], bytes]


@dataclass(frozen=True, slots=True)
class Device:
    """What an update has to know of the device that it comes to; ``now`` is the bundle that is read with."""

    config: Config
    firmware: Firmware
    trust: Trust
    now: Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What whoever asks allows, and whether to wait until the daemon has judged the bundle."""

    may_downgrade: bool = False
    may_repeat: bool = False
    is_dry: bool = False
    is_judged: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """How it ended: ``is_changed`` False where the device reads with this bundle already, or was not to be changed."""

    version: str
    sha256: str
    is_changed: bool
    findings: tuple[Finding, ...] = ()


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


def take(device: Device, offer: Offer, statement: Statement, wish: Wish, told: Told, fetched: Fetched) -> Taken:
    """Check and try what is offered, and switch to it.

    Args:
        statement: what the offer's signature says; a trusted key made it.
        told: hears what is being done; ``fetched``: the bytes that are here.

    Raises:
        EdgeError: a check refuses it, or the daemon has taken it back; the message names the check, the field, and what was expected.
    """
    version, sha256 = statement.version, statement.file_sha256
    if sha256 == device.now.sha256:
        if wish.is_judged:
            _wait_for_judgement(device, statement, told)
        return Taken(version, sha256, is_changed=False)
    data, bundle, findings = _checked(device, offer, statement, wish, told, fetched)
    if wish.is_dry:
        return Taken(version, sha256, is_changed=False, findings=findings)
    told("switch")
    slot = Slot(bundle.sha256, version, is_downgrade=version_key(version) < version_key(device.now.version))
    device.firmware.install(data, offer.signature, slot)
    if wish.is_judged:
        _wait_for_judgement(device, statement, told)
    return Taken(version, sha256, is_changed=True, findings=findings)


def _checked(
    device: Device, offer: Offer, statement: Statement, wish: Wish, told: Told, fetched: Fetched
) -> tuple[bytes, Bundle, tuple[Finding, ...]]:
    with check("version"):
        need_newer(statement, device.now.version, is_allowed=wish.may_downgrade)
        failure = device.firmware.slots().failures.get(statement.file_sha256)
        if failure is not None and failure.times >= MOST_FAILURES and not wish.may_repeat:
            raise BundleError(f"version {statement.version} was taken back before ({failure.why}); --again takes it all the same")
    with check("space"):
        if statement.file_bytes > MOST_BYTES:
            raise BundleError(f"the field file_bytes is {statement.file_bytes}, expected are at most {MOST_BYTES}")
        need_space(device.firmware.folder, statement.file_bytes + _MORE_BYTES)
    told("copy")
    with check("source"):
        data = offer.read(statement.file_bytes, fetched)
    told("verify")
    with check("signature"):
        bundle, _ = trusted_bundle(data, offer.signature, offer.name, device.trust, None)
    with check("reader"):
        needed = bundle.card.raw.get("needs_reader")
        if needed is not None and (not isinstance(needed, str) or version_key(needed) > version_key(__version__)):
            raise BundleError(f"the field needs_reader is {needed}, this reader is {__version__}; update the reader first")
    return data, bundle, _tried(device, bundle, wish, told)


def _tried(device: Device, bundle: Bundle, wish: Wish, told: Told) -> tuple[Finding, ...]:
    """Try a bundle; its golden set is left to the daemon where that judges it, since it has all that reads in memory already."""
    findings: list[Finding] = []
    if not wish.is_judged:
        from edge.trial import try_bundle

        told("golden set")
        reading = device.config.reading
        with check("golden set"):
            findings = try_bundle(bundle, device.now, reading.runtime, reading.threads, reading.budget)
    told("confirmed readings")
    with check("confirmed readings"):
        findings.append(compare_confirmed(bundle, device.now, device.config))
    for finding in findings:
        with check(finding.name):
            if not finding.is_passed:
                raise BundleError(finding.words)
    return tuple(findings)


def _wait_for_judgement(device: Device, statement: Statement, told: Told) -> None:
    told("health")
    firmware, sha256 = device.firmware, statement.file_sha256
    until, why = time.monotonic() + device.config.firmware.healthy_s + _TAKEN_UP_S, ""
    while (slots := firmware.slots()).slot is not None and slots.slot.sha256 == sha256:
        if slots.trial is None:
            return
        if time.monotonic() > until:
            is_begun = slots.trial.starts > 0
            why = "the daemon did not judge it in time" if is_begun else "no daemon has taken it up: sudo systemctl status checkreader"
            firmware.give_up(why)
        time.sleep(_LOOK_S)
    failure = slots.failures.get(sha256)
    said = why or (failure.why if failure else "it was taken back by hand")
    back = slots.slot.version if slots.slot is not None else read_bundle().version
    error = BundleError(f"taken back at the check health: version {statement.version}: {said}; version {back} is read with again")
    error.check = "health"
    raise error


def need_newer(statement: Statement, now: str, *, is_allowed: bool) -> None:
    """Refuse what is not newer than what there is, unless both sides allow it.

    Raises:
        BundleError: it is not newer.
    """
    if version_key(statement.version) > version_key(now) or (is_allowed and statement.allow_downgrade):
        return
    signed = "signed for going back" if statement.allow_downgrade else "not signed for going back (sign --allow-downgrade)"
    said = f"the field version is {statement.version}, expected is one after {now}; it is {signed}"
    raise BundleError(f"{said}, and --allow-downgrade was {'' if is_allowed else 'not '}given here")
