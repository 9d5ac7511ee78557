"""The golden set of a bundle: inputs of each network with the codes that they gave where it was built, run again on this device."""

import base64
import json
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.datatypes import I8
from edge.errors import BundleError
from edge.recognize.bundle import Bundle
from edge.recognize.interpreter import Int8Model, choose_runtime

MEMBER = "golden/cases.json"
# The runtimes whose codes are recorded. The reference's are the same on every processor; ai-edge-litert's on x86-64 and ARM are, too, for
# the networks that read strips, and differ by a few for those with depthwise convolutions or resizing.
RECORDED = ("litert", "reference")
# Share of a picture's cells that may show another part. Measured with ai-edge-litert on 64-bit ARM: see docs/quantization.md.
_SINGLE_CELLS = 0.01


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one case gave: codes that differ from the recorded ones, by how much at most, and whether the answer is another."""

    network: str
    n_codes: int
    n_differing: int
    most: int
    is_same_answer: bool


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The codes that one case gave here, those recorded for it, and the milliseconds that it took.

    Of the clock's time and the processor's the shorter: what other programs keep a device busy with is no fault of a network.
    """

    network: str
    found: I8
    wanted: I8
    ms: float


def record_cases(models: Mapping[str, bytes], inputs: Mapping[str, Sequence[I8]]) -> bytes:
    """Return the golden set as it is stored: each input with its codes by each recorded runtime."""
    cases = []
    for network, given in sorted(inputs.items()):
        opened = {runtime: Int8Model(models[network], runtime) for runtime in RECORDED}
        for codes in given:
            answers = {runtime: _packed(model(codes)) for runtime, model in opened.items()}
            cases.append({"network": network, "given": _packed(codes), "answers": answers})
    return (json.dumps({"cases": cases}, indent=1, sort_keys=True) + "\n").encode()


def run_cases(bundle: Bundle, runtime: str, threads: int = 1) -> list[Verdict]:
    """Run the golden set with a runtime of this device, and compare with the codes recorded for it, or else with those of the reference.

    Raises:
        BundleError: the bundle has no golden set, or a damaged one.
        MissingDependencyError: the runtime is not installed.
    """
    cards = bundle.card.networks
    return [verdict_of(answer, len(cards[answer.network].symbols)) for answer in answer_cases(bundle, runtime, threads)]


def answer_cases(bundle: Bundle, runtime: str, threads: int = 1) -> list[Answer]:
    """Run the golden set, and return what each case gave beside what it should have given.

    Raises:
        BundleError, MissingDependencyError: as :func:`run_cases`.
    """
    if MEMBER not in bundle.golden:
        raise BundleError(f"the bundle {bundle.version} has no golden set: use a bundle that was packed with one")
    chosen = choose_runtime(runtime)
    compared = chosen if chosen in RECORDED else "reference"
    models: dict[str, Int8Model] = {}
    answers = []
    try:
        cases: list[Any] = json.loads(bundle.golden[MEMBER])["cases"]
        for case in cases:
            network = str(case["network"])
            if network not in models:
                models[network] = Int8Model(bundle.models[network], chosen, threads)
            given, wanted = _unpacked(case["given"]), _unpacked(case["answers"][compared])
            started = time.perf_counter(), time.process_time()
            found = models[network](given)
            spent_s = min(time.perf_counter() - started[0], time.process_time() - started[1])
            answers.append(Answer(network, found, wanted, spent_s * 1e3))
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise BundleError(f"the golden set of the bundle {bundle.version} cannot be followed ({error}): fetch the bundle again") from error
    return answers


def verdict_of(answer: Answer, n_symbols: int) -> Verdict:
    """Return how the codes of a case differ from those recorded."""
    network, found, wanted = answer.network, answer.found, answer.wanted
    if found.shape != wanted.shape:
        return Verdict(network, wanted.size, wanted.size, 255, is_same_answer=False)
    away = np.abs(found.astype(int) - wanted)
    others = found[..., :n_symbols].argmax(axis=-1) != wanted[..., :n_symbols].argmax(axis=-1)
    # A column is a symbol; of the cells of a picture, which are many rows, single ones at the rim of a field or page decide nothing.
    allowed = _SINGLE_CELLS * others.size if others.shape[1] > 1 else 0
    return Verdict(network, wanted.size, int(np.count_nonzero(away)), int(away.max(initial=0)), bool(np.count_nonzero(others) <= allowed))


def _packed(codes: I8) -> dict[str, Any]:
    return {"shape": list(codes.shape), "zlib": base64.b64encode(zlib.compress(codes.tobytes(), 9)).decode()}


def _unpacked(stored: Mapping[str, Any]) -> I8:
    return np.frombuffer(zlib.decompress(base64.b64decode(stored["zlib"])), np.int8).reshape(stored["shape"])
