"""All checks, one after another, as a table or as JSON."""

import datetime
import json
import logging
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from edge import __version__
from edge.config import Config
from edge.doctor.board import look_at_board
from edge.doctor.camera import look_at_camera
from edge.doctor.line import Line
from edge.doctor.network import look_at_network
from edge.doctor.networks import look_at_networks
from edge.doctor.storage import look_at_card, look_at_store
from edge.doctor.trust import look_at_trust
from edge.errors import BundleError, ConfigError
from edge.recognize.bundle import Bundle, read_bundle

_FAILED = 1
_PACKAGES = ("numpy", "opencv-python-headless", "ai-edge-litert", "tflite-runtime", "fastapi", "cryptography")


def examine(config: Config, as_json: bool, root: Path = Path("/")) -> int:
    """Print a line for each thing that was looked at; return 0, or 1 where something has failed.

    Args:
        root: where the files of the system lie.
    """
    logging.getLogger("edge").addHandler(logging.NullHandler())  # what would be logged stands in the lines
    levels = []
    for line in all_lines(config, root):
        levels.append(line.level)
        if as_json:
            sys.stdout.write(json.dumps(asdict(line)) + "\n")
        else:
            sys.stdout.write(f"{line.level:5} {line.check}: {line.words}\n" + (f"        {line.advice}\n" if line.advice else ""))
        sys.stdout.flush()
    if not as_json:
        counts = {level: levels.count(level) for level in ("ok", "warn", "fail")}
        sys.stdout.write(", ".join(f"{n} {level}" for level, n in counts.items()) + "\n")
    return _FAILED if "fail" in levels else 0


def all_lines(config: Config, root: Path) -> Iterator[Line]:
    """Yield what is found, the quick and quiet things first."""
    bundle = None
    try:
        bundle = read_bundle(_bundle_file(config))
        yield from _versions(bundle)
    except (BundleError, ConfigError) as error:
        yield Line("versions", "fail", str(error), "name another bundle, or install the reader anew")
    yield from look_at_board(root)
    yield from look_at_store(config)
    yield from look_at_card(root)
    yield from look_at_network(config, root)
    yield from look_at_trust(config, datetime.datetime.now(datetime.UTC).date())
    if bundle is not None:
        yield from look_at_networks(config, bundle)
        yield from look_at_camera(config, bundle, root)


def _bundle_file(config: Config) -> Path | None:
    from edge.service.slots import firmware_of

    firmware = firmware_of(config)
    if firmware is not None:
        return firmware.active_file()
    return Path(config.reading.bundle).expanduser() if config.reading.bundle else None


def _versions(bundle: Bundle) -> Iterator[Line]:
    there, missing = [f"Python {platform.python_version()}"], []
    for package in _PACKAGES:
        try:
            there.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            missing.append(package)
    yield Line("versions", "ok", f"checkreader {__version__}, bundle {bundle.version} ({bundle.sha256[:12]}), {', '.join(there)}")
    if {"fastapi", "cryptography"} & set(missing):
        yield Line("versions", "warn", "the daemon's packages are not all there", "make .venv/.serve, or pip install 'checkreader[serve]'")
