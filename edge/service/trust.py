"""Who may change what this device runs: public keys in a folder of the owner's, and what they have signed (Ed25519, RFC 8032).

The folder holds ``*.pub``, one key each, and maybe ``revoked``: a key's id or a file's SHA-256 on a line, ``#`` begins a remark. The device
trusts these keys and nothing else: no key that travels with a file makes that file trusted.
"""

import datetime
import hashlib
import json
import re
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from edge.errors import BundleError, ConfigError, MissingDependencyError, SignatureError
from edge.recognize.bundle import Bundle, parse_bundle

SUFFIX = ".sig"
REVOKED = "revoked"
MOST_SIGNATURE_BYTES = 4096
# Stands before what is signed, so that a signature made for anything else never counts here.
_PURPOSE = b"checkreader signature, format 1\n"
_FORMAT = 1
_HEX_DIGITS = {"id": 32, "key": 32, "public": 64, "file_sha256": 64, "signature": 128}
_Document = TypeVar("_Document", "PublicKey", "Statement")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """One key as its ``.pub`` file says; the days, both included, are ISO dates, ``not_after`` None: for ever."""

    format: int = _FORMAT
    id: str
    name: str
    public: str
    not_before: str
    not_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a signature says of a file; every value is signed. ``allow_downgrade``: older than what a device runs, and meant to be."""

    format: int = _FORMAT
    key: str
    version: str
    file_sha256: str
    file_bytes: int
    signed_at: str
    allow_downgrade: bool


@dataclass(frozen=True, slots=True)
class Trust:
    """The keys of one folder, by id, and what was revoked: ids of keys and SHA-256 of files."""

    folder: Path
    keys: Mapping[str, PublicKey]
    revoked: frozenset[str]


def key_id(public: bytes) -> str:
    """Return the name of a public key: the first half of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:32]


def to_json(document: PublicKey | Statement, **more: str) -> bytes:
    """Return the one way in which a key or a signature is written: so no byte of it can differ and still be read."""
    return (json.dumps({**asdict(document), **more}, indent=1, sort_keys=True) + "\n").encode()


def signed_bytes(statement: Statement) -> bytes:
    """Return what the key signs."""
    return _PURPOSE + to_json(statement)


def read_trust(folder: Path) -> Trust:
    """Return the keys that a folder trusts.

    Raises:
        ConfigError: the folder is missing or empty, others may write to it, or a file in it is not what it should be.
    """
    keys = {}
    try:
        _refuse_writable(folder)
        for file in sorted(folder.glob("*.pub")):
            _refuse_writable(file)
            key = read_public_key(file)
            keys[key.id] = key
        revoked = _read_revoked(folder / REVOKED)
    except OSError as error:
        what = f"the trusted keys in {folder} cannot be read ({error.strerror})"
        raise ConfigError(f"{what}; name the folder with your .pub files in firmware.trust") from None
    if not keys:
        raise ConfigError(f"no key is trusted, since {folder} holds no .pub file; put the public key there that checkreader-firmware made")
    return Trust(folder, keys, revoked)


def read_public_key(file: Path) -> PublicKey:
    """Return the key of a ``.pub`` file.

    Raises:
        ConfigError: it is none, or a value in it is not allowed.
        OSError: it cannot be read.
    """
    try:
        key, _ = _parsed(PublicKey, file.read_bytes())
        days = [datetime.date.fromisoformat(day) for day in (key.not_before, key.not_after) if day is not None]
        if key.id != key_id(bytes.fromhex(key.public)) or days != sorted(days):
            raise ValueError("id, public, not_before or not_after does not fit the others")
    except ValueError as error:
        raise ConfigError(f"{file} is no public key of this project ({error}); make one with checkreader-firmware keygen") from None
    return key


def check_signature(signature: bytes, name: str, trust: Trust, today: datetime.date | None) -> Statement:
    """Return what a signature says, if a trusted key made it.

    Args:
        signature: the content of the ``.sig`` file; ``name`` stands in the errors.
        today: must lie in the key's days; None: they do not matter, since the file was accepted when they did.

    Raises:
        SignatureError: it is damaged, or its key is unknown, revoked, not valid today, or did not make it.
    """
    if find_spec("cryptography") is None:
        raise MissingDependencyError("checking signatures needs the package cryptography: pip install 'checkreader[serve]'")
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    statement, made = read_statement(signature, name)
    key = trust.keys.get(statement.key)
    if key is None:
        known = ", ".join(trust.keys)
        raise SignatureError(f"{name}: the field key is {statement.key}, expected is one of the trusted keys in {trust.folder}: {known}")
    if statement.key in trust.revoked:
        raise SignatureError(f"{name}: the field key is {statement.key} ({key.name}), which {trust.folder / REVOKED} revokes")
    if today is not None and not key.not_before <= today.isoformat() <= (key.not_after or "9999-12-31"):
        days = f"{key.not_before} to {key.not_after or 'for ever'}"
        said = f"{name}: the key {key.id} ({key.name}) is valid from {days}, today is {today}"
        raise SignatureError(f"{said}: sign with a newer key, or set the clock")
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public)).verify(bytes.fromhex(made), signed_bytes(statement))
    except (InvalidSignature, ValueError):
        said = f"{name}: the field signature was not made by the key {key.id} ({key.name}) over these values"
        raise SignatureError(f"{said}: fetch file and signature again") from None
    if statement.file_sha256 in trust.revoked:
        raise SignatureError(f"{name}: the field file_sha256 is {statement.file_sha256[:16]}..., which {trust.folder / REVOKED} revokes")
    return statement


