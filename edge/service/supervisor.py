"""What systemd wants to hear (sd_notify(3), sd_watchdog_enabled(3)), by its socket and without a library."""

import os
import socket
import threading
from collections.abc import Callable, Mapping


def notify(message: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send a message such as READY=1; return whether anybody wants to hear it."""
    address = environment.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        # An address that begins with @ is in the abstract namespace, which begins with a zero byte.
        sender.sendto(message.encode(), "\0" + address[1:] if address[0] == "@" else address)
    return True


def feed_watchdog(
    is_alive: Callable[[], bool], is_over: threading.Event, environment: Mapping[str, str] = os.environ
) -> threading.Thread | None:
    """Tell systemd that the daemon is alive, twice in each of its intervals and only while it is; None: systemd does not ask."""
    interval_us = environment.get("WATCHDOG_USEC", "")
    if not interval_us.isdecimal() or environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None

    def feed() -> None:
        while not is_over.wait(int(interval_us) / 2e6):
            if is_alive():
                notify("WATCHDOG=1", environment)

    thread = threading.Thread(target=feed, name="watchdog", daemon=True)
    thread.start()
    return thread
