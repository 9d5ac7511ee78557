"""What shows the converter the range of every activation: pictures of our own generator, from one seed, so that anyone can repeat it.

No labelled set and no installed font is needed. What it costs against the float networks is in docs/quantization.md.
"""

from collections.abc import Iterator

import numpy as np

from edge.datatypes import U8
from edge.locate.digit import normalize_digit
from edge.locate.strip import normalize_strip
from train.data.checks import draw_check
from train.data.dates import typeset_named
from train.data.digits import seen_digit
from train.data.e13b import draw_line
from train.data.layouts import draw_layout
from train.data.paper import lay_on_paper, photograph, security_papers
from train.data.strips import bend, drawn_strip, printed_strip
from train.data.strokes import draw_symbol, make_writer
from train.fields import photographed_page
from train.networks import NetworkName
from train.pages import PageBatches, picture_of

SEED = 4
N_PICTURES = {"digit": 400, "strip": 400, "date": 400, "micr": 160, "page": 160, "fields": 160}
_WIDEST_PX = 700


def calibration_pictures(network: NetworkName, n_pictures: int | None = None, seed: int = SEED) -> list[U8]:
    """Return what a network is calibrated with: inks (32, width), or pictures (height, width, channels); the same for the same seed."""
    draw = _drawn(network, np.random.default_rng((seed, sum(network.encode()))))
    return [next(draw) for _ in range(n_pictures or N_PICTURES[network])]


def _drawn(network: NetworkName, rng: np.random.Generator) -> Iterator[U8]:
    match network:
        case "digit":
            writers = [make_writer(rng) for _ in range(40)]
            while True:
                yield normalize_digit(seen_digit(draw_symbol(str(rng.integers(10)), writers[int(rng.integers(40))], rng), rng))
        case "strip" | "date":
            papers = security_papers(30, rng)
            hand, machine = drawn_strip(papers), printed_strip(papers)
            while True:
                if network == "date" and rng.random() < 0.4:
                    picture = lay_on_paper(typeset_named(rng), papers, rng)
                else:
                    picture = bend((hand if rng.random() < 0.6 else machine)(rng), rng).picture
                ink = normalize_strip(photograph(picture, rng)).ink
                if ink.shape[1] <= _WIDEST_PX:
                    yield ink
        case "micr":
            papers = security_papers(30, rng)
            while True:
                line = np.pad(draw_line(draw_check(rng, 40.0).micr, 200.0, rng), 10)
                yield normalize_strip(photograph(lay_on_paper(line, papers, rng), rng)).ink
        case "page":
            batches = PageBatches(int(rng.integers(1 << 30)), 2, n_checks=60, n_others=30)
            while True:
                yield picture_of(batches.draw(rng))
        case "fields":
            checks = [draw_layout(rng, 110.0) for _ in range(60)]
            while True:
                yield photographed_page(checks[int(rng.integers(60))], rng)[0]
