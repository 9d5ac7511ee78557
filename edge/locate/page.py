"""Frame to pages: the quadrilaterals of paper in it that carry a MICR line, rectified, the right way up."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.datatypes import F64, U8, Frame, Page, PageMap
from edge.locate.lid import without_lid
from edge.locate.micr_line import find_micr_line, ink_of_page
from edge.locate.page_map import Outline, outlines, outlines_of_papers, share_of_paper
from edge.locate.quad import area_of, find_quads, find_quads_of_lines, smooth_lab, support_of
from edge.locate.shrink import shrunk
from edge.locate.sides import fitted_to_edges

PAGE_WIDTH_PX = 1280
_MOST_PAGES = 6
# Quadrilaterals that are looked at more closely; each costs one rectification.
_MOST_TRIALS = 8
# Longer side of the frame while looking for paper, and while fitting its edges.
_COARSE_PX, _FINE_PX = 480, 1280
# Checks are 1.8 to 2.9 times as wide as high (personal 2.2, business 2.4, Indian 2.2); corners are never exact.
_ASPECTS = (1.6, 3.4)
# A MICR line weaker than this does not make a check out of a sheet of paper; less will do where the shape is a check's.
_LEAST_EVIDENCE, _LEAST_WITH_SHAPE = 0.55, 0.36
# A frame of a check's shape with its MICR line where it belongs is a scan, whatever outlines are printed inside.
_SCAN_EVIDENCE, _SCAN_ASPECTS = 0.75, (1.9, 3.1)
# Evidence times support times the fourth root of the area share: from here on no better outline need be looked for.
_GOOD_VALUE = 0.42
# What the network takes for a check may be foreshortened; it is surely one, with or without a MICR line, from this confidence on.
_SEEN_ASPECTS, _SURELY_SEEN = (1.4, 3.8), 0.9
# What fills the frame shows no edge of paper: however sure the network is, it has to have something like a MICR line.
_FRAME_SHARE, _LEAST_IN_FRAME = 0.95, 0.2
# A MICR line on the other side overrules the network's idea of which side is up by this much, where the network is quite sure.
_OVERRULES = 0.4
# A MICR line seen so well, where it belongs, says that the network's outline is right; an outline found by shape needs so much of one to
# be better, or to be a check where the network sees none.
_WELL_FRAMED, _SURE_SHAPE = 0.76, 0.7
# An outline that covers less of the paper around it than this is doubted; a contour has to be better by more than this.
_WELL_FITTED, _EQUAL = 0.85, 0.05
# A scan is seen where the network takes more than this share of the frame for a check.
_MOSTLY = 0.5
# A side without an edge this near to the frame's border, as a share of its longer side, is the border.
_TO_BORDER = 0.035


def find_pages(frame: Frame, page_map: PageMap | None = None) -> tuple[Page, ...]:
    """Return the checks in a frame, the largest first, at most six; ``page_map`` is what the page network sees, None without one.

    Where the sides that the network sees do not fit the paper around them, or frame no MICR line where it belongs, the paper's own
    contour is tried; where that shows none either, regions and straight lines that enclose one: slower, and better where found.
    """
    whole = _whole_frame(frame) if _has_check_shape(frame) else None
    if whole is not None and page_map is not None:
        whole = replace(whole, is_seen=share_of_paper(page_map) > _MOSTLY)
    if whole is not None and whole.confidence > _SCAN_EVIDENCE:  # lines printed inside a scan are no edge
        return (_without_lid(frame, whole),)
    fine, fine_to_frame = _shrunk(frame.pixels, _FINE_PX)
    if page_map is None:
        return _distinct(_pages_by_shape(frame, fine, whole))
    seen = _tried(frame, fine, fine_to_frame, outlines(page_map, frame))
    if not seen or any(trial.evidence <= _WELL_FRAMED or trial.fit < _WELL_FITTED for trial in seen):
        seen = _better_of(seen, _tried(frame, fine, fine_to_frame, outlines_of_papers(page_map, frame)))
    if seen and all(trial.evidence > _WELL_FRAMED for trial in seen):
        return _distinct([trial.page for trial in seen])
    by_shape = [page for page in _pages_by_shape(frame, fine, whole) if page.confidence > _SURE_SHAPE]
    found = [*by_shape, *(trial.page for trial in seen)]
    # A picture of a check's own shape may be one that nothing is left around.
    return _distinct([whole] if whole is not None and not found else found)


def _without_lid(frame: Frame, scan: Page) -> Page:
    """Return a page that is the whole frame without the border of lid that the scanner left around it."""
    corners = without_lid(frame.pixels)
    # As the page lies in the frame: its first corner is the frame's corner of the same number.
    first = int(np.argmin(np.hypot(*(scan.corners - corners[0]).T)))
    corners = np.roll(corners, first, axis=0)
    return scan if np.array_equal(corners, scan.corners) else replace(rectify(frame, corners, scan.confidence), is_seen=scan.is_seen)


def _distinct(pages: list[Page]) -> tuple[Page, ...]:
    """Return pages, given the best first, without those that overlap a better one, the largest first."""
    kept: list[Page] = []
    for page in pages:
        if not any(_overlap(page.corners, other.corners) > 0.3 for other in kept):
            kept.append(page)
    return tuple(sorted(kept, key=lambda page: -area_of(page.corners))[:_MOST_PAGES])


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """A page with what speaks for it: its MICR line, and how well it covers the paper that the network sees there."""

    page: Page
    evidence: float
    fit: float


def _tried(frame: Frame, fine: U8, fine_to_frame: float, seen: list[Outline]) -> list[_Trial]:
    trials = (_page_of(frame, fine, fine_to_frame, outline) for outline in seen[:_MOST_TRIALS])
    return [trial for trial in trials if trial is not None]


def _better_of(by_sides: list[_Trial], by_contour: list[_Trial]) -> list[_Trial]:
    """Return the outlines by sides, with those by contour in the place of all that they overlap where they are better than each."""
    kept = list(by_sides)
    for trial in by_contour:
        rivals = [other for other in kept if _overlap(trial.page.corners, other.page.corners) > 0.3]
        value = trial.evidence + trial.fit - _EQUAL
        if all(trial.evidence > r.evidence - _EQUAL and value > r.evidence + r.fit for r in rivals):
            kept = [other for other in kept if all(other is not rival for rival in rivals)] + [trial]
    return sorted(kept, key=lambda trial: -trial.page.confidence)


def _page_of(frame: Frame, fine: U8, fine_to_frame: float, outline: Outline) -> _Trial | None:
    """Return what the network takes for a check, fitted to its edges and upright; None where nothing else says so."""
    quad = fitted_to_edges(fine, outline.corners / fine_to_frame, _TO_BORDER * max(fine.shape[:2])) * fine_to_frame
    aspect = _aspect(quad)
    if not _SEEN_ASPECTS[0] <= aspect <= _SEEN_ASPECTS[1]:
        return None
    page = rectify(frame, quad)
    upright = _evidence(page)
    other = _turned(page) if upright < _LEAST_EVIDENCE else None
    turned = 0.0 if other is None else _evidence(other)
    is_frame = area_of(quad) > _FRAME_SHARE * frame.size[0] * frame.size[1]
    least = max(_LEAST_IN_FRAME if is_frame else 0.0, 0.0 if outline.confidence >= _SURELY_SEEN else _LEAST_WITH_SHAPE)
    if max(upright, turned) < least:
        return None
    confidence = 1 - (1 - outline.confidence) * (1 - max(upright, turned))
    if other is not None and turned - upright > _OVERRULES * (2 * outline.turn_confidence - 1):
        page, upright = other, turned
    return _Trial(replace(page, confidence=confidence, is_seen=True), upright, outline.fit)


def _aspect(quad: F64) -> float:
    sides = np.hypot(*(np.roll(quad, -1, axis=0) - quad).T)
    return float((sides[0] + sides[2]) / max(sides[1] + sides[3], 1.0))


def _pages_by_shape(frame: Frame, fine: U8, whole: Page | None) -> list[Page]:
    """Return pages found without a network, the best first; ``whole`` is the frame as a page where it has a check's shape."""
    coarse, coarse_to_fine = _shrunk(fine, _COARSE_PX)
    found = _pages_of(frame, fine, [quad * coarse_to_fine for quad in find_quads(coarse)[:_MOST_TRIALS]])
    if not any(value > _GOOD_VALUE for value, _ in found):
        found += _pages_of(frame, fine, [quad * coarse_to_fine for quad in find_quads_of_lines(coarse)[:_MOST_TRIALS]])
    if not found and (page := whole or _whole_frame(frame)) is not None:
        found = [(page.confidence, page)]
    return [page for _, page in sorted(found, key=lambda pair: -pair[0])]


