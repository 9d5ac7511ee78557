"""The page: one file, everything escaped, and its figures are those that were measured."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from train.report import build_report
from train.report_evidence import Evidence, gather
from train.report_reading import Read

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
RELEASED = Path(__file__).resolve().parent.parent.parent / "train" / "released"
VOID = {"meta", "img", "br", "line", "circle", "rect", "polygon", "polyline"}


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return gather(None, RELEASED, None, n_generated=6, n_pictures=1, designs=["digit"])


class Outline(HTMLParser):
    """Collects cells and references, and sees that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.references += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href", "srcset", "data", "action")]

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(**changed: object) -> Read:
    made = Read("meza/digits", "digits", "12", "17", 0.9, 0.95, True, False, np.full((20, 60), 200, np.uint8), "a.png")
    return replace(made, **changed)


def test_the_page_is_whole_and_refers_to_nothing_outside(evidence: Evidence) -> None:
    text = build_report(evidence)
    outline = Outline(text)
    assert outline.open == []
    assert all(reference.startswith(("#", "data:image/png;base64,")) for reference in outline.references)
    assert re.search(r"https?:|@import|url\(|<script|<link", text) is None


def test_without_sets_the_page_says_what_is_missing_and_holds_no_picture(evidence: Evidence) -> None:
    text = build_report(evidence)
    assert "No labelled sets were there" in text
    assert "data:image" not in text


def test_figures_on_the_page_are_those_that_were_measured(evidence: Evidence) -> None:
    words = Outline(build_report(evidence)).words
    (drawn,) = evidence.accuracy
    n_right = sum(r.is_right for r in evidence.read)
    assert drawn.n_right == n_right
    assert f"{100 * n_right / 6:.2f} %" in words
    for rows in evidence.layers.values():
        assert {f"{layer.sqnr_db:.1f}" for layer in rows} <= set(words)
    (design,) = evidence.designs
    assert f"{design.n_bytes:,}" in words
    assert f"{design.us:,.0f}" in words


def test_a_network_whose_float_weights_are_of_another_run_is_named_instead_of_compared(evidence: Evidence) -> None:
    whole = build_report(replace(evidence, sizes=dict.fromkeys(evidence.layers, 1)))
    assert "Not shown" not in whole
    lacking = build_report(replace(evidence, sizes={**dict.fromkeys(evidence.layers, 1), "letters": 1}))
    assert "Not shown: letters." in lacking


def test_every_network_has_its_learning_curve(evidence: Evidence) -> None:
    assert set(evidence.sizes) == set(evidence.curves)


def test_with_sets_errors_are_embedded_and_every_text_is_escaped(evidence: Evidence) -> None:
    nasty = read(label="<b>1</b>", text='"><script>alert(1)</script>', source="<set>&/digits", file="<i>.png")
    rows = [read(confidence=0.5 + i / 1000, file=f"{i}.png", is_right=i % 9 != 0) for i in range(200)]
    text = build_report(replace(evidence, has_sets=True, read=[*rows, nasty]))
    assert Outline(text).open == []
    assert "<script" not in text
    assert "<b>1</b>" not in text
    assert text.count("data:image/png;base64,") == 24  # 23 of the 200, and the nasty one
    assert "Keep it to yourself" in text


def test_no_more_than_fifty_errors_are_shown(evidence: Evidence) -> None:
    text = build_report(replace(evidence, has_sets=True, read=[read(file=str(i)) for i in range(120)]))
    assert text.count("data:image/png;base64,") == 50
