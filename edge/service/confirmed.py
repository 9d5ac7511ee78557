"""What people of this site confirmed or corrected, read beside a daemon that has the store open; nothing is written.

Where nothing is confirmed yet, nothing is imported that cuts and reads strips: to load it takes longer than all else an update does.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.config import Config
from edge.errors import StoreError
from edge.finding import Finding
from edge.service.audit import is_at_risk
from edge.service.database import DATABASE
from edge.service.pictures import Pictures
from edge.service.vault import open_vault

if TYPE_CHECKING:
    from edge.datatypes import Frame, Reading
    from edge.pipeline import Kind, Reader
    from edge.recognize.bundle import Bundle
    from edge.service.record import Record

_MOST = 100
_KINDS: "dict[str, Kind]" = {"amount": "amount", "date": "date", "digits": "digits", "micr": "micr"}


@dataclass(frozen=True, slots=True, eq=False)
class ConfirmedStrip:
    """One field as it was cut, and what a person said that stands there."""

    frame: "Frame"
    kind: "Kind"
    currency: str
    truth: object


@dataclass(frozen=True, slots=True)
class Score:
    """How a bundle reads a site's strips."""

    n: int
    n_right: int
    n_accepted: int
    n_wrong_accepted: int

    def is_worse_than(self, before: "Score", budget: float) -> bool:
        """Return whether a bundle reads fewer right than the one before, or accepts more wrongly, and more than the budget explains.

        The readings are those that people looked at, so most of them the one before was not sure of and could not accept wrongly: that
        the new one accepts a wrong one of them now says nothing by itself.
        """
        is_over = self.n_wrong_accepted > before.n_wrong_accepted and is_at_risk(self.n_wrong_accepted, self.n_accepted, budget)
        return self.n_right < before.n_right or is_over


def compare_confirmed(new: "Bundle", old: "Bundle", config: Config) -> Finding:
    """Read with both bundles what people of this site confirmed; the new one may not read it worse.

    Raises:
        BundleError, ConfigError, MissingDependencyError: one of them cannot be read with here.
    """
    strips = confirmed_strips(config)
    if not strips:
        return Finding("confirmed readings", True, "the site has none")
    from edge.decode.accept import DEFAULT_BUDGET
    from edge.pipeline import Reader

    reading = config.reading
    before, after = (score(Reader(b, reading.runtime, reading.threads, reading.budget), strips) for b in (old, new))
    right = f"{after.n_right} of {after.n} read right, {before.n_right} expected"
    wrong = f"{after.n_wrong_accepted} accepted wrongly, of {after.n_accepted}, {before.n_wrong_accepted} before"
    is_worse = after.is_worse_than(before, reading.budget or DEFAULT_BUDGET)
    return Finding("confirmed readings", not is_worse, f"{right}; {wrong}")


def confirmed_strips(config: Config) -> list[ConfirmedStrip]:
    """Return the newest strips that people looked at, at most 100; none where there is no store, or where it cannot be read now."""
    folder = Path(config.store.folder).expanduser()
    if not (folder / DATABASE).exists():
        return []
    strips: list[ConfirmedStrip] = []
    # A damaged record or an unreadable store is the affair of `checkreader store check`, and no reason against an update.
    with contextlib.suppress(StoreError, sqlite3.Error):
        vault = open_vault(Path(config.store.key_file).expanduser()) if config.store.key_file else None
        pictures = Pictures(folder, vault)
        with contextlib.closing(sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            wanted = "status IN ('confirmed', 'corrected') AND picture IS NOT NULL"
            if connection.execute(f"SELECT 1 FROM records WHERE {wanted} LIMIT 1").fetchone() is None:
                return []
            from edge.service.rows import record_of
            from edge.service.store import WHOLE

            sql = f"SELECT * FROM {WHOLE} WHERE {wanted} ORDER BY id DESC LIMIT ?"
            for row in connection.execute(sql, (_MOST,)):
                record = record_of(row, vault)
                strips += _strips_of(record, pictures.read(str(record.picture), record.picture_sha256))
                if len(strips) >= _MOST:
                    break
    return strips[:_MOST]


def score(reader: "Reader", strips: list[ConfirmedStrip]) -> Score:
    """Return how a reader reads strips that people confirmed."""
    readings = [(strip, reader.read_strip(strip.frame, strip.kind, strip.currency)) for strip in strips]
    right = [is_right(r, s.kind, s.truth) for s, r in readings]
    accepted = [r.verdict == "accepted" for _, r in readings]
    return Score(len(strips), sum(right), sum(accepted), sum(a and not ok for a, ok in zip(accepted, right, strict=True)))


def is_right(reading: "Reading", kind: "Kind", truth: object) -> bool:
    """Return whether a reading says what a person said: the same money, the same day, or the same symbols."""
    from edge.service.export_training import same_by

    key = same_by(kind)
    return (reading.text if key == "text" else reading.values.get(key)) == truth


def _strips_of(record: "Record", jpeg: bytes) -> Iterator[ConfirmedStrip]:
    from edge.datatypes import Frame
    from edge.service.export_training import labelled_strips

    for label, pixels in labelled_strips(record, jpeg):
        # Copied, so that the page that the strip was cut from need not be kept.
        yield ConfirmedStrip(Frame(pixels.copy(), label["file"]), _KINDS[label["kind"]], label["currency"], label["value"])
