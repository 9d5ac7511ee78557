"""A device takes a bundle in: looks whether it may, gets what is missing of it, has it verified, and switches.

It reads one line of JSON (the order), then the bundle's bytes from where an earlier try broke off, and prints one line of JSON an event.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import shutil
import signal
import sys
import syslog
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from firmware_tools.device.refusal import RefusedError, sha256_of, tell
from firmware_tools.device.switch import health, run, switch

if TYPE_CHECKING:
    from collections.abc import Mapping

_MACHINES = ("aarch64", "x86_64")
# Beside the bundle itself, for the log and the name that is switched.
_SPARE_BYTES = 256 << 10
_CHUNK_BYTES = 64 << 10
_LOCK_S, _POLL_S = 300.0, 0.5


def verify_words(bundle: Path) -> list[list[str]]:
    """Return the commands that have to succeed before a device switches to a bundle: every byte, then the golden set on this processor.

    The one place where a deploy says what runs on the device.
    """
    return [["checkreader-firmware", "verify", str(bundle)], ["checkreader", "doctor", "--parity", "--bundle", str(bundle)]]


def check_system() -> None:
    machine = os.uname().machine
    if machine not in _MACHINES:
        said = f"this is a {machine} system, the reader's parts are made for {' and '.join(_MACHINES)}; install the 64-bit Raspberry Pi OS"
        raise RefusedError("architecture", "machine", " or ".join(_MACHINES), said)
    if tuple(sys.version_info) < (3, 11):
        supported = "supported are Raspberry Pi OS bookworm (Python 3.11) and trixie (3.13)"
        said = f"Python {platform.python_version()} has no wheel of the interpreter; {supported}: write the card anew with one of them"
        raise RefusedError("python", "version", "3.11 to 3.13", said)
    for command in ("checkreader-firmware", "checkreader"):
        if shutil.which(command) is None:
            said = f"there is no {command} on this device; install the package: sudo apt install ./checkreader_*.deb"
            raise RefusedError("installation", command, "an installed checkreader", said)


def read_settings(path: str) -> dict[str, Any]:
    """Return the device's configuration as TOML has it; the bundle's place has to be in it."""
    import tomllib  # type: ignore[import-not-found, unused-ignore]

    try:
        settings: dict[str, Any] = tomllib.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise RefusedError("configuration", path, "a TOML file", f"{path} cannot be read ({why}); mend it or name another") from None
    if not settings.get("reading", {}).get("bundle"):
        said = f'reading.bundle in {path} names no file; set it to "/var/lib/checkreader/bundles/current.bundle"'
        raise RefusedError("configuration", "reading.bundle", "the file that a deploy replaces", said)
    return settings


def locked(folder: Path) -> int:
    """Make the folder, and hold it against other deploys until this process ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        why = "its file system is mounted read-only" if error.errno == errno.EROFS else str(error.strerror)
        said = f"{folder} cannot be written to ({why}); mend that and deploy again"
        raise RefusedError("room", str(folder), "a folder that can be written to", said) from None
    until = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except OSError:
            if time.monotonic() > until:
                raise RefusedError("lock", str(folder), "no other deploy", "another deploy runs on this device; wait for it") from None
            time.sleep(_POLL_S)


def receive(order: Mapping[str, Any], folder: Path) -> Path:
    """Take in what is missing of the bundle and return its file."""
    whole = folder / f"{order['sha256']}.bundle"
    if whole.is_file() and sha256_of(whole) == order["sha256"]:
        tell(event="want", offset=order["bytes"])
        return whole
    partial = folder / f".{order['sha256']}.part"
    offset = partial.stat().st_size if partial.exists() else 0
    if offset > order["bytes"]:
        partial.unlink()
        offset = 0
    missing, free = order["bytes"] - offset, shutil.disk_usage(folder).free
    if free < missing + _SPARE_BYTES:
        said = f"{folder} has {free:,} bytes free and {missing + _SPARE_BYTES:,} are needed; make room there"
        raise RefusedError("space", str(folder), f"{missing + _SPARE_BYTES} bytes free", said)
    tell(event="want", offset=offset)
    try:
        with partial.open("ab") as file:
            missing -= copy(sys.stdin.buffer, file, missing)
    except OSError as error:
        said = f"{folder} cannot take the bundle ({error.strerror}); make room there"
        raise RefusedError("space", str(folder), f"{order['bytes']} bytes", said) from None
    if missing:
        raise RefusedError("copy", "bytes", str(order["bytes"]), f"the connection ended with {missing} bytes missing; deploy again")
    found = sha256_of(partial)
    if found != order["sha256"]:
        partial.unlink()
        said = f"the copy has sha256 {found[:12]} and {order['sha256'][:12]} was sent; it was removed, deploy again"
        raise RefusedError("copy", "sha256", order["sha256"], said)
    partial.chmod(0o644)
    partial.rename(whole)
    return whole


def copy(source: BinaryIO, to: BinaryIO, n_bytes: int) -> int:
    """Copy until the other side ends; each chunk is in the file before the next is waited for. Return how many bytes came."""
    n_copied = 0
    while n_copied < n_bytes:
        chunk = os.read(source.fileno(), min(n_bytes - n_copied, _CHUNK_BYTES))
        if not chunk:
            break
        to.write(chunk)
        to.flush()
        n_copied += len(chunk)
    os.fsync(to.fileno())
    return n_copied


def carry_out(order: Mapping[str, Any]) -> dict[str, Any]:
    check_system()
    settings = read_settings(order["config"])
    name = Path(settings["reading"]["bundle"]).expanduser()
    folder = name.parent
    lock = locked(folder)
    last = folder / ".last.json"
    try:
        if last.exists():
            stored = json.loads(last.read_text(encoding="utf-8"))
            if stored["run"] == order["run"]:  # the connection broke while this very deploy went on
                return dict(stored["answer"])
        if name.exists() and sha256_of(name) == order["sha256"] and health(settings, order["sha256"]) == "ready":
            return {"outcome": "already", "warning": ""}
        whole = receive(order, folder)
        if order["signature"]:
            whole.with_name(whole.name + ".sig").write_text(order["signature"], encoding="utf-8")
        tell(event="step", step="verify")
        for words in verify_words(whole):
            code, said = run(words)
            if code:
                whole.unlink()
                raise RefusedError("verify", " ".join(words[:2]), "exit code 0", f"{' '.join(words[:2])} refused the bundle: {said}")
        answer = switch(order, settings, name, whole)
        last.write_text(json.dumps({"run": order["run"], "answer": answer}), encoding="utf-8")
        return answer
    finally:
        os.close(lock)


def keep(order: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Write the outcome into the device's own logs: its journal, and the file that the order names."""
    sentence = f"bundle {order['version']} ({order['sha256'][:12]}) {answer['outcome']}"
    sentence += f": {answer['cause']}" if "cause" in answer else ""
    syslog.openlog("checkreader-deploy")
    syslog.syslog(syslog.LOG_ERR if "cause" in answer else syslog.LOG_NOTICE, sentence)
    try:
        with Path(order["log"]).expanduser().open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {sentence}\n")
    except OSError:  # the journal has it, and so does the desktop
        pass


def main() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    order = json.loads(sys.stdin.buffer.readline())
    try:
        answer = carry_out(order)
    except RefusedError as error:
        answer = {"outcome": "refused", "warning": "", **error.facts()}
    except OSError as error:
        why = RefusedError("device", str(error.filename), "a disk that works", f"input or output failed ({error}); look at the card")
        answer = {"outcome": "refused", "warning": "", **why.facts()}
    keep(order, answer)
    tell(event="done", **answer)
