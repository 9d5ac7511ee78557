"""What was freed goes back to the system, also from threads; in a process of its own, since the setting is for good."""

import subprocess
import sys

import pytest

from tests.edge.conftest import ROOT

# As pictures in a thread that works while small things, which stay, lie between them.
_CHURN = """
import sys, threading
from edge.service.heap import keep_heap_small, trim_heap
if "small" in sys.argv:
    keep_heap_small()
def churn():
    blocks = [bytearray(100_000) for _ in range(600)]
    del blocks[::2]
    kept.append(blocks[-1])
kept = []
threads = [threading.Thread(target=churn) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
if "trim" in sys.argv:
    trim_heap()
print(open("/proc/self/maps").read().count("[heap]"), int(open("/proc/self/statm").read().split()[1]) * 4096 >> 20)
"""


def churned(*words: str) -> tuple[int, int]:
    done = subprocess.run([sys.executable, "-c", _CHURN, *words], capture_output=True, text=True, check=True, cwd=ROOT)
    n_heaps, mebibytes = done.stdout.split()
    return int(n_heaps), int(mebibytes)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_pages_that_are_free_go_back_to_the_system() -> None:
    _, kept = churned("small")
    n_heaps, trimmed = churned("small", "trim")
    assert n_heaps == 1
    assert trimmed < kept
