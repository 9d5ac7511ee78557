"""How much longer does a deploy to twenty devices take than to one? Twenty real sshds on loopback, each with a daemon of its own.

    python bench/deploy_fleet.py [--hosts 20] [--settle 10]

All devices share this machine's cores, which real ones do not: the figure is on the safe side.
"""

import argparse
import importlib.util
import json
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from edge.recognize.bundle import read_bundle, write_bundle

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "edge/bundles/checkreader.bundle"


def packed(path: Path, version: str) -> Path:
    with zipfile.ZipFile(SHIPPED) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != "card.json"}
    path.write_bytes(write_bundle({**read_bundle(SHIPPED).card.raw, "version": version}, members))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--settle", default="10")
    asked = parser.parse_args()
    spec = importlib.util.spec_from_file_location("devices", ROOT / "tests/firmware_tools/devices.py")
    assert spec is not None
    assert spec.loader is not None
    devices = sys.modules["devices"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(devices)
    with tempfile.TemporaryDirectory() as folder:
        fleet = devices.Fleet(Path(folder))
        try:
            for number in range(asked.hosts):
                fleet.add(f"counter-{number:02}", SHIPPED).restart()
            took = {}
            for name, hosts in (("one", ("counter-00",)), ("all", tuple(fleet.devices))):
                bundle = packed(Path(folder) / f"{name}.bundle", f"0.9.{len(took)}")
                started = time.monotonic()
                done = fleet.deploy("--bundle", bundle, "--json", "--settle", asked.settle, hosts=hosts)
                took[name] = time.monotonic() - started
                outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
                assert outcomes == ["switched"] * len(hosts), done.stdout
            print(f"one: {took['one']:.1f} s, {asked.hosts}: {took['all']:.1f} s, {took['all'] / took['one']:.2f} times as long")
        finally:
            fleet.stop()


if __name__ == "__main__":
    main()
