"""Where updates come from: a file, a folder, a USB stick, an HTTPS address. Nothing that comes from there is believed."""

import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from edge.errors import ConfigError, UpdateError, UsageError
from edge.service.trust import MOST_SIGNATURE_BYTES, SUFFIX
from firmware_tools.device import Fetched, Offer

USB = "usb"
_MOUNTED = ("/media/", "/run/media/")
_TIMEOUT_S = 30.0
_BLOCK_BYTES = 64 * 1024


def find_offers(source: str, authority: Path | None = None, mounts: Path = Path("/proc/self/mounts")) -> list[Offer]:
    """Return what a source offers, in the order of the names; what has no signature is left out.

    Args:
        source: a file, a folder, ``usb`` or an address that begins with https://.
        authority: the certificate in PEM form that an HTTPS server of one's own is known by; None: the system's authorities.
        mounts: what is mounted where (proc_mounts(5)).

    Raises:
        UsageError: the address is not an HTTPS one.
        UpdateError: nothing is offered there, or it cannot be fetched.
    """
    if re.match(r"[a-z][a-z0-9+.-]*:", source, re.IGNORECASE):
        return [_offer_at(source, authority)]
    folders = list(_usb_folders(mounts)) if source == USB else [Path(source).expanduser()]
    if not folders:
        raise UpdateError("no USB stick is mounted below /media or /run/media; put one in, and mount it")
    try:
        files = [file for folder in folders for file in (_offered(folder) if folder.is_dir() else [folder])]
        signed = [file for file in files if file.with_name(file.name + SUFFIX).is_file()]
        if not signed:
            there = f"{files[0]} has no {files[0].name}{SUFFIX} beside it" if files else f"no bundle lies in {folders[0]}"
            raise UpdateError(f"{there}; sign it with checkreader-firmware sign, and copy both")
        return [_offer_in(file) for file in signed]
    except OSError as error:
        if isinstance(error, UpdateError):
            raise
        raise UpdateError(f"the update cannot be read from {source} ({error.strerror}); look at the stick or folder") from error


def _offered(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.bundle") if file.is_file())


def _usb_folders(mounts: Path) -> Iterator[Path]:
    for line in mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        # Spaces and the like are written as octal numbers.
        place = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), line.split(" ")[1])
        if place.startswith(_MOUNTED):
            yield Path(place)
            if (Path(place) / "checkreader").is_dir():
                yield Path(place) / "checkreader"


def _offer_in(file: Path) -> Offer:
    def read(n_bytes: int, told: Fetched) -> bytes:
        try:
            with file.open("rb") as opened:
                return _read(opened, n_bytes, str(file), told)
        except OSError as error:
            if isinstance(error, UpdateError):
                raise
            raise UpdateError(f"{file} cannot be read ({error.strerror}); copy it anew") from error

    with file.with_name(file.name + SUFFIX).open("rb") as signature:
        return Offer(str(file), signature.read(MOST_SIGNATURE_BYTES + 1), read)


def _offer_at(address: str, authority: Path | None) -> Offer:
    parts = urlsplit(address)
    if parts.scheme.lower() != "https" or not parts.hostname:
        raise UsageError(f"the address {address} is refused: its scheme is {parts.scheme}, expected is https://SERVER/FILE")
    if not parts.path.strip("/") or parts.path.endswith("/") or parts.query or parts.fragment:
        raise UsageError(f"the address {address} names no file; expected is one such as https://SERVER/checkreader.bundle")
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=_context(authority)), _OnlyHttps())
    signature = _fetch(opener, address + SUFFIX, MOST_SIGNATURE_BYTES, lambda n_bytes: None, is_whole=False)
    return Offer(address, signature, lambda n_bytes, told: _fetch(opener, address, n_bytes, told, is_whole=True))


def _context(authority: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if authority is None else str(authority))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"firmware.authority: {authority} is no certificate in PEM form ({error}); name another") from None


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follows a server to another address only where that one is an HTTPS one too."""

    def redirect_request(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urlsplit(newurl).scheme.lower() != "https":
            raise UpdateError(f"{req.full_url} sends us to {newurl}, which is refused: expected is an https address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(opener: urllib.request.OpenerDirector, address: str, most_bytes: int, told: Fetched, *, is_whole: bool) -> bytes:
    try:
        with opener.open(address, timeout=_TIMEOUT_S) as answer:
            stated = answer.headers.get("Content-Length", "")
            if stated.isdecimal() and int(stated) > most_bytes:
                raise UpdateError(f"{address} has {stated} bytes, expected are at most {most_bytes}; it is not what was signed")
            return _read(answer, most_bytes, address, told, is_whole=is_whole)
    except urllib.error.HTTPError as error:
        raise UpdateError(f"{address} cannot be fetched: the server answers {error.code} {error.reason}; look at firmware.source") from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        if isinstance(error, UpdateError):
            raise
        reason = getattr(error, "reason", error)
        raise UpdateError(f"{address} cannot be fetched ({reason}); look at the network, the clock and firmware.source") from None


def _read(opened: Any, n_bytes: int, name: str, told: Fetched, *, is_whole: bool = True) -> bytes:
    """Read no more than was stated, whatever there is."""
    data = bytearray()
    while block := opened.read(min(_BLOCK_BYTES, n_bytes + 1 - len(data))):
        data += block
        told(len(data))
    if len(data) > n_bytes or (is_whole and len(data) < n_bytes):
        found = f"more than {n_bytes}" if len(data) > n_bytes else str(len(data))
        raise UpdateError(f"{name} has {found} bytes, expected are {n_bytes}; it is not what was signed, or was cut off")
    return bytes(data)
