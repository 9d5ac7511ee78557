"""Who may ask: the owner's token, the sessions of browsers, and a brake on guessing."""

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from edge.errors import ConfigError

Clock = Callable[[], float]

# 32 random bytes cannot be guessed, so that one round of SHA-256 hides the token as well as a slow hash would.
_TOKEN_BYTES = 32
_TOKEN_PREFIX = "check_"

_SESSION_IDLE_S = 12 * 3600.0
_MOST_SESSIONS = 256

# So many wrong tokens from one address within the window close the door to it for the rest of the window.
_MOST_FAILURES = 8
_FAILURE_WINDOW_S = 300.0
_MOST_ADDRESSES = 4096


class Token:
    """The owner's secret; the file holds its hash alone, so that nobody who reads the disk can use it.

    Raises:
        ConfigError: the file is there and is no hash.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = self._stored()

    @property
    def is_made(self) -> bool:
        return bool(self._digest)

    def make(self) -> str:
        """Make a new token, which the old one no longer opens, and return it: the only time that it can be read.

        Raises:
            ConfigError: the folder cannot be written to.
        """
        token = _TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        self._digest = _digest(token)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(self._path, self._digest.encode() + b"\n")
        except OSError as error:
            raise ConfigError(
                f"{self._path}: the token cannot be kept there ({error.strerror}); name another with web.token_file"
            ) from None
        return token

    def fits(self, token: str) -> bool:
        """Say whether this is the token, in a time that tells nothing about it."""
        return hmac.compare_digest(self._digest, _digest(token)) and self.is_made

    def _stored(self) -> str:
        try:
            text = self._path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._path}: the token's hash cannot be read ({error}); delete the file and start again") from None
        if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
            raise ConfigError(f"{self._path}: this is not a SHA-256 hash; delete the file, and the next start makes a new token")
        return text


@dataclass(slots=True)
class Session:
    """One browser: ``csrf`` has to come back with every change, ``is_owner`` once the token was given."""

    csrf: str
    used_s: float
    is_owner: bool = False
    label: str = ""


class Sessions:
    """The browsers that were here lately, in memory alone: a restart asks for the token again."""

    def __init__(self, now: Clock = time.monotonic) -> None:
        self._now = now
        self._sessions: dict[str, Session] = {}

    def begin(self, is_owner: bool = False) -> tuple[str, Session]:
        """Return the secret for the browser's cookie and its new session."""
        secret = secrets.token_urlsafe(_TOKEN_BYTES)
        session = Session(secrets.token_urlsafe(_TOKEN_BYTES), self._now(), is_owner, secrets.token_hex(3))
        self._forget()
        self._sessions[_digest(secret)] = session
        return secret, session

    def find(self, secret: str) -> Session | None:
        session = self._sessions.get(_digest(secret)) if secret else None
        if session is None or self._now() - session.used_s > _SESSION_IDLE_S:
            return None
        session.used_s = self._now()
        return session

    def is_csrf(self, session: Session, given: str) -> bool:
        """Say whether ``given`` is what the page of this session was told to send along."""
        return hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "surrogatepass"))

    def end(self, secret: str) -> None:
        self._sessions.pop(_digest(secret), None)

    def _forget(self) -> None:
        """Drop who was idle too long, and the idlest where there are too many; owners last."""
        for key in [key for key, session in self._sessions.items() if self._now() - session.used_s > _SESSION_IDLE_S]:
            del self._sessions[key]
        while len(self._sessions) >= _MOST_SESSIONS:
            del self._sessions[min(self._sessions, key=lambda key: (self._sessions[key].is_owner, self._sessions[key].used_s))]


class FailureLimit:
    """Counts wrong tokens by address; an IPv6 neighbourhood of /64 counts as one address, since one machine owns it all."""

    def __init__(self, now: Clock = time.monotonic) -> None:
        self._now = now
        self._failures: dict[str, list[float]] = {}

    def wait_s(self, address: str) -> float:
        """Return for how long this address has to wait; 0 when it may try."""
        failures = self._recent(_neighbourhood(address))
        return 0.0 if len(failures) < _MOST_FAILURES else failures[0] + _FAILURE_WINDOW_S - self._now()

    def count(self, address: str) -> None:
        key = _neighbourhood(address)
        if key not in self._failures and len(self._failures) >= _MOST_ADDRESSES:
            del self._failures[min(self._failures, key=lambda other: self._failures[other][-1])]
        self._failures[key] = [*self._recent(key), self._now()][-_MOST_FAILURES:]

    def _recent(self, key: str) -> list[float]:
        return [when for when in self._failures.get(key, ()) if self._now() - when < _FAILURE_WINDOW_S]


def write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone may read, whole or not at all, also when the power goes.

    Raises:
        OSError: the disk says no; nothing is left there then.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def is_local(host: str) -> bool:
    """Say whether an address to listen on, or a name in a Host header, means this machine alone."""
    name = host.strip("[]").lower().removesuffix(".")
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _neighbourhood(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
