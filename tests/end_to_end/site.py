"""The real daemon as a process of its own, and records for its store: for the tests and for the pictures of the page."""

import contextlib
import datetime
import functools
import math
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2

from edge import output
from edge.capture.picture import load_picture
from edge.pipeline import Reader
from edge.recognize.bundle import read_bundle
from edge.service.record import Record, Status
from edge.service.store import Store

ROOT = Path(__file__).resolve().parent.parent.parent
FRAMES = ROOT / "samples" / "frames"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_PAGE_AT = re.compile(r"the page is at https?://[^:]+:(\d+)")


@dataclass(frozen=True)
class Served:
    """``said`` is what the daemon has printed; all of it once it has ended."""

    url: str
    folder: Path
    token: str | None
    pid: int
    said: list[str]

    def log(self) -> str:
        return "".join(self.said)


@contextmanager
def served(folder: Path, camera: str, *options: str, is_secret: bool = False) -> Iterator[Served]:
    """Run `checkreader serve` on a free port until the block ends; it has to end by itself then."""
    words = [sys.executable, "-m", "edge", "serve", "--store", str(folder), "--camera", camera, "--port", "0", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as process:
        assert process.stdout is not None
        token, port = None, None
        seen: list[str] = []
        for line in process.stdout:
            seen.append(line)
            if found := re.search(r"check_[\w-]{40,}", line):
                token = found[0]
            if found := _PAGE_AT.search(line):
                port = found[1]
                break
        assert port is not None, "".join(seen)
        _wait_for_port(int(port))
        try:
            yield Served(f"{'https' if is_secret else 'http'}://localhost:{port}", folder, token, process.pid, seen)
        finally:
            process.send_signal(signal.SIGTERM)
            rest, _ = process.communicate(timeout=30)
            seen.append(rest)
    assert process.returncode == 0, rest
    assert "Traceback" not in rest, rest


def _wait_for_port(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")


@functools.cache
def _readings() -> list[tuple[dict[str, Any], bytes]]:
    """Return what the sample frames say, and the pictures of their pages."""
    reader = Reader(read_bundle())
    identity = {"version": reader.bundle.version, "sha256": reader.bundle.sha256}
    readings = []
    for path in sorted(FRAMES.glob("desk_*.jpg")):
        check = reader.read_frame(load_picture(path))[0]
        assert check.page is not None
        readings.append((output.check_object("", check, identity), cv2.imencode(".jpg", check.page.pixels)[1].tobytes()))
    return readings


def fill(folder: Path, statuses: Sequence[Status]) -> None:
    store, now = Store(folder), datetime.datetime.now(datetime.UTC)
    blank = Record(time=now, status="accepted", first_status="accepted", check={})
    for index, status in enumerate(statuses):
        check_object, picture = _readings()[index % len(_readings())]
        when = now - datetime.timedelta(minutes=7 * (len(statuses) - index))
        first: Status = "unsure" if status == "unsure" else "accepted"
        store.add(replace(blank, time=when, status=status, first_status=first, check=check_object), picture)
    store.close()


def fill_looked_at(folder: Path) -> None:
    """Put 80 records into a store, and let people look at 70 of them: enough to calibrate."""
    chance = random.Random(1)
    fill(folder, ["unsure" if index % 11 == 3 else "accepted" for index in range(80)])
    store = Store(folder)
    for number in range(1, 71):
        record = store.get(number)
        amount = record.fields["amount"] if record is not None else None
        if amount is not None and amount["text"] is not None:
            is_right = chance.random() < math.sqrt(amount["confidence"])
            store.correct(number, {"amount": amount["text"] if is_right else "70.00"}, "ann")
    store.close()