def _pages_of(frame: Frame, fine: U8, quads: list[F64]) -> list[tuple[float, Page]]:
    """Return those quadrilaterals of the fine picture that are checks, each with how good a find it is."""
    if not quads:
        return []
    lab = smooth_lab(fine)
    to_frame = max(frame.size) / max(fine.shape[:2])
    pages: list[tuple[float, Page]] = []
    for rough in quads:
        # What lies inside a good find is a part of it.
        if any(value > _GOOD_VALUE and _overlap(rough * to_frame, page.corners) > 0.9 for value, page in pages):
            continue
        quad = fitted_to_edges(fine, rough)
        page = _page_in(frame, quad * to_frame)
        if page is not None:
            # An outline inside the paper has less contrast and less area than the paper's own.
            share = area_of(quad) / (fine.shape[0] * fine.shape[1])
            pages.append((page.confidence * support_of(lab, quad) * share**0.25, page))
    return pages


def rectify(frame: Frame, corners: F64, confidence: float = 1.0) -> Page:
    """Cut the page with these corners (clockwise from its own top-left) out of a frame, 1280 pixels wide."""
    width_px = float(np.hypot(*(corners[1] - corners[0])) + np.hypot(*(corners[2] - corners[3]))) / 2
    height_px = float(np.hypot(*(corners[3] - corners[0])) + np.hypot(*(corners[2] - corners[1]))) / 2
    height = int(np.clip(round(PAGE_WIDTH_PX * height_px / max(width_px, 1.0)), 16, 4 * PAGE_WIDTH_PX))
    flat = np.array([[0, 0], [PAGE_WIDTH_PX, 0], [PAGE_WIDTH_PX, height], [0, height]], np.float32)
    source, scale = frame.pixels, 1.0
    if width_px > 2 * PAGE_WIDTH_PX:  # average first what would otherwise be skipped
        scale = 1.5 * PAGE_WIDTH_PX / width_px
        source = shrunk(source, (round(source.shape[1] * scale), round(source.shape[0] * scale)))
    frame_to_page = cv2.getPerspectiveTransform((corners * scale - 0.5).astype(np.float32), flat - np.float32(0.5))
    warped = cv2.warpPerspective(source, frame_to_page, (PAGE_WIDTH_PX, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    pixels = np.asarray(warped, np.uint8)
    page_to_frame = np.asarray(cv2.getPerspectiveTransform(flat, corners.astype(np.float32)), np.float64)
    ink = ink_of_page(pixels)
    return Page(pixels, ink, np.asarray(corners, np.float64), page_to_frame, confidence, line=find_micr_line(ink))


def flipped(page: Page, axes: tuple[int, ...]) -> Page:
    """Return what a page shows, turned over along axes of its pixels: both, on its head; one, in a mirror. Corners stay where they are."""
    pixels, ink = (np.ascontiguousarray(np.flip(seen, axes)) for seen in (page.pixels, page.ink))
    return replace(page, pixels=pixels, ink=ink, line=find_micr_line(ink))


def _turned(page: Page) -> Page:
    """Return a page whose top was taken for its foot."""
    height, width = page.ink.shape
    half_turn = np.array([[-1, 0, width], [0, -1, height], [0, 0, 1]])
    return replace(flipped(page, (0, 1)), corners=np.roll(page.corners, 2, axis=0), page_to_frame=page.page_to_frame @ half_turn)


def _shrunk(pixels: U8, longest_px: int) -> tuple[U8, float]:
    """Return the picture with its longer side no longer than this, and the factor that leads back."""
    factor = max(pixels.shape[:2]) / longest_px
    if factor <= 1:
        return pixels, 1.0
    return shrunk(pixels, (max(1, round(pixels.shape[1] / factor)), max(1, round(pixels.shape[0] / factor)))), factor


def _page_in(frame: Frame, quad: F64) -> Page | None:
    """Return the quadrilateral as a page turned by its MICR line, or None where it has none."""
    sides = np.hypot(*(np.roll(quad, -1, axis=0) - quad).T)
    if sides[1] + sides[3] > sides[0] + sides[2]:
        quad, sides = np.roll(quad, -1, axis=0), np.roll(sides, -1)
    aspect = (sides[0] + sides[2]) / max(sides[1] + sides[3], 1.0)
    if not _ASPECTS[0] <= aspect <= _ASPECTS[1]:
        return None
    page = rectify(frame, quad)
    other = _turned(page)
    upright, turned = _evidence(page), _evidence(other)
    has_check_shape = _SCAN_ASPECTS[0] <= aspect <= _SCAN_ASPECTS[1]
    if max(upright, turned) < (_LEAST_WITH_SHAPE if has_check_shape else _LEAST_EVIDENCE):
        return None
    if turned > upright:
        return replace(other, confidence=turned)
    return replace(page, confidence=upright)


def _evidence(page: Page) -> float:
    """Return how sure a page shows a MICR line where a check has it, 0 to 1.

    The line's middle lies 5/16 inch, two and a half pitches, above the foot (ANSI X9.13).
    """
    line = page.line
    if line is None:
        return 0.0
    above_foot = (page.ink.shape[0] - line.page_box[1] - line.page_box[3] / 2) / line.pitch_px
    return line.confidence * (0.55 + 0.45 * float(np.exp(-(((above_foot - 2.5) / 1.2) ** 2) / 2)))


def _has_check_shape(frame: Frame) -> bool:
    return _SCAN_ASPECTS[0] <= max(frame.size) / min(frame.size) <= _SCAN_ASPECTS[1]


def _whole_frame(frame: Frame) -> Page | None:
    """Return the frame itself as a page: a scan, or a picture cut at the check's edge."""
    width, height = frame.size
    return _page_in(frame, np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64))


def _overlap(a: F64, b: F64) -> float:
    """Return the common area of two convex quadrilaterals as a share of the smaller one."""
    common, _ = cv2.intersectConvexConvex(a.astype(np.float32), b.astype(np.float32))
    return float(common) / max(1.0, min(area_of(a), area_of(b)))
