"""The system's OpenSSH: how it is called, and what its complaints mean."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

# Of a broken connection ssh hears after so many unanswered questions, one every so many seconds.
_ALIVE_S, _ALIVE_COUNT, _CONNECT_S = 5, 3, 10
BROKEN = 255  # ssh(1): its own exit code for an error that is not the command's


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a host was not reached: ``cause`` is one sentence; ``is_passing`` means that another try may help."""

    check: str
    cause: str
    expected: str
    is_passing: bool


def ssh_words(host: str, remote: str, config: Path | None, takes_new_keys: bool) -> list[str]:
    """Return the command line; a host whose key changed is refused whatever the user's own configuration says.

    ``takes_new_keys`` believes a host that was never seen; otherwise its key has to be known already.
    """
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "accept-new" if takes_new_keys else "yes",
        "ConnectTimeout": str(_CONNECT_S),
        "ServerAliveInterval": str(_ALIVE_S),
        "ServerAliveCountMax": str(_ALIVE_COUNT),
        "LogLevel": "INFO",
    }
    words = ["ssh", "-T", *(["-F", str(config)] if config else [])]
    return [*words, *(word for key, value in options.items() for word in ("-o", f"{key}={value}")), "--", host, remote]


def remote_python(n_bytes: int, is_root_needed: bool) -> str:
    """Return the command that runs, as root where needed, a Python program of ``n_bytes`` that comes first on standard input."""
    python = f"exec python3 -c {quote(f'import sys; exec(sys.stdin.buffer.read({n_bytes}))')}"
    if is_root_needed:
        python = f'if [ "$(id -u)" = 0 ]; then {python}; else exec sudo -n {python.removeprefix("exec ")}; fi'
    return f"exec sh -c {quote(python)}"


def explain(host: str, code: int, complaint: str) -> Trouble:
    """Say in one sentence what ssh, or the command on the other side, ended with."""
    name = host.rpartition("@")[2]
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in complaint:
        return _changed(name, complaint)
    for pattern, check, sentence, expected in _KNOWN:
        if re.search(pattern, complaint):
            return Trouble(check, f"{check}: {sentence.format(name=name)}", expected, is_passing=False)
    last = _last_line(complaint) or f"ssh left with {code}"
    if code == BROKEN:
        cause = f"connection: {name} is not reached or was lost ({last}); see to its power and network, then deploy again: it goes on"
        return Trouble("connection", cause, "an ssh connection", is_passing=True)
    return Trouble("device", f"device: what ran on {name} ended with {code} ({last})", "exit code 0", is_passing=False)


def _changed(name: str, complaint: str) -> Trouble:
    shown = re.search(r"(SHA256:\S+?)\.?\s", complaint)
    place = re.search(r"Offending \S+ key in (\S+)", complaint)
    key, known = shown[1] if shown else "see ssh", f" ({place[1]})" if place else ""
    cause = (
        f"host key: {name} answers with another key ({key}) than the one known{known}; if its card was written anew: "
        f"ssh-keygen -R {name}, and compare the new key, else somebody may stand between"
    )
    return Trouble("host key", cause, "the key in known_hosts", is_passing=False)


_KNOWN: Sequence[tuple[str, str, str, str]] = (
    (
        r"Host key verification failed|No \S+ host key is known", "host key",
        "the key of {name} is not known yet; connect once by hand and compare it (ssh {name}), or give --accept-new",
        "a key in known_hosts",
    ),
    (
        r"Permission denied", "login",
        "{name} does not take our ssh key; copy it there (ssh-copy-id {name}) or load it into the agent (ssh-add)", "a login by key",
    ),
    (
        r"sudo: (a password is required|a terminal is required|sorry)|not in the sudoers", "login",
        "the user on {name} may not become root without a password; allow it in /etc/sudoers.d, or give --no-sudo",
        "sudo without a password",
    ),
    (r"python3: (command )?not found|exec: python3", "installation", "{name} has no python3: sudo apt install python3", "python3"),
    (
        r"Could not resolve hostname", "connection",
        "the name {name} is not known here; look whether it is spelt right, and whether the device is on", "a name that resolves",
    ),
    (r"Bad configuration option|Can't open user config file", "usage", "ssh refuses its configuration; see --ssh-config", "a valid file"),
)  # fmt: skip


def _last_line(complaint: str) -> str:
    lines = [line.strip() for line in complaint.splitlines() if line.strip() and not line.startswith("Warning: Permanently added")]
    return lines[-1] if lines else ""
