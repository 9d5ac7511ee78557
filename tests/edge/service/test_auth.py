"""The token, sessions, and the brake on guessing."""

from pathlib import Path

import pytest

from edge.errors import ConfigError
from edge.service.auth import FailureLimit, Sessions, Token, is_local


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_opens_also_after_a_restart_and_the_disk_does_not_hold_it(tmp_path: Path) -> None:
    secret = Token(tmp_path / "new" / "token").make()
    again = Token(tmp_path / "new" / "token")
    assert again.is_made
    assert again.fits(secret)
    assert not again.fits(secret[:-1])
    assert not again.fits("")
    files = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert files
    assert all(secret not in path.read_text() and path.stat().st_mode & 0o077 == 0 for path in files)


def test_nothing_fits_before_a_token_was_made(tmp_path: Path) -> None:
    token = Token(tmp_path / "token")
    assert not token.is_made
    assert not token.fits("")


def test_a_new_token_locks_out_the_old_one(tmp_path: Path) -> None:
    token = Token(tmp_path / "token")
    old, new = token.make(), token.make()
    assert (token.fits(old), token.fits(new)) == (False, True)


@pytest.mark.parametrize("content", [b"", b"abc\n", b"\xff\xfe", b"g" * 64])
def test_a_damaged_hash_is_refused_and_never_fits(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(ConfigError, match="delete the file"):
        Token(tmp_path / "token")


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError):
        Token(tmp_path / "file" / "token").make()


def test_a_session_ends_when_nobody_uses_it() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    secret, session = sessions.begin(is_owner=True)
    clock.now += 11 * 3600
    assert sessions.find(secret) is session
    clock.now += 11 * 3600  # used eleven hours ago
    assert sessions.find(secret) is session
    clock.now += 13 * 3600
    assert sessions.find(secret) is None
    assert sessions.find("") is None


def test_a_session_ends_when_it_is_told_to() -> None:
    sessions = Sessions()
    secret, _ = sessions.begin()
    sessions.end(secret)
    assert sessions.find(secret) is None


def test_strangers_cannot_push_an_owner_out() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    secret, session = sessions.begin(is_owner=True)
    for _ in range(1000):
        clock.now += 1
        sessions.begin()
    assert sessions.find(secret) is session


def test_two_sessions_never_share_a_secret() -> None:
    sessions = Sessions()
    (first, one), (second, other) = sessions.begin(), sessions.begin()
    assert first != second
    assert one.csrf != other.csrf
    assert sessions.is_csrf(one, one.csrf)
    assert not sessions.is_csrf(one, other.csrf)


def test_guessing_is_stopped_for_a_while_and_only_for_that_address() -> None:
    clock = Clock()
    limit = FailureLimit(clock)
    for _ in range(8):
        assert limit.wait_s("192.0.2.1") == 0
        limit.count("192.0.2.1")
        clock.now += 1
    assert 0 < limit.wait_s("192.0.2.1") <= 300
    assert limit.wait_s("192.0.2.2") == 0
    clock.now += 301
    assert limit.wait_s("192.0.2.1") == 0


def test_an_ipv6_neighbourhood_counts_as_one_address() -> None:
    limit = FailureLimit(Clock())
    for host in range(8):
        limit.count(f"2001:db8::{host:x}")
    assert limit.wait_s("2001:db8::ffff") > 0
    assert limit.wait_s("2001:db8:1::1") == 0
    assert limit.wait_s("::ffff:192.0.2.1") == limit.wait_s("192.0.2.1") == 0


def test_counting_takes_no_more_room_than_it_may() -> None:
    limit = FailureLimit(Clock())
    for number in range(10_000):
        limit.count(f"{number}.example")
    assert len(limit._failures) <= 4096


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *((host, True) for host in ("localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1", "[::1]")),
        *((host, False) for host in ("0.0.0.0", "192.168.1.5", "localhost.example", "127.0.0.1.example", "", "raspberrypi.local")),
    ],
)
def test_only_this_machine_is_local(host: str, expected: bool) -> None:
    assert is_local(host) is expected
