"""One device gets a bundle: over one ssh connection, taken up again where it breaks off."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from firmware_tools.ssh import Trouble, explain, remote_words, ssh_words

Outcome = Literal["switched", "already", "refused", "rolled_back", "unreachable", "not_tried"]
_CHUNK_BYTES = 32 << 10
_PAUSE_S = 2.0
_ANSWERED = ("outcome", "cause", "check", "before", "warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What every host is sent, and how; explained at the command's options. ``run`` names this deploy, ``tries``: connections a host."""

    data: bytes
    name: str
    version: str
    sha256: str
    signature: str
    run: str
    may_downgrade: bool = False
    may_repeat: bool = False
    config: str = "/etc/checkreader.toml"
    user: str = "checkreader"
    tries: int = 4
    takes_new_keys: bool = False
    ssh_config: Path | None = None

    def line(self) -> bytes:
        """Return what the device reads first."""
        sent = ("name", "signature", "run", "may_downgrade", "may_repeat")
        return json.dumps({key: getattr(self, key) for key in sent}).encode() + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How it ended on one host; ``cause`` is empty where all is well. ``before``: the version until then; ``sent_bytes`` in all."""

    host: str
    outcome: Outcome
    cause: str = ""
    check: str = ""
    before: str = ""
    warning: str = ""
    tries: int = 1
    sent_bytes: int = 0
    seconds: float = 0.0

    @property
    def is_well(self) -> bool:
        return self.outcome in ("switched", "already")

    def facts(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 3)}


@dataclass(slots=True)
class Progress:
    """What a host is at, for whoever shows it: changed by the host's thread alone."""

    step: str = "waits"
    done_bytes: int = 0
    sent_bytes: int = 0
    told: Callable[[], None] = field(default=lambda: None)

    def at(self, step: str) -> None:
        self.step = step
        self.told()


def deploy_to(host: str, order: Order, progress: Progress) -> Result:
    """Bring one host to the bundle, or say why not; whatever goes wrong is a result, so that other hosts go on."""
    started = time.monotonic()
    for number in range(1, order.tries + 1):
        progress.at("connect" if number == 1 else f"connect again ({number})")
        answer = _connect(host, order, progress)
        if not isinstance(answer, Trouble) or not answer.is_passing or number == order.tries:
            break
        time.sleep(_PAUSE_S)
    if isinstance(answer, Trouble):
        result = Result(host=host, outcome="refused" if answer.is_reached else "unreachable", cause=answer.cause, check=answer.check)
    else:
        result = Result(host=host, **{key: answer[key] for key in _ANSWERED if key in answer})
    return replace(result, tries=number, sent_bytes=progress.sent_bytes, seconds=time.monotonic() - started)


def _connect(host: str, order: Order, progress: Progress) -> dict[str, Any] | Trouble:
    """Return the answer of the program on the device, or why there is none."""
    words = ssh_words(host, remote_words(order.config, order.user), order.ssh_config, order.takes_new_keys)
    with tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints) as ssh:
            answer = _talk(ssh, order, progress)
        complaints.seek(0)
        complaint = complaints.read().decode(errors="replace")
    return answer if answer is not None else explain(host, ssh.returncode, complaint)


def _talk(ssh: "subprocess.Popen[bytes]", order: Order, progress: Progress) -> dict[str, Any] | None:
    assert ssh.stdin is not None
    assert ssh.stdout is not None
    answer = None
    try:
        ssh.stdin.write(order.line())
        ssh.stdin.flush()
        for line in ssh.stdout:
            try:
                event = json.loads(line)
            except ValueError:  # a greeting of the login shell, or half a line before the connection broke
                continue
            if event.get("event") == "want":
                _send(ssh, int(event["offset"]), order, progress)
            elif event.get("event") == "step":
                progress.at(event["step"])
            elif event.get("event") == "done":
                answer = event
    except BrokenPipeError:  # the other side ended early: what it said is still to be read
        for line in ssh.stdout:
            if line.startswith(b'{"event": "done"'):
                answer = json.loads(line)
    finally:
        with suppress(BrokenPipeError):
            ssh.stdin.close()
    return answer


def _send(ssh: "subprocess.Popen[bytes]", offset: int, order: Order, progress: Progress) -> None:
    assert ssh.stdin is not None
    progress.done_bytes = offset
    progress.at("copy")
    for start in range(offset, len(order.data), _CHUNK_BYTES):
        chunk = order.data[start : start + _CHUNK_BYTES]
        ssh.stdin.write(chunk)
        progress.done_bytes += len(chunk)
        progress.sent_bytes += len(chunk)
        progress.told()
    ssh.stdin.flush()
