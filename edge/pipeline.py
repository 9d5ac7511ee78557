"""Frame to CheckReading: the one place that knows every stage."""

import datetime
import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal, Protocol

import numpy as np

from edge import rivals
from edge.datatypes import (
    FIELD_NAMES,
    U8,
    Box,
    CheckReading,
    Country,
    DigitGuess,
    FieldName,
    FieldRegion,
    Frame,
    Lattice,
    Page,
    Reading,
    Strip,
)
from edge.decode.accept import Decoded, reject_above, thresholds_of
from edge.decode.amount import read_amount
from edge.decode.country import AUTO, country_of
from edge.decode.date import read_date
from edge.decode.digits import read_digits
from edge.decode.micr import read_micr
from edge.fuse import fuse_checks
from edge.locate.cmc7 import find_cmc7_line
from edge.locate.digit import normalize_digit, turn
from edge.locate.field_map import picture_of_ink
from edge.locate.fields import cut_field, find_fields
from edge.locate.page import find_pages, flipped
from edge.locate.page_map import picture_of_frame
from edge.locate.quality import judge_frame
from edge.locate.strip import cut_strip, flatten_field, zoom_strip
from edge.looks import closer_band, shown_reading
from edge.recognize.bundle import Bundle
from edge.recognize.card import NetworkCard
from edge.recognize.network import DigitNetwork, FieldNetwork, PageNetwork, StripNetwork

Kind = Literal["digits", "amount", "date", "micr"]
KINDS: tuple[Kind, ...] = ("digits", "amount", "date", "micr")
STAGES = ("page", "fields", "strips", "network", "decode", "total")
Timings = MutableMapping[str, float]

_KIND_OF_FIELD: Mapping[FieldName, Kind] = {"amount": "amount", "date": "date", "check_number": "digits", "micr": "micr"}
# What is most surely told from the rest comes first and takes its place on the page: a date may look like an amount, hardly the reverse.
_READ_ORDER: tuple[FieldName, ...] = ("date", "check_number", "amount")
# Candidates of one field that are read before the best reading is taken.
_MOST_CANDIDATES = 3
# So many digits go through the network at once: large enough that Python costs little, small enough for a Pi's memory.
_DIGIT_BATCH = 256
_LEAST_SHOWN = 0.001
# A digit is seen upright and turned a little either way; what the views say is averaged. It helps on slanted and dirty digits.
_VIEWS_RAD = (0.0, 0.1, -0.1)


class LatticeNetwork(Protocol):
    """What reads a strip: a network of the bundle, or another one that it is compared with."""

    @property
    def card(self) -> NetworkCard: ...

    def read(self, strip: Strip) -> Lattice: ...


