"""How much longer does a deploy to twenty devices take than to one? Twenty real sshds on loopback, each with a daemon of its own.

    PYTHONPATH=. python bench/deploy_fleet.py [--hosts 20] [--runs 3] [--fps 2] [--bare 55]

All devices share this machine's cores, which real ones do not: the figure is on the safe side. Beside each time stands what the fleet
itself spent on the cores: the deploy, ssh on both sides, what it runs on the devices, and the daemons.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.firmware_tools.devices import Fleet


def spent_s(fleet: Fleet) -> float:
    """Return the seconds of the cores that all devices' daemons and sshds, and our own children, have taken (proc_pid_stat(5))."""
    ticks = 0
    for device in fleet.devices.values():
        assert device.sshd is not None
        for pid in (device.daemon_pid(), device.sshd.pid):
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ticks / os.sysconf("SC_CLK_TCK") + ours.ru_utime + ours.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--fps", type=float, default=2.0, help="of the cameras; at 15 what twenty daemons see keeps two cores busy already")
    parser.add_argument("--bare", type=float, default=55.0, help="seconds between two checks on each counter, which lie there for five")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder))
        try:
            for number in range(asked.hosts):
                device = fleet.add(f"counter-{number:02}")
                device.configure(healthy_s=60.0, fps=asked.fps, bare_s=asked.bare)
                device.start_daemon()
            time.sleep(10)  # what a start leaves to be done
            before = spent_s(fleet)
            time.sleep(5)
            print(f"the daemons alone keep {(spent_s(fleet) - before) / 5:.2f} of {os.cpu_count()} cores busy", flush=True)
            took: dict[str, list[float]] = {"one": [], "all": []}
            for run in range(2 * asked.runs):
                name = ("one", "all")[run % 2]
                hosts = tuple(fleet.devices)[:1] if name == "one" else tuple(fleet.devices)
                bundle = fleet.packed(f"0.{run + 4}")
                started, before = time.monotonic(), spent_s(fleet)
                done = fleet.deploy("--bundle", bundle, "--json", hosts=hosts)
                seconds = time.monotonic() - started
                took[name].append(seconds)
                rows = [json.loads(line) for line in done.stdout.splitlines()]
                assert [row["outcome"] for row in rows] == ["switched"] * len(hosts), done.stdout
                print(f"{name}: {seconds:.1f} s, {spent_s(fleet) - before:.1f} s of the cores", flush=True)
            one, every = median(took["one"]), median(took["all"])
            print(f"medians of {asked.runs}: one {one:.1f} s, {asked.hosts} {every:.1f} s, {every / one:.2f} times as long")
        finally:
            fleet.stop()


if __name__ == "__main__":
    main()
