"""The golden set: identical where the runtime is a recorded one, the same answers elsewhere, and a changed weight is found and named."""

import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import edge.golden
from edge.datatypes import I8
from edge.errors import BundleError
from edge.golden import MEMBER, answer_cases, run_cases
from edge.recognize.bundle import Bundle, read_bundle
from edge.recognize.interpreter import Int8Model
from edge.recognize.tflite_file import read_graph


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle()


@pytest.mark.parametrize("runtime", ["litert", "reference"])
def test_a_recorded_runtime_gives_the_recorded_codes(bundle: Bundle, runtime: str) -> None:
    verdicts = run_cases(bundle, runtime)
    assert {verdict.network for verdict in verdicts} == set(bundle.card.networks)
    assert all(verdict.n_differing == 0 and verdict.is_same_answer for verdict in verdicts)


def test_one_changed_weight_is_found_in_its_network(bundle: Bundle) -> None:
    model = bundle.models["digit"]
    weights = next(t.values for t in read_graph(model).tensors if t.values is not None and t.dtype is np.int8)
    assert weights is not None
    at = model.index(weights.tobytes())
    changed = bytearray(model)
    changed[at] ^= 64
    verdicts = run_cases(replace(bundle, models={**bundle.models, "digit": bytes(changed)}), "litert")
    assert {verdict.network for verdict in verdicts if verdict.n_differing} == {"digit"}


def test_what_other_programs_take_of_the_processor_does_not_count(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    class Held(Int8Model):
        def __call__(self, codes: I8) -> I8:
            time.sleep(0.3)
            return super().__call__(codes)

    monkeypatch.setattr(edge.golden, "Int8Model", Held)
    cases = json.loads(bundle.golden[MEMBER])["cases"]
    short = json.dumps({"cases": [next(case for case in cases if case["network"] == "micr")]}).encode()
    assert answer_cases(replace(bundle, golden={MEMBER: short}), "litert")[0].ms < 290


def test_a_bundle_without_a_golden_set_is_refused(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="no golden set"):
        run_cases(replace(bundle, golden={}), "litert")
    with pytest.raises(BundleError, match="cannot be followed"):
        run_cases(replace(bundle, golden={"golden/cases.json": b'{"cases": [{}]}'}), "litert")


def test_doctor_says_identical_and_leaves_with_0(checkreader: Any) -> None:
    done = checkreader("doctor", "--parity")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("identical") == len(read_bundle().card.networks)
    assert all(row["differing"] == 0 for row in checkreader.rows("doctor", "--parity", "--json"))
