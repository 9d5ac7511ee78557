"""Retention, calibration and export on a store with reviewed records; systemd and the broker are told the truth."""

import datetime
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.config import Config, MqttConfig, StoreConfig
from edge.errors import StoreError, UsageError
from edge.service.calibrate_command import calibrate_store
from edge.service.event import Event
from edge.service.export_training import export_strips
from edge.service.labelled import read_folders
from edge.service.record import Query, Record
from edge.service.retention import Sweeper, sweep
from edge.service.store import Store
from edge.service.supervisor import feed_watchdog, notify
from tests.edge.service.conftest import NOW, PICTURE

Make = Callable[..., Record]


def test_the_oldest_go_first_and_what_a_person_is_to_look_at_stays(store: Store, make_record: Make) -> None:
    times = [NOW + datetime.timedelta(days=day) for day in range(4)]
    unsure = store.add(make_record(status="unsure", time=times[0]), PICTURE)
    store.add(make_record(time=times[1]), PICTURE)
    drawn = store.add(make_record(time=times[1], is_drawn=True), PICTURE)
    young = store.add(make_record(time=times[3]), PICTURE)
    assert sweep(store, StoreConfig(keep_days=2), NOW + datetime.timedelta(days=4)) == 1
    assert list(store.records(Query())) == [young, drawn, unsure]
    assert sweep(store, StoreConfig(), NOW + datetime.timedelta(days=400)) == 0


def test_a_clock_that_goes_ahead_deletes_nothing_at_once(store: Store, make_record: Make) -> None:
    now = [0.0, NOW.timestamp()]
    sweeper = Sweeper(store, lambda: now[0], lambda: now[1])
    store.add(make_record("confirmed"))
    config = StoreConfig(keep_days=30)

    def pass_time(seconds: float, wall_seconds: float) -> None:
        now[0], now[1] = now[0] + seconds, now[1] + wall_seconds
        sweeper.look(config)

    pass_time(0, 0)
    pass_time(700, 700 + 3000 * 86_400)
    pass_time(3600, 3600)
    assert store.count(Query()) == 1
    pass_time(3600, 3600 - 3000 * 86_400)  # put right
    pass_time(100_000, 100_000)
    assert store.count(Query()) == 1
    pass_time(31 * 86_400, 31 * 86_400)
    assert store.count(Query()) == 0


def test_what_takes_too_much_room_is_brought_down_to_the_limit(store: Store, make_record: Make) -> None:
    for _ in range(20):
        store.add(make_record(), os.urandom(1 << 20))
    while sweep(store, StoreConfig(keep_mebibytes=16), NOW):
        pass
    n_records, n_bytes = store.size()
    assert n_bytes <= 16 << 20
    assert n_records >= 14
    assert min(record.id for record in store.records(Query())) == 21 - n_records


def reviewed_store(folder: Path, make_record: Make, n_records: int) -> Config:
    store = Store(folder)
    chance = np.random.default_rng(1)
    for number in range(n_records):
        confidence = float(chance.uniform(0.5, 1.0))
        record = store.add(make_record(status="accepted" if confidence > 0.89 else "unsure", number=str(number), confidence=confidence))
        is_right = chance.random() < 0.5 + confidence / 4  # claims more than it keeps
        store.correct(record.id, {"amount": "1,234.56" if is_right else "1.00"}, "ann")
    store.close()
    return Config(store=StoreConfig(folder=str(folder)))


def test_a_calibration_is_kept_and_can_be_taken_back(tmp_path: Path, make_record: Make, capsys: pytest.CaptureFixture[str]) -> None:
    config = reviewed_store(tmp_path, make_record, 60)
    assert calibrate_store(config, is_restored=False, is_tried=True) == 0
    assert "nothing was changed" in capsys.readouterr().out
    store = Store(tmp_path)
    assert store.remembered("tuning") is None
    store.close()
    assert calibrate_store(config, is_restored=False, is_tried=False) == 0
    assert "before" in capsys.readouterr().out
    store = Store(tmp_path)
    assert store.remembered("tuning")["temperature"] > 1.0
    store.close()
    assert calibrate_store(config, is_restored=True, is_tried=False) == 0
    store = Store(tmp_path)
    assert store.remembered("tuning")["temperature"] == 1.0
    store.close()
    with pytest.raises(UsageError, match="no earlier calibration"):
        calibrate_store(config, is_restored=True, is_tried=False)


def test_a_calibration_from_too_few_readings_or_beside_a_daemon_is_refused(tmp_path: Path, make_record: Make) -> None:
    config = reviewed_store(tmp_path, make_record, 10)
    with pytest.raises(UsageError, match="10 readings"):
        calibrate_store(config, is_restored=False, is_tried=False)
    store = Store(tmp_path)
    with pytest.raises(StoreError, match="another checkreader"):
        calibrate_store(config, is_restored=False, is_tried=False)
    store.close()


