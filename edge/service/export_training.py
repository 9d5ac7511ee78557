"""What people confirmed or corrected, as labelled strips for `checkreader-train`: images/*.png and labels.jsonl."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.config import Config
from edge.datatypes import U8
from edge.errors import StoreError, UsageError
from edge.service.labelled import LABELS
from edge.service.record import Query, Record, Status
from edge.service.store import Store
from edge.service.truth import currency_code

_KINDS = {"amount": "amount", "date": "date", "check_number": "digits", "micr": "micr"}
_SAME_BY = {"amount": "minor_units", "date": "iso"}


def export_strips(config: Config, to: Path) -> int:
    """Write the strips of all reviewed records into a new folder; a field that a person did not look at is left out.

    People look at all unsure readings and at few accepted ones: ``stands_for`` says of how many records like it each is one. ``check`` is
    the first record of the same check.

    Raises:
        UsageError: the folder is there already.
        StoreError: the daemon runs, the store cannot be read, or the folder cannot be written.
    """
    from edge.service.serve import open_store  # with it comes the whole daemon, which an update that cuts strips has no use for

    if to.exists():
        raise UsageError(f"{to} is there already; name a folder that does not exist yet")
    with closing(open_store(config)) as store:
        unfinished = to.with_name(to.name + ".part")
        n_strips = 0
        try:
            (unfinished / "images").mkdir(parents=True, exist_ok=True)
            rows: list[tuple[Status, dict[str, Any]]] = []
            looked_at: Counter[Status] = Counter()
            for record in store.records(Query(statuses=("confirmed", "corrected"))):
                check = _first_of(record, store)
                looked_at[record.first_status] += 1
                for label, strip in labelled_strips(record, store.picture(record)):
                    rows.append((record.first_status, {**label, "check": check}))
                    n_strips += cv2.imwrite(str(unfinished / label["file"]), strip)
            waiting = {status: store.count(Query(statuses=(status,))) for status in looked_at}
            with (unfinished / LABELS).open("w", encoding="utf-8") as labels:
                for status, label in rows:
                    label["stands_for"] = round((looked_at[status] + waiting[status]) / looked_at[status], 4)
                    labels.write(json.dumps(label) + "\n")
            unfinished.rename(to)
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"{to} cannot be written ({error.strerror}); make room, or choose another folder") from None
        store.note("owner", "exported", None, f"{n_strips} strips for training")
    print(f"{n_strips} strips in {to}")
    return 0


def labelled_strips(record: Record, jpeg: bytes | None) -> Iterator[tuple[dict[str, Any], U8]]:
    """Yield each field of a record that a person named, cut from the picture of its page as the reader cut it.

    Of each: ``file``, ``kind``, ``currency``, ``text`` as a person says it stands there, ``value`` which a reading must have to be right,
    ``read`` what the reader made of it and whether it ``was_accepted``, ``record``.
    """
    page = None if jpeg is None else cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if page is None:
        return
    for name, truth in record.truth.items():
        reading = record.fields.get(name)
        if truth["text"] is None or reading is None or reading["box"] is None:
            continue
        kind = _KINDS[name]
        if (value := truth.get(same_by(kind))) is None:  # confirmed as it was read, and what was read means nothing
            continue
        label = {
            "file": f"images/{record.id:06}_{name}.png", "kind": kind, "currency": currency_code(record), "text": truth["text"],
            "value": value, "read": reading["text"], "was_accepted": reading["verdict"] == "accepted",
            "record": record.id,
        }  # fmt: skip
        yield label, _cut(np.asarray(page, np.uint8), reading)


def same_by(kind: str) -> str:
    """Return which value of a reading of this kind says that it is right; of most it is the text."""
    return _SAME_BY.get(kind, "text")


def _first_of(record: Record, store: Store) -> int:
    """Return the first record of the same check, where one was laid down again: all of them go to one side of a split."""
    while (earlier := record.possible_duplicate_of) is not None:
        found = store.get(earlier)
        if found is None:  # deleted since; its number still is the same
            return earlier
        record = found
    return record.id


def _cut(page: U8, reading: Mapping[str, Any]) -> U8:
    x, y, width, height = reading["box"]
    left, top = max(0, int(x)), max(0, int(y))
    return page[top : max(top + 1, round(y + height)), left : max(left + 1, round(x + width))]
