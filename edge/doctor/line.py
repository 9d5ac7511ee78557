"""What was found of one part of the device."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Line:
    """``advice`` says what to do; it is empty where nothing has to be done."""

    check: str
    level: Level
    words: str
    advice: str = ""


def text_of(path: Path) -> str | None:
    """Return what a file of the system says, None where this machine has none or does not tell us."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except OSError:
        return None
