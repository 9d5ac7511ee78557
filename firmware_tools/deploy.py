"""One device gets a bundle: over one ssh connection, taken up again where it breaks off."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import firmware_tools
from firmware_tools.ssh import Trouble, explain, remote_python, ssh_words

Outcome = Literal["switched", "already", "refused", "rolled_back", "unreachable", "not_tried"]
_CHUNK_BYTES = 32 << 10
_PAUSE_S = 2.0
_ANSWERED = ("outcome", "cause", "check", "field", "expected", "warning")
# What the device runs, in the order in which they import one another.
_ON_DEVICE = {"device": "device/__init__.py", **{f"device.{name}": f"device/{name}.py" for name in ("refusal", "switch", "take")}}
_LOADER = """\
import sys, types
for name, text in {sources!r}.items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
sys.modules["firmware_tools.device.take"].main()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What every host is sent; the words for the device are explained at the command's options.

    ``signature``: the text that lies beside the bundle as .sig, empty where nothing does.
    ``settle_s``: so long the daemon has to be well on end; ``patience_s``: so long it may take until it is. ``tries``: connections a host.
    """

    data: bytes
    version: str
    sha256: str
    run: str
    signature: str = ""
    config: str = "/etc/checkreader.toml"
    restart: str = "systemctl restart checkreader"
    log: str = "/var/log/checkreader-deploy.log"
    settle_s: float = 10.0
    patience_s: float = 60.0
    tries: int = 4
    is_root_needed: bool = True
    takes_new_keys: bool = False
    ssh_config: Path | None = None

    def line(self) -> bytes:
        """Return what the program on the device reads first."""
        sent = ("version", "sha256", "run", "signature", "config", "restart", "log", "settle_s", "patience_s")
        return json.dumps({"bytes": len(self.data), **{key: getattr(self, key) for key in sent}}).encode() + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How it ended on one host; ``cause`` is empty where all is well. ``sent_bytes`` over all connections."""

    host: str
    outcome: Outcome
    cause: str = ""
    check: str = ""
    field: str = ""
    expected: str = ""
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
        result = Result(host=host, outcome="unreachable", cause=answer.cause, check=answer.check, field=host, expected=answer.expected)
    else:
        result = Result(host=host, **{key: answer[key] for key in _ANSWERED if key in answer})
    return replace(result, tries=number, sent_bytes=progress.sent_bytes, seconds=time.monotonic() - started)


def _connect(host: str, order: Order, progress: Progress) -> dict[str, Any] | Trouble:
    """Return the answer of the program on the device, or why there is none."""
    program = _program()
    words = ssh_words(host, remote_python(len(program), order.is_root_needed), order.ssh_config, order.takes_new_keys)
    with tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints) as ssh:
            answer = _talk(ssh, program + order.line(), order, progress)
        complaints.seek(0)
        complaint = complaints.read().decode(errors="replace")
    return answer if answer is not None else explain(host, ssh.returncode, complaint)


@cache
def _program() -> bytes:
    """Return the modules that run on the device as one program, which makes modules of them again."""
    texts = {f"firmware_tools.{name}": (resources.files(firmware_tools) / file).read_text("utf-8") for name, file in _ON_DEVICE.items()}
    return _LOADER.format(sources={"firmware_tools": "", **texts}).encode()


def _talk(ssh: "subprocess.Popen[bytes]", first: bytes, order: Order, progress: Progress) -> dict[str, Any] | None:
    assert ssh.stdin is not None
    assert ssh.stdout is not None
    answer = None
    try:
        ssh.stdin.write(first)
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
