"""What each network is trained on: the mixture of sources, the validation strips, and the sizes of a full run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from edge.recognize.bundle import read_bundle
from edge.service.labelled import hash_of, read_folders
from train.data.boxes import with_found_boxes
from train.data.corrected import load_corrected, of_network
from train.data.dates import date_strip
from train.data.digits import DigitBatches, digit_pool
from train.data.handwriting import InkBank, bank_of_digits, bank_of_strips
from train.data.micr import load_glyphs, real_line, set_line
from train.data.paper import empty_papers, photograph, security_papers
from train.data.parts import load_part
from train.data.sources import LabelledDigits, LabelledStrip, sources_of
from train.data.splits import Part, split
from train.data.strips import Draw, Mixture, StripBatches, drawn_strip, joined_strip, printed_strip, real_strip, written_strip
from train.fields import FieldBatches, field_validation, validation_pages
from train.fit import Batches, FitConfig
from train.networks import DESIGNS, Design
from train.pages import PageBatches, page_validation, validation_frames
from train.validate import digit_validation, strip_validation

Licence = Literal["any", "open"]

# Sizes of a full run, chosen so that it takes about an hour on two cores.
FULL_RUNS = {
    "digit": FitConfig(design="digit", epochs=70, batches_per_epoch=500, batch_size=128),
    "strip": FitConfig(design="strip", epochs=75, batches_per_epoch=250, batch_size=64),
    "date": FitConfig(design="date", epochs=40, batches_per_epoch=200, batch_size=64),
    "micr": FitConfig(design="micr", epochs=24, batches_per_epoch=150, batch_size=32, learning_rate=3e-3),
    "fields": FitConfig(design="fields", epochs=16, batches_per_epoch=110, batch_size=16, learning_rate=3e-3),
    "page": FitConfig(design="page", epochs=16, batches_per_epoch=125, batch_size=16, learning_rate=3e-3),
}
# Sources with little data and hard digits are drawn more often than their size says.
_DIGIT_WEIGHTS = {"orand_car_a": 2.0, "sudoku_printed": 2.0, "usps": 1.5}
# Digits of MNIST that the generator writes strings with; the rest only trains the digit network.
_BANK_ROWS = 30_000
_N_SYNTHETIC_VALIDATION = 300
# Of the strips that a network learns from when it is fitted to a site, the share that is the site's own.
_SITE_SHARE = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """Everything that :func:`train.fit.fit` needs for one network."""

    batches: Batches
    validate: Callable[[keras.Model], dict[str, float]]


def full_run(design: Design) -> FitConfig:
    """Return the sizes of a full run; every design of one network trains alike, so that designs can be compared."""
    config = FULL_RUNS[design.network]
    return FitConfig(
        design=design.name,
        epochs=config.epochs,
        batches_per_epoch=config.batches_per_epoch,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
    )


def recipe(config: FitConfig, folder: Path) -> Recipe:
    """Load what the design needs from the folder of labelled sets."""
    design = DESIGNS[config.design]
    licence: Licence = "open" if config.licence == "open" else "any"
    recipes = {"digit": _digit, "strip": _strip, "date": _dates, "micr": _micr, "page": _page, "fields": _fields}
    return recipes[design.network](config, folder, licence)


def site_recipe(config: FitConfig, folder: Path, corrections: Sequence[Path]) -> tuple[FitConfig, Recipe]:
    """Return a recipe that also learns from folders of a site's corrections, and the configuration that says so.

    Raises:
        PictureError: a folder was not written by the export.
        ValueError: there is nothing in them for this network.
    """
    design, fields = DESIGNS[config.design], read_folders(corrections)
    learned = of_network(fields, design.network)
    if not learned:
        raise ValueError(f"none of the corrections is for the network {design.network}: fit another one")
    strips = load_corrected(learned, design.network, read_bundle())
    config = replace(config, n_corrected=len(learned), corrected_sha256=hash_of(learned), takes_last=True)
    return config, with_corrected(recipe(config, folder), strips)


def with_corrected(made: Recipe, strips: list[LabelledStrip]) -> Recipe:
    """Return a recipe whose strips are in part those that a site corrected."""
    assert isinstance(made.batches, StripBatches)
    batches = made.batches
    own = _SITE_SHARE / (1 - _SITE_SHARE) * sum(share for _, share, _ in batches.mixture.kinds)
    mixture = Mixture((*batches.mixture.kinds, ("site", own, real_strip(strips))))
    return Recipe(StripBatches(mixture, batches.design, batches.seed, batches.batch_size), made.validate)


def _load_digits(folder: Path, licence: Licence) -> list[LabelledDigits]:
    loaded = (s.load(folder) for s in sources_of("digits", licence))
    return [d for d in loaded if isinstance(d, LabelledDigits)]


def _digit(config: FitConfig, folder: Path, licence: Licence) -> Recipe:
    sets = _load_digits(folder, licence)
    sources = sources_of("strings", licence)

    def strips(part: Part) -> list[LabelledStrip]:
        return with_found_boxes(strip for source in sources for strip in load_part(source, folder, part))

    pool = digit_pool(sets, strips("train"), "train")
    return Recipe(
        DigitBatches(pool, config.seed, config.batch_size, _DIGIT_WEIGHTS),
        digit_validation(digit_pool(sets, strips("validate"), "validate")),
    )


def _banks(folder: Path, licence: Licence) -> list[InkBank]:
    banks = []
    for digits in _load_digits(folder, licence):
        if digits.source in ("mnist", "usps"):  # light ink on black paper; the printed set is not
            parts = split(digits.source, [f"{digits.source}-{g}" for g in digits.groups])
            banks.append(bank_of_digits(digits, [i for i, p in enumerate(parts) if p == "train"][:_BANK_ROWS]))
    return banks


def _strip(config: FitConfig, folder: Path, licence: Licence) -> Recipe:
    design = DESIGNS[config.design]
    sources = sources_of("strings", licence)
    train = {s.name: load_part(s, folder, "train") for s in sources}
    amounts = [_as_digits(strip) for s in sources_of("amounts", licence) for strip in load_part(s, folder, "train")]
    papers = [p for name, strips in train.items() for p in empty_papers(strips[:: 2 if name == "orand_car_a" else 15])]
    papers += security_papers(max(200, len(papers)), np.random.default_rng(config.seed))
    banks, odds = _banks(folder, licence), {"mnist": 0.4, "usps": 0.2, "orand_car_a": 0.4}
    kinds: list[tuple[str, float, Draw]] = []
    if "orand_car_a" in train:
        banks.append(bank_of_strips(train["orand_car_a"]))
        kinds += [("orand", 0.20, real_strip(train["orand_car_a"])), ("joined", 0.13, joined_strip(train["orand_car_a"]))]
    if "meza" in train:
        kinds.append(("meza", 0.24, real_strip(train["meza"])))
    if amounts:
        kinds.append(("amounts", 0.09, real_strip(amounts)))
    kinds += [
        ("written", 0.24, written_strip(banks, [odds[b.source] for b in banks], papers)),
        ("drawn", 0.11, drawn_strip(papers)),
        ("printed", 0.03, printed_strip(papers)),
    ]
    mixture = Mixture(tuple(kinds))
    validation = {s.name: load_part(s, folder, "validate") for s in sources} or {"synthetic": _synthetic(mixture, config.seed)}
    return Recipe(StripBatches(mixture, design, config.seed, config.batch_size), strip_validation(design, validation))


def _dates(config: FitConfig, folder: Path, licence: Licence) -> Recipe:
    design = DESIGNS[config.design]
    strings = {s.name: load_part(s, folder, "train") for s in sources_of("strings", licence)}
    papers = security_papers(300, np.random.default_rng(config.seed))
    papers += [p for strips in strings.values() for p in empty_papers(strips[::15])]
    banks = _banks(folder, licence) + [bank_of_strips(strips) for name, strips in strings.items() if name == "orand_car_a"]
    real = [_as_digits(strip) for s in sources_of("dates", licence) for strip in load_part(s, folder, "train")]
    kinds: list[tuple[str, float, Draw]] = [("date", 0.8, date_strip(banks, papers))]
    if real:
        kinds.append(("real", 0.2, real_strip(real)))
    mixture = Mixture(tuple(kinds))
    generated = Mixture(tuple(kinds[:1]))
    return Recipe(
        StripBatches(mixture, design, config.seed, config.batch_size),
        strip_validation(design, {"synthetic": _synthetic(generated, config.seed)}),
    )


def generated_dates(folder: Path, n_strips: int, seed: int) -> list[LabelledStrip]:
    """Return dates that the generator drew and a camera saw, as no training run draws them."""
    rng = np.random.default_rng((seed, 10**8))
    draw = date_strip(_banks(folder, "any"), security_papers(100, rng))
    drawn = (draw(rng) for _ in range(n_strips))
    return [LabelledStrip(photograph(s.picture, rng), s.text, "generated", str(i), str(i), s.boxes, True) for i, s in enumerate(drawn)]


def _as_digits(strip: LabelledStrip) -> LabelledStrip:
    """Keep the digits of an amount or a date: the label says what was meant, not with which marks it was written."""
    return replace(strip, text="".join(c for c in strip.text if c.isdigit()), has_separators=False)


def _synthetic(mixture: Mixture, seed: int) -> list[LabelledStrip]:
    """Draw a fixed set of strips from a mixture."""
    rng = np.random.default_rng((seed, 10**6))
    drawn = (mixture.draw(rng) for _ in range(_N_SYNTHETIC_VALIDATION))
    return [LabelledStrip(s.picture, s.text, "synthetic", str(i), "synthetic", s.boxes, s.has_separators) for i, s in enumerate(drawn)]


def _micr(config: FitConfig, folder: Path, licence: Licence) -> Recipe:
    design = DESIGNS[config.design]
    sources = sources_of("micr", licence)
    train = {s.name: load_part(s, folder, "train") for s in sources}
    papers = security_papers(200, np.random.default_rng(config.seed))
    kinds = [(name, {"micr_reallife": 0.5}.get(name, 0.2), real_line(strips, papers)) for name, strips in train.items()]
    mixture = Mixture((*kinds, ("set", 0.3, set_line(load_glyphs(folder), papers))))
    return Recipe(
        StripBatches(mixture, design, config.seed, config.batch_size),
        strip_validation(design, {s.name: load_part(s, folder, "validate") for s in sources}),
    )


def _page(config: FitConfig, folder: Path, licence: Licence) -> Recipe:
    """Everything is drawn: the page network needs no labelled set, so ``folder`` and ``licence`` change nothing."""
    batches = PageBatches(config.seed, config.batch_size)
    return Recipe(batches, page_validation(validation_frames(config.seed)))


def _fields(config: FitConfig, folder: Path, licence: Licence) -> Recipe:
    """Everything is drawn, as for the page network."""
    batches = FieldBatches(config.seed, config.batch_size)
    return Recipe(batches, field_validation(validation_pages(config.seed)))
