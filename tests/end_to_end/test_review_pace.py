"""A hundred reviews in five minutes by keyboard alone: an operator with human delays, and how long the daemon keeps them waiting."""

import json
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, expect

Serve = Callable[..., AbstractContextManager[Any]]
Fill = Callable[[Path, Sequence[str]], None]
N_REVIEWS = 100
# Kept apart from what the machine takes: what a person needs to look (a glance at a strip of digits) and for each stroke (Card, Moran,
# Newell 1980: 0.2 s for an average typist, 0.28 s for a poor one).
LOOK_S, STROKE_S = 1.35, 0.28
FIVE_MINUTES_S = 300.0

# Notes when each key was pressed, and when the next question stood on the screen with its picture.
WATCH = """() => {
  const pressed = [], shown = [], strip = document.getElementById("strip"), left = document.getElementById("left");
  document.addEventListener("keydown", (event) => { if (event.key === "Enter") pressed.push(performance.now()); }, true);
  const look = async () => {
    const text = left.textContent;
    await strip.decode().catch(() => {});
    requestAnimationFrame(() => shown.push([text, performance.now()]));
  };
  new MutationObserver(look).observe(left, { childList: true, characterData: true, subtree: true });
  window.pace = { pressed, shown };
}"""


def test_a_hundred_reviews_take_a_person_less_than_five_minutes(browser: Browser, tmp_path: Path, serve: Serve, fill: Fill) -> None:
    """Of four readings three are right, one is typed anew; the machine's part is measured, the person's is added up."""
    fill(tmp_path / "store", ["unsure"] * N_REVIEWS)
    desk = tmp_path / "desk"
    desk.mkdir()
    Image.fromarray(np.random.default_rng(1).normal(120, 3, (480, 640, 3)).clip(0, 255).astype(np.uint8)).save(desk / "desk.png")
    with serve(tmp_path / "store", f"replay:{desk}") as site:
        context = browser.new_context(viewport={"width": 1280, "height": 860})
        page = context.new_page()
        page.goto(f"{site.url}/review")
        expect(page.locator("#question")).to_be_visible()
        page.evaluate(WATCH)
        n_strokes = 0
        for n_left in range(N_REVIEWS, 0, -1):
            expect(page.locator("#left")).to_have_text(f"{n_left} waiting" if n_left > 1 else "the last one")
            if n_left % 4 == 0:
                page.keyboard.press("e")
                page.keyboard.type(f"{n_left}.05")
                n_strokes += 1 + len(f"{n_left}.05")
            page.keyboard.press("Enter")
            n_strokes += 1
        expect(page.locator("#done")).to_be_visible()
        page.wait_for_function("() => fetch('/api/v1/review').then(a => a.json()).then(a => a.n_due === 0)")
        pace = page.evaluate("() => window.pace")
        context.close()
        with urllib.request.urlopen(f"{site.url}/api/v1/records?status=corrected&limit=200") as answer:
            corrected = {record["amount"] for record in json.load(answer)["records"]}
    assert corrected == {f"{n_left}.05" for n_left in range(4, N_REVIEWS + 1, 4)}
    waits_ms = sorted(
        min(time for _, time in pace["shown"] if time > pressed) - pressed for pressed in pace["pressed"][:-1]
    )  # the last press shows that all is done
    machine_s, person_s = sum(waits_ms) / 1000, N_REVIEWS * LOOK_S + n_strokes * STROKE_S
    median, late = waits_ms[len(waits_ms) // 2], waits_ms[int(0.99 * len(waits_ms))]
    print(f"\n{N_REVIEWS} reviews, {n_strokes} strokes: the next question stands after {median:.1f} ms (p50), {late:.1f} ms (p99)")
    print(f"the machine takes {machine_s:.1f} s of it, the person {person_s:.0f} s")
    assert machine_s + person_s < FIVE_MINUTES_S
