"""Strips that people confirmed or corrected on devices, as `checkreader store export-training` writes them, for training.

A person says what an amount is, not how it is written: "500.00" may stand there as 500, 500/- or 500 00/100. The digits that the released
network finds likeliest among those that mean the same are taken for what stands there (as in hard expectation maximisation).
"""

from collections.abc import Iterator, Sequence
from itertools import product

import cv2
import numpy as np

from edge.datatypes import U8
from edge.decode.currency import currency_of
from edge.decode.lattice import fold, forward_score
from edge.locate.strip import normalize_strip
from edge.pipeline import Kind
from edge.recognize.bundle import Bundle
from edge.recognize.network import StripNetwork
from edge.service.labelled import Labelled
from train.data.sources import LabelledStrip
from train.networks import NetworkName

KINDS_OF: dict[NetworkName, tuple[Kind, ...]] = {"strip": ("amount", "digits"), "date": ("date",), "micr": ("micr",)}
_DIGITS = "0123456789"


def of_network(fields: Sequence[Labelled], network: NetworkName) -> list[Labelled]:
    """Return the fields that a network reads and may learn from: none that judges."""
    return [field for field in fields if field.kind in KINDS_OF.get(network, ()) and field.part == "train"]


def load_corrected(fields: Sequence[Labelled], network: NetworkName, bundle: Bundle) -> list[LabelledStrip]:
    """Return the strips that a network learns from; each check is a group of its own.

    Args:
        bundle: whose network says how the fields are written.

    Raises:
        PictureError: a picture is not there, or damaged.
    """
    reader, strips = StripNetwork(bundle, network), []
    for field in of_network(fields, network):
        picture = np.asarray(cv2.cvtColor(field.frame().pixels, cv2.COLOR_BGR2GRAY), np.uint8)
        if (text := _written(field, picture, reader)) is not None:
            is_whole = network == "micr"  # every symbol of a line is in its label; separators of a number are not
            strips.append(LabelledStrip(picture, text, "corrected", field.path.name, str(field.check), has_separators=is_whole))
    return strips


def spellings(field: Labelled) -> list[str]:
    """Return the symbols that may stand in a field that means what a person said, each once, the plainest first."""
    found: list[str] = []
    if field.kind == "amount" and isinstance(field.value, int):
        n_minor = currency_of(field.currency).n_minor_digits
        whole, cents = divmod(field.value, 10**n_minor)
        before = str(whole) if whole else ""
        ends = [f"{cents:0{n_minor}d}"] if n_minor else [""]
        ends += [f"{cents:02d}100"] if n_minor == 2 else []
        ends += [] if cents else [""]
        found = [before + end for end in ends] + [f"0{end}" for end in ends if not whole]
    elif field.kind == "date":
        found = ["".join(letter for letter in field.text if letter in _DIGITS), *_dates(str(field.value))]
    else:
        found = [field.text]
    return [text for text in dict.fromkeys(found) if text]


def _dates(iso: str) -> Iterator[str]:
    year, month, day = iso.split("-")
    for y, m, d in product((year, year[2:]), (month, str(int(month))), (day, str(int(day)))):
        yield from (d + m + y, m + d + y, y + m + d, d + y)  # the last with the month's name, which is no digit


def _written(field: Labelled, picture: U8, reader: StripNetwork) -> str | None:
    """Return the likeliest spelling; None where the strip is too wide to be read, or too narrow for any."""
    strip = normalize_strip(picture)
    if strip.ink.shape[1] > reader.card.input.max_width:
        return None
    lattice = reader.read(strip)
    if field.kind != "micr":
        lattice = fold(lattice, _DIGITS)
    able = [text for text in spellings(field) if len(text) <= len(lattice.log_probs) and set(text) <= set(lattice.symbols)]
    return max(able, key=lambda text: forward_score(lattice, text), default=None)
