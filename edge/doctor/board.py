"""The board: how warm it is, whether it is held back, and whether its clock is right."""

import datetime
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from edge.doctor.line import Level, Line, text_of

# A Raspberry Pi slows down softly from 80 degrees on, and hard at 85 (Raspberry Pi documentation, "Frequency management").
_WARM_C, _HOT_C = 75.0, 82.0
# vcgencmd get_throttled: bit -> what it means; the same bits 16 higher: has happened since the start.
_THROTTLED = {0: "the voltage is too low", 1: "the clock of the processor is capped", 2: "it is throttled", 3: "it is near its heat limit"}
_VOLTAGE = "use the power supply made for this board, and a short cable"
_HEAT = "give it a heat sink or a fan, and air"
_FIRST_YEAR = 2026  # no version of this reader is older


def look_at_board(root: Path) -> Iterator[Line]:
    """Yield model, temperature, throttling and clock; what this machine does not tell is said to be so."""
    model = text_of(root / "proc/device-tree/model")
    yield Line("board", "ok", model or "this machine does not tell its model")
    zones = [text_of(zone / "temp") for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*"))]
    degrees = [int(text) / 1000 for text in zones if text and text.lstrip("-").isdecimal()]
    if degrees:
        level: Level = "fail" if max(degrees) >= _HOT_C else "warn" if max(degrees) >= _WARM_C else "ok"
        yield Line("temperature", level, f"{max(degrees):.0f} °C", "" if level == "ok" else _HEAT)
    else:
        yield Line("temperature", "ok", "this machine does not tell its temperature")
    yield _throttling(root)
    yield _clock(root, datetime.datetime.now(datetime.UTC))


def _throttling(root: Path) -> Line:
    told = text_of(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    if told is None and root == Path("/") and shutil.which("vcgencmd"):
        told = subprocess.run(["vcgencmd", "get_throttled"], check=False, capture_output=True, text=True, timeout=5).stdout
    try:
        flags = int((told or "").rpartition("=")[2].strip().removeprefix("0x"), 16)
    except ValueError:
        return Line("throttling", "ok", "this machine does not tell whether it is held back")
    now = [words for bit, words in _THROTTLED.items() if flags >> bit & 1]
    before = [words for bit, words in _THROTTLED.items() if flags >> (bit + 16) & 1]
    advice = _VOLTAGE if flags & 0x10001 else _HEAT
    if now:
        return Line("throttling", "fail", f"{', '.join(now)} (flags {flags:#x})", advice)
    if before:
        return Line("throttling", "warn", f"since the start: {', '.join(before)} (flags {flags:#x})", advice)
    return Line("throttling", "ok", "it was never held back since the start")


def _clock(root: Path, now: datetime.datetime) -> Line:
    advice = "connect it to a network, or sudo timedatectl set-ntp true; dates and the days of keys are judged by this clock"
    if now.year < _FIRST_YEAR:
        return Line("clock", "fail", f"it says {now:%Y-%m-%d}, which cannot be", advice)
    if (root / "run/systemd/timesync/synchronized").exists():
        return Line("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC, in step with a time server")
    if root == Path("/") and shutil.which("timedatectl"):
        command = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
        told = subprocess.run(command, check=False, capture_output=True, text=True, timeout=5).stdout.strip()
        if told == "yes":
            return Line("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC, in step with a time server")
        if told == "no":
            return Line("clock", "warn", f"{now:%Y-%m-%d %H:%M} UTC, not in step with any time server", advice)
    return Line("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC; this machine does not tell whether it is in step")
