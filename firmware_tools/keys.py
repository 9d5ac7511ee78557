"""Private keys: made, kept from others, and opened to sign."""

import datetime
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.errors import ConfigError, MissingDependencyError, OutputError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", metavar="FILE", help="The passphrase is the first line of this file.")
]
_LEAST_PASSPHRASE = 8


def keygen(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="NAME.key, which stays here, and NAME.pub, which devices get.")],
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase that the key is sealed with.")] = False,
    passphrase_file: PassphraseFile = None,
    days: Annotated[int | None, typer.Option("--days", min=1, max=36_500, help="How long the key may sign; for ever unless given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a key to sign bundles and packages with.

    NAME.key is for whoever signs, and for nobody else. NAME.pub goes into the folder of trusted keys of each device.
    """
    secret = _new_passphrase(passphrase_file, is_asked=passphrase)
    key_file, public_file = name.with_name(name.name + ".key"), name.with_name(name.name + ".pub")
    for file in (key_file, public_file):
        if file.exists():
            raise UsageError(f"{file} is there already, and a key that is overwritten can sign nothing more; choose another name")
    today = datetime.datetime.now(datetime.UTC).date()
    last = None if days is None else (today + datetime.timedelta(days=days)).isoformat()
    key_id = make_key(key_file, public_file, secret, name.name, today.isoformat(), last)
    if as_json:
        facts = {"id": key_id, "key": str(key_file), "public": str(public_file), "not_after": last, "has_passphrase": secret is not None}
        typer.echo(json.dumps(facts))
        return
    typer.echo(f"key {key_id}, valid {'for ever' if last is None else 'until ' + last}")
    typer.echo(f"{key_file}: keep it to yourself{'' if secret else '; it has no passphrase'}")
    typer.echo(f"{public_file}: put it into the folder of trusted keys (firmware.trust) of each device")


def make_key(key_file: Path, public_file: Path, secret: bytes | None, name: str, not_before: str, not_after: str | None) -> str:
    """Write a new private key, which its owner alone may read, and its public one; return the key's id.

    Raises:
        MissingDependencyError: the package cryptography is not installed.
        OutputError: the disk says no, or a file is there already.
    """
    _need_cryptography()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from edge.service.trust import PublicKey, key_id, to_json

    private = Ed25519PrivateKey.generate()
    sealing = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealing)
    raw = private.public_key().public_bytes_raw()
    public = PublicKey(id=key_id(raw), name=name, public=raw.hex(), not_before=not_before, not_after=not_after)
    try:
        for file, content, mode in ((key_file, pem, 0o600), (public_file, to_json(public), 0o644)):
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
    except OSError as error:
        raise OutputError(f"the key {file} cannot be written ({error.strerror}); name another place") from None
    return public.id


def read_key(file: Path, passphrase_file: Path | None) -> "Ed25519PrivateKey":
    """Return the private key of a file; on a terminal, ask for a passphrase that is needed and not given.

    Raises:
        ConfigError: others may read the file, it is no Ed25519 key, or the passphrase is missing or wrong.
    """
    _need_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"others may read the private key {file}, its mode is {file.stat().st_mode & 0o777:o}; chmod 600 {file}")
        pem = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"the private key {file} cannot be read ({error.strerror}); name another with --key") from None
    is_sealed = b"ENCRYPTED" in pem.partition(b"\n")[0]
    secret = _first_line(passphrase_file) if passphrase_file else None
    if is_sealed and secret is None:
        if not os.isatty(0):
            raise ConfigError(f"the private key {file} has a passphrase; give the file that it stands in with --passphrase-file")
        secret = str(typer.prompt("Passphrase", hide_input=True)).encode()
    try:
        key = load_pem_private_key(pem, secret if is_sealed else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        reason = "the passphrase is wrong" if is_sealed else "it is no private key in PEM form"
        raise ConfigError(f"the private key {file} does not open: {reason}; give the right one") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"the private key {file} is no Ed25519 key; make one with checkreader-firmware keygen")
    return key


def _new_passphrase(file: Path | None, is_asked: bool) -> bytes | None:
    if file is not None:
        secret = _first_line(file)
    elif is_asked:
        secret = str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True)).encode()
    else:
        return None
    if len(secret) < _LEAST_PASSPHRASE:
        raise UsageError(f"the passphrase has {len(secret)} bytes, at least {_LEAST_PASSPHRASE} are wanted; take a longer one")
    return secret


def _first_line(file: Path) -> bytes:
    try:
        return file.read_bytes().partition(b"\n")[0].rstrip(b"\r")
    except OSError as error:
        raise ConfigError(f"the passphrase file {file} cannot be read ({error.strerror}); name another with --passphrase-file") from None


def _need_cryptography() -> None:
    from importlib.util import find_spec

    if find_spec("cryptography") is None:
        raise MissingDependencyError("keys and signatures need the package cryptography: pip install 'checkreader[serve]'")
