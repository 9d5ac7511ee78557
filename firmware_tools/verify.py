"""Look whether a bundle or package is whole, and whether a trusted key has signed it."""

import datetime
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.errors import SignatureError


def verify(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A bundle or package; without it, the bundle that came along.")
    ] = None,
    trust: Annotated[
        Path | None, typer.Option("--trust", metavar="DIR", help="The folder of trusted keys that FILE.sig is checked with.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check every byte of a bundle against its card, and say what is in it; 65 when anything differs.

    With --trust, check also that one of the trusted keys has signed it.
    """
    signed = _signed_by(file, trust) if trust is not None else None
    from firmware_tools.package import is_package

    if file is not None and file.is_file() and is_package(file.read_bytes()[:64]):
        from firmware_tools.sign import content_of

        data, version = content_of(file)
        facts: dict[str, Any] = {"version": version, "bytes": len(data), "signed_by": signed}
        typer.echo(json.dumps(facts) if as_json else f"{file}: a package of version {version}, {len(data):,} bytes")
    else:
        _tell_of_bundle(file, signed, as_json)
    if as_json:
        return
    if signed is not None:
        typer.echo(f"signed by the key {signed['key']} ({signed['name']}) at {signed['signed_at']}")
    else:
        typer.echo("who made it was not checked: --trust names a folder of trusted keys")


def _signed_by(file: Path | None, folder: Path) -> dict[str, Any]:
    from edge.service.trust import SUFFIX, check_file, check_signature, read_trust
    from firmware_tools.sign import content_of

    trust = read_trust(folder)
    if file is None:
        raise SignatureError("the bundle that came with the reader has no signature of its own; name a file")
    data, version = content_of(file)
    signature = file.with_name(file.name + SUFFIX)
    try:
        signed = signature.read_bytes()
    except OSError as error:
        raise SignatureError(f"{signature} cannot be read ({error.strerror}); sign the file, or put its signature beside it") from None
    statement = check_signature(signed, str(signature), trust, datetime.datetime.now(datetime.UTC).date())
    check_file(statement, data, str(file))
    if statement.version != version:
        raise SignatureError(f"{signature}: the field version is {statement.version}, the file's is {version}: sign it again")
    return {"key": statement.key, "name": trust.keys[statement.key].name, "signed_at": statement.signed_at}


def _tell_of_bundle(file: Path | None, signed: dict[str, Any] | None, as_json: bool) -> None:
    from edge.recognize.bundle import read_bundle

    bundle = read_bundle(file)
    n_bytes = {name: len(model) for name, model in sorted(bundle.models.items())}
    if as_json:
        facts = {"version": bundle.version, "sha256": bundle.sha256, "models_bytes": n_bytes, "golden": sorted(bundle.golden)}
        typer.echo(json.dumps({**facts, "signed_by": signed}))
        return
    typer.echo(f"{file or 'the bundle that came with the reader'}: every byte is what its card says")
    typer.echo(f"version {bundle.version}, sha256 {bundle.sha256}")
    for name, size in n_bytes.items():
        typer.echo(f"{size:10,} bytes  {name}")
    typer.echo(f"{sum(n_bytes.values()):10,} bytes  all models; {len(bundle.golden)} files of the golden set")