class Reader:
    """Every stage with the networks of one bundle; each network is opened at its first strip.

    ``networks`` takes the place of the bundle's networks of the same names; ``today`` weighs dates, see :mod:`edge.decode.date`.
    """

    def __init__(
        self,
        bundle: Bundle,
        runtime: str = "auto",
        threads: int = 1,
        budget: float | None = None,
        networks: Mapping[str, LatticeNetwork] | None = None,
        today: datetime.date | None = None,
    ) -> None:
        self.bundle = bundle
        self._today = today
        self._runtime, self._threads = runtime, threads
        self._budget = budget
        self._networks: dict[str, LatticeNetwork] = dict(networks or {})
        self._digit_network: DigitNetwork | None = None
        self._page_network: PageNetwork | None = None
        self._field_network: FieldNetwork | None = None

    def read_frame(self, frame: Frame, currency: str = AUTO) -> tuple[CheckReading, ...]:
        """Return the checks of a frame, the largest first; without a check one CheckReading whose page is None."""
        started = time.perf_counter()
        timings: dict[str, float] = {}
        with _clock(timings, "page"):
            pages = self.find_pages(frame)
        shared_ms = _ms_since(started)
        checks = [check for page in pages if rivals.is_check(check := self.read_page(frame, page, currency))]
        if not checks:
            nothing: dict[FieldName, Reading | None] = dict.fromkeys(FIELD_NAMES)
            quality = judge_frame(frame, None, nothing)
            return (CheckReading(0, frame.size, None, quality, nothing, {**timings, "total": _ms_since(started)}, frame_scale=frame.scale),)
        spent = [{**check.timings_ms, **timings, "total": shared_ms + check.timings_ms["total"]} for check in checks]
        return tuple(replace(check, check_index=i, timings_ms=ms) for i, (check, ms) in enumerate(zip(checks, spent, strict=True)))

    def read_page(self, frame: Frame, page: Page, currency: str = AUTO) -> CheckReading:
        """Return what one check of a frame says, whose page has been found."""
        for kind in KINDS:
            self._network(_network_of(kind))  # opening is not reading: it happens once, and is not timed
        started = time.perf_counter()
        spent = dict.fromkeys(STAGES, 0.0)
        country, fields = self._read_fields(page, currency, spent)
        is_mirrored = any(reading is not None and reading.reason == rivals.MIRRORED for reading in fields.values())
        fields = {name: rivals.checked_cover(rivals.checked_edges(reading, page, frame.size), page) for name, reading in fields.items()}
        quality = judge_frame(frame, page, fields, is_mirrored)
        spent["total"] = _ms_since(started)
        return CheckReading(0, frame.size, page, quality, fields, spent, frame_scale=frame.scale, country=country)

    def find_pages(self, frame: Frame) -> tuple[Page, ...]:
        """Return the checks of a frame, the largest first; with the bundle's page network where it has one."""
        if "page" not in self.bundle.card.networks:
            return find_pages(frame)
        network = self._page_network = self._page_network or PageNetwork(self.bundle, self._runtime, self._threads)
        return find_pages(frame, network.look(picture_of_frame(frame)))

    def read_strip(self, frame: Frame, kind: Kind, currency: str = AUTO, timings_ms: Timings | None = None) -> Reading:
        """Return what a picture that is one cut field says; adds the milliseconds of each stage to ``timings_ms``."""
        timings: Timings = {} if timings_ms is None else timings_ms
        self._network(_network_of(kind))
        started = time.perf_counter()
        box = (0.0, 0.0, float(frame.size[0]), float(frame.size[1]))
        reading = self._read(frame.pixels, kind, country_of(currency, None).currency, box, timings)
        timings["total"] = timings.get("total", 0.0) + _ms_since(started)
        return reading

    def fuse(self, seen: Sequence[CheckReading]) -> CheckReading:
        """Return what several frames of the same check say together; at least one."""
        card = self.bundle.card.thresholds
        return fuse_checks(seen, {n: thresholds_of(card, _network_of(k), k, self._budget).accept for n, k in _KIND_OF_FIELD.items()})

    def classify(self, digits: U8) -> Iterator[DigitGuess]:
        """Yield what each isolated digit is, in turn; ``digits`` uint8 (n, height, width), any size, either polarity."""
        network = self._digit_network = self._digit_network or DigitNetwork(self.bundle, "digit", self._runtime, self._threads)
        symbols = network.card.symbols
        for start in range(0, len(digits), _DIGIT_BATCH):
            inks = np.stack([normalize_digit(digit) for digit in digits[start : start + _DIGIT_BATCH]])
            views = [network.classify(np.stack([turn(ink, angle) for ink in inks]) if angle else inks) for angle in _VIEWS_RAD]
            probabilities = np.exp(np.mean(views, axis=0, dtype=np.float64))
            # What is hardly likely to be no digit is one, and the sum goes to the digits.
            blank = len(symbols) - 1
            sure = probabilities[:, blank] > reject_above(self.bundle.card.thresholds)
            probabilities[~sure, blank] = 0.0
            # Where there is no ink at all there is nothing to weigh.
            probabilities[~inks.any(axis=(1, 2))] = np.eye(len(symbols))[blank]
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            for index, row in enumerate(probabilities, start):
                ranked = [(symbols[i] or None, float(row[i])) for i in np.argsort(-row, kind="stable")]
                yield DigitGuess(index, *ranked[0], tuple(pair for pair in ranked[1:4] if pair[1] >= _LEAST_SHOWN))

    def _read_fields(self, page: Page, currency: str, timings: Timings) -> tuple[Country, dict[FieldName, Reading | None]]:
        regions = self._find_fields(page, timings)
        line = self._read_field("micr", regions, page, currency, [], timings)
        if line is None or line.verdict != "accepted":
            if not rivals.is_legible(line) and self._is_mirrored(page, currency, timings):
                blind = Reading(None, "unreadable", 0.0, rivals.MIRRORED, None)
                return country_of(currency, None), {name: blind if any(r.name == name for r in regions) else None for name in FIELD_NAMES}
            cmc7_box = find_cmc7_line(page.ink)
            line = line if cmc7_box is None else Reading(None, "unreadable", 0.0, rivals.CMC7, cmc7_box)
        text = line.text if line is not None else None
        country = country_of(currency, text)
        fields = self._read_others(regions, page, country, line, timings)
        amount = fields["amount"]
        if amount is not None and country.decided_by == "default":
            shown = country_of(currency, text, "".join(symbol.symbol for symbol in amount.symbols))
            if shown.currency != country.currency:  # the order of day and month goes with the country
                country, fields = shown, self._read_others(regions, page, shown, line, timings)
        return country, fields

    def _find_fields(self, page: Page, timings: Timings) -> tuple[FieldRegion, ...]:
        with _clock(timings, "fields"):
            network = self._field_network = self._field_network or FieldNetwork(self.bundle, self._runtime, self._threads)
            return find_fields(page, network.look(picture_of_ink(page.ink)))

    def _is_mirrored(self, page: Page, currency: str, timings: Timings) -> bool:
        """Return whether the page turned over has a good MICR line; what was taken for its top may be its foot."""
        for axis in (1, 0):
            over = flipped(page, (axis,))
            if rivals.is_sure_in_mirror(self._read_field("micr", self._find_fields(over, timings), over, currency, [], timings)):
                return True
        return False

    def _read_others(
        self, regions: Sequence[FieldRegion], page: Page, country: Country, line: Reading | None, timings: Timings
    ) -> dict[FieldName, Reading | None]:
        """Read what is no MICR line; a place that one field has taken is no candidate for the next."""
        fields: dict[FieldName, Reading | None] = {**dict.fromkeys(FIELD_NAMES), "micr": line}
        taken = [line.box] if line is not None and line.text is not None and line.box is not None else []
        for name in _READ_ORDER:
            reading = fields[name] = self._read_field(name, regions, page, country.currency, taken, timings)
            if reading is not None and reading.text is not None and reading.box is not None:
                taken.append(reading.box)
        printed = fields["check_number"]
        numbers = [printed.text if printed else None, line.values.get("check_number") if line else None]
        amount = rivals.checked_ink(rivals.checked_place(rivals.without_sign(fields["amount"]), regions, "amount"), page)
        amount = rivals.checked_figures(amount, numbers, fields["date"] is not None and fields["date"].text is not None)
        fields["amount"] = rivals.checked_digits(amount)
        fields["check_number"] = rivals.checked_number(printed, line)
        return fields

    def _read_field(
        self, name: FieldName, regions: Sequence[FieldRegion], page: Page, currency: str, taken: Sequence[Box], timings: Timings
    ) -> Reading | None:
        own = [region for region in regions if region.name == name and not rivals.is_covered(region.page_box, taken)][:_MOST_CANDIDATES]
        found = [(region, self._read_box(page, name, region.page_box, currency, timings)) for region in own]
        best = rivals.most_likely(found)
        if best is None or rivals.is_likely(best):
            return best
        # Other print beside a field may have been taken for a part of it.
        parts = [region for region in map(rivals.in_part, own) if region is not None]
        return rivals.most_likely(
            found
            + [(region, rivals.seen_in_part(self._read_box(page, name, region.page_box, currency, timings), best)) for region in parts]
        )

    def _read_box(self, page: Page, name: FieldName, page_box: Box, currency: str, timings: Timings) -> Reading:
        cut, box = cut_field(page, page_box, name)
        reading = self._read(cut, _KIND_OF_FIELD[name], currency, box, timings)
        return rivals.without_cells(reading, page) if name == "date" else reading

    def _read(self, picture: U8, kind: Kind, currency: str, box: Box, timings: Timings) -> Reading:
        network = self._network(_network_of(kind))
        with _clock(timings, "strips"):
            field = flatten_field(picture)
            strip = cut_strip(field, 0.0, 1.0)
        widest = network.card.input.max_width
        if strip.ink.shape[1] > widest:
            times = strip.ink.shape[1] / strip.ink.shape[0]
            reason = f"the strip is {times:.0f} times as wide as high, at most {widest // strip.ink.shape[0]} can be read; cut it closer"
            return Reading(None, "unreadable", 0.0, reason, box)
        with _clock(timings, "network"):
            lattice = network.read(strip)
        looks = [(strip, lattice)]
        band = closer_band(lattice, strip, widest)
        if band is not None:
            with _clock(timings, "strips"):
                closer = zoom_strip(field, *band)
            with _clock(timings, "network"):
                looks.append((closer, network.read(closer)))
        with _clock(timings, "decode"):
            decoded = self._decode([lattice for _, lattice in looks], kind, currency)
            return shown_reading(decoded, looks[decoded.look][1], looks[decoded.look][0], picture, box)

    def _decode(self, looks: list[Lattice], kind: Kind, currency: str) -> Decoded:
        thresholds = thresholds_of(self.bundle.card.thresholds, _network_of(kind), kind, self._budget)
        first, *also = looks
        match kind:
            case "amount":
                return read_amount(first, thresholds, currency, also)
            case "date":
                return read_date(first, thresholds, currency, self._today, also)
            case "micr":
                return read_micr(first, thresholds, also)
            case "digits":
                return read_digits(first, thresholds, also)

    def _network(self, name: str) -> LatticeNetwork:
        if name not in self._networks:
            self._networks[name] = StripNetwork(self.bundle, name, self._runtime, self._threads)
        return self._networks[name]


def _network_of(kind: Kind) -> str:
    return kind if kind in ("date", "micr") else "strip"


@contextmanager
def _clock(timings_ms: Timings, stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings_ms[stage] = timings_ms.get(stage, 0.0) + _ms_since(started)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1e3
