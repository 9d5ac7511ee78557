"""Readings and the state, told to an MQTT broker (version 3.1.1); account numbers are masked."""

import json
import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edge.config import MqttConfig
from edge.errors import ConfigError, MissingDependencyError
from edge.service.daemon import Daemon
from edge.service.event import Event
from edge.service.privacy import masked_check, masked_line
from edge.service.record import Record

_LOG = logging.getLogger(__name__)
_AT_LEAST_ONCE = 1
# Messages that wait for a broker that is away.
_MOST_WAITING = 1000


class Publisher:
    """Tells TOPIC/available (online, offline), TOPIC/state (retained) and TOPIC/record; a broker that is away is waited for.

    Raises:
        MissingDependencyError: paho-mqtt is not installed.
        ConfigError: the password file cannot be read.
    """

    def __init__(self, config: MqttConfig, daemon: Daemon) -> None:
        if find_spec("paho") is None:
            raise MissingDependencyError("MQTT needs the package paho-mqtt: pip install 'checkreader[serve]'")
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self._topic, self._daemon = config.topic, daemon
        self._is_connected = False
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.max_queued_messages_set(_MOST_WAITING)
        self._client.will_set(f"{self._topic}/available", "offline", _AT_LEAST_ONCE, retain=True)
        if config.username:
            self._client.username_pw_set(config.username, _password(config))
        if config.is_tls:
            self._client.tls_set()
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.connect_async(config.host, config.port)
        self._client.loop_start()
        self._unsubscribe = daemon.subscribe(self.tell)

    def close(self) -> None:
        """Say that nobody is there any more, and leave."""
        self._unsubscribe()
        self._client.publish(f"{self._topic}/available", "offline", _AT_LEAST_ONCE, retain=True)
        self._client.disconnect()
        self._client.loop_stop()

    def tell(self, event: Event) -> None:
        """Publish an event; never waits for the broker."""
        if event.record is not None:
            self._client.publish(f"{self._topic}/record", json.dumps(record_message(event.record)), _AT_LEAST_ONCE)
        if event.state is not None:
            self._publish_state()

    def _publish_state(self) -> None:
        state = self._daemon.state()
        message = {name: getattr(state, name) for name in ("phase", "words", "advice", "fault", "problem", "record_id")}
        self._client.publish(f"{self._topic}/state", json.dumps(message), _AT_LEAST_ONCE, retain=True)

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            _LOG.error("the MQTT broker refuses us: %s", reason)
            return
        self._is_connected = True
        client.publish(f"{self._topic}/available", "online", _AT_LEAST_ONCE, retain=True)
        self._publish_state()

    def _disconnected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if self._is_connected and reason.is_failure:
            _LOG.warning("the MQTT broker is away (%s); messages wait for it", reason)
        self._is_connected = False


def record_message(record: Record) -> dict[str, Any]:
    """Return what is told of a record: the fields with the account number masked, without symbols, alternatives and boxes."""
    check = masked_check(record.check)
    short = {
        name: None if reading is None else {key: v for key, v in reading.items() if key not in ("symbols", "alternatives", "box")}
        for name, reading in check["fields"].items()
    }
    truth = {name: masked_line(value) if name == "micr" else dict(value) for name, value in record.truth.items()}
    return {
        "id": record.id,
        "time": record.time.isoformat(),
        "status": record.status,
        "fields": short,
        "truth": truth,
        "possible_duplicate_of": record.possible_duplicate_of,
        "is_review_due": record.is_review_due,
    }


def _password(config: MqttConfig) -> str | None:
    if not config.password_file:
        return None
    try:
        return Path(config.password_file).expanduser().read_text(encoding="utf-8").rstrip("\n")
    except (OSError, ValueError) as error:
        raise ConfigError(f"mqtt.password_file {config.password_file} cannot be read ({error}); name another") from None
