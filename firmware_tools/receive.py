"""What a deploy runs on the device: an update whose bundle comes over the connection, and may go on where an earlier one broke off.

It reads one line of JSON (the order), then what is missing of the bundle, and prints one line of JSON an event.
"""

import datetime
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.config import Config, WebConfig, read_config
from edge.errors import EdgeError, OutputError, UpdateError, UsageError
from edge.service.durable import write_whole
from edge.service.trust import SUFFIX, check_signature
from firmware_tools.device import Device, Offer, Wish, open_device, take
from firmware_tools.guards import alone, check, noted

_CHUNK_BYTES = 64 << 10
_PART, _LAST = ".part", "deployed.json"
# A daemon that is just being started is waited for.
_START_S, _ASK_S, _PAUSE_S = 10.0, 5.0, 0.5
# So much longer than a bundle may take to be judged may an update be under way before this one gives up.
_MORE_S = 60.0


def receive(words: Sequence[str]) -> None:
    """Take up a bundle that `deploy` sends on standard input; nothing to be called by hand.

    Args:
        words: ``--config FILE``, as :mod:`firmware_tools.ssh` gives them.

    Raises:
        UsageError: they are others.
    """
    if len(words) != 2 or words[0] != "--config":
        raise UsageError(f"receive takes --config FILE and is called by deploy alone; it was given {' '.join(words) or 'nothing'}")
    config = Path(words[1])
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a connection that breaks does not end what was begun
    order = json.loads(sys.stdin.buffer.readline())
    try:
        with noted(None), check("configuration"):
            device = open_device(read_config(config.expanduser()))
        answer = _carried_out(device, order)
    except EdgeError as error:
        answer = _refusal(error)
    except OSError as error:
        answer = _refusal(OutputError(f"input or output failed ({error}); look at the card"))
    _tell(event="done", **answer)


def _carried_out(device: Device, order: Mapping[str, Any]) -> dict[str, Any]:
    folder = device.firmware.folder

    def remember(answer: dict[str, Any]) -> dict[str, Any]:
        write_whole(folder / _LAST, json.dumps({"run": order["run"], "answer": answer}).encode())
        return answer

    with noted(folder) as note, alone(folder, device.config.firmware.healthy_s + _MORE_S):
        last = _last_answer(folder, order["run"])
        if last is not None:  # the connection broke while this very deploy went on
            return last
        try:
            return remember(_taken(open_device(device.config), order, note))
        except EdgeError as error:
            if error.check != "source":  # else the next connection goes on
                remember(_refusal(error))
            raise


def _taken(device: Device, order: Mapping[str, Any], note: Callable[[str], None]) -> dict[str, Any]:
    signature = order["signature"].encode()
    today = datetime.datetime.now(datetime.UTC).date()
    with check("signature"):
        statement = check_signature(signature, order["name"] + SUFFIX, device.trust, today)

    def read(n_bytes: int, _: object) -> bytes:
        _daemon_says(device.config)  # without one nobody would judge the bundle
        return _received(device.firmware.folder / f".{statement.file_sha256}{_PART}", n_bytes)

    def step(name: str) -> None:
        _tell(event="step", step=name)

    wish = Wish(may_downgrade=order["may_downgrade"], may_repeat=order["may_repeat"], is_judged=True)
    taken = take(device, Offer(order["name"], signature, read), statement, wish, step, lambda _: None)
    if taken.is_changed:
        note(f"version {taken.version} takes the place of {device.now.version}, by a deploy; the daemon runs well with it")
    words = _daemon_says(device.config)
    warning = "" if words == "ready" else f"the daemon says: {words}"
    return {"outcome": "switched" if taken.is_changed else "already", "before": device.now.version, "warning": warning}


def _received(part: Path, n_bytes: int) -> bytes:
    """Return the whole bundle, of which only what is missing is asked for; what came stays, should the connection break."""
    for other in part.parent.glob(f".*{_PART}"):
        if other != part:
            other.unlink()
    offset = part.stat().st_size if part.exists() else 0
    if offset > n_bytes:
        part.unlink()
        offset = 0
    _tell(event="want", offset=offset)
    missing = n_bytes - offset
    try:
        with part.open("ab") as file:
            while missing:
                chunk = os.read(0, min(missing, _CHUNK_BYTES))
                if not chunk:
                    raise UpdateError(f"the connection ended with {missing} of {n_bytes} bytes missing; deploy again: it goes on")
                file.write(chunk)
                file.flush()
                missing -= len(chunk)
        data = part.read_bytes()
        part.unlink()
    except UpdateError:
        raise
    except OSError as error:
        with check("space"):
            raise OutputError(f"{part.parent} cannot take the bundle ({error.strerror}); make room there") from None
    return data


def _last_answer(folder: Path, run: str) -> dict[str, Any] | None:
    try:
        last = json.loads((folder / _LAST).read_bytes())
        return dict(last["answer"]) if last["run"] == run else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _daemon_says(config: Config) -> str:
    """Return what /readyz says, such as "ready".

    Raises:
        UpdateError: no daemon answers.
    """
    until = time.monotonic() + _START_S
    while True:
        try:
            return _asked(config.web)
        except OSError as error:
            if time.monotonic() > until:
                said = f"no daemon answers on port {config.web.port} ({error}), expected is one that runs"
                with check("daemon"):
                    raise UpdateError(f"{said}: sudo systemctl restart checkreader") from None
        time.sleep(_PAUSE_S)


def _asked(web: WebConfig) -> str:
    """Return the body of /readyz; asked by hand, since http.client brings all of email, a quarter of what this program has to load."""
    from edge.service.auth import is_local

    host = "127.0.0.1" if web.host in ("0.0.0.0", "::", "localhost") else web.host
    connection = socket.create_connection((host, web.port), timeout=_ASK_S)
    if not is_local(web.host):  # on its own machine a daemon need not prove by its certificate who it is
        import ssl

        connection = ssl._create_unverified_context().wrap_socket(connection)
    with connection:
        connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        head, _, body = b"".join(iter(lambda: connection.recv(4096), b"")).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/"):
        raise ConnectionError("what listens there is another program")
    return body.decode(errors="replace").strip()


def _refusal(error: EdgeError) -> dict[str, Any]:
    outcome = "rolled_back" if error.check == "health" else "refused"
    return {"outcome": outcome, "check": error.check or "device", "cause": str(error), "warning": ""}


def _tell(**event: Any) -> None:
    """Print an event; whoever listened may be gone, which must not stop a switch half-way."""
    try:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
