"""A bundle that takes another one's place while the daemon runs has to prove itself first."""

import os
from pathlib import Path

import pytest

from edge.config import ReadingConfig
from edge.recognize.bundle import read_bundle
from edge.service.reader import SiteReader
from tests.firmware_tools.conftest import SHIPPED, bundle_with, members_of, with_changed_golden


@pytest.mark.parametrize("golden", ["other answers", "none"])
def test_a_good_bundle_is_taken_up_and_one_that_fails_leaves_the_old(tmp_path: Path, golden: str) -> None:
    path = tmp_path / "a.bundle"
    path.write_bytes(SHIPPED.read_bytes())
    reader = SiteReader(ReadingConfig(bundle=str(path)), None)
    first = reader.bundle
    assert not reader.renew()
    os.utime(path, (1, 1))
    assert reader.renew()
    second = reader.bundle
    assert second is not first
    models = {name: data for name, data in members_of(read_bundle()).items() if not name.startswith("golden/")}
    path.write_bytes(bundle_with(models if golden == "none" else with_changed_golden()))
    assert not reader.renew()
    assert reader.bundle is second
