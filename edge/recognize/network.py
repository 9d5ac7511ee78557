"""Strip to log-probabilities: the int8 networks of a bundle, checked against their cards."""

import numpy as np

from edge.datatypes import F32, FIELD_PARTS, PAGE_PARTS, U8, FieldMap, Lattice, PageMap, Strip
from edge.errors import BundleError
from edge.recognize.bundle import Bundle
from edge.recognize.card import NetworkCard
from edge.recognize.interpreter import Int8Model
from edge.recognize.tensor import dequantize, digit_codes, picture_codes, strip_codes


def _open(bundle: Bundle, name: str, runtime: str, threads: int) -> tuple[Int8Model, NetworkCard]:
    if name not in bundle.card.networks:
        raise BundleError(
            f"the bundle {bundle.version} has no network {name!r}, only {', '.join(bundle.card.networks)}: use a complete bundle"
        )
    card = bundle.card.networks[name]
    model = Int8Model(bundle.models[name], runtime, threads)
    given, answered = (card.input.scale, card.input.zero_point), (card.output.scale, card.output.zero_point)
    # A strip's columns stand in one row; the cells of a frame or page in as many as its height has.
    rows = card.input.height // card.column_px if name in ("page", "fields") else 1
    model.check(
        card.file,
        height=card.input.height,
        given=given,
        answered=answered,
        n_channels=card.n_channels,
        channels=card.input.channels,
        rows=rows,
    )
    return model, card


def log_softmax(logits: F32) -> F32:
    """Return the logarithm of the softmax over the last axis, float32."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), np.float32)


def lattice_of(answers: F32, strip: Strip, card: NetworkCard) -> Lattice:
    """Return the lattice of a network's real answers, float32 (columns, channels); columns that lie wholly in the padding are left out."""
    seen = answers[: -(-strip.ink.shape[1] // card.column_px)]
    n_symbols = len(card.symbols)
    extents = seen[:, n_symbols:] * np.float32(card.extent_unit_px) if card.has_extents else None
    return Lattice(log_softmax(seen[:, :n_symbols]), card.symbols, float(card.column_px), extents)


class StripNetwork:
    """A space-displacement network over strips of any width (LeCun, Bottou, Bengio, Haffner 1998, section VII).

    Raises:
        BundleError: the bundle lacks the network, or it does not fit its card.
    """

    def __init__(self, bundle: Bundle, name: str, runtime: str = "auto", threads: int = 1) -> None:
        self._model, self._card = _open(bundle, name, runtime, threads)

    @property
    def card(self) -> NetworkCard:
        return self._card

    def read(self, strip: Strip) -> Lattice:
        """Return what the network says of each column of a strip."""
        codes = self._model(strip_codes(strip.ink, self.card.input))
        return lattice_of(dequantize(codes[0, 0], self.card.output.scale, self.card.output.zero_point), strip, self.card)


class DigitNetwork:
    """The classifier of isolated digits.

    Raises:
        BundleError: the bundle lacks the network, or it does not fit its card.
    """

    def __init__(self, bundle: Bundle, name: str = "digit", runtime: str = "auto", threads: int = 1) -> None:
        self._model, self.card = _open(bundle, name, runtime, threads)

    def classify(self, inks: U8) -> F32:
        """Return log-probabilities float32 (n, symbols) for normalised digits uint8 (n, 32, 32); the last symbol is *not a digit*."""
        codes = self._model(digit_codes(inks, self.card.input))
        return log_softmax(dequantize(codes[:, 0, 0], self.card.output.scale, self.card.output.zero_point))


class _CellNetwork:
    """A network that says of each cell of a whole picture which part of something it shows.

    Raises:
        BundleError: the bundle lacks the network, or it does not fit its card, or names other parts.
    """

    def __init__(self, bundle: Bundle, name: str, parts: tuple[str, ...], runtime: str, threads: int) -> None:
        self._model, self.card = _open(bundle, name, runtime, threads)
        if self.card.symbols != parts:
            raise BundleError(f"the network {name} names {self.card.symbols}, this reader knows {parts}: use a bundle that fits")

    def probabilities(self, picture: U8) -> F32:
        """Return float32 (rows, columns, parts) for a picture uint8 (height, width, channels)."""
        codes = self._model(picture_codes(picture, self.card.input))
        return np.exp(log_softmax(dequantize(codes[0], self.card.output.scale, self.card.output.zero_point)))


class PageNetwork(_CellNetwork):
    """The network that sees where in a frame checks lie, and which of their sides is which."""

    def __init__(self, bundle: Bundle, runtime: str = "auto", threads: int = 1) -> None:
        super().__init__(bundle, "page", PAGE_PARTS, runtime, threads)

    def look(self, picture: U8) -> PageMap:
        """Return what each cell of a frame's small picture, BGR (192, 256, 3), shows."""
        return PageMap(self.probabilities(picture))


class FieldNetwork(_CellNetwork):
    """The network that sees where on a page which field lies."""

    def __init__(self, bundle: Bundle, runtime: str = "auto", threads: int = 1) -> None:
        super().__init__(bundle, "fields", FIELD_PARTS, runtime, threads)

    def look(self, picture: U8) -> FieldMap:
        """Return what each cell of a page's small picture of ink, (192, 384, 1), shows."""
        return FieldMap(self.probabilities(picture))
