"""The live picture shows how a check lies, and never an account number."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.camera import shrunk
from edge.capture.picture import load_picture
from edge.datatypes import CheckReading, Frame, Glance
from edge.pipeline import Reader
from edge.recognize.bundle import read_bundle
from edge.service.overlay import draw_live

FRAMES = Path(__file__).resolve().parents[3] / "samples" / "frames"


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(read_bundle())


def line_in(reader: Reader, pixels: np.ndarray) -> str | None:
    line = reader.read_frame(Frame(np.ascontiguousarray(pixels)))[0].fields.get("micr")
    return None if line is None else line.text


def has_in_common(account: str, text: str | None, n_digits: int = 4) -> bool:
    """Return whether so many digits of the account number in a row stand in a text."""
    pieces = {account[i : i + n_digits] for i in range(len(account) - n_digits + 1)}
    return any(piece in (text or "") for piece in pieces)


@pytest.mark.parametrize("name", ["desk_1", "desk_3", "desk_4"])
def test_the_line_cannot_be_read_from_the_live_picture(reader: Reader, name: str) -> None:
    frame = load_picture(FRAMES / f"{name}.jpg")
    check = reader.read_frame(frame)[0]
    account = str((check.fields["micr"] or pytest.fail("no line")).values["account"])
    assert account in str(line_in(reader, frame.pixels))
    large = Glance(frame.pixels, 0.0)  # larger than any glance, so that there is more to read than a browser ever gets
    for shown in ([check], []):
        picture = cv2.imdecode(np.frombuffer(draw_live(large, shown, is_bare=False), np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == frame.pixels.shape
        assert not has_in_common(account, line_in(reader, picture))


def test_a_page_whose_line_was_not_found_is_coarse(reader: Reader) -> None:
    frame = load_picture(FRAMES / "desk_1.jpg")
    check = reader.read_frame(frame)[0]
    account = str((check.fields["micr"] or pytest.fail("no line")).values["account"])
    without = CheckReading(0, check.frame_size, check.page, check.quality, {**check.fields, "micr": None}, {})
    for is_bare in (True, False):
        picture = cv2.imdecode(np.frombuffer(draw_live(Glance(frame.pixels, 0.0), [without], is_bare), np.uint8), cv2.IMREAD_COLOR)
        assert not has_in_common(account, line_in(reader, picture))


def test_a_bare_counter_is_shown_sharp() -> None:
    glance = Glance(shrunk(load_picture(FRAMES / "desk_1.jpg").pixels), 0.0)
    sharp, coarse = (
        cv2.Laplacian(cv2.imdecode(np.frombuffer(draw_live(glance, [], is_bare), np.uint8), cv2.IMREAD_GRAYSCALE), cv2.CV_64F).var()
        for is_bare in (True, False)
    )
    assert sharp > 4 * coarse


def test_what_was_found_is_drawn_where_it_lies(reader: Reader) -> None:
    frame = load_picture(FRAMES / "desk_1.jpg")
    check = reader.read_frame(frame)[0]
    glance = Glance(shrunk(frame.pixels), 0.0)
    plain, drawn = (
        cv2.imdecode(np.frombuffer(draw_live(glance, shown, is_bare=True), np.uint8), cv2.IMREAD_COLOR).astype(int)
        for shown in ([], [check])
    )
    assert check.page is not None
    changed = np.abs(plain - drawn).max(axis=2) > 60
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    corners = check.page.corners * glance.pixels.shape[1] / frame.size[0]
    assert (columns[0], rows[0]) == pytest.approx(corners.min(axis=0), abs=4)
    assert (columns[-1], rows[-1]) == pytest.approx(corners.max(axis=0), abs=4)
