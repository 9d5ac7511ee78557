"""Ask a running daemon for its record list, so many times a second, and say how long the answers took.

Fills a store with records, starts the real daemon on it with the replay camera, and asks at fixed moments (an open loop: a slow answer
does not slow the asking), each request over one of a few kept connections.
"""

import argparse
import asyncio
import datetime
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from edge.service.record import Record, Status
from edge.service.rows import reading_row_of, row_of
from edge.service.store import Store, insert

ROOT = Path(__file__).resolve().parent.parent
_CONNECTIONS = 8
# As people and programs ask: mostly the newest, sometimes further back, sometimes for something.
_PATHS = ("limit=50", "limit=50", "limit=50&before={id}", "limit=50&status=due", "limit=50&amount={amount}", "limit=50&from={day}&to={day}")


def fill(folder: Path, n_records: int) -> None:
    """Write records straight into the store's file: one transaction, no pictures."""
    chance = random.Random(1)
    store = Store(folder)
    now = datetime.datetime.now(datetime.UTC)
    with store._database.writing() as connection:  # 100,000 times `add` would sync the disk as often
        for index in range(n_records):
            time_ = now - datetime.timedelta(minutes=5 * (n_records - index))
            status: Status = "unsure" if chance.random() < 0.05 else "accepted"
            record = Record(time=time_, status=status, first_status=status, check=check_of(chance))
            row = row_of(record, None) | {"day": time_.astimezone().date().isoformat(), "picture_bytes": 0}
            insert(connection, row, reading_row_of(record, None))
    store.close()


def check_of(chance: random.Random) -> dict[str, Any]:
    """Return a reading as large as real ones are: a dozen symbols a field, with alternatives."""

    def reading(text: str, **values: Any) -> dict[str, Any]:
        symbols = [{"symbol": letter, "box": [12.5 * i, 3.25, 11.5, 28.75], "confidence": 0.998} for i, letter in enumerate(text)]
        others = [{"text": text[::-1], "confidence": 0.0004}, {"text": text + "0", "confidence": 0.0002}]
        return {
            "text": text, "verdict": "accepted", "confidence": 0.9971, "reason": None, "box": [812.25, 120.5, 240.0, 48.0],
            "symbols": symbols, "alternatives": others, **values,
        }  # fmt: skip

    minor_units = chance.randrange(100, 2_000_000)
    number, account = str(chance.randrange(1000, 9999)), str(chance.randrange(10**9, 10**10))
    day = datetime.date(2026, 1, 1) + datetime.timedelta(days=chance.randrange(300))
    return {
        "file": "", "check_index": 0, "n_frames": 2, "frame_size": [1920, 1080],
        "page": {"corners": [[100.5, 90.25], [1700.0, 95.5], [1690.75, 820.0], [110.0, 815.5]], "confidence": 0.98},
        "quality": {"verdict": "ok", "problems": [], "advice": ""},
        "country": {"currency": "USD", "layout": "us", "decided_by": "micr", "why": "the routing number's check digit is right"},
        "fields": {
            "amount": reading(f"{minor_units // 100:,}.{minor_units % 100:02}", minor_units=minor_units, currency="USD"),
            "date": reading(f"{day:%m/%d/%Y}", iso=day.isoformat()),
            "check_number": reading(number),
            "micr": reading(
                f"A011000015A{account}C{number}", routing="011000015", account=account, check_number=number, amount=None, checksum_ok=True
            ),
        },
        "timings_ms": {"page": 20.0, "fields": 8.0, "strips": 1.0, "network": 2.0, "decode": 4.0, "total": 40.0},
        "bundle": {"version": "0.2.0", "sha256": "ab" * 32},
    }  # fmt: skip


async def ask(port: int, paths: asyncio.Queue[tuple[float, str]], waits_ms: list[float], refused: list[str]) -> None:
    """Send what is due over one connection; the wait counts from the moment at which the request was due."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        due, path = await paths.get()
        writer.write(f"GET /api/v1/records?{path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(length)
        waits_ms.append(1000 * (time.perf_counter() - due))
        if b" 200 " not in head.split(b"\r\n")[0]:
            refused.append(path)
        paths.task_done()


async def load(port: int, rate: float, seconds: float, n_records: int) -> tuple[list[float], int]:
    """Return the milliseconds of each answer and how many were refused."""
    chance = random.Random(2)
    paths: asyncio.Queue[tuple[float, str]] = asyncio.Queue()
    waits_ms: list[float] = []
    refused: list[str] = []
    workers = [asyncio.create_task(ask(port, paths, waits_ms, refused)) for _ in range(_CONNECTIONS)]
    begin = time.perf_counter()
    for index in range(int(rate * seconds)):
        due = begin + index / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        day = datetime.date.today() - datetime.timedelta(days=chance.randrange(300))
        amount = f"{chance.randrange(1, 20000)}.{chance.randrange(100):02}"
        paths.put_nowait((due, chance.choice(_PATHS).format(id=chance.randrange(100, n_records), day=day, amount=amount)))
    await paths.join()
    for worker in workers:
        worker.cancel()
    return waits_ms, len(refused)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), options.records)
        words = [sys.executable, "-m", "edge", "serve", "--store", folder, "--camera", f"replay:{ROOT}/samples/frames", "--port", "0"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as daemon:
            assert daemon.stderr is not None
            port = next((int(line.rsplit(":", 1)[1]) for line in daemon.stderr if "the page is at" in line), 0)
            time.sleep(2)  # the first check is on its way
            threading.Thread(target=daemon.stderr.read, daemon=True).start()
            try:
                waits_ms, n_refused = asyncio.run(load(port, options.rate, options.seconds, options.records))
            finally:
                daemon.terminate()
    ordered = sorted(waits_ms)
    shares = {f"p{share}": round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 2) for share in (50, 95, 99)}
    print(json.dumps({"n": len(ordered), "n_refused": n_refused, "records": options.records, "rate": options.rate, "ms": shares}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
