import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.recognize.bundle import read_bundle
from tests.firmware_tools.conftest import SHIPPED, firmware


def test_the_shipped_bundle_is_what_its_card_says() -> None:
    done = firmware("verify", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    bundle = read_bundle(None)
    assert answer["version"] == bundle.version
    assert answer["sha256"] == bundle.sha256
    assert answer["models_bytes"] == {name: len(model) for name, model in bundle.models.items()}


def test_verify_tells_a_person_the_size_of_each_model() -> None:
    done = firmware("verify", SHIPPED)
    assert done.returncode == 0, done.stderr
    for name, model in read_bundle(None).models.items():
        assert f"{len(model):,} bytes  {name}" in done.stdout


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_bundle_with_one_byte_changed_is_refused(tmp_path: Path, share: float) -> None:
    content = bytearray(SHIPPED.read_bytes())
    content[int(len(content) * share)] ^= 1
    changed = tmp_path / "changed.bundle"
    changed.write_bytes(content)
    done = firmware("verify", changed)
    assert done.returncode == 65
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_missing_bundle_and_an_unknown_command_are_refused_without_a_traceback(tmp_path: Path) -> None:
    missing, unknown = firmware("verify", tmp_path / "none.bundle"), firmware("flash")
    assert missing.returncode in {65, 74}
    assert "none.bundle" in missing.stderr
    assert unknown.returncode == 64
    received = firmware("receive", "--conf", tmp_path)
    assert (received.returncode, "called by deploy alone" in received.stderr) == (64, True)
    assert "Traceback" not in missing.stderr + unknown.stderr + received.stderr


def test_what_a_deploy_runs_on_a_device_does_without_the_commands_for_people(tmp_path: Path) -> None:
    program = "import sys; from firmware_tools import cli; cli._run(['receive', '--config', sys.argv[1]]); print('typer' in sys.modules)"
    command = [sys.executable, "-c", program, tmp_path / "none.toml"]
    done = subprocess.run(command, input="{}\n", capture_output=True, text=True)
    told, loaded = done.stdout.splitlines()
    assert json.loads(told)["check"] == "configuration"
    assert loaded == "False"
