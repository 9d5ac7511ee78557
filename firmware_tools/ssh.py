"""The system's OpenSSH: how it is called, and what its complaints mean."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

# Of a broken connection ssh hears after so many unanswered questions, one every so many seconds.
_ALIVE_S, _ALIVE_COUNT, _CONNECT_S = 5, 3, 10
BROKEN = 255  # ssh(1): its own exit code for an error that is not the command's
_ON_DEVICE = """\
refuse() {
    printf '{"event": "done", "outcome": "refused", "check": "%s", "cause": "refused at the check %s: %s"}\\n' "$1" "$1" "$2"
    exit 0
}
machine=$(uname -m)
case $machine in
aarch64|x86_64) ;;
*) refuse architecture "this is a $machine system, expected is aarch64 or x86_64: install the 64-bit Raspberry Pi OS" ;;
esac
if ! command -v checkreader-firmware >/dev/null; then
    python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
    case $python in
    3.11|3.12|3.13|"") refuse installation "checkreader-firmware is missing; install the package: sudo apt install ./checkreader_*.deb" ;;
    *) refuse python "Python $python has no wheel of the interpreter, expected is 3.11 to 3.13: write the card with bookworm or trixie" ;;
    esac
fi
set -- checkreader-firmware receive --config {config}
if [ "$(id -un)" = {user} ]; then exec "$@"; fi
cd /
if [ "$(id -u)" = 0 ]; then exec runuser -u {user} -- "$@"; fi
exec sudo -n -u {user} -- "$@"
"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing was heard of a deploy: ``cause`` is one sentence; ``is_passing`` means that another try may help."""

    check: str
    cause: str
    is_passing: bool

    @property
    def is_reached(self) -> bool:
        return self.check in ("installation", "device")


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


def remote_words(config: str, user: str) -> str:
    """Return the command that takes a bundle up on the device as ``user``, or says as a refusal why it cannot be run there.

    In the words of any shell, since a device without the reader, or too old for it, has to answer as well.
    """
    script = _ON_DEVICE.replace("{config}", quote(config)).replace("{user}", quote(user))
    return f"exec sh -c {quote(script)}"


def explain(host: str, code: int, complaint: str) -> Trouble:
    """Say in one sentence what ssh, or the command on the other side, ended with."""
    name = host.rpartition("@")[2]
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in complaint:
        return _changed(name, complaint)
    for pattern, check, sentence in _KNOWN:
        if re.search(pattern, complaint):
            return Trouble(check, f"{check}: {sentence.format(name=name)}", is_passing=False)
    last = _last_line(complaint) or f"ssh left with {code}"
    if code == BROKEN:
        cause = f"connection: {name} is not reached or was lost ({last}); see to its power and network, then deploy again: it goes on"
        return Trouble("connection", cause, is_passing=True)
    return Trouble("device", f"device: what ran on {name} ended with {code} ({last})", is_passing=False)


def _changed(name: str, complaint: str) -> Trouble:
    shown = re.search(r"(SHA256:\S+?)\.?\s", complaint)
    place = re.search(r"Offending \S+ key in (\S+)", complaint)
    key, known = shown[1] if shown else "see ssh", f" ({place[1]})" if place else ""
    cause = (
        f"host key: {name} answers with another key ({key}) than the one known{known}; if its card was written anew: "
        f"ssh-keygen -R {name}, and compare the new key, else somebody may stand between"
    )
    return Trouble("host key", cause, is_passing=False)


_KNOWN: Sequence[tuple[str, str, str]] = (
    (
        r"Host key verification failed|No \S+ host key is known", "host key",
        "the key of {name} is not known yet; connect once by hand and compare it (ssh {name}), or give --accept-new",
    ),
    (
        r"Permission denied", "login",
        "{name} does not take our ssh key; copy it there (ssh-copy-id {name}) or load it into the agent (ssh-add)",
    ),
    (
        r"sudo: (a password is required|a terminal is required|sorry)|not in the sudoers", "login",
        "the login on {name} may not become the daemon's user without a password; allow it in /etc/sudoers.d, or log in as that user",
    ),
    (
        r"sudo: unknown user|runuser: user \S+ does not exist", "installation",
        "{name} has no such user as runs the daemon; install the package, or name another with --user",
    ),
    (r"No such command .receive.", "installation", "the reader on {name} is older than deploy needs; install a newer package"),
    (
        r"Could not resolve hostname", "connection",
        "the name {name} is not known here; look whether it is spelt right, and whether the device is on",
    ),
    (r"Bad configuration option|Can't open user config file", "usage", "ssh refuses its configuration; see --ssh-config"),
)  # fmt: skip


def _last_line(complaint: str) -> str:
    lines = [line.strip() for line in complaint.splitlines() if line.strip() and not line.startswith("Warning: Permanently added")]
    return lines[-1] if lines else ""
