"""Where a golden set was run, so that what has just passed on this device is not run a second time."""

from pathlib import Path

from edge import __version__
from edge.recognize.interpreter import choose_runtime

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def circumstances(runtime: str, threads: int) -> str:
    """Return what the outcome of a golden set hangs on beside the bundle: machine, its last start, reader and runtime; empty: not known.

    Raises:
        ConfigError: no such runtime.
        MissingDependencyError: it is not installed.
    """
    try:
        boot = _BOOT_ID.read_text().strip()  # random(4): another one on each machine and after each start, also of a card that was copied
    except OSError:
        return ""
    return f"boot {boot}, reader {__version__}, {choose_runtime(runtime)}, {threads} threads"
