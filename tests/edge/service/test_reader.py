"""A bundle that takes another one's place while the daemon runs has to prove itself first."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.config import ReadingConfig
from edge.errors import BundleError
from edge.golden import MEMBER, _packed, _unpacked
from edge.recognize.bundle import read_bundle
from edge.service import reader as module
from edge.service.reader import SiteReader, prove
from tests.edge.conftest import ROOT

RELEASED = ROOT / "edge/bundles/checkreader.bundle"


def test_a_bundle_that_answers_otherwise_than_where_it_was_built_is_refused() -> None:
    bundle = read_bundle()
    prove(bundle, "auto", 1)
    cases = json.loads(bundle.golden[MEMBER])
    for case in cases["cases"]:
        for runtime, answer in case["answers"].items():
            case["answers"][runtime] = _packed(np.roll(_unpacked(answer), 1, axis=-1))
    with pytest.raises(BundleError, match="fails its golden set"):
        prove(replace(bundle, golden={MEMBER: json.dumps(cases).encode()}), "auto", 1)
    with pytest.raises(BundleError, match="no golden set"):
        prove(replace(bundle, golden={}), "auto", 1)


def test_a_good_bundle_is_taken_up_and_one_that_fails_leaves_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.bundle"
    path.write_bytes(RELEASED.read_bytes())
    reader = SiteReader(ReadingConfig(bundle=str(path)), None)
    first = reader.bundle
    assert not reader.renew()
    os.utime(path, (1, 1))
    assert reader.renew()
    second = reader.bundle
    assert second is not first
    os.utime(path, (2, 2))
    read = module.read_bundle
    monkeypatch.setattr(module, "read_bundle", lambda given: replace(read(given), golden={}))
    assert not reader.renew()
    assert reader.bundle is second
