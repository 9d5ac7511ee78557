"""Field regions on generated checks: each field's ink lies in its best region; a blank page has none."""

import numpy as np
import pytest

from edge.datatypes import FIELD_NAMES, FIELD_PARTS, U8, Box, FieldMap, FieldRegion, Frame, Page
from edge.locate.field_map import boxes_of, picture_of_ink
from edge.locate.fields import find_fields
from edge.locate.micr_line import find_micr_line
from edge.locate.page import rectify
from edge.recognize.bundle import read_bundle
from edge.recognize.network import FieldNetwork
from train.data.checks import draw_check


@pytest.fixture(scope="module")
def network() -> FieldNetwork:
    return FieldNetwork(read_bundle())


def regions_of(network: FieldNetwork, pixels: np.ndarray) -> tuple[FieldRegion, ...]:
    height, width = pixels.shape[:2]
    page = rectify(Frame(pixels), np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64))
    return find_fields(page, network.look(picture_of_ink(page.ink)))


def page_of(ink: U8) -> Page:
    return Page(np.zeros((*ink.shape, 3), np.uint8), ink.copy(), np.zeros((4, 2)), np.eye(3), 1.0, line=find_micr_line(ink))


def map_of(name: str, rows: slice, columns: slice) -> FieldMap:
    """Say that one field lies in some cells, surely, and nothing elsewhere."""
    seen = np.zeros((48, 96, len(FIELD_PARTS)), np.float32)
    seen[:, :, -1] = 1
    seen[rows, columns] = np.eye(len(FIELD_PARTS), dtype=np.float32)[FIELD_PARTS.index(name)]
    return FieldMap(seen)


def inside(box: Box, region: Box) -> float:
    """Return the share of a box that lies in a region."""
    wide = min(box[0] + box[2], region[0] + region[2]) - max(box[0], region[0])
    high = min(box[1] + box[3], region[1] + region[3]) - max(box[1], region[1])
    return max(0.0, wide) * max(0.0, high) / (box[2] * box[3])


@pytest.mark.parametrize("seed", [21, 22, 23, 24])
def test_every_field_of_a_generated_check_lies_in_one_of_its_regions(network: FieldNetwork, seed: int) -> None:
    check = draw_check(np.random.default_rng(seed), px_per_inch=200.0)
    regions = regions_of(network, check.pixels)
    scale = 1280 / check.pixels.shape[1]
    for name in FIELD_NAMES:
        x, y, w, h = (v * scale for v in check.boxes[name])
        fitting = [r for r in regions if r.name == name and inside((x, y, w, h), r.page_box) > 0.85]
        assert fitting, name
        assert min(r.page_box[3] for r in fitting) < 2.5 * h, name


def test_regions_lie_on_the_page_and_the_best_of_a_field_comes_first(network: FieldNetwork) -> None:
    check = draw_check(np.random.default_rng(25), px_per_inch=200.0)
    regions = regions_of(network, check.pixels)
    height = round(1280 * check.pixels.shape[0] / check.pixels.shape[1])
    for name in FIELD_NAMES:
        confidences = [r.confidence for r in regions if r.name == name]
        assert confidences == sorted(confidences, reverse=True)
    for region in regions:
        x, y, w, h = region.page_box
        assert 0 <= x < x + w <= 1280
        assert 0 <= y < y + h <= height + 1


def test_a_blank_page_has_no_fields(network: FieldNetwork) -> None:
    assert regions_of(network, np.full((560, 1280, 3), 230, np.uint8)) == ()


def test_cells_become_a_box_in_page_pixels() -> None:
    ((box, confidence),) = boxes_of(map_of("date", slice(4, 8), slice(60, 84)), "date", (1280, 560))
    assert np.allclose(box, (800, 46.7, 320, 46.7), atol=1)
    assert confidence == 1.0
    assert boxes_of(map_of("date", slice(4, 8), slice(60, 84)), "amount", (1280, 560)) == []


def test_print_that_hangs_on_below_a_field_is_no_part_of_its_box() -> None:
    seen = map_of("date", slice(4, 8), slice(60, 84)).probabilities.copy()
    seen[8:12, 70:76] = 0.5 * map_of("date", slice(8, 12), slice(70, 76)).probabilities[8:12, 70:76]
    ((box, _),) = boxes_of(FieldMap(seen), "date", (1280, 560))
    assert np.allclose(box, (800, 46.7, 320, 46.7), atol=1)


def test_a_page_without_ink_has_no_fields() -> None:
    assert find_fields(page_of(np.zeros((560, 1280), np.uint8)), map_of("date", slice(4, 8), slice(60, 84))) == ()


def test_a_box_is_fitted_to_its_ink_and_without_ink_stays_itself() -> None:
    ink = np.zeros((560, 1280), np.uint8)
    ink[52:80, 820:840] = ink[52:80, 850:870] = ink[52:80, 1124:1140] = 255  # the last one begins beyond the cells
    ink[90, 700:1200] = 255  # a rule
    found = map_of("date", slice(4, 8), slice(60, 84))
    region, wider = find_fields(page_of(ink), found)
    assert inside((800, 46.7, 320, 46.7), wider.page_box) > 0.99  # a date is also offered as the network boxes it
    x, y, w, h = region.page_box
    assert x < 820
    assert x + w > 870
    assert 40 < y < 52
    assert y + h < 90
    ink[52:92, 700:1200] = 0
    ink[500, 10] = 255
    empty, _ = find_fields(page_of(ink), found)
    assert inside((800, 46.7, 320, 46.7), empty.page_box) > 0.99
