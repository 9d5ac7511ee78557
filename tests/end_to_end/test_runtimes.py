"""The same bundle gives the same answers with every runtime that is installed, and ai-edge-litert the same codes however it is run."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from edge.capture.picture import load_picture
from edge.pipeline import Kind
from train.data.drawn import drawn_strips
from train.evaluate import frame_of
from train.runtimes import CONFIGURATIONS, Difference, Given, compare_runtimes

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "strips"
# What `checkreader-train runtimes` found at most on 2,000 strips, and a little more (docs/quantization.md).
MOST_AWAY = 3


@pytest.fixture(scope="module")
def given() -> list[Given]:
    labels = [json.loads(line) for line in (SAMPLES / "labels.jsonl").read_text().splitlines()]
    shown: list[Given] = [(load_picture(SAMPLES / label["file"]).pixels, label["kind"], "USD") for label in labels]
    kinds: tuple[Kind, ...] = ("amount", "date", "micr")
    return shown + [(frame_of(strip.picture).pixels, kind, "USD") for kind in kinds for strip in drawn_strips(kind, 12)]


@pytest.fixture(scope="module")
def found(given: list[Given]) -> list[Difference]:
    return list(compare_runtimes(None, given))


def test_no_runtime_reads_an_accepted_string_otherwise(found: list[Difference], given: list[Given]) -> None:
    there = {runtime for runtime, module, _ in CONFIGURATIONS if find_spec(module)}
    assert {line.runtime for line in found} == there >= {"reference", "litert", "tensorflow"}
    assert [line for line in found if line.n_flipped] == []
    assert sum(line.n_strips for line in found[:3]) == len(given)


def test_tflite_runtime_answers_everything_as_the_reference_does(found: list[Difference]) -> None:
    lines = [line for line in found if line.runtime == "tflite"]
    if not lines:
        pytest.skip("tflite-runtime is not installed (it has no wheels after Python 3.11)")
    assert [line for line in lines if line.n_other_texts or line.n_other_verdicts] == []


def test_litert_gives_the_same_codes_with_any_number_of_threads_and_as_tensorflow_does(found: list[Difference]) -> None:
    for network in ("strip", "date", "micr"):
        hashes = {line.sha256 for line in found if line.network == network and line.runtime in ("litert", "tensorflow")}
        assert len(hashes) == 1


def test_no_fast_kernel_is_far_from_the_reference(found: list[Difference]) -> None:
    assert all(line.most <= MOST_AWAY for line in found)
    assert all(line.n_differing == 0 for line in found if line.runtime == "reference")


def test_two_processes_give_the_same_codes(given: list[Given], found: list[Difference]) -> None:
    again = {line.network: line.sha256 for line in compare_runtimes(None, given, [("litert", "ai_edge_litert", 1)])}
    assert again == {line.network: line.sha256 for line in found if (line.runtime, line.threads) == ("litert", 1)}
