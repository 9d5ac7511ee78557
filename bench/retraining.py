"""Make an invented site for docs/retraining.md: a store with what its clerks corrected, exported, and a later day on which they saw to all.

PYTHONPATH=. .venv/bin/python bench/retraining.py build/site --checks 600
"""

import argparse
import dataclasses
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from edge.config import Config, StoreConfig
from edge.pipeline import Reader
from edge.recognize.bundle import read_bundle
from edge.service.export_training import export_strips
from edge.service.store import Store
from train.data.other_site import SiteStrip, keep_day, site_strips


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a new folder: store/, export/, later/")
    parser.add_argument("--checks", type=int, default=600)
    parser.add_argument("--later", type=int, default=1000, help="checks of the later day, all of which are looked at")
    parser.add_argument("--one-in", type=int, default=10, help="of the accepted ones, those that are looked at")
    parser.add_argument("--seed", type=int, default=3)
    said = parser.parse_args()
    _make(said.folder, "export", site_strips(said.checks, said.seed), said.one_in)
    _make(said.folder, "later", site_strips(said.later, said.seed, day=1), 1)


def _make(folder: Path, name: str, strips: Iterable[SiteStrip], one_in: int) -> None:
    config = dataclasses.replace(Config(), store=StoreConfig(folder=str(folder / f"store-{name}")))
    with closing(Store(Path(config.store.folder))) as store:
        n, n_looked_at = keep_day(store, Reader(read_bundle()), strips, one_in)
    print(f"{name}: {n} checks, {n_looked_at} of them looked at")
    export_strips(config, folder / name)


if __name__ == "__main__":
    main()