def read_statement(signature: bytes, name: str) -> tuple[Statement, str]:
    """Return what a signature says, believed by nobody yet, and the signature proper.

    Raises:
        SignatureError: it is damaged.
    """
    if len(signature) > MOST_SIGNATURE_BYTES:
        raise SignatureError(f"{name} is no signature: it has {len(signature)} bytes, at most {MOST_SIGNATURE_BYTES} are allowed")
    try:
        return _parsed(Statement, signature, "signature")
    except ValueError as error:
        raise SignatureError(f"{name} is no signature of this project ({error}): fetch it again") from None


def check_file(statement: Statement, data: bytes, name: str) -> None:
    """Refuse a file that is not the one a statement is about.

    Raises:
        SignatureError: its length or hash differs.
    """
    found = hashlib.sha256(data).hexdigest()
    for field, wanted, there in (("file_bytes", statement.file_bytes, len(data)), ("file_sha256", statement.file_sha256, found)):
        if wanted != there:
            raise SignatureError(
                f"{name}: the field {field} of its signature is {wanted}, the file has {there}: it is another file's, or damaged"
            )


def trusted_bundle(data: bytes, signature: bytes, name: str, trust: Trust, today: datetime.date | None) -> tuple[Bundle, Statement]:
    """Return a bundle that a trusted key has signed, and that is what its card says.

    Raises:
        SignatureError: the signature does not hold for this file.
        BundleError: the file is no bundle for this reader, or not of the version that was signed.
    """
    statement = check_signature(signature, name + SUFFIX, trust, today)
    check_file(statement, data, name)
    bundle = parse_bundle(data, name)
    if bundle.version != statement.version:
        raise BundleError(f"{name}: the field version of its card is {bundle.version}, of its signature {statement.version}: sign it again")
    return bundle, statement


def _parsed(kind: type[_Document], text: bytes, *more: str) -> tuple[_Document, str]:
    """Return a document, and its further value, if any.

    Raises:
        ValueError: it is not written in the one way, or a value is of the wrong kind.
    """
    try:
        raw: Any = json.loads(text)
    except RecursionError:
        raise ValueError("no JSON object") from None
    if not isinstance(raw, dict):
        raise ValueError("no JSON object")
    if raw.get("format") != _FORMAT:
        raise ValueError(f"the field format is {raw.get('format')!r}, expected is {_FORMAT}")
    known: dict[str, Any] = {entry.name: entry.type for entry in fields(kind)} | dict.fromkeys(more, str)
    if set(raw) != set(known):
        raise ValueError(f"it has the fields {', '.join(sorted(map(str, raw)))}, expected are {', '.join(sorted(known))}")
    for field, wanted in known.items():
        if not isinstance(raw[field], wanted) or (wanted is int and isinstance(raw[field], bool)):
            raise ValueError(f"the field {field} is {raw[field]!r}, expected is {getattr(wanted, '__name__', wanted)}")
    for field, n_digits in _HEX_DIGITS.items():
        if field in raw and not re.fullmatch(f"[0-9a-f]{{{n_digits}}}", raw[field]):
            raise ValueError(f"the field {field} is {raw[field]!r}, expected are {n_digits} hexadecimal digits in lower case")
    further = {name: raw.pop(name) for name in more}
    document = kind(**raw)
    if to_json(document, **further) != text:
        raise ValueError("its bytes are not as this project writes them")
    return document, next(iter(further.values()), "")


def _read_revoked(file: Path) -> frozenset[str]:
    if not file.exists():
        return frozenset()
    _refuse_writable(file)
    lines = [line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
    for number, line in enumerate(lines, 1):
        if line and not re.fullmatch(r"[0-9a-f]{32}(?:[0-9a-f]{32})?", line):
            raise ConfigError(f"line {number} of {file} is neither a key's id (32 hexadecimal digits) nor a file's SHA-256 (64); mend it")
    return frozenset(filter(None, lines))


def _refuse_writable(path: Path) -> None:
    if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(f"others may change {path}, so it can be trusted no more; look at what is in it, then: chmod go-w {path}")
