"""The real daemon, records for its store, and a browser to look at its page."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from edge.service.record import Status
from tests.end_to_end import site


@pytest.fixture(scope="session")
def fill() -> Callable[[Path, Sequence[Status]], None]:
    """Put real readings of the sample frames into a store, one for each status, the last one newest."""
    return site.fill


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[site.Served]]:
    return site.served


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if site.CHROMIUM is None:
        pytest.skip("no Chromium here: sudo apt install chromium")
    with sync_playwright() as playwright:
        # Without a sandbox of its own, since tests may run as root in a container; it sees our pages alone.
        browser = playwright.chromium.launch(executable_path=site.CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
