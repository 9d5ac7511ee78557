"""One file with the int8 networks, their card and a golden set: written in one way, read back only if every byte is as written."""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from edge.errors import BundleError, OutputError
from edge.recognize.card import Card, parse_card

CARD = "card.json"
_DEFAULT = "checkreader.bundle"
# A ZIP entry has a time stamp; the earliest that the format knows makes equal contents equal bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
MOST_BYTES = 16 * 1024 * 1024
# Nothing else has a place in a bundle; so a name can never lead out of a folder that somebody unpacks one into.
_MEMBER = re.compile(r"(?:models|golden)/[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A released set of networks; ``models`` maps a network's name to its TFLite file, ``golden`` the device's self-test."""

    card: Card
    sha256: str
    models: Mapping[str, bytes]
    golden: Mapping[str, bytes]

    @property
    def version(self) -> str:
        return self.card.version


def write_bundle(card: Mapping[str, Any], members: Mapping[str, bytes]) -> bytes:
    """Return the bytes of a bundle; the card's ``files`` are filled in from the members.

    Raises:
        BundleError: the result would not be accepted by :func:`parse_bundle`.
    """
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(members.items())}
    text = json.dumps({**card, "files": hashes}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    data = _zipped({**members, CARD: text.encode()})
    parse_bundle(data, "the new bundle")
    return data


def save_bundle(path: Path, data: bytes) -> None:
    """Write a bundle into a file, whole or not at all: what stood there stays until the new bytes are on the disk.

    Raises:
        OutputError: the disk is full, or the folder cannot be written to.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        kept = "; the bundle that was there is as it was" if path.is_file() else ""
        said = f"cannot write the bundle {path} ({len(data)} bytes): {error.strerror}{kept}"
        raise OutputError(f"{said}; make room or name another place") from error


def read_bundle(path: Path | None = None) -> Bundle:
    """Read a bundle, by default the one that came with the reader.

    Raises:
        BundleError: the file is missing, damaged, or not a bundle for this reader.
    """
    try:
        if path is None:
            data = resources.files("edge").joinpath("bundles", _DEFAULT).read_bytes()
        else:
            data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"cannot read the bundle {path or _DEFAULT}: {error.strerror}; name an existing file with --bundle") from error
    return parse_bundle(data, str(path or _DEFAULT))


def parse_bundle(data: bytes, name: str) -> Bundle:
    """Check and take apart the bytes of a bundle; ``name`` stands in the errors."""
    members = _unzipped(data, name)
    # Writing the members again must give the same file: so no byte between or behind them goes unchecked.
    if CARD not in members or _zipped(members) != data:
        raise BundleError(f"{name} is damaged or was not written by this project: fetch it again")
    try:
        card = parse_card(json.loads(members.pop(CARD)))
    except (ValueError, RecursionError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"{name}: the card is not valid JSON: fetch the bundle again") from error
    found = {member: hashlib.sha256(content).hexdigest() for member, content in members.items()}
    if found != dict(card.files):
        differing = sorted(m for m in found.keys() | card.files.keys() if found.get(m) != card.files.get(m))
        raise BundleError(f"{name}: {', '.join(differing)} does not match its sha256 on the card: fetch the bundle again")
    if strange := sorted(member for member in members if not _MEMBER.fullmatch(member)):
        raise BundleError(f"{name} holds {strange[0]!r}, which has no place in a bundle (models/ and golden/ have): use another bundle")
    models = {network: members[part.file] for network, part in card.networks.items()}
    golden = {member: content for member, content in members.items() if member.startswith("golden/")}
    return Bundle(card, hashlib.sha256(data).hexdigest(), models, golden)


def _zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _EPOCH)
            # The system that wrote an entry is part of its bytes; say Unix on every system.
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, members[name])
    return buffer.getvalue()


def _unzipped(data: bytes, name: str) -> dict[str, bytes]:
    if len(data) > MOST_BYTES:
        raise BundleError(f"{name} has {len(data)} bytes, a bundle has at most {MOST_BYTES}: is this the right file?")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            # Together, since many entries may share the bytes of one.
            if any(e.compress_type != zipfile.ZIP_STORED for e in entries) or sum(e.file_size for e in entries) > len(data):
                raise BundleError(f"{name} is damaged or was not written by this project: fetch it again")
            return {member: archive.read(member) for member in archive.namelist()}
    # The zip reader answers broken structures in many ways, none of which tells a user more than this.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, KeyError, OverflowError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"{name} is not a bundle, or it is damaged: fetch it again") from error
