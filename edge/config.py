"""The one configuration file (TOML): sections with defaults, frozen, passed down to whoever needs them.

Thresholds of the networks are not here: they stand on the bundle's card.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from edge.errors import ConfigError


def _one_of(*allowed: Any) -> Callable[[Any], str | None]:
    return lambda value: None if value in allowed else f"allowed are {', '.join(map(str, allowed))}"


def _between(least: float, most: float) -> Callable[[Any], str | None]:
    return lambda value: None if least <= value <= most else f"allowed is {least:g} to {most:g}"


def _share(value: float) -> str | None:
    return None if 0 < value < 1 else "it is a share between 0 and 1, such as 0.01"


def _setting(default: Any, check: Callable[[Any], str | None] | None = None, is_live: bool = False) -> Any:
    """A value with its default; ``check`` says what is wrong with another one, ``is_live`` that the page may change it."""
    return field(default=default, metadata={"check": check, "is_live": is_live})


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraConfig:
    """``source``: picam, webcam, webcam:NUMBER, replay:PATH. ``exposure_us`` and ``focus_dioptres`` None: the camera's own choice."""

    source: str = "picam"
    width_px: int = _setting(1920, _between(320, 10_000))
    height_px: int = _setting(1080, _between(240, 10_000))
    fps: float = _setting(15.0, _between(1, 120))
    rotation_degrees: int = _setting(0, _one_of(0, 90, 180, 270), is_live=True)
    exposure_us: int | None = _setting(None, lambda v: None if v is None or v > 0 else "it is a time in microseconds", is_live=True)
    focus_dioptres: float | None = _setting(None, lambda v: None if v is None or 0 <= v <= 32 else "allowed is 0 to 32", is_live=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingConfig:
    """``budget`` None: the error budget on the bundle's card; ``bundle`` empty: the one that came with the reader."""

    currency: str = _setting("auto", is_live=True)
    budget: float | None = _setting(None, lambda v: None if v is None else _share(v), is_live=True)
    bundle: str = ""
    runtime: str = _setting("auto", _one_of("auto", "litert", "tflite", "reference"))
    threads: int = _setting(1, _between(1, 64))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """Where records lie, how long, and how much room they may take; ``key_file`` seals pictures and MICR lines. 0 days: for ever."""

    folder: str = "~/.local/share/checkreader"
    keep_days: int = _setting(0, _between(0, 36_500), is_live=True)
    keep_mebibytes: int = _setting(4096, _between(16, 10_000_000), is_live=True)
    key_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditConfig:
    """Of the accepted readings a person is asked about one in ``one_in``, drawn by chance; 0: about none."""

    one_in: int = _setting(50, _between(0, 100_000), is_live=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """Where the page and the API listen; beyond this machine they want a token and speak TLS (empty: a certificate is made).

    ``is_token_asked_here``: also on this machine, where others have a login and are not to see or change records.
    """

    host: str = "127.0.0.1"
    port: int = _setting(8642, _between(0, 65_535))
    certificate: str = ""
    certificate_key: str = ""
    token_file: str = ""
    is_token_asked_here: bool = False
    most_upload_mebibytes: int = _setting(32, _between(1, 1024))


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttConfig:
    """The broker that readings are told to; none while ``host`` is empty."""

    host: str = ""
    port: int = _setting(1883, _between(1, 65_535))
    topic: str = _setting("checkreader", lambda v: None if v and not set("#+") & set(v) else "it is not empty and has no + or #")
    username: str = ""
    password_file: str = ""
    is_tls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareConfig:
    """Bundles that come by update. ``folder``: the two slots, empty: none; ``trust``: the folder of keys that are trusted.

    ``source``: a folder, ``usb`` or an HTTPS address where updates are looked for; ``authority``: the certificate (PEM) of an HTTPS server
    of one's own. ``healthy_s``: the time that the daemon has to run well with a new bundle.
    """

    folder: str = ""
    trust: str = ""
    source: str = ""
    authority: str = ""
    healthy_s: float = _setting(60.0, _between(10, 3600))


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    camera: CameraConfig = field(default_factory=CameraConfig)
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    audit: AuditConfig = field(default_factory=AuditConfig)
    web: WebConfig = field(default_factory=WebConfig)
    mqtt: MqttConfig = field(default_factory=MqttConfig)
    firmware: FirmwareConfig = field(default_factory=FirmwareConfig)


def read_config(path: Path | None = None) -> Config:
    """Return the configuration of a file, the defaults without one.

    Raises:
        ConfigError: the file cannot be read, is no TOML, or :func:`parse_config` refuses it.
    """
    import tomllib

    if path is None:
        return Config()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the configuration {path} cannot be read ({error.strerror}); name another with --config") from None
    except ValueError as error:
        raise ConfigError(f"the configuration {path} is not TOML ({error}); mend that line") from None
    return parse_config(raw)


def parse_config(raw: Mapping[str, Any]) -> Config:
    """Return the configuration that a TOML document says.

    Raises:
        ConfigError: a key is unknown, a value has the wrong type or is not allowed; the message has the dotted key and what is allowed.
    """
    return typing.cast(Config, _section(Config, raw, ""))


def changed_config(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return the configuration with values changed by their dotted keys, each checked as in the file.

    Raises:
        ConfigError: as :func:`parse_config`.
    """
    raw = dataclasses.asdict(config)
    for key, value in changes.items():
        name, _, rest = key.partition(".")
        if not isinstance(raw.get(name), dict):
            raise ConfigError(_unknown(key, [f"{section}.{entry}" for section, entries in raw.items() for entry in entries]))
        raw[name][rest] = value
    return parse_config(raw)


def live_settings(config: Config) -> dict[str, Any]:
    """Return the values that may be changed while the daemon runs, by their dotted keys."""
    return {
        f"{section.name}.{entry.name}": getattr(getattr(config, section.name), entry.name)
        for section in fields(config)
        for entry in fields(getattr(config, section.name))
        if entry.metadata.get("is_live")
    }


def _section(kind: type, raw: Mapping[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(kind)
    known = {entry.name: entry for entry in fields(kind)}
    values = {}
    for key, value in raw.items():
        dotted = f"{where}{key}"
        if key not in known:
            raise ConfigError(_unknown(dotted, [f"{where}{name}" for name in known]))
        if is_dataclass(hints[key]):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{dotted} is a section of the configuration; write [{dotted}] and its keys below")
            values[key] = _section(typing.cast(type, hints[key]), value, f"{dotted}.")
        else:
            values[key] = _value(dotted, value, hints[key], known[key].metadata.get("check"))
    return kind(**values)


def _value(dotted: str, value: Any, hint: Any, check: Callable[[Any], str | None] | None) -> Any:
    allowed = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if float in allowed and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) not in allowed:
        names = " or ".join("nothing" if kind is type(None) else kind.__name__ for kind in allowed)
        raise ConfigError(f"{dotted} is {value!r}, which is of type {type(value).__name__}; it has to be {names}")
    problem = check(value) if check is not None else None
    if problem:
        raise ConfigError(f"{dotted} is {value!r}; {problem}")
    return value


def _unknown(dotted: str, known: list[str]) -> str:
    return f"the configuration has no key {dotted}; there are {', '.join(known)}"
