"""The card of a bundle: what each network expects and answers, and what is known about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge.errors import BundleError

FORMAT = 1


@dataclass(frozen=True, slots=True)
class InputContract:
    """What a network is given: int8 (1, height, width, channels), real = scale * (code - zero_point).

    The width is a multiple of ``width_multiple``; a card that names no channels means one.
    """

    height: int
    scale: float
    zero_point: int
    width_multiple: int
    min_width: int
    max_width: int
    channels: int = 1


@dataclass(frozen=True, slots=True)
class OutputContract:
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class NetworkCard:
    """One network. ``symbols`` name the logits, the blank is the empty string and comes last; the four extents follow the logits."""

    file: str
    input: InputContract
    output: OutputContract
    column_px: int
    symbols: tuple[str, ...]
    has_extents: bool
    extent_unit_px: float
    parameters: int

    @property
    def n_channels(self) -> int:
        return len(self.symbols) + (4 if self.has_extents else 0)


@dataclass(frozen=True, slots=True)
class Card:
    """The whole card; ``raw`` is what stands in the file, with accuracy, sources and tools for people to read."""

    version: str
    networks: Mapping[str, NetworkCard]
    thresholds: Mapping[str, Any]
    files: Mapping[str, str]
    raw: Mapping[str, Any]


def parse_card(raw: object) -> Card:
    """Return the typed card.

    Raises:
        BundleError: a part is missing or of the wrong type, or the format is newer than this reader.
    """
    if not isinstance(raw, dict):
        raise BundleError("the bundle's card is not a JSON object: pack the bundle again")
    form = _take(raw, "format", int, "card")
    if form != FORMAT:
        raise BundleError(f"the bundle has format {form}, this reader knows format {FORMAT}: update the reader or pack the bundle for it")
    networks = {name: _network(name, part) for name, part in _take(raw, "networks", dict, "card").items()}
    files = _take(raw, "files", dict, "card")
    for network in networks.values():
        if network.file not in files:
            raise BundleError(f"the card names {network.file} but lists no hash for it: pack the bundle again")
    return Card(_take(raw, "version", str, "card"), networks, _take(raw, "thresholds", dict, "card"), files, raw)


def _network(name: str, raw: object) -> NetworkCard:
    where = f"networks.{name}"
    if not isinstance(raw, dict):
        raise BundleError(f"{where} on the card is not an object: pack the bundle again")
    given, answered = _take(raw, "input", dict, where), _take(raw, "output", dict, where)
    contract = InputContract(
        **{key: _take(given, key, int, f"{where}.input") for key in ("height", "zero_point", "width_multiple", "min_width", "max_width")},
        scale=_take(given, "scale", float, f"{where}.input"),
        channels=_take({"channels": 1, **given}, "channels", int, f"{where}.input"),
    )
    output = OutputContract(_take(answered, "scale", float, f"{where}.output"), _take(answered, "zero_point", int, f"{where}.output"))
    symbols = tuple(_take(raw, "symbols", list, where))
    if not symbols or symbols[-1] != "" or len(set(symbols)) != len(symbols):
        raise BundleError(f"{where}.symbols must be different and end with the blank (an empty string), they are {list(symbols)}")
    return NetworkCard(
        _take(raw, "file", str, where),
        contract,
        output,
        _take(raw, "column_px", int, where),
        symbols,
        _take(raw, "has_extents", bool, where),
        _take(raw, "extent_unit_px", float, where),
        _take(raw, "parameters", int, where),
    )


def _take(raw: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
    value = raw.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BundleError(f"{where}.{key} on the card should be of type {kind.__name__}, it is {value!r}: pack the bundle again")
    return value
