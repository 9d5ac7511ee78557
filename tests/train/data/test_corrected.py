"""What a site corrected becomes strips to learn from: how an amount is written is found out, and what judges stays out."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from edge.config import Config, StoreConfig
from edge.pipeline import Reader
from edge.recognize.bundle import read_bundle
from edge.service.export_training import export_strips
from edge.service.labelled import Labelled, read_folders
from edge.service.store import Store
from train.data.corrected import load_corrected, of_network, spellings
from train.data.other_site import keep_day, site_strips


def labelled(kind: str, value: str | int, text: str, currency: str = "USD") -> Labelled:
    return Labelled(Path("strip.png"), kind, text, value, currency, 1, False, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "written"),
    [
        (labelled("amount", 50000, "500.00"), ["50000", "50000100", "500"]),
        (labelled("amount", 12345, "123.45"), ["12345", "12345100"]),
        (labelled("amount", 5, "0.05"), ["05", "05100", "005", "005100"]),
        (labelled("amount", 700, "700", "JPY"), ["700"]),
        (labelled("micr", "A123C", "A123C"), ["A123C"]),
        (labelled("digits", "0042", "0042"), ["0042"]),
    ],
)
def test_what_a_person_said_may_be_written_in_some_ways(field: Labelled, written: list[str]) -> None:
    assert spellings(field) == written


def test_a_day_may_be_written_in_any_order_with_the_name_of_its_month_and_as_typed() -> None:
    found = spellings(labelled("date", "2026-03-02", "March 2nd, 2026"))
    assert found[0] == "22026"
    assert {"03022026", "02032026", "20260302", "3226", "0226", "022026"} <= set(found)
    assert len(found) == len(set(found))


def test_a_site_is_learned_from_as_it_writes_and_what_judges_is_left_out(tmp_path: Path) -> None:
    """The released network finds the digits that stand there; the labels say only what they are worth."""
    bundle, strips = read_bundle(), list(site_strips(60, seed=3))
    config = Config(store=StoreConfig(folder=str(tmp_path / "store")))
    with closing(Store(tmp_path / "store")) as store:
        n, n_looked_at = keep_day(store, Reader(bundle), strips, drawn_one_in=2)
    assert n == 60
    export_strips(config, tmp_path / "export")
    fields = read_folders([tmp_path / "export"])
    assert len(fields) == n_looked_at < 60
    rows = [json.loads(line) for line in (tmp_path / "export/labels.jsonl").read_text().splitlines()]
    assert sum(row["stands_for"] for row in rows) == pytest.approx(60, abs=0.01)
    learned = load_corrected(fields, "strip", bundle)
    assert len(learned) == len(of_network(fields, "strip")) == sum(field.part == "train" for field in fields)
    written = {f"images/{number:06}_amount.png": strip.written for number, strip in enumerate(strips, 1)}
    found = [written[f"images/{strip.file}"] == strip.text for strip in learned]
    assert sum(found) >= 0.85 * len(found)
    assert of_network(fields, "micr") == []
