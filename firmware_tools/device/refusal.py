"""What everything on the device needs: how it refuses, how it tells, and what a file is."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class RefusedError(Exception):
    """``check`` failed on ``field``, which had to be ``expected``; the message is one sentence with all of it."""

    def __init__(self, check: str, field: str, expected: str, sentence: str) -> None:
        super().__init__(f"{check}: {sentence}")
        self.check, self.field, self.expected = check, field, expected

    def facts(self) -> dict[str, str]:
        return {"check": self.check, "field": self.field, "expected": self.expected, "cause": str(self)}


def tell(**event: Any) -> None:
    """Print an event; whoever listened may be gone, which must not stop a switch half-way."""
    try:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()
    except (BrokenPipeError, OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
