"""Pictures of the page, for the README and for whoever changes it: Chromium on the real daemon, whose camera is a replay.

python tests/end_to_end/screenshots.py FOLDER [--readme DOCS]
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.end_to_end import site

PHONE, DESK = (390, 844), (1280, 860)
MOODS = (("phone", PHONE, "light"), ("phone", PHONE, "dark"), ("desk", DESK, "light"), ("desk", DESK, "dark"))
PATHS = ("review", "records", "records/2", "settings", "accuracy", "log", "api", "login")
LIVE, REVIEW = "page-live", "page-review"  # what the README shows
MOST_BYTES = 150_000
WAIT_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--readme", type=Path, help="Where the README's pictures lie.")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    assert site.CHROMIUM is not None, "no Chromium here: sudo apt install chromium"
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as temporary:
        browser = playwright.chromium.launch(executable_path=site.CHROMIUM, args=["--no-sandbox"])
        store = Path(temporary) / "store"
        take_empty(browser, store, options.folder)
        names = [f"desk_{number}.jpg" for number in (1, 5, 3, 4, 2)]
        take_for_readme(browser, Path(temporary) / "readme", script(Path(temporary), names), options.folder)
        shutil.rmtree(store)
        site.fill_looked_at(store)
        with site.served(store, f"replay:{script(Path(temporary), names[1::3])}") as served:
            for device, size, scheme in MOODS:
                name = f"{device}-{scheme}"
                for page in opened(browser, size, scheme):
                    take_live(page, served.url, options.folder, name)
                    for path in PATHS:
                        page.goto(f"{served.url}/{path}", wait_until="load")
                        if path == "review":
                            page.wait_for_selector("#question:not([hidden])")
                        page.wait_for_timeout(300)
                        page.screenshot(path=options.folder / f"{name}-{path.replace('/', '-')}.png", full_page=device == "phone")
        browser.close()
    for name in (LIVE, REVIEW) if options.readme else ():
        keep_small(options.folder / f"{name}.png", options.readme / f"{name}.jpg")


def opened(browser: Browser, size: tuple[int, int], scheme: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(WAIT_S * 1000)
    yield context.new_page()
    context.close()


def take_empty(browser: Browser, store: Path, folder: Path) -> None:
    """A daemon that has seen nothing yet, and whose camera is gone."""
    with tempfile.TemporaryDirectory() as temporary:
        shutil.copy(site.FRAMES / "desk_1.jpg", temporary)
        fault = {"checks": [{"picture": "desk_1.jpg", "bare_s": 600}], "faults": [{"kind": "vanish", "at_s": 25, "lasts_s": 600}]}
        (Path(temporary) / "script.json").write_text(json.dumps(fault))
        with site.served(store, f"replay:{temporary}/script.json") as served:
            for page in opened(browser, PHONE, "light"):
                page.goto(served.url, wait_until="domcontentloaded")
                page.wait_for_selector("#now[data-tone=idle]")
                page.wait_for_timeout(500)
                page.screenshot(path=folder / "empty-live.png", full_page=True)
                for path in ("review", "records", "accuracy", "log"):
                    page.goto(f"{served.url}/{path}", wait_until="load")
                    page.wait_for_timeout(300)
                    page.screenshot(path=folder / f"empty-{path}.png", full_page=True)
                page.goto(served.url, wait_until="domcontentloaded")
                page.wait_for_selector("#now[data-tone=bad]")
                page.wait_for_timeout(300)
                page.screenshot(path=folder / "fault-live.png")


def take_live(page: Page, url: str, folder: Path, name: str) -> None:
    """The live page as a check comes and lies there, accepted and not."""
    page.goto(url, wait_until="domcontentloaded")
    waited, ends_s = {"busy": "arriving", "good": "accepted", "care": "unsure", "idle": "ready"}, time.monotonic() + WAIT_S
    while waited and time.monotonic() < ends_s:
        tone = page.get_attribute("#now", "data-tone")
        if tone in waited:
            page.wait_for_timeout(50 if tone == "busy" else 400)
            page.screenshot(path=folder / f"{name}-live-{waited.pop(tone)}.png")
        page.wait_for_timeout(30)
    assert not waited, f"never seen: {', '.join(waited.values())}"


def take_for_readme(browser: Browser, store: Path, replay: Path, folder: Path) -> None:
    """The live page on a desk when the last of five checks was accepted, and review on a phone."""
    with site.served(store, f"replay:{replay}") as served:
        for page in opened(browser, DESK, "light"):
            page.goto(served.url, wait_until="domcontentloaded")
            page.wait_for_function("() => document.querySelectorAll('#records a').length === 5")
            page.wait_for_selector("#now[data-tone=good]")
            page.wait_for_timeout(2000)  # until the new row is no longer marked
            page.screenshot(path=folder / f"{LIVE}.png")
        for page in opened(browser, PHONE, "dark"):
            page.goto(f"{served.url}/review", wait_until="load")
            page.wait_for_selector("#question:not([hidden])")
            page.wait_for_timeout(300)
            page.screenshot(path=folder / f"{REVIEW}.png")


def script(folder: Path, names: Sequence[str]) -> Path:
    """Return a replay of checks that lie long enough to be looked at."""
    for name in names:
        shutil.copy(site.FRAMES / name, folder)
    checks = [{"picture": name, "lies_s": 5, "bare_s": 2} for name in names]
    path = folder / f"{len(names)}.json"
    path.write_text(json.dumps({"checks": checks}))
    return path


def keep_small(taken: Path, shown: Path) -> None:
    with Image.open(taken) as picture:
        small = picture.convert("RGB")
    small.thumbnail((960, 960), Image.Resampling.LANCZOS)
    small.save(shown, quality=88, subsampling=0, optimize=True)
    assert shown.stat().st_size < MOST_BYTES, f"{shown} has {shown.stat().st_size} bytes"


if __name__ == "__main__":
    main()
