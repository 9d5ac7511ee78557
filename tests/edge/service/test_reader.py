"""A bundle that takes another one's place while the daemon runs has to prove itself first."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.capture.picture import load_picture
from edge.config import ReadingConfig
from edge.datatypes import CheckReading
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


def test_of_the_frames_of_one_check_one_keeps_its_picture() -> None:
    reader = SiteReader(ReadingConfig(), None)
    frame = load_picture(ROOT / "samples/frames/desk_2.jpg")
    track: tuple[CheckReading, ...] = ()
    for grey in (0, 60, 0):  # the second one is read worse
        pixels = np.clip(frame.pixels.astype(np.int16) - grey, 0, 255).astype(np.uint8)
        track = reader.followed(track, reader.read(replace(frame, pixels=pixels))[0])
    assert len(track) == 3
    sizes = [check.page.pixels.size for check in track if check.page is not None]
    assert sorted(sizes)[:2] == [3, 3]
    assert sorted(sizes)[2] > 1_000_000
    fused = reader.fuse(track)
    assert fused.page is not None
    assert fused.page.pixels.size == max(sizes)
    assert fused.n_frames == 3
