"""`checkreader watch`: the daemon's state and readings live in a terminal, also over ssh; nothing is stored unless a store is named."""

import queue
import tempfile
from collections import deque
from collections.abc import Iterable
from contextlib import closing, nullcontext
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.config import Config
from edge.service.daemon import Daemon
from edge.service.event import Event, State
from edge.service.record import Record
from edge.service.serve import open_store
from edge.service.slots import firmware_of
from edge.service.store import Store

_STYLES = {"accepted": "green", "confirmed": "green", "unsure": "yellow", "corrected": "yellow", "rejected": "red"}
_MOST_ROWS = 12


def watch(config: Config, is_kept: bool, most_records: int | None = None) -> int:
    """Show what happens under the camera until Ctrl-C, or until so many records were made; without a terminal one line an event.

    Raises:
        StoreError: the store cannot be opened.
    """
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    console = Console(highlight=False)
    folder = nullcontext(None) if is_kept else tempfile.TemporaryDirectory(prefix="checkreader-")
    with folder as temporary, closing(open_store(config) if temporary is None else Store(Path(temporary))) as store:
        daemon = Daemon(config, store, firmware=firmware_of(config))
        daemon.subscribe(events.put)
        records: deque[Record] = deque(maxlen=_MOST_ROWS)  # the newest first
        n_records = 0
        live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        with live or nullcontext():
            daemon.start()
            try:
                while most_records is None or n_records < most_records:
                    event = _next(events, daemon)
                    if event is None:
                        break
                    if event.record is not None:
                        records.appendleft(event.record)
                        n_records += 1
                    if live is not None:
                        live.update(_picture(daemon.state(), records), refresh=True)
                    else:
                        console.print(_line(event), soft_wrap=True)
            except KeyboardInterrupt:
                pass
            finally:
                daemon.stop()
    return 0


def _next(events: "queue.SimpleQueue[Event]", daemon: Daemon) -> Event | None:
    """Wait for an event; None when the camera has no more frames."""
    while True:
        try:
            return events.get(timeout=1.0)
        except queue.Empty:
            if not daemon.is_alive():
                return None


def _picture(state: State, records: Iterable[Record]) -> RenderableType:
    words = Text.assemble((state.words, "bold red" if state.fault or state.problem else "bold"), "  ", (state.advice, "dim"))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("time", "amount", "date", "number", "probability", "status"):
        table.add_column(title, justify="right" if title in ("amount", "probability") else "left")
    for record in records:
        table.add_row(*_cells(record), style=_STYLES[record.status])
    return Group(words, Text(state.problem or "", "red"), table)


def _cells(record: Record) -> tuple[str, ...]:
    amount = record.fields.get("amount") or {}
    return (
        f"{record.time.astimezone():%H:%M:%S}",
        f"{record.value('amount', 'text') or '-'} {record.value('amount', 'currency') or ''}".strip(),
        record.value("date", "text") or "-",
        record.value("check_number", "text") or "-",
        f"{100 * amount.get('confidence', 0.0):.1f} %",
        record.status + (f", maybe again {record.possible_duplicate_of}" if record.possible_duplicate_of else ""),
    )


def _line(event: Event) -> str:
    if event.record is not None:
        return "  ".join(_cells(event.record))
    assert event.state is not None
    return f"{event.state.words}. {event.state.advice}".strip()
