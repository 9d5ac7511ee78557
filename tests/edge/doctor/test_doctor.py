"""What the doctor says of a device that is well, of one that is ill in every way, and of a desktop that has none of the files."""

import datetime
import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from edge.config import CameraConfig, Config, FirmwareConfig, ReadingConfig, StoreConfig, WebConfig
from edge.doctor.board import look_at_board
from edge.doctor.camera import look_at_camera
from edge.doctor.examine import examine
from edge.doctor.line import Line
from edge.doctor.network import listening, look_at_network
from edge.doctor.networks import look_at_networks
from edge.doctor.storage import look_at_card, look_at_store
from edge.doctor.trust import look_at_trust
from edge.recognize.bundle import read_bundle
from edge.service.slot_state import Slot
from edge.service.slots import Firmware
from edge.service.store import Store
from tests.edge.conftest import ROOT
from tests.firmware_tools.conftest import make_keys, signature_of

TODAY = datetime.date(2026, 11, 25)


def by_check(lines: Iterable[Line]) -> dict[str, Line]:
    return {line.check: line for line in lines}


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
PI = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0", "sys/class/thermal/thermal_zone0/temp": "51234\n", THROTTLED: "0\n",
    "run/systemd/timesync/synchronized": "", "sys/bus/i2c/devices/10-001a/name": "imx708_noir\n",
    "sys/bus/i2c/devices/10-000c/name": "dw9807-vcm\n",
    "sys/block/mmcblk0/device/name": "SD64G\n", "sys/block/mmcblk0/device/type": "SD\n", "sys/block/mmcblk0/device/date": "03/2025\n",
    "sys/fs/ext4/mmcblk0p2/errors_count": "0\n",
}  # fmt: skip


def test_a_healthy_pi_is_told_to_be_well(tmp_path: Path) -> None:
    root = lay_out(tmp_path, PI)
    lines = [*look_at_board(root), *look_at_card(root)]
    assert {line.level for line in lines} == {"ok"}
    said = by_check(lines)
    assert said["board"].words == "Raspberry Pi 5 Model B Rev 1.0"
    assert (said["temperature"].words, said["card"].words) == ("51 °C", "SD card SD64G, made 03/2025, which does not tell of its wear")
    assert "in step with a time server" in said["clock"].words


def test_a_desktop_without_these_files_gets_plain_lines(tmp_path: Path) -> None:
    lines = [*look_at_board(tmp_path), *look_at_card(tmp_path), *look_at_network(Config(), tmp_path)]
    assert {line.level for line in lines} == {"ok"}
    assert sum("does not tell" in line.words or "has no" in line.words for line in lines) == len(lines)


@pytest.mark.parametrize(
    ("files", "check", "level", "said"),
    [
        ({"sys/class/thermal/thermal_zone0/temp": "76000"}, "temperature", "warn", "76"),
        ({"sys/class/thermal/thermal_zone0/temp": "84500"}, "temperature", "fail", "84"),
        ({THROTTLED: "50005"}, "throttling", "fail", "the voltage is too low, it is throttled"),
        ({THROTTLED: "80000"}, "throttling", "warn", "since the start: it is near its heat limit"),
        ({"sys/block/mmcblk0/device/life_time": "0x03 0x02", "sys/block/mmcblk0/device/pre_eol_info": "0x01"}, "card", "ok", "30 %"),
        ({"sys/block/mmcblk0/device/life_time": "0x09 0x02", "sys/block/mmcblk0/device/pre_eol_info": "0x01"}, "card", "warn", "90 %"),
        (
            {"sys/block/mmcblk0/device/life_time": "0x01 0x01", "sys/block/mmcblk0/device/pre_eol_info": "0x03"},
            "card",
            "fail",
            "nearly all",
        ),
        ({"sys/fs/ext4/mmcblk0p2/errors_count": "7"}, "file system", "warn", "mmcblk0p2 had 7 errors"),
    ],
)
def test_a_board_or_card_that_suffers_is_told_with_what_to_do(
    tmp_path: Path, files: dict[str, str], check: str, level: str, said: str
) -> None:
    root = lay_out(tmp_path, {**PI, **files})
    line = by_check([*look_at_board(root), *look_at_card(root)])[check]
    assert (line.level, said in line.words, bool(line.advice)) == (level, True, level != "ok"), line


