"""Inputs of the golden set, drawn by our own generator from one seed: no picture of anyone else's travels in a bundle."""

from collections.abc import Mapping

import numpy as np

from edge.datatypes import I8, U8
from edge.locate.digit import normalize_digit
from edge.locate.strip import normalize_strip
from edge.recognize.card import NetworkCard
from edge.recognize.tensor import digit_codes, picture_codes, strip_codes
from train.data.checks import draw_check
from train.data.e13b import draw_line
from train.data.frames import draw_frame
from train.data.layouts import draw_layout
from train.data.other_paper import draw_other_paper
from train.data.paper import security_papers
from train.data.strips import drawn_strip
from train.data.strokes import draw_symbol, make_writer
from train.fields import photographed_page
from train.pages import picture_of

_SEED = 2611
_N_STRIPS, _N_DIGITS, _N_PICTURES = 8, 12, 1
# Pictures keep so many bits of a level: their noise would take more room than the networks.
_BITS = 0xE0


def golden_inputs(networks: Mapping[str, NetworkCard]) -> dict[str, list[I8]]:
    """Return the codes that each network of a card is given."""
    return {name: _inputs(name, card) for name, card in networks.items()}


def _inputs(name: str, card: NetworkCard) -> list[I8]:
    rng = np.random.default_rng((_SEED, sum(name.encode())))
    match name:
        case "digit":
            writer = make_writer(rng)
            inks = [normalize_digit(np.asarray(255 - np.pad(draw_symbol(str(i % 10), writer, rng), 6), np.uint8)) for i in range(_N_DIGITS)]
            return [digit_codes(np.stack(inks), card.input)]
        case "micr":
            lines = [draw_line(draw_check(rng, 60.0).micr, 200.0, rng) for _ in range(_N_STRIPS)]
            return [strip_codes(normalize_strip(np.asarray(255 - np.pad(line, 12), np.uint8)).ink, card.input) for line in lines]
        case "page":
            frames = [
                draw_frame(rng, [draw_layout(rng, 90.0).pixels], lambda: draw_other_paper(rng), (640, 480)) for _ in range(_N_PICTURES)
            ]
            return [picture_codes(picture_of(frame) & np.uint8(_BITS), card.input) for frame in frames]
        case "fields":
            return [
                picture_codes(photographed_page(draw_layout(rng, 110.0), rng)[0] & np.uint8(_BITS), card.input) for _ in range(_N_PICTURES)
            ]
        case _:
            draw, strips = drawn_strip(security_papers(6, rng)), []
            while len(strips) < _N_STRIPS:
                ink: U8 = normalize_strip(draw(rng).picture).ink
                if ink.shape[1] <= card.input.max_width:
                    strips.append(strip_codes(ink, card.input))
            return strips
