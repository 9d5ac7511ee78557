"""The page as a person uses it: Chromium on the real daemon, whose camera is a replay."""

import csv
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import axe_playwright_python
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.end_to_end import site as site_files

Served = Any  # a site that conftest runs: url, folder, token
Serve = Callable[..., AbstractContextManager[Served]]
Fill = Callable[[Path, Sequence[str]], None]
FRAMES = Path(__file__).resolve().parent.parent.parent / "samples" / "frames"
expect.set_options(timeout=60_000)  # a machine that is busy otherwise; what is right is there at once
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
PHONE, DESK = (390, 844), (1280, 860)
PAGES = (
    "/",
    "/records",
    "/records?status=due",
    "/records?amount=none",
    "/records/1",
    "/review",
    "/settings",
    "/accuracy",
    "/log",
    "/api",
    "/login",
    "/lost",
)


@pytest.fixture(scope="module")
def empty_desk(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A camera that sees a table without a check."""
    folder = tmp_path_factory.mktemp("desk")
    grain = np.random.default_rng(1).normal(120, 3, (480, 640, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(grain).save(folder / "desk.png")
    return f"replay:{folder}"


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory, empty_desk: str, serve: Serve, fill: Fill) -> Iterator[Served]:
    """A daemon for the tests that change no record."""
    folder = tmp_path_factory.mktemp("looked_at") / "store"
    fill(folder, ["accepted", "unsure", "accepted", "unsure", "confirmed", "unsure"])
    with serve(folder, empty_desk) as site:
        yield site


@pytest.fixture
def filled(tmp_path: Path, empty_desk: str, serve: Serve, fill: Fill) -> Iterator[Served]:
    """A daemon with six records, three of them waiting for a person."""
    fill(tmp_path / "store", ["accepted", "unsure", "accepted", "unsure", "confirmed", "unsure"])
    with serve(tmp_path / "store", empty_desk) as site:
        yield site


def opened(browser: Browser, size: tuple[int, int] = DESK, scheme: Any = "light", **options: Any) -> BrowserContext:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, **options)
    context.set_default_timeout(20_000)
    return context


def quiet_page(context: BrowserContext) -> Page:
    """Return a page whose errors, and whose requests to anywhere else, are remembered."""
    page = context.new_page()
    page.wrong = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.wrong.append(str(error)))  # type: ignore[attr-defined]
    page.on("console", lambda message: page.wrong.append(message.text) if "Content Security Policy" in message.text else None)  # type: ignore[attr-defined]
    page.on("request", lambda asked: page.wrong.append(asked.url) if "://localhost" not in asked.url else None)  # type: ignore[attr-defined]
    return page


def asked(site: Served, path: str) -> Any:
    with urllib.request.urlopen(f"{site.url}/api/v1{path}") as answer:
        return json.load(answer)


def broken_rules(page: Page) -> dict[str, list[str]]:
    """Return what axe finds wrong with the page that is open."""
    page.evaluate(AXE)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return {rule["id"]: [node["html"] for node in rule["nodes"]] for rule in found["violations"]}


def test_a_check_arrives_and_is_shown_without_a_reload(browser: Browser, tmp_path: Path, serve: Serve) -> None:
    with serve(tmp_path / "store", f"replay:{FRAMES}") as site, opened(browser) as context:
        page = quiet_page(context)
        page.goto(site.url, wait_until="domcontentloaded")
        expect(page.locator("#records a").first).to_be_visible()
        expect(page.locator("#records a").nth(1)).to_be_visible()  # and the next one
        expect(page.locator("#title")).not_to_be_empty()
        assert page.locator("#picture").evaluate("picture => picture.naturalWidth") > 300
        shown = {row.split("$")[-1].split("\n")[0] for row in page.locator("#records .what").all_inner_texts()}
        assert shown & {record["amount"] for record in asked(site, "/records")["records"]}
        assert page.wrong == []  # type: ignore[attr-defined]


def test_readings_are_reviewed_by_keyboard_alone(browser: Browser, filled: Served) -> None:
    due = asked(filled, "/review")["records"]
    with opened(browser) as context:
        page = quiet_page(context)
        page.goto(f"{filled.url}/review")
        expect(page.locator("#typed")).to_have_value(due[0]["check"]["fields"]["amount"]["text"])
        page.keyboard.press("Enter")  # as it was read
        expect(page.locator("#typed")).to_have_value(due[1]["check"]["fields"]["amount"]["text"])
        page.keyboard.press("e")
        page.keyboard.type("77.05")
        page.keyboard.press("Enter")  # typed
        expect(page.locator("#left")).to_have_text("the last one")
        page.keyboard.press("x")  # no check at all
        expect(page.locator("#done")).to_be_visible()
        page.wait_for_function("() => fetch('/api/v1/review').then(a => a.json()).then(a => a.n_due === 0)")
        assert page.wrong == []  # type: ignore[attr-defined]
    found = [asked(filled, f"/records/{record['id']}") for record in due]
    assert [(record["status"], record["amount"]) for record in found] == [
        ("confirmed", due[0]["amount"]), ("corrected", "77.05"), ("rejected", due[2]["amount"])
    ]  # fmt: skip


def test_an_alternative_is_chosen_by_its_number_and_an_answer_taken_back(browser: Browser, filled: Served) -> None:
    due = asked(filled, "/review")["records"]
    index = next(i for i, record in enumerate(due) if record["check"]["fields"]["amount"]["alternatives"])
    other = due[index]["check"]["fields"]["amount"]["alternatives"][0]["text"]
    with opened(browser) as context:
        page = quiet_page(context)
        page.goto(f"{filled.url}/review?id={due[index]['id']}")
        expect(page.locator("#question")).to_be_visible()
        page.keyboard.press("2")
        expect(page.locator("#typed")).to_have_value(other)
        expect(page.locator(".choice").nth(1)).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("Enter")
        expect(page.locator(".amount")).to_contain_text(other)
        page.goto(f"{filled.url}/review")
        expect(page.locator("#question")).to_be_visible()
        first = page.locator("#typed").input_value()
        page.keyboard.press("Enter")
        expect(page.locator("#typed")).not_to_have_value(first)
        page.keyboard.press("b")
        expect(page.locator("#typed")).to_have_value(first)
    assert asked(filled, f"/records/{due[index]['id']}")["amount"] == other


def test_an_answer_that_makes_no_sense_comes_back_with_the_reason(browser: Browser, filled: Served) -> None:
    with opened(browser) as context:
        page = quiet_page(context)
        page.goto(f"{filled.url}/review")
        expect(page.locator("#question")).to_be_visible()
        page.keyboard.press("e")
        page.keyboard.type("1.2.3")
        page.keyboard.press("Enter")
        expect(page.locator("#problem")).to_contain_text("is no amount")
    assert asked(filled, "/review")["n_due"] == 3


def test_records_are_searched_and_exported(browser: Browser, filled: Served) -> None:
    wanted = asked(filled, "/records")["records"][2]
    with opened(browser) as context:
        page = quiet_page(context)
        page.goto(f"{filled.url}/records")
        page.get_by_label("Amount").fill(wanted["amount"])
        page.get_by_role("button", name="Search").click()
        expect(page.locator(".row")).to_have_count(1)
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
        assert [(row["id"], row["amount"]) for row in rows] == [(str(wanted["id"]), wanted["amount"])]
        page.get_by_label("Amount").fill("a lot")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#why")).to_contain_text("is no amount")
        page.goto(f"{filled.url}/records?status=due")
        expect(page.locator(".row")).to_have_count(3)
        page.locator(".row").first.click()
        expect(page.get_by_role("heading", name="Record 6")).to_be_visible()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Really delete?").click()
        expect(page.locator(".row")).to_have_count(5)
        assert page.wrong == []  # type: ignore[attr-defined]


def test_a_setting_is_saved_or_refused_beside_its_value(browser: Browser, looked_at: Served) -> None:
    with opened(browser) as context:
        page = quiet_page(context)
        page.goto(f"{looked_at.url}/settings")
        page.get_by_label("Spot check one in").fill("20")
        page.get_by_label("Currency").select_option("INR")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#said")).to_contain_text("Saved")
        page.get_by_label("Spot check one in").fill("-3")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#audit-one_in-why")).to_contain_text("allowed is 0 to")
        assert page.wrong == []  # type: ignore[attr-defined]
    settings = asked(looked_at, "/settings")["settings"]
    assert (settings["audit.one_in"], settings["reading.currency"]) == (20, "INR")


def test_the_reader_is_adjusted_to_its_place_and_back(browser: Browser, tmp_path: Path, empty_desk: str, serve: Serve) -> None:
    site_files.fill_looked_at(tmp_path / "store")
    with serve(tmp_path / "store", empty_desk) as site, opened(browser) as context:
        before = asked(site, "/calibration")
        assert before["after"] is not None
        page = quiet_page(context)
        page.goto(f"{site.url}/settings")
        page.get_by_role("link", name="Accuracy").click()
        expect(page.locator("#outcomes tbody tr")).to_have_count(3)
        expect(page.get_by_role("button", name="Restore the earlier one")).to_be_disabled()
        assert broken_rules(page) == {}
        page.get_by_role("button", name="Adjust").click()
        expect(page.get_by_role("button", name="Restore the earlier one")).to_be_enabled()
        expect(page.locator("label[for=progress]")).to_contain_text("0 of 50 readings")
        expect(page.get_by_role("button", name="Adjust")).to_be_disabled()
        assert asked(site, "/calibration")["before"]["threshold"] == before["after"]["threshold"]
        page.get_by_role("button", name="Restore the earlier one").click()
        expect(page.locator("#outcomes tbody tr")).to_have_count(3)
        assert asked(site, "/calibration") == before
        page.goto(f"{site.url}/log")
        expect(page.get_by_text("calibrated")).to_have_count(2)
        assert page.wrong == []  # type: ignore[attr-defined]


def test_beyond_localhost_nobody_comes_in_without_the_token(
    browser: Browser, tmp_path: Path, empty_desk: str, serve: Serve, fill: Fill
) -> None:
    fill(tmp_path / "store", ["accepted"])
    with (
        serve(tmp_path / "store", empty_desk, "--host", "0.0.0.0", is_secret=True) as site,
        opened(browser, ignore_https_errors=True) as context,
    ):
        assert site.token is not None
        assert context.request.get(f"{site.url}/api/v1/records").status == 401
        page = quiet_page(context)
        page.goto(f"{site.url}/records")
        expect(page.get_by_role("heading", name="Who is there?")).to_be_visible()
        page.get_by_label("The owner's token").fill("check_wrong")
        page.get_by_role("button", name="Come in").click()
        expect(page.locator("#why")).to_have_text("This is not the token.")
        page.get_by_label("The owner's token").fill(site.token)
        page.get_by_role("button", name="Come in").click()
        expect(page.locator(".row")).to_have_count(1)
        page.locator(".row").click()
        masked = page.locator(".facts .mono").all_inner_texts()
        page.get_by_role("link", name="Show the account number").click()
        expect(page.get_by_role("link", name="Hide the account number")).to_be_visible()
        assert "•" in "".join(masked)
        assert "•" not in "".join(page.locator(".facts .mono").all_inner_texts())
        cookie = context.cookies()[0]
        assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
        page.get_by_role("link", name="Sign out").click()
        expect(page.get_by_role("heading", name="Who is there?")).to_be_visible()


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_every_page_is_accessible_and_fits_the_screen(browser: Browser, looked_at: Served, size: tuple[int, int], scheme: str) -> None:
    with opened(browser, size, scheme) as context:
        page = quiet_page(context)
        for path in PAGES:
            page.goto(looked_at.url + path, wait_until="domcontentloaded")
            if path == "/review":
                expect(page.locator("#question")).to_be_visible()
            assert broken_rules(page) == {}, path
            assert page.evaluate("() => document.documentElement.scrollWidth") <= size[0], path
        assert page.wrong == []  # type: ignore[attr-defined]


def test_a_page_of_somebody_else_cannot_reach_the_daemon(looked_at: Served) -> None:
    for headers, status in (({"Host": "evil.example"}, 421), ({"Origin": "https://evil.example"}, 403)):
        request = urllib.request.Request(f"{looked_at.url}/api/v1/records/1", headers=headers, method="DELETE")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == status
        refused.value.close()
