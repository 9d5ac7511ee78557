"""The command as a process of its own, and strips for it to read."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edge.bench import make_strips

ROOT = Path(__file__).resolve().parent.parent.parent


class Clock:
    """Simulated seconds: the replay sleeps in them, and reading takes none of them."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass(frozen=True)
class Command:
    """`checkreader` as it is in this working tree, whatever is installed."""

    words: Sequence[str] = (sys.executable, "-m", "edge")
    environment: dict[str, str] = field(default_factory=lambda: {**os.environ, "PYTHONPATH": str(ROOT)})

    def __call__(self, *arguments: str | Path | bytes) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self.words, *arguments], capture_output=True, text=True, env=self.environment, timeout=300)

    def rows(self, *arguments: str | Path | bytes) -> list[dict[str, Any]]:
        """Return the JSON lines of a run that must go well and quietly."""
        done = self(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        return self.lines(done)

    @staticmethod
    def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def checkreader() -> Command:
    return Command()


@pytest.fixture(scope="session")
def strips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twenty strips of digits."""
    folder = tmp_path_factory.mktemp("strips")
    for index, frame in enumerate(make_strips()[:20]):
        Image.fromarray(frame.pixels[:, :, ::-1]).save(folder / f"{index:02}.png")
    return folder
