"""Who answers on the daemon's port, before a bundle is sent."""

import socket
import threading

import pytest

from edge.config import WebConfig
from firmware_tools.receive import _asked


def asked_of_one_that_says(said: bytes) -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        try:
            return _asked(WebConfig(port=listener.getsockname()[1]))
        finally:
            thread.join(5)


def test_a_daemon_is_heard_and_another_program_is_told_from_it() -> None:
    assert asked_of_one_that_says(b"HTTP/1.1 503 Service Unavailable\r\n\r\nthe camera is gone\n") == "the camera is gone"
    with pytest.raises(ConnectionError, match="another program"):
        asked_of_one_that_says(b"220 mail is taken here\r\n")
