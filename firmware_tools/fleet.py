"""Many devices at once: canaries first, a table of what each is at, a log of how each ended, and one exit code for all."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_tools.deploy import Order, Progress, Result, deploy_to

if TYPE_CHECKING:
    from rich.table import Table

# sysexits.h: EX_UNAVAILABLE, EX_TEMPFAIL.
ALL_DONE, NONE_DONE, SOME_DONE = 0, 69, 75
_STYLES = {"switched": "green", "already": "green", "rolled_back": "red", "refused": "red", "unreachable": "red", "not_tried": "yellow"}
_WORDS = {"rolled_back": "rolled back", "not_tried": "not tried", "already": "has it already"}
_BAR = 12
# Columns of a table that is not in a terminal: causes are sentences.
_REDIRECTED_WIDTH = 1000


def deploy_fleet(
    hosts: Sequence[str], order: Order, canaries: int, at_once: int, shown: Mapping[str, Progress], ended: Callable[[Result], None]
) -> list[Result]:
    """Deploy to the first ``canaries`` hosts, and to the others, ``at_once`` at a time, where all of those are well.

    Results come in the order of ``hosts``; each is given to ``ended`` as soon as it is there.
    """
    results: dict[str, Result] = {}

    def work(host: str) -> None:
        results[host] = deploy_to(host, order, shown[host])
        shown[host].at(_WORDS.get(results[host].outcome, results[host].outcome))
        ended(results[host])

    for group in (hosts[:canaries], hosts[canaries:]):
        failed = next((result for result in results.values() if not result.is_well), None)
        if failed is not None:
            said = f"canary: {failed.host} went first and {_WORDS.get(failed.outcome, failed.outcome)} ({failed.cause})"
            for host in group:
                results[host] = Result(host=host, outcome="not_tried", cause=said, check="canary", tries=0)
                shown[host].at(_WORDS["not_tried"])
                ended(results[host])
            break
        with ThreadPoolExecutor(max(1, min(at_once, len(group)))) as pool:
            list(pool.map(work, group))
    return [results[host] for host in hosts]


def exit_code(results: Sequence[Result]) -> int:
    """Return 0 when all hosts have the bundle and are well, 75 when some are, 69 when none is."""
    well = sum(result.is_well for result in results)
    return ALL_DONE if well == len(results) else SOME_DONE if well else NONE_DONE


def append_log(log: Path, order: Order, result: Result) -> None:
    """Add one JSON line on how a host ended; the log keeps all deploys of this desktop."""
    log.parent.mkdir(parents=True, exist_ok=True)
    when = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    line = json.dumps({"time": when, "run": order.run, "version": order.version, "sha256": order.sha256, **result.facts()}) + "\n"
    # One write of one line: threads and processes that append at the same time do not mix.
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


class FleetTable:
    """The table that is drawn while the deploy goes on, and once more as its end.

    Args:
        progress: of each host; ``results``: of those that have ended. Both change meanwhile.
        n_bytes: what each host gets.
    """

    def __init__(self, progress: Mapping[str, Progress], results: Mapping[str, Result], n_bytes: int) -> None:
        from rich.console import Console

        self._progress, self._results, self._n_bytes = progress, results, n_bytes
        probe = Console()
        self._console = probe if probe.is_terminal else Console(width=_REDIRECTED_WIDTH)

    def live(self) -> "AbstractContextManager[object]":
        """Draw until the block ends, where somebody looks on; elsewhere the end alone is of use."""
        if not self._console.is_terminal:
            return nullcontext()
        from rich.live import Live

        return Live(get_renderable=self._table, console=self._console, refresh_per_second=8, transient=True)

    def print(self) -> None:
        self._console.print(self._table())
        well = sum(result.is_well for result in self._results.values())
        self._console.print(f"{well} of {len(self._results)} have it and are well", highlight=False)

    def _table(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for title in ("host", "copied", "", "what"):
            table.add_column(title, overflow="fold")
        for host, progress in self._progress.items():
            share = progress.done_bytes / self._n_bytes
            bar = "━" * round(share * _BAR)
            result = self._results.get(host)
            style = _STYLES[result.outcome] if result else ""
            table.add_row(host, Text(bar.ljust(_BAR), "green"), Text(progress.step, style), _why(result))
        return table


def _why(result: Result | None) -> str:
    if result is None:
        return ""
    return "; ".join(filter(None, (result.cause, result.warning))) or f"{result.seconds:.1f} s"


def unique(hosts: Sequence[str]) -> list[str]:
    """Return the hosts without repetitions: two deploys to one device would wait for each other."""
    return list(dict.fromkeys(hosts))
