"""The daemon as a process: it ends when it is told to, whatever it does just then, and refuses in words what it cannot start with."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.service.record import Query
from edge.service.store import Store
from tests.edge.conftest import ROOT

FRAMES = ROOT / "samples/frames"
# As TimeoutStopSec of the unit: after this systemd kills.
STOP_S = 15


class Supervisor:
    """Hears what systemd would hear."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(60)

    def hears(self, message: str) -> None:
        while self._socket.recv(1000).decode() != message:
            pass


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path)
    yield supervisor
    supervisor._socket.close()


@contextlib.contextmanager
def begun(store: Path, *options: str, supervisor: Supervisor | None = None) -> Iterator["subprocess.Popen[str]"]:
    words = [sys.executable, "-m", "edge", "serve", "--store", str(store), "--camera", f"replay:{FRAMES}", "--port", "0", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    if supervisor is not None:
        environment["NOTIFY_SOCKET"] = str(supervisor.path)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()  # where a test has failed


def port_of(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    return next(int(line.rsplit(":", 1)[1]) for line in process.stdout if "the page is at" in line)


def ended(process: "subprocess.Popen[str]", by: signal.Signals) -> str:
    """Return what a daemon says last; it has to end by itself, in time."""
    process.send_signal(by)
    said, _ = process.communicate(timeout=STOP_S)
    assert process.returncode == 0, said
    assert "Traceback" not in said, said
    return said


def wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def asked(port: int, what: str) -> Any:
    with urllib.request.urlopen(f"http://localhost:{port}/api/v1/{what}") as answer:
        return json.load(answer)


def state(port: int) -> dict[str, Any]:
    found: dict[str, Any] = asked(port, "state")
    return found


def n_records(port: int) -> int:
    return len(asked(port, "records?limit=500")["records"])


def hear(port: int, told: list[int]) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException), urllib.request.urlopen(f"http://localhost:{port}/api/v1/events") as news:
        told.extend(json.loads(line[5:])["id"] for line in news if line.startswith(b"data:") and b'"check_number"' in line)


def see(port: int) -> None:
    where = f"http://localhost:{port}/api/v1/live.mjpeg"
    with contextlib.suppress(OSError, http.client.HTTPException), urllib.request.urlopen(where) as picture:
        while picture.read(1 << 12):
            pass


BEGIN = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a.jpg"\r\n\r\n'
FORM = "multipart/form-data; boundary=x"


def send_half(port: int) -> socket.socket:
    """Begin to send a picture, and never end."""
    connection = socket.create_connection(("127.0.0.1", port))
    head = f"POST /api/v1/read HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: {FORM}\r\nContent-Length: 190000\r\n\r\n"
    connection.sendall(head.encode() + BEGIN + (FRAMES / "desk_1.jpg").read_bytes()[:50_000])
    return connection


def send_whole(port: int) -> None:
    body = BEGIN + (FRAMES / "desk_1.jpg").read_bytes() + b"\r\n--x--\r\n"
    request = urllib.request.Request(f"http://localhost:{port}/api/v1/read", body, {"Content-Type": FORM})
    with contextlib.suppress(OSError, http.client.HTTPException), urllib.request.urlopen(request) as answer:
        answer.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_browsers_looking_on_and_an_upload_on_its_way(tmp_path: Path, supervisor: Supervisor, number: signal.Signals) -> None:
    told: list[int] = []
    with begun(tmp_path / "store", supervisor=supervisor) as process, send_half(port_of(process)) as half:
        port = half.getpeername()[1]
        supervisor.hears("READY=1")
        for work in (lambda: hear(port, told), lambda: see(port), lambda: see(port)):
            threading.Thread(target=work, daemon=True).start()
        wait(lambda: bool(told))
        threading.Thread(target=send_whole, args=(port,), daemon=True).start()
        ended(process, number)
    supervisor.hears("STOPPING=1")
    store = Store(tmp_path / "store")
    assert {record.id for record in store.records(Query())} >= set(told)
    store.close()


def test_it_ends_at_any_moment_and_keeps_what_it_has_told(tmp_path: Path) -> None:
    """From the moment at which Python is up: while it opens the store, reads the networks, looks, reads and stores."""
    chance = random.Random(3)
    for turn in range(4):
        told: list[int] = []
        with begun(tmp_path / "store") as process:
            if turn:
                port = port_of(process)
                threading.Thread(target=hear, args=(port, told), daemon=True).start()
                time.sleep(chance.uniform(0.0, 4.0))
            else:
                wait((tmp_path / "store/lock").exists)
            ended(process, chance.choice((signal.SIGTERM, signal.SIGINT)))
        store = Store(tmp_path / "store")
        assert {record.id for record in store.records(Query())} >= set(told)
        store.close()


def test_what_it_cannot_start_with_is_refused_in_words(tmp_path: Path) -> None:
    def refused(*options: str, store: str = "other") -> tuple[int, str]:
        with begun(tmp_path / store, *options) as process:
            said, _ = process.communicate(timeout=60)
        assert "Traceback" not in said
        return process.returncode, " ".join(said.split())

    config = tmp_path / "checkreader.toml"
    config.write_text("[camera]\nsorce = 'picam'\n")
    with begun(tmp_path / "store") as running:
        port = port_of(running)
        code, said = refused("--port", str(port))
        assert (code, f"cannot listen on 127.0.0.1 port {port} (Address already in use); end the other program" in said) == (78, True)
        code, said = refused(store="store")
        assert (code, "another checkreader has the store" in said) == (74, True)
        code, said = refused("--config", str(config))
        assert (code, "camera.sorce" in said) == (78, True)
        ended(running, signal.SIGTERM)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "checkreader-test", str(disk)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_said_and_what_was_read_is_stored_once_there_is_room(small_disk: Path) -> None:
    with begun(small_disk / "store") as process:
        port, fill = port_of(process), small_disk / "fill"
        wait(lambda: n_records(port) >= 1)
        with contextlib.suppress(OSError), fill.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        wait(lambda: state(port)["problem"] is not None)
        before = n_records(port)
        assert "make room on the disk" in state(port)["problem"]
        assert b"not ready: store" in _answered(port, "readyz")
        fill.unlink()
        wait(lambda: state(port)["problem"] is None and n_records(port) > before)
        said = ended(process, signal.SIGTERM)
    assert said.count("the store is not well") == said.count("the store is well again") == 1


def _answered(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("localhost", port)
    connection.request("GET", f"/{path}")
    answer = connection.getresponse().read()
    connection.close()
    return answer