def test_corrected_fields_become_labelled_strips_that_training_reads(tmp_path: Path, make_record: Make) -> None:
    page = np.full((300, 800, 3), 200, np.uint8)
    page[20:60, 10:210] = 30
    store = Store(tmp_path / "store")
    for number in range(3):
        store.add(make_record(status="unsure", number=str(number + 1)), cv2.imencode(".jpg", page)[1].tobytes())
    store.add(make_record(status="accepted", number="1"), cv2.imencode(".jpg", page)[1].tobytes())  # the first check once more
    store.correct(1, {"amount": "1,284.56", "date": None}, "ann")
    store.correct(2, {}, "ann")
    store.correct(4, {}, "ann")
    store.close()
    config = Config(store=StoreConfig(folder=str(tmp_path / "store")))
    assert export_strips(config, tmp_path / "strips") == 0
    fields = read_folders([tmp_path / "strips"])
    assert [(f.kind, f.text, f.value, f.check) for f in fields] == [
        ("amount", "1,234.56", 123456, 1), ("amount", "1,234.56", 123456, 2), ("amount", "1,284.56", 128456, 1),
    ]  # fmt: skip
    # Of three unsure records two were looked at; the one that was accepted was looked at, too.
    assert [f.stands_for for f in fields] == [1.0, 1.5, 1.5]
    assert fields[0].frame().size == (200, 40)
    assert fields[0].frame().pixels.mean() < 60
    with pytest.raises(UsageError, match="already"):
        export_strips(config, tmp_path / "strips")


def test_systemd_hears_of_the_daemon_while_it_is_alive(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(5)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid())}
        assert notify("READY=1", environment)
        assert systemd.recv(100) == b"READY=1"
        is_alive, is_over = threading.Event(), threading.Event()
        is_alive.set()
        thread = feed_watchdog(is_alive.is_set, is_over, environment)
        assert thread is not None
        assert systemd.recv(100) == b"WATCHDOG=1"
        is_over.set()
        thread.join(5)
    assert not notify("READY=1", {})
    assert feed_watchdog(lambda: True, threading.Event(), {}) is None
    assert feed_watchdog(lambda: True, threading.Event(), {**environment, "WATCHDOG_PID": "1"}) is None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed: apt install mosquitto")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    with subprocess.Popen([program, "-c", tmp_path / "mosquitto.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield port
        process.send_signal(signal.SIGTERM)


class Told:
    """The part of a daemon that the publisher uses; the broker and the client are real."""

    def __init__(self, state: object) -> None:
        self._state, self.listener = state, None

    def subscribe(self, listener: Callable[[Event], object]) -> Callable[[], None]:
        self.listener = listener  # type: ignore[assignment]
        return lambda: None

    def state(self) -> object:
        return self._state


def test_a_broker_hears_of_records_with_the_account_number_masked(broker: int, store: Store, make_record: Make) -> None:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    from edge.service.event import State
    from edge.service.mqtt import Publisher

    heard: dict[str, str] = {}
    listener = Client(CallbackAPIVersion.VERSION2)
    listener.on_message = lambda client, data, message: heard.__setitem__(message.topic, message.payload.decode())
    listener.on_connect = lambda client, *rest: client.subscribe("till/#", 1)
    _connect(listener, broker)
    nothing = dict.fromkeys(("fault", "problem", "record_id"))
    state = State(phase="absent", words="Ready", advice="", accept=0.98, bundle_version="1", bundle_sha256="", **nothing)  # type: ignore[arg-type]
    publisher = Publisher(MqttConfig(host="127.0.0.1", port=broker, topic="till"), Told(state))  # type: ignore[arg-type]
    _wait(lambda: heard.get("till/available") == "online" and "till/state" in heard)
    record = store.add(make_record(account="44748408"))
    publisher.tell(Event(kind="record", record=record))
    _wait(lambda: "till/record" in heard)
    message = json.loads(heard["till/record"])
    assert (message["id"], message["fields"]["amount"]["minor_units"]) == (record.id, 123456)
    assert message["fields"]["micr"]["account"] == "••••8408"
    assert "44748408" not in heard["till/record"]
    assert json.loads(heard["till/state"])["words"] == "Ready"
    publisher.close()
    _wait(lambda: heard.get("till/available") == "offline")
    listener.disconnect()
    listener.loop_stop()


def _connect(client: object, port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            client.connect("127.0.0.1", port)  # type: ignore[attr-defined]
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    client.loop_start()  # type: ignore[attr-defined]


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
