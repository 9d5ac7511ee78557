"""Say with a private key what a bundle or package is: a signature in a file of its own, FILE.sig."""

import datetime
import hashlib
import json
from pathlib import Path
from typing import Annotated

import typer

from edge.errors import BundleError, OutputError, UsageError
from edge.service.durable import write_whole
from edge.service.trust import SUFFIX, Statement, key_id, signed_bytes, to_json
from edge.service.versions import version_key
from firmware_tools.keys import PassphraseFile, read_key
from firmware_tools.package import MOST_PACKAGE_BYTES, is_package, read_package


def sign(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Bundles, or Debian packages.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The private key that keygen made.")],
    passphrase_file: PassphraseFile = None,
    allow_downgrade: Annotated[
        bool, typer.Option("--allow-downgrade", help="Devices that are told the same may go back to this version.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a file.")] = False,
) -> None:
    """Sign bundles and packages; each gets its FILE.sig beside it.

    A bundle that is damaged is not signed.
    """
    private = read_key(key, passphrase_file)
    signer = key_id(private.public_key().public_bytes_raw())
    for file in files:
        data, version = content_of(file)
        version_key(version)
        statement = Statement(
            key=signer, version=version, file_sha256=hashlib.sha256(data).hexdigest(), file_bytes=len(data),
            signed_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), allow_downgrade=allow_downgrade,
        )  # fmt: skip
        signature = file.with_name(file.name + SUFFIX)
        try:
            write_whole(signature, to_json(statement, signature=private.sign(signed_bytes(statement)).hex()))
        except OSError as error:
            raise OutputError(
                f"the signature {signature} cannot be written ({error.strerror}); make room, or copy the file elsewhere"
            ) from None
        if as_json:
            typer.echo(json.dumps({"file": str(file), "signature": str(signature), "version": version, "key": signer}))
        else:
            typer.echo(f"{signature}: version {version} signed by the key {signer}")


def content_of(file: Path) -> tuple[bytes, str]:
    """Return the bytes of a bundle or package, and its version.

    Raises:
        BundleError: it cannot be read, or is neither.
    """
    from edge.recognize.bundle import parse_bundle

    try:
        if file.stat().st_size > MOST_PACKAGE_BYTES:
            raise BundleError(f"{file} has {file.stat().st_size} bytes, at most {MOST_PACKAGE_BYTES} are allowed: is this the right file?")
        data = file.read_bytes()
    except OSError as error:
        raise BundleError(f"{file} cannot be read ({error.strerror}); name an existing bundle or package") from None
    if file.name.endswith(SUFFIX):
        raise UsageError(f"{file} is a signature; name the file that it is about")
    return data, read_package(file).version if is_package(data) else parse_bundle(data, str(file)).version