def test_the_store_and_its_key_are_looked_at_while_a_daemon_has_them(tmp_path: Path) -> None:
    config = Config(store=StoreConfig(folder=str(tmp_path / "store"), key_file=str(tmp_path / "key")))
    assert "no records yet" in by_check(look_at_store(config))["store"].words
    store = Store(tmp_path / "store")
    assert by_check(look_at_store(config))["store"].level == "ok"
    store.close()
    (tmp_path / "key").write_bytes(os.urandom(32))
    (tmp_path / "key").chmod(0o644)
    assert "chmod 600" in by_check(look_at_store(config))["store key"].words
    (tmp_path / "store/checkreader.db").write_bytes(b"SQLite format 3\0" + b"nonsense" * 500)
    assert by_check(look_at_store(config))["store"].level == "fail"


def test_what_listens_is_read_from_the_kernel_and_one_that_is_too_open_is_told(tmp_path: Path) -> None:
    with socket.socket() as local, socket.socket() as everyone:
        local.bind(("127.0.0.1", 0))
        everyone.bind(("0.0.0.0", 0))
        ports = []
        for listener in (local, everyone):
            listener.listen()
            ports.append(listener.getsockname()[1])
        table = Path("/proc/net/tcp").read_text()
        assert {("127.0.0.1", ports[0]), ("0.0.0.0", ports[1])} <= set(listening(table))
        lay_out(tmp_path, {"proc/net/tcp": table, "proc/net/tcp6": ""})
        alone, exposed = (by_check(look_at_network(Config(web=WebConfig(port=port)), tmp_path))["network"] for port in ports)
        meant = look_at_network(Config(web=WebConfig(port=ports[1], host="0.0.0.0"), store=StoreConfig(folder=str(tmp_path))), tmp_path)
        assert (alone.level, "to this machine alone" in alone.words) == ("ok", True)
        assert (exposed.level, "is open to the network (0.0.0.0)" in exposed.words) == ("fail", True)
        assert by_check(meant)["network token"].level == "fail"
    nobody = by_check(look_at_network(Config(web=WebConfig(port=1)), tmp_path))["network"]
    assert (nobody.level, "systemctl start" in nobody.advice) == ("warn", True)
    six = "  sl\n   0: 00000000000000000000000001000000:21C2 00000000000000000000000000000000:0000 0A 0"
    assert list(listening(six)) == [("::1", 8642)]


def test_keys_that_end_or_are_revoked_and_slots_that_are_damaged_are_told(tmp_path: Path) -> None:
    assert by_check(look_at_trust(Config(), TODAY))["updates"].level == "ok"
    for name in ("trust", "private"):
        (tmp_path / name).mkdir()
    fresh = Config(firmware=FirmwareConfig(folder=str(tmp_path / "firmware"), trust=str(tmp_path / "trust")))
    lines = by_check(look_at_trust(fresh, TODAY))  # as the package leaves it
    assert (lines["updates"].level, lines["key trust"].level) == ("ok", "warn")
    assert "no key is trusted yet" in lines["key trust"].words
    keys = make_keys(tmp_path / "trust", tmp_path / "private")
    config = Config(firmware=FirmwareConfig(folder=str(tmp_path / "firmware"), trust=str(keys.folder)))
    said = {line.words.split(" ")[0]: line for line in look_at_trust(config, TODAY) if line.check == "key trust"}
    assert {name: line.level for name, line in said.items()} == {"good": "ok", "ended": "warn", "revoked": "ok"}
    assert "ended on 2026-11-24" in said["ended"].words
    bundle = read_bundle()
    data = (ROOT / "edge/bundles/checkreader.bundle").read_bytes()
    firmware = Firmware(tmp_path / "firmware", keys.folder)
    firmware.install(data, signature_of(data, keys.good, bundle.version), Slot(bundle.sha256, bundle.version))
    assert "in slot a is read with, on trial" in by_check(look_at_trust(config, TODAY))["updates"].words
    firmware.file("a").write_bytes(data[:-1])
    line = by_check(look_at_trust(config, TODAY))["updates"]
    assert (line.level, "is not the file that was put there" in line.words) == ("fail", True)
    (keys.folder / "good.pub").chmod(0o666)
    assert by_check(look_at_trust(config, TODAY))["key trust"].level == "fail"


