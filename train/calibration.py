"""What shows the converter the range of every activation: pictures of our own generator, from one seed, so that anyone can repeat it.

No labelled set and no installed font is needed. What it costs against the float networks is in docs/quantization.md. A folder of one's
own pictures may take the generator's place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import cv2
import numpy as np

from edge.capture.picture import find_pictures, load_picture
from edge.datatypes import U8
from edge.errors import PictureError
from edge.locate.digit import normalize_digit
from edge.locate.field_map import picture_of_ink
from edge.locate.micr_line import ink_of_page
from edge.locate.page_map import picture_of_frame
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
# Draws what coverage is measured on: pictures that no calibration sees.
UNSEEN_SEED = 99
N_PICTURES = {"digit": 1600, "strip": 400, "date": 400, "micr": 160, "page": 160, "fields": 400}
_WIDEST_PX = 700


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationSet:
    """Pictures that calibrate one network, and where they are from: ``drawn_by`` our generator from ``seed``, or a ``folder``."""

    network: NetworkName
    pictures: Sequence[U8]
    origin: dict[str, object]


def drawn_set(network: NetworkName, n_pictures: int | None = None) -> CalibrationSet:
    """Return the generator's set, which every released network is calibrated with."""
    pictures = calibration_pictures(network, n_pictures)
    return CalibrationSet(network, pictures, {"drawn_by": "train/calibration.py", "seed": SEED, "n": len(pictures)})


def folder_sets(folder: Path) -> dict[NetworkName, CalibrationSet]:
    """Return a set for each network that has a folder of its name in ``folder``: cut strips, digits, pages or frames as pictures.

    Raises:
        ValueError: no network has a folder there, or pictures cannot be read: each is named.
    """
    networks: tuple[NetworkName, ...] = get_args(NetworkName)
    found = [network for network in networks if (folder / network).is_dir()]
    if not found:
        raise ValueError(f"{folder} has a folder for no network: put pictures into {folder}/strip, or likewise {', '.join(networks)}")
    sets, unreadable = {}, []
    for network in found:
        pictures = []
        try:
            paths = find_pictures([folder / network])
        except PictureError as error:
            unreadable.append(f"{folder / network}: {error}")
            continue
        for path in paths:
            try:
                pictures.append(_seen_by(network, path))
            except PictureError as error:
                unreadable.append(f"{path}: {error}")
        sets[network] = CalibrationSet(network, pictures, {"folder": folder.resolve().name, "n": len(pictures)})
    if unreadable:
        raise ValueError("these pictures of the calibration set cannot be read:\n  " + "\n  ".join(unreadable))
    return sets


def _seen_by(network: NetworkName, path: Path) -> U8:
    frame = load_picture(path)
    if network == "page":
        return picture_of_frame(frame)
    if network == "fields":
        return picture_of_ink(ink_of_page(frame.pixels))
    grey = np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    return normalize_digit(grey) if network == "digit" else normalize_strip(grey).ink


def unseen_pictures(network: NetworkName) -> list[U8]:
    """Return pictures that no calibration set of ours holds, half as many as the generator's set has."""
    return calibration_pictures(network, N_PICTURES[network] // 2, UNSEEN_SEED)


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
