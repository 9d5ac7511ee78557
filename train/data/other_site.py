"""An invented site whose amounts look like no development set: a check protector's striped digits, seen by a camera that is out of focus.

What a retraining brings can be tried on it: no real site's checks may lie in this repository.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from edge.datatypes import U8, Frame
from edge.decode.amount import format_amount, parse_amount
from edge.decode.currency import currency_of
from edge.locate.strip import normalize_strip
from edge.output import reading_object
from edge.pipeline import Reader
from edge.service.record import Record, Status
from edge.service.store import Store
from train.data.paper import security_papers
from train.data.printed import draw_printed
from train.data.strokes import draw_text as write
from train.data.strokes import make_writer
from train.data.texts import draw_text

CURRENCY = "USD"
_OPENED = datetime.datetime(2026, 11, 2, 8, 0, tzinfo=datetime.UTC)
# Few hands, as a site sees its own customers again, and a machine for half of the amounts.
_N_WRITERS, _MACHINE = 12, 0.5
_HEIGHT_PX, _WIDEST_PX = 48, 700
# Stripes in the height of a digit, and from which height of their wave on they are pressed.
_STRIPES, _PRESSED = 7.0, -0.25
_STRIPED_PENS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class SiteStrip:
    """A cut amount, uint8 (height, width); ``text`` is its value as a person says it, ``written`` the digits that stand there."""

    picture: U8
    text: str
    written: str


def site_strips(n_strips: int, seed: int, day: int = 0) -> Iterator[SiteStrip]:
    """Yield amounts of the site that ``seed`` makes, as they come on one ``day``: the same hands and forms, each day other amounts."""
    rng = np.random.default_rng((seed, 20_000))
    forms, writers = security_papers(3, rng), [make_writer(rng) for _ in range(_N_WRITERS)]
    rng = np.random.default_rng((seed, 20_001, day))
    money, n_made = currency_of(CURRENCY), 0
    while n_made < n_strips:
        text = draw_text(rng)
        minor_units = parse_amount(text.replace("$", ""), money)
        if isinstance(minor_units, str) or text.startswith(("-", "$-")) or text.endswith("/"):
            continue
        if rng.random() < _MACHINE:
            ink = _striped(draw_printed(text, rng)[0], rng)
        else:
            ink = write(text, writers[int(rng.integers(len(writers)))], rng)[0]
            ink = _striped(ink, rng) if rng.random() < _STRIPED_PENS else ink
        picture = _seen(_on_form(np.pad(ink, 10), forms[int(rng.integers(len(forms)))], rng), rng)
        if normalize_strip(picture).ink.shape[1] <= _WIDEST_PX:
            n_made += 1
            yield SiteStrip(picture, format_amount(minor_units, money), "".join(letter for letter in text if letter.isdigit()))


def keep_day(store: Store, reader: Reader, strips: Iterable[SiteStrip], drawn_one_in: int, seed: int = 1) -> tuple[int, int]:
    """Keep checks as the daemon does, of which only the amount is known, and let a person correct those that were unsure or drawn.

    Returns:
        how many there were, and at how many a person looked.
    """
    chance, n, n_looked_at = np.random.default_rng((seed, 20_002)), 0, 0
    for n, strip in enumerate(strips, 1):
        jpeg = cv2.imencode(".jpg", strip.picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
        seen = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        reading = reader.read_strip(Frame(seen, ""), "amount", CURRENCY)
        is_accepted = reading.verdict == "accepted"
        is_drawn = is_accepted and chance.random() < 1 / drawn_one_in
        status: Status = "accepted" if is_accepted else "unsure"
        height, width = strip.picture.shape
        amount = {**(reading_object("amount", reading) or {}), "box": [0, 0, width, height]}
        check = {
            "fields": {"amount": amount, "date": None, "check_number": None, "micr": None}, "timings_ms": {}, "country": None,
            "bundle": {"version": reader.bundle.version, "sha256": reader.bundle.sha256},
        }  # fmt: skip
        record = Record(time=_OPENED + datetime.timedelta(minutes=n), status=status, first_status=status, check=check, is_drawn=is_drawn)
        record = store.add(record, jpeg)
        if is_drawn or not is_accepted:
            store.correct(record.id, {"amount": strip.text}, "clerk")
            n_looked_at += 1
    return n, n_looked_at


def _on_form(ink: U8, form: U8, rng: np.random.Generator) -> U8:
    """Write on one of the site's few forms: always light, always clearly."""
    paper = cv2.resize(form, (ink.shape[1], ink.shape[0])).astype(np.float32)
    paper *= np.float32(rng.uniform(170, 230)) / max(1.0, float(paper.mean()))
    return np.asarray(np.clip(paper * (1 - ink.astype(np.float32) * np.float32(rng.uniform(0.45, 0.8) / 255)), 0, 255), np.uint8)


def _striped(ink: U8, rng: np.random.Generator) -> U8:
    """Leave of fat strokes what a protector's segments press into the paper."""
    rows = np.flatnonzero(ink.any(axis=1))
    tall = float(rows[-1] - rows[0] + 1)
    fat = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(1, round(tall / 14)),) * 2))
    phase = rng.uniform(0, 1)
    y, x = np.mgrid[0 : ink.shape[0], 0 : ink.shape[1]].astype(np.float32)
    wave = np.sin(((y + 0.35 * x) / tall * _STRIPES + phase) * 2 * np.pi)
    return np.asarray(fat * (wave > _PRESSED), np.uint8)


def _seen(picture: U8, rng: np.random.Generator) -> U8:
    """Imitate the site's camera: too near, so that the picture is soft, and with the grain of a dark corner."""
    height = picture.shape[0]
    soft = cv2.GaussianBlur(picture, (0, 0), height * float(rng.uniform(0.008, 0.02))).astype(np.float32)
    scale = _HEIGHT_PX / height
    small = cv2.resize(soft, (max(8, round(picture.shape[1] * scale)), _HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(0.7 * small + rng.normal(0, 6, small.shape), 0, 255), np.uint8)
