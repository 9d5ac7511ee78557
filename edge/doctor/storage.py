"""What is kept, and on what: the store, the room that is left, and how worn the card is."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from edge.config import Config
from edge.doctor.line import Level, Line, text_of
from edge.errors import EdgeError

_LEAST_BYTES, _FEW_BYTES = 64 << 20, 512 << 20
# EXT_CSD of JEDEC eMMC 5.0: device life in tenths, and what is left of the spare blocks.
_LIFE_WARN, _LIFE_FAIL = 8, 10
_SPARE = {1: "normal", 2: "four fifths are used", 3: "nearly all are used"}


def look_at_store(config: Config) -> Iterator[Line]:
    """Yield whether the records can be read, and written; a daemon may have the store open meanwhile."""
    from edge.service.database import DATABASE, find_damage
    from edge.service.vault import open_vault

    folder = Path(config.store.folder).expanduser()
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    if not os.access(there, os.W_OK):
        yield Line("store", "fail", f"we may not write to {there}", f"sudo chown USER {there}, or name another folder in store.folder")
    elif not (folder / DATABASE).exists():
        yield Line("store", "ok", f"there are no records yet; {there} can be written to")
    elif problem := find_damage(folder / DATABASE):
        yield Line(
            "store", "fail", f"{folder / DATABASE} is damaged ({problem})", "start the daemon, which repairs it, or put a backup there"
        )
    else:
        yield Line("store", "ok", f"{folder / DATABASE} is in order, {(folder / DATABASE).stat().st_size / 1e6:.1f} MB")
    if config.store.key_file and Path(config.store.key_file).expanduser().exists():
        try:
            open_vault(Path(config.store.key_file).expanduser())
            yield Line("store key", "ok", f"{config.store.key_file} is ours alone")
        except EdgeError as error:
            yield Line("store key", "fail", str(error), "see what is said")
    free = shutil.disk_usage(there).free
    said = f"{free / 1e9:.1f} GB are left where the records lie"
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        yield Line("disk", "fail", f"{there} is mounted read-only", "look into the journal why; a worn card does this: replace it")
    elif free < _FEW_BYTES:
        yield Line("disk", "fail" if free < _LEAST_BYTES else "warn", said, "make room, or lower store.keep_mebibytes")
    else:
        yield Line("disk", "ok", said)


def look_at_card(root: Path) -> Iterator[Line]:
    """Yield how worn the flash is, as far as it tells, and the errors that its file systems had."""
    cards = sorted(block / "device" for block in (root / "sys/block").glob("mmcblk*") if "boot" not in block.name)
    if not cards:
        yield Line("card", "ok", "this machine has no SD card or eMMC that tells of its wear")
    for card in cards:
        name, kind, made = (text_of(card / part) or "?" for part in ("name", "type", "date"))
        life = [int(part, 16) for part in (text_of(card / "life_time") or "").split()]
        spare = int(text_of(card / "pre_eol_info") or "0", 16)
        if not any(life):
            yield Line("card", "ok", f"{kind} card {name}, made {made}, which does not tell of its wear")
            continue
        level: Level = "fail" if max(life) > _LIFE_FAIL or spare == 3 else "warn" if max(life) >= _LIFE_WARN or spare == 2 else "ok"
        said = f"{kind} {name} has used up to {10 * max(life)} % of its life; spare blocks: {_SPARE.get(spare, 'not told')}"
        yield Line("card", level, said, "" if level == "ok" else "back the store up (checkreader store backup) and replace the card")
    for errors in sorted((root / "sys/fs/ext4").glob("*/errors_count")):
        count = text_of(errors) or "0"
        if count != "0":
            advice = "back the store up, then sudo touch /forcefsck and start anew; replace the card if it comes again"
            yield Line("file system", "warn", f"{errors.parent.name} had {count} errors", advice)
