"""How much longer does a deploy to twenty devices take than to one? Twenty real sshds on loopback, each with a daemon of its own.

    PYTHONPATH=. python bench/deploy_fleet.py [--hosts 20] [--runs 3]

All devices share this machine's cores, which real ones do not: the figure is on the safe side. Beside it stands what share of the
cores' time was spent, by all processes of this machine.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.firmware_tools.devices import Fleet


def busy_s() -> float:
    """Return the seconds that this machine's cores were not idle (proc_stat(5))."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(ticks[:8]) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder))
        try:
            for number in range(asked.hosts):
                device = fleet.add(f"counter-{number:02}")
                device.configure(healthy_s=60.0)
                device.start_daemon()
            time.sleep(10)  # what a start leaves to be done
            before = busy_s()
            time.sleep(5)
            print(f"the daemons alone keep {(busy_s() - before) / 5:.2f} of {os.cpu_count()} cores busy", flush=True)
            took: dict[str, list[float]] = {"one": [], "all": []}
            for run in range(2 * asked.runs):
                name = ("one", "all")[run % 2]
                hosts = tuple(fleet.devices)[:1] if name == "one" else tuple(fleet.devices)
                bundle = fleet.packed(f"0.{run + 4}")
                started, before = time.monotonic(), busy_s()
                done = fleet.deploy("--bundle", bundle, "--json", hosts=hosts)
                seconds = time.monotonic() - started
                took[name].append(seconds)
                rows = [json.loads(line) for line in done.stdout.splitlines()]
                assert [row["outcome"] for row in rows] == ["switched"] * len(hosts), done.stdout
                print(f"{name}: {seconds:.1f} s, {(busy_s() - before) / seconds:.2f} cores busy", flush=True)
            one, every = median(took["one"]), median(took["all"])
            print(f"medians of {asked.runs}: one {one:.1f} s, {asked.hosts} {every:.1f} s, {every / one:.2f} times as long")
        finally:
            fleet.stop()


if __name__ == "__main__":
    main()
