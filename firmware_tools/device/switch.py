"""A device switches to a bundle by a name that is changed in one step, looks at the daemon, and goes back where that is not well."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firmware_tools.device.refusal import RefusedError, sha256_of, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMAND_S, _POLL_S = 900.0, 0.5


def run(words: list[str] | str, seconds: float = _COMMAND_S) -> tuple[int, str]:
    """Run a command; return its exit code and the last line that it complained with."""
    pipe = subprocess.PIPE
    try:
        done = subprocess.run(
            words, shell=isinstance(words, str), timeout=seconds, check=False, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
    except subprocess.TimeoutExpired:
        return 124, f"it did not end within {seconds:.0f} s"
    lines = (done.stderr.strip() or done.stdout).decode(errors="replace").strip().splitlines()
    return done.returncode, lines[-1] if lines else ""


def health(settings: Mapping[str, Any], wanted_sha256: str | None) -> str:
    """Return "ready", or in words what the daemon or the connection to it said instead."""
    web = settings.get("web", {})
    host, port = web.get("host", "127.0.0.1"), web.get("port", 8642)
    is_open = host in ("127.0.0.1", "localhost", "::1")
    to = "127.0.0.1" if is_open or host in ("0.0.0.0", "::") else host

    def ask(path: str) -> str:
        # On its own machine a daemon need not prove by its certificate who it is.
        url, context = f"http{'' if is_open else 's'}://{to}:{port}{path}", None if is_open else ssl._create_unverified_context()
        try:
            return str(urllib.request.urlopen(url, timeout=5, context=context).read(), "utf-8").strip()
        except urllib.error.HTTPError as error:
            return str(error.read(), "utf-8").strip()

    try:
        words = ask("/readyz")
        if words != "ready" or wanted_sha256 is None or not is_open or web.get("is_token_asked_here"):
            return words
        running = str(json.loads(ask("/api/v1/state"))["bundle"]["sha256"])
        return words if running == wanted_sha256 else f"it runs the bundle {running[:12]}"
    except (OSError, ValueError, KeyError) as error:
        return f"no answer on port {port} ({error})"


def watch(settings: Mapping[str, Any], before: str, sha256: str, order: Mapping[str, Any]) -> str | None:
    """Watch until the daemon was healthy for ``settle_s`` on end; return what is wrong when it was not within ``patience_s``.

    A daemon that was not ready before (a camera that is unplugged) need not be better than it was.
    """
    until, healthy_since = time.monotonic() + order["patience_s"], None
    while True:
        found, now = health(settings, sha256), time.monotonic()
        if found == "ready" or (found == before and before.startswith("not ready")):
            healthy_since = healthy_since or now
            if now - healthy_since >= order["settle_s"]:
                return None
        else:
            healthy_since = None
            if now > until:
                return found
        time.sleep(_POLL_S)


def point(name: Path, at: Path | None) -> None:
    """Let a name stand for another file, in one step that the power may fail in."""
    if at is None:
        name.unlink()
        return
    new = name.with_name(f".{name.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(at)
    new.replace(name)
    folder = os.open(name.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def earlier(name: Path) -> Path | None:
    """Return the file that a name stands for, kept under its own name where the name was the file itself."""
    if name.is_symlink():
        return name.readlink()
    if not name.exists():
        return None
    kept = name.with_name(f"{sha256_of(name)}.bundle")
    if not kept.exists():
        os.link(name, kept)
    return Path(kept.name)


def restart(order: Mapping[str, Any]) -> str | None:
    code, words = run(order["restart"], 120.0)
    if not code:
        return None
    _, said = run("journalctl -u checkreader -n 50 -o cat 2>/dev/null | grep '^checkreader: ' | tail -1", 20.0)
    return said or words or f"the restart left with {code}"


def switch(order: Mapping[str, Any], settings: Mapping[str, Any], name: Path, whole: Path) -> dict[str, Any]:
    """Switch, look at the daemon's health, and go back where it is not well; return the outcome."""
    before_file, before_health = earlier(name), health(settings, None)
    tell(event="step", step="switch")
    point(name, Path(whole.name))
    problem = restart(order)
    tell(event="step", step="health")
    if problem is None:
        problem = watch(settings, before_health, order["sha256"], order)
    if problem is None:
        for old in name.parent.glob("*.bundle"):  # the earlier one stays, for a way back by hand
            if old not in (name, whole, before_file and name.parent / before_file):
                old.unlink()
                old.with_name(old.name + ".sig").unlink(missing_ok=True)
        return {"outcome": "switched", "warning": "" if before_health == "ready" else f"the daemon was not ready before: {before_health}"}
    tell(event="step", step="roll back")
    point(name, before_file)
    again = restart(order)
    if again is None and before_file is not None:
        again = watch(settings, before_health, sha256_of(name), {**order, "settle_s": 0.0})
    why = RefusedError("health", "readyz", "ready", f"the daemon was not ready with the new bundle ({problem}); the earlier one is back")
    whole.unlink(missing_ok=True)
    warning = f"the device is not well with the earlier bundle either: {again}" if again else ""
    return {"outcome": "rolled_back", "warning": warning, **why.facts()}
