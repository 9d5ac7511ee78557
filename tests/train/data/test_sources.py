import json
from pathlib import Path

import numpy as np
import pytest

from train.data.sources import CORRECTIONS, SOURCES, LabelledStrip, MissingDataError, data_folder, sha256_of, sources_of
from train.data.texts import draw_text
from train.networks import SYMBOLS


@pytest.fixture
def folder() -> Path:
    try:
        return data_folder()
    except MissingDataError as error:
        pytest.skip(str(error))


def test_a_missing_folder_says_how_to_name_another(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="--data or TRAIN_DATA"):
        data_folder(tmp_path / "nothing")


def test_open_sources_are_a_part_of_all() -> None:
    assert set(sources_of("digits", "open")) < set(sources_of("digits"))
    assert all(s.is_open for s in sources_of("micr", "open"))


@pytest.mark.parametrize("path", sorted(CORRECTIONS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_correction_changes_its_label_and_says_why(path: Path) -> None:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len({row["file"] for row in rows}) == len(rows)
    assert all(row["reason"] and row["corrected"] != row["label"] for row in rows)


@pytest.mark.sets
@pytest.mark.parametrize("path", sorted(CORRECTIONS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_corrections_reach_the_strips(path: Path, folder: Path) -> None:
    source = next(s for s in SOURCES if s.name == path.stem)
    strips = {s.file: s for s in source.load(folder) if isinstance(s, LabelledStrip)}
    for row in map(json.loads, path.read_text().splitlines()):
        strip = strips[row["file"]]
        assert strip.doubtful if row["corrected"] is None else strip.text == row["corrected"]


@pytest.mark.sets
def test_the_hash_of_a_set_is_that_of_its_files(folder: Path) -> None:
    source = next(s for s in SOURCES if s.name == "usps")
    assert sha256_of(source, folder) == sha256_of(source, folder) != sha256_of(next(s for s in SOURCES if s.name == "mnist"), folder)


def test_texts_use_only_symbols_that_the_network_has() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        text = draw_text(rng)
        assert text
        assert set(text) <= set(SYMBOLS["strip"])
