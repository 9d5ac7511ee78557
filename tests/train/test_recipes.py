"""A recipe that also learns from a site: its strips turn up in the batches."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from train.data.paper import security_papers
from train.data.sources import LabelledStrip
from train.data.strips import Mixture, StripBatches, printed_strip
from train.networks import DESIGNS
from train.recipes import Recipe, full_run, site_recipe, with_corrected

DESIGN = DESIGNS["strip-coarse"]


def made() -> Recipe:
    papers = security_papers(4, np.random.default_rng(1))
    batches = StripBatches(Mixture((("printed", 0.5, printed_strip(papers)),)), DESIGN, seed=1, batch_size=4)
    return Recipe(batches, lambda model: {"score": 0.2, "meza": 0.2})


def strip(text: str) -> LabelledStrip:
    return LabelledStrip(np.full((32, 64), 200, np.uint8), text, "corrected", "1.png", "1")


def test_a_quarter_of_the_strips_are_the_sites_own_and_the_rest_stays_as_it_was() -> None:
    own = with_corrected(made(), [strip("77")])
    assert isinstance(own.batches, StripBatches)
    rng = np.random.default_rng(5)
    drawn = [own.batches.mixture.draw(rng).text == "77" for _ in range(2000)]
    assert 0.21 < np.mean(drawn) < 0.29
    assert own.validate(DESIGN.build()) == {"score": 0.2, "meza": 0.2}


@pytest.mark.parametrize("design", ["page", "micr"])
def test_corrections_without_strips_for_a_network_are_told(tmp_path: Path, design: str) -> None:
    cv2.imwrite(str(tmp_path / "1.png"), np.full((20, 60, 3), 200, np.uint8))
    rows = [
        {
            "file": "1.png",
            "kind": "amount",
            "currency": "USD",
            "text": "12.00",
            "value": 1200,
            "was_accepted": False,
            "check": 1,
            "stands_for": 1,
        }
    ]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) for row in rows))
    with pytest.raises(ValueError, match="none of the corrections is for the network"):
        site_recipe(full_run(DESIGNS[design]), tmp_path, [tmp_path])
