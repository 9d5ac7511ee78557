"""The package for a Pi, unpacked in a root of 64-bit ARM under emulation: `make test-deb-arm64`."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from firmware_tools.debian import build_deb

ROOT = Path(__file__).resolve().parents[2]
ARM64 = Path(__file__).with_name("arm64")

pytestmark = pytest.mark.skipif("TEST_ARM64" not in os.environ, reason="takes minutes under emulation: make test-deb-arm64 runs it")


def test_the_packages_own_commands_answer_on_arm_as_where_the_bundle_was_built(tmp_path: Path) -> None:
    os.environ["DPKG_DEB_COMPRESSOR_LEVEL"] = "0"
    deb = build_deb(ROOT, "trixie", "arm64", tmp_path)
    root = Path(os.environ.get("ARM64_ROOT", "/var/tmp/checkreader-arm64"))
    try:
        subprocess.run(["dpkg-deb", "--extract", deb, root / "deb"], check=True)
        # Its launcher has the path that the package is installed to; nothing of what the root itself has is on the path.
        program = "import sys; sys.path[:] = [p for p in sys.path if 'dist-packages' not in p]"
        program += "; sys.path.insert(0, '/deb/usr/lib/checkreader'); from edge.cli import main; main()"
        words = [ARM64, "run", "python3", "-I", "-c", program, "doctor", "--parity", "--json"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=1800)
        assert done.returncode == 0, done.stderr
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(rows) == 6
        assert not any(row["other_answers"] for row in rows)
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", root / "deb"], check=True)
