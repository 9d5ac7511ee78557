"""One part of a labelled set: what trains, what decides, or what only measures."""

from pathlib import Path

from train.data.sources import LabelledStrip, Source
from train.data.splits import Part, split


def load_part(source: Source, folder: Path, part: Part) -> list[LabelledStrip]:
    """Return one part of a set of strips, without those whose label even a person cannot settle."""
    strips = source.load(folder)
    assert isinstance(strips, list)
    parts = split(source.name, [s.group for s in strips])
    return [s for s, p in zip(strips, parts, strict=True) if p == part and not s.doubtful]
