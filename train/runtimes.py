"""The same strips read with every runtime that is installed, each in a process of its own: codes, strings, verdicts.

A process each, since tflite-runtime cannot be opened where TensorFlow was imported before it.
"""

import hashlib
import multiprocessing
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from edge.datatypes import I8, U8, Frame, Lattice, Strip
from edge.locate.strip import normalize_strip
from edge.pipeline import Kind, Reader
from edge.recognize.bundle import read_bundle
from edge.recognize.card import NetworkCard
from edge.recognize.interpreter import Int8Model
from edge.recognize.network import lattice_of
from edge.recognize.tensor import dequantize, strip_codes

# Runtime, module that it needs, threads. The first is what the others are compared with.
CONFIGURATIONS = (
    ("reference", "numpy", 1),
    *(("litert", "ai_edge_litert", threads) for threads in (1, 2, 4)),
    *(("tflite", "tflite_runtime", threads) for threads in (1, 2, 4)),
    *(("tensorflow", "tensorflow", threads) for threads in (1, 2, 4)),
)
_NETWORKS: dict[Kind, str] = {"digits": "strip", "amount": "strip", "date": "date", "micr": "micr"}

# A picture, BGR, with the kind of field that it shows and the currency that it is read with.
Given = tuple[U8, Kind, str]


class _TensorFlowModel(Int8Model):
    """The same face over the interpreter that comes with TensorFlow, which the device never has."""

    def __init__(self, model: bytes, threads: int) -> None:
        super().__init__(model, "reference", threads)

    def _open(self) -> Any:
        import tensorflow as tf

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow announces that its interpreter will move to LiteRT
            return tf.lite.Interpreter(model_content=self._model, num_threads=self._threads)


class _Network:
    """A strip network of any runtime, in the place of the bundle's own."""

    def __init__(self, model: Int8Model, card: NetworkCard) -> None:
        self._model, self._card = model, card

    @property
    def card(self) -> NetworkCard:
        return self._card

    def codes(self, strip: Strip) -> I8:
        return self._model(strip_codes(strip.ink, self._card.input))

    def read(self, strip: Strip) -> Lattice:
        real = dequantize(self.codes(strip)[0, 0], self._card.output.scale, self._card.output.zero_point)
        return lattice_of(real, strip, self._card)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What one runtime gave: for each strip the codes of the first look, and text and verdict of the reading."""

    codes: list[I8]
    readings: list[tuple[str | None, str]]


def answer(bundle_file: Path | None, runtime: str, threads: int, given: Sequence[Given]) -> Answers:
    """Read strips with one runtime."""
    bundle = read_bundle(bundle_file)
    networks = {}
    for name in sorted(set(_NETWORKS.values())):
        model = bundle.models[name]
        opened = _TensorFlowModel(model, threads) if runtime == "tensorflow" else Int8Model(model, runtime, threads)
        networks[name] = _Network(opened, bundle.card.networks[name])
    reader = Reader(bundle, networks=networks)
    codes, readings = [], []
    for picture, kind, currency in given:
        codes.append(networks[_NETWORKS[kind]].codes(normalize_strip(picture)))
        reading = reader.read_strip(Frame(picture), kind, currency)
        readings.append((reading.text, reading.verdict))
    return Answers(codes, readings)


@dataclass(frozen=True, slots=True)
class Difference:
    """One network with one runtime against the integer reference.

    ``n_flipped`` counts accepted readings whose text is another (see :attr:`train.parity.Case.is_flipped`). ``sha256`` is over all
    codes, so that equal runtimes show as equal.
    """

    runtime: str
    threads: int
    network: str
    n_codes: int
    n_differing: int
    most: int
    n_strips: int
    n_other_texts: int
    n_other_verdicts: int
    n_flipped: int
    sha256: str

    def said(self) -> str:
        return (
            f"{self.runtime:10} {self.threads} threads  {self.network:6} codes {self.sha256[:12]}: {self.n_differing} of {self.n_codes} "
            f"({100 * self.n_differing / self.n_codes:.3f} %) differ, by at most {self.most}; "
            f"of {self.n_strips} strips {self.n_other_texts} other texts, {self.n_other_verdicts} other verdicts, "
            f"{self.n_flipped} accepted readings flipped"
        )


def compare_runtimes(
    bundle_file: Path | None, given: Sequence[Given], configurations: Sequence[tuple[str, str, int]] = CONFIGURATIONS
) -> Iterator[Difference]:
    """Yield what each runtime that is installed gives, network by network, against the first of them."""
    wanted: Answers | None = None
    for runtime, module, threads in configurations:
        if find_spec(module) is None:
            continue
        found = _in_own_process(bundle_file, runtime, threads, given)
        wanted = wanted or found
        for network in sorted(set(_NETWORKS.values())):
            rows = [i for i, (_, kind, _) in enumerate(given) if _NETWORKS[kind] == network]
            if rows:
                yield _difference((runtime, threads, network), rows, found, wanted)


def _in_own_process(bundle_file: Path | None, runtime: str, threads: int, given: Sequence[Given]) -> Answers:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(answer, bundle_file, runtime, threads, given).result()


def _difference(which: tuple[str, int, str], rows: Sequence[int], found: Answers, wanted: Answers) -> Difference:
    away = [np.abs(found.codes[i].astype(int) - wanted.codes[i]) for i in rows]
    pairs = [(found.readings[i], wanted.readings[i]) for i in rows]
    return Difference(
        *which,
        n_codes=sum(a.size for a in away),
        n_differing=sum(int(np.count_nonzero(a)) for a in away),
        most=max(int(a.max()) for a in away),
        n_strips=len(rows),
        n_other_texts=sum(a[0] != b[0] for a, b in pairs),
        n_other_verdicts=sum(a[1] != b[1] for a, b in pairs),
        n_flipped=sum(a[0] != b[0] and "accepted" in (a[1], b[1]) for a, b in pairs),
        sha256=hashlib.sha256(b"".join(found.codes[i].tobytes() for i in rows)).hexdigest(),
    )
