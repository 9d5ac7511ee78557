"""Boxes for strips that were labelled without them: where the released reader reads what the label says, its boxes are taken."""

from collections.abc import Iterable
from dataclasses import replace

import cv2
import numpy as np

from edge.datatypes import Frame
from edge.pipeline import Reader
from edge.recognize.bundle import read_bundle
from train.data.sources import LabelledStrip


def with_found_boxes(strips: Iterable[LabelledStrip]) -> list[LabelledStrip]:
    """Return the strips that have boxes, and those that the released bundle reads as labelled with the boxes that it finds."""
    reader = Reader(read_bundle())
    boxed = []
    for strip in strips:
        if strip.boxes is not None:
            boxed.append(strip)
            continue
        grey = strip.picture
        reading = reader.read_strip(Frame(np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8), strip.file), "digits")
        digits = [s.box for s in reading.symbols if s.symbol.isdigit()]
        if reading.text == strip.text and len(digits) == len(strip.text):
            boxed.append(replace(strip, boxes=np.array([(x, y, x + w, y + h) for x, y, w, h in digits], np.float32)))
    return boxed
