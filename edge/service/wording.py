"""How the page puts things: amounts, times and probabilities in a person's words, and what each setting is called."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge.decode.currency import CURRENCIES

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "MXN": "MX$", "BRL": "R$"}


@dataclass(frozen=True, slots=True)
class SettingWords:
    """``kind`` says how a value is typed: text, number or percent (kept as a share); ``choices`` are all that is allowed."""

    key: str
    title: str
    hint: str
    kind: str = "number"
    choices: tuple[tuple[str, str], ...] = ()
    placeholder: str = ""


_CURRENCIES = (("auto", "As the check says"), *((code, code) for code in sorted(CURRENCIES)))
_TURNS = (("0", "Not turned"), ("90", "A quarter to the right"), ("180", "Upside down"), ("270", "A quarter to the left"))

SETTING_GROUPS: Mapping[str, tuple[SettingWords, ...]] = {
    "Reading": (
        SettingWords("reading.currency", "Currency", "What the amounts are in.", "text", _CURRENCIES),
        SettingWords(
            "reading.budget", "Error budget in percent", "Of a hundred accepted readings, so many may be wrong. Lower asks you more often.",
            "percent", placeholder="as the models' card says",
        ),
        SettingWords(
            "audit.one_in", "Spot check one in",
            "Of so many accepted readings one is put before you under Review, so that its errors become known. 0: none.",
        ),
    ),
    "Camera": (
        SettingWords("camera.rotation_degrees", "Picture turned by", "How the camera is mounted.", "number", _TURNS),
        SettingWords("camera.exposure_us", "Exposure in microseconds", "Empty: the camera decides.", placeholder="automatic"),
        SettingWords("camera.focus_dioptres", "Focus in dioptres", "One divided by the distance in metres. Empty: the camera decides.",
                     placeholder="automatic"),
    ),
    "What is kept": (
        SettingWords(
            "store.keep_days", "Keep records for so many days", "Older records are deleted, never an unreviewed one. 0: kept for ever.",
        ),
        SettingWords(
            "store.keep_mebibytes", "Room for pictures in megabytes", "When they take more, the oldest go first, never an unreviewed one.",
        ),
    ),
}  # fmt: skip


def money(amount: str | None, currency: str | None) -> str:
    """Return an amount with its currency's sign before it."""
    if amount is None:
        return "No amount"
    return f"{_SIGNS[currency]}{amount}" if currency in _SIGNS else f"{currency} {amount}" if currency else amount


def clock(time: str) -> str:
    """Return a time as short as it can be told from now: the hour today, the day before that, the year of long ago."""
    then, now = _local(time), datetime.datetime.now().astimezone()
    if then.date() == now.date():
        return f"{then:%H:%M}"
    return f"{then.day} {then:%b, %H:%M}" if then.year == now.year else f"{then.day} {then:%b %Y}"


def moment(time: str) -> str:
    then = _local(time)
    return f"{then.day} {then:%b %Y, %H:%M:%S}"


def percent(share: float) -> str:
    """Return a probability; what is not quite sure never reads as 100 %."""
    return "over 99.9 %" if share >= 0.9995 else "under 0.1 %" if share < 0.0005 else f"{100 * share:.1f} %"


def share_of_hundred(share: float) -> str:
    """Return a share as a percentage with as many digits as say something."""
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.2g} %"


def threshold(confidence: float) -> str:
    """Return the probability from which on readings are accepted; above one nothing is."""
    if confidence > 1:
        return "(nothing is accepted)"
    digits = next((n for n in (1, 2, 3) if confidence < 1 - 0.5 * 10.0 ** -(n + 2)), 4)
    return f"{100 * confidence:.{digits}f} %"


def whole_percent(share: float) -> str:
    return str(min(99, round(100 * share)))


def summary_words(record: Mapping[str, Any]) -> list[str]:
    """Return the second line of a record in a list, in pieces that are not broken."""
    words = [
        f"No. {record['check_number']}" if record["check_number"] else "",
        f"dated {record['date']}" if record["date"] else "",
        "possible duplicate" if record["possible_duplicate_of"] else "",
    ]
    return [word for word in words if word] or [f"Record {record['id']}"]


def shown_setting(words: SettingWords, value: Any) -> Any:
    """Return a setting's value as it stands in its input."""
    return f"{100 * value:g}" if words.kind == "percent" and value is not None else value


def _local(time: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(time).astimezone()