def test_the_interpreter_its_speed_and_the_parity_are_told() -> None:
    lines = by_check(look_at_networks(Config(reading=ReadingConfig(runtime="litert")), read_bundle()))
    assert (lines["interpreter"].level, lines["parity"].level) == ("ok", "ok")
    assert "ms (median, litert)" in lines["speed"].words
    slow = by_check(look_at_networks(Config(reading=ReadingConfig(runtime="reference")), read_bundle()))
    assert (slow["interpreter"].level, slow["parity"].words[:9]) == ("warn", "0 of 8599")


def camera(source: str, root: Path) -> dict[str, Line]:
    return by_check(look_at_camera(Config(camera=CameraConfig(source=source)), read_bundle(), root))


def test_a_camera_is_missing_held_or_gives_frames(tmp_path: Path) -> None:
    assert "there is no" in camera("webcam:3", tmp_path)["camera"].words
    lay_out(tmp_path, {"dev/video0": "", "proc/4242/comm": "cheese\n", **PI})
    (tmp_path / "proc/4242/fd").mkdir()
    (tmp_path / "proc/4242/fd/7").symlink_to(tmp_path / "dev/video0")
    held = camera("webcam", tmp_path)
    assert (held["camera permissions"].level, held["camera"].level) == ("ok", "fail")
    assert "cheese (process 4242) holds the camera" in held["camera"].words
    (tmp_path / "proc/4242/cmdline").write_text("python3\0/opt/checkreader/bin/checkreader\0serve\0")
    assert camera("webcam", tmp_path)["camera"].level == "ok"
    seen = camera(f"replay:{ROOT}/samples/frames/desk_2.jpg", tmp_path)
    assert seen["camera"].words.endswith("gives frames of 1600 x 900 pixels")
    assert "focus" in seen
    assert camera(f"replay:{tmp_path}/dev", tmp_path)["camera"].level == "fail"
    assert "focuses by a motor" in camera("picam", tmp_path)["camera sensor"].words
    (tmp_path / "sys/bus/i2c/devices/10-001a/name").write_text("ds3231\n")
    assert camera("picam", tmp_path)["camera sensor"].level == "fail"


def test_the_whole_examination_ends_with_1_where_something_failed(
    checkreader: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("--store", tmp_path / "store", "--json")
    well = checkreader("doctor", "--camera", f"replay:{ROOT}/samples/frames", *common)
    assert (well.returncode, well.stderr) == (0, ""), well.stdout
    assert {"versions", "board", "store", "parity", "camera", "focus"} <= {row["check"] for row in checkreader.lines(well)}
    ill = checkreader("doctor", "--camera", f"replay:{tmp_path}/none", *common)
    assert ill.returncode == 1
    assert [row["check"] for row in checkreader.lines(ill) if row["level"] == "fail"] == ["camera"]
    (tmp_path / "b.bundle").write_bytes(b"no bundle")
    config = Config(reading=ReadingConfig(bundle=str(tmp_path / "b.bundle")), store=StoreConfig(folder=str(tmp_path)))
    assert examine(config, as_json=False, root=lay_out(tmp_path / "root", PI)) == 1
    assert "fail  versions: " in capsys.readouterr().out
