"""Which bundle is read with, what came by update, and whose keys are trusted."""

import datetime
from collections.abc import Iterator
from pathlib import Path

from edge.config import Config
from edge.doctor.line import Level, Line
from edge.errors import EdgeError

_SOON_DAYS = 30


def look_at_trust(config: Config, today: datetime.date) -> Iterator[Line]:
    """Yield the slots and the keys; without firmware.folder a line that says so."""
    from edge.service.slots import MOST_FAILURES, firmware_of
    from edge.service.trust import read_trust

    try:
        firmware = firmware_of(config)
        if firmware is None:
            yield Line("updates", "ok", "no updates are set up (firmware.folder, firmware.trust)")
            return
        slots = firmware.slots()
        problems = {name: problem for name in slots.slots if (problem := firmware.problem(name))}
        for name, problem in problems.items():
            advice = "sudo systemctl restart checkreader goes back to a bundle that is in order; then update again"
            yield Line("updates", "fail" if name == slots.active else "warn", f"slot {name}: {problem}", advice)
        if not problems:
            now = f"version {slots.slot.version} in slot {slots.active}" if slots.slot else "the bundle that came with the reader"
            trial = ", on trial" if slots.trial else ""
            yield Line("updates", "ok", f"{now} is read with{trial}")
        for sha256, failure in sorted(slots.failures.items()):
            if failure.times >= MOST_FAILURES and (slots.slot is None or sha256 != slots.slot.sha256):
                advice = "checkreader-firmware update --again tries once more"
                yield Line("updates", "warn", f"taken back, and not taken again: {sha256[:12]} ({failure.why})", advice)
        folder = Path(config.firmware.trust).expanduser()
        if slots.slot is None and not any(folder.glob("*.pub")):
            advice = f"put the .pub of the key that signs your bundles into {folder}, where root alone may write"
            yield Line("key trust", "warn", "no key is trusted yet, so that no update is taken", advice)
            return
        trust = read_trust(folder)
    except EdgeError as error:
        yield Line("key trust", "fail", str(error), "see what is said; until then no update is taken")
        return
    for key in trust.keys.values():
        level: Level = "ok"
        last = None if key.not_after is None else datetime.date.fromisoformat(key.not_after)
        said = f"valid {'for ever' if last is None else f'until {last}'}"
        if key.id in trust.revoked:
            said = "revoked"
        elif today < datetime.date.fromisoformat(key.not_before):
            level, said = "warn", f"not valid before {key.not_before}: is the clock right?"
        elif last is not None and last < today + datetime.timedelta(days=_SOON_DAYS):
            level, said = "warn", f"{'ended' if last < today else 'ends'} on {last}"
        advice = f"put the .pub of a newer key into {trust.folder}" if level == "warn" else ""
        yield Line("key trust", level, f"{key.name} ({key.id[:12]}): {said}", advice)
