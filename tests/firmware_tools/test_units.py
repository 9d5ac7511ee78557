"""The units of the update are ones that systemd understands, and as closed as the daemon's."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.firmware_tools.conftest import ROOT, firmware

PACKAGING = ROOT / "packaging"
NAMES = ("checkreader-update.service", "checkreader-update.timer")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_has_nothing_to_say_against_the_units(tmp_path: Path) -> None:
    for name in NAMES:  # the program of the unit is not installed here
        (tmp_path / name).write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", (PACKAGING / name).read_text(), flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", *(tmp_path / name for name in NAMES)], capture_output=True, text=True)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "checkreader" in line]) == (0, [])


def test_the_update_may_no_more_than_the_daemon() -> None:
    def settings(name: str) -> set[str]:
        lines = (PACKAGING / name).read_text().splitlines()
        return {
            line
            for line in lines
            if re.match("Protect|Private|Restrict|NoNew|Capability|Ambient|Lock|SystemCall|User|Group|State|UMask", line)
        }

    daemon, update = settings("checkreader.service"), settings("checkreader-update.service")
    assert len(daemon) > 15
    assert daemon <= update


def test_what_the_unit_runs_is_a_command(tmp_path: Path) -> None:
    command = re.search(r"^ExecStart=\S+ (\S+)", (PACKAGING / NAMES[0]).read_text(), re.MULTILINE)
    assert command is not None
    assert firmware(command[1], "--help").returncode == 0
    assert firmware(command[1], "--config", tmp_path / "none.toml").returncode == 78
