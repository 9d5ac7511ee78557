"""Where updates come from: USB sticks by where they are mounted, and a real HTTPS server that does all that one must not believe."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.errors import UpdateError
from edge.service.tls import own_certificate
from firmware_tools import sources
from tests.firmware_tools.conftest import Device


def test_a_usb_stick_is_found_where_it_is_mounted(device: Device, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("proc /proc proc rw 0 0\n")
    with pytest.raises(UpdateError, match="no USB stick is mounted"):
        sources.find_offers("usb", None, mounts)
    mounts.write_text("/dev/sda1 /media/my\\040stick vfat ro 0 0\n/dev/mmcblk0p2 / ext4 rw 0 0\n")
    assert [str(folder) for folder in sources._usb_folders(mounts)] == ["/media/my stick"]


class Answers(http.server.BaseHTTPRequestHandler):
    """Serves ``files``: bytes, or an address to be sent to, or a status; ``cut`` breaks the answer off half way."""

    files: dict[str, bytes | str | int]
    is_cut = False

    def do_GET(self) -> None:
        answer = self.files.get(self.path, 404)
        if isinstance(answer, int):
            self.send_error(answer)
        elif isinstance(answer, str):
            self.send_response(302)
            self.send_header("Location", answer)
            self.end_headers()
        else:
            self.send_response(200)
            if not self.path.startswith("/endless"):
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer[: len(answer) // 2] if self.is_cut and not self.path.endswith(".sig") else answer)

    def log_message(self, *said: object) -> None: ...


@contextmanager
def served(device: Device, files: dict[str, bytes | str | int], is_cut: bool = False, is_tls: bool = True) -> Iterator[str]:
    certificate = own_certificate(device.root / "tls", ("localhost",))
    handler = type("Handler", (Answers,), {"files": files, "is_cut": is_cut})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if is_tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{'https' if is_tls else 'http'}://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def online(device: Device, monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setenv("no_proxy", "localhost")
    device.configure(authority=str(own_certificate(device.root / "tls", ("localhost",)).certificate))
    return device


def test_an_update_comes_over_https_also_from_where_the_server_sends_us(online: Device) -> None:
    file = online.offer("0.4.0")
    data, signature = file.read_bytes(), file.with_name("new.bundle.sig").read_bytes()
    files: dict[str, bytes | str | int] = {"/new.bundle": "/moved.bundle", "/moved.bundle": data, "/new.bundle.sig": signature}
    with served(online, files) as address:
        done = online.update(f"{address}/new.bundle")
    assert (done.returncode, "version 0.4.0 takes the place" in done.stdout) == (0, True), done.stderr


def test_what_goes_wrong_on_the_way_is_told(online: Device) -> None:
    file = online.offer("0.4.0")
    data, signature = file.read_bytes(), file.with_name("new.bundle.sig").read_bytes()
    files: dict[str, bytes | str | int] = {
        "/new.bundle": data, "/new.bundle.sig": signature,
        "/large.bundle": data + b"x", "/large.bundle.sig": signature, "/endless.bundle": data + b"xyz",
        "/endless.bundle.sig": signature,
        "/plain.bundle": "http://localhost:1/new.bundle", "/plain.bundle.sig": signature, "/broken.bundle.sig": 503,
    }  # fmt: skip
    with served(online, files) as address:
        assert f"expected are at most {len(data)}" in online.refused(f"{address}/large.bundle", code=74)
        assert f"more than {len(data)} bytes" in online.refused(f"{address}/endless.bundle", code=74)
        assert "sends us to http://localhost:1/new.bundle, which is refused" in online.refused(f"{address}/plain.bundle", code=74)
        assert "the server answers 404" in online.refused(f"{address}/none.bundle", code=74)
        assert "the server answers 503" in online.refused(f"{address}/broken.bundle", code=74)
        assert "names no file" in online.refused(f"{address}/", code=64)
        online.configure()  # without the authority nobody vouches for this server
        assert "certificate" in online.refused(f"{address}/new.bundle", code=74)
    online.configure(authority=str(online.root / "tls/none.pem"))
    assert "firmware.authority" in online.refused(f"{address}/new.bundle", code=78)
    online.configure(authority=str(own_certificate(online.root / "tls", ("localhost",)).certificate))
    assert "cannot be fetched" in online.refused(f"{address}/new.bundle", code=74)
    with served(online, files, is_cut=True) as address:
        assert "check source" in online.refused(f"{address}/new.bundle", code=74)
    with served(online, files, is_tls=False) as address:
        assert "its scheme is http, expected is https" in online.refused(f"{address}/new.bundle", code=64)
        assert "cannot be fetched" in online.refused(f"{address}/new.bundle".replace("http:", "https:"), code=74)
