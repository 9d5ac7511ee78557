"""Labelled strips of the generator alone, as no training run and no calibration draws them: enough to compare on, on any machine."""

from collections.abc import Iterator

import numpy as np

from edge.decode.amount import parse_amount
from edge.decode.currency import currency_of
from edge.decode.date import parse_date
from edge.locate.strip import normalize_strip
from edge.pipeline import Kind
from train.data.checks import draw_check
from train.data.dates import date_strip
from train.data.e13b import draw_line
from train.data.paper import lay_on_paper, photograph, security_papers
from train.data.sources import LabelledStrip
from train.data.strips import bend, drawn_strip, printed_strip

CURRENCY = "USD"
_SEED = 31
_WIDEST_PX = 700
_MICR_PX_PER_INCH = (120.0, 240.0)


def drawn_strips(kind: Kind, n_strips: int, seed: int = _SEED) -> list[LabelledStrip]:
    """Return amounts, dates or MICR lines that the generator drew and a camera saw; the same for the same seed.

    An amount's text is its value, as in the labelled sets: how it is written varies.
    """
    draw = _drawn(kind, np.random.default_rng((seed, sum(kind.encode()))))
    return [next(draw) for _ in range(n_strips)]


def _drawn(kind: Kind, rng: np.random.Generator) -> Iterator[LabelledStrip]:
    papers = security_papers(60, rng)
    if kind == "micr":
        while True:
            text = draw_check(rng, 40.0).micr
            line = np.pad(draw_line(text, float(rng.uniform(*_MICR_PX_PER_INCH)), rng), 10)
            yield LabelledStrip(photograph(lay_on_paper(line, papers, rng), rng), text, "drawn", "", "drawn", None, True)
    hand, machine, day = drawn_strip(papers), printed_strip(papers), date_strip([], papers)
    while True:
        strip = day(rng) if kind == "date" else (hand if rng.random() < 0.7 else machine)(rng)
        text = _value(strip.text, kind)
        picture = photograph(bend(strip, rng).picture, rng)
        if text is not None and normalize_strip(picture).ink.shape[1] <= _WIDEST_PX:
            yield LabelledStrip(picture, text, "drawn", "", "drawn", None, True)


def _value(text: str, kind: Kind) -> str | None:
    """Return what a strip's label says of it; None where the text is no amount or day, and a reader could not be right."""
    money = currency_of(CURRENCY)
    if kind == "date":
        return None if isinstance(parse_date(text, money.date_order), str) else text
    minor_units = parse_amount(text.replace("$", ""), money)
    return None if isinstance(minor_units, str) else f"{minor_units / 10**money.n_minor_digits:.{money.n_minor_digits}f}"
