"""The nouns of the data flow, in the order in which a check becomes a reading.

Frame -> Page -> FieldRegion -> Strip -> log-probabilities -> Hypothesis -> Reading -> CheckReading
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
I8 = NDArray[np.int8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

Box = tuple[float, float, float, float]  # x, y, width, height
FieldName = Literal["amount", "date", "check_number", "micr"]
Verdict = Literal["accepted", "unsure", "unreadable"]

FIELD_NAMES: tuple[FieldName, ...] = ("amount", "date", "check_number", "micr")
STRIP_HEIGHT_PX = 32
# What a cell of a frame may show: the inside of a check, one of its four sides as a reader of it sees them, or nothing of a check.
PAGE_PARTS = ("inside", "top", "right", "bottom", "left", "")

# What a cell of a page may show: the writing of a field, the amount in words, the signature, or none of them.
FIELD_PARTS = (*FIELD_NAMES, "legal", "signature", "")


def _read_only(owner: object, name: str, dtype: type, shape: tuple[int | None, ...]) -> None:
    """Check one array of a frozen value and replace it by a read-only view; ``None`` in shape is any length."""
    array = getattr(owner, name)
    fits = len(shape) == array.ndim and all(w is None or w == s for w, s in zip(shape, array.shape, strict=True))
    if array.dtype != dtype or not fits:
        raise ValueError(f"{name} is {array.dtype} {array.shape}, wanted {np.dtype(dtype)} {shape}")
    view = array.view()
    view.flags.writeable = False
    object.__setattr__(owner, name, view)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of the world, upright as its file says; BGR uint8 (height, width, 3).

    ``scale``: so many pixels of the file are one pixel here, where it was unpacked smaller.
    """

    pixels: U8
    name: str = ""
    scale: float = 1.0

    def __post_init__(self) -> None:
        _read_only(self, "pixels", np.uint8, (None, None, 3))

    @property
    def size(self) -> tuple[int, int]:
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """A small picture for watching, not for reading: BGR uint8 (height, width, 3); ``time_s`` is the camera's own clock."""

    pixels: U8
    time_s: float

    def __post_init__(self) -> None:
        _read_only(self, "pixels", np.uint8, (None, None, 3))


@dataclass(frozen=True, slots=True, eq=False)
class PageMap:
    """Where a network sees checks in a frame: float32 (rows, columns, 6), the probability of each of `PAGE_PARTS` in each cell."""

    probabilities: F32

    def __post_init__(self) -> None:
        _read_only(self, "probabilities", np.float32, (None, None, len(PAGE_PARTS)))


@dataclass(frozen=True, slots=True, eq=False)
class FieldMap:
    """Where a network sees fields on a page: float32 (rows, columns, 7), the probability of each of `FIELD_PARTS` in each cell."""

    probabilities: F32

    def __post_init__(self) -> None:
        _read_only(self, "probabilities", np.float32, (None, None, len(FIELD_PARTS)))


@dataclass(frozen=True, slots=True)
class MicrLine:
    """A row of marks at MICR pitch: its box in page pixels, the pitch, and how sure it is one (0 to 1)."""

    page_box: Box
    pitch_px: float
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One check, cut out of its frame and rectified.

    ``ink`` is how much darker each pixel is than the paper around it, uint8 (h, w), 255 the darkest. ``corners`` are float64 (4, 2) in
    frame pixels, clockwise from the check's own top-left. ``is_seen`` says whether a network takes it for a check; otherwise its shape
    and print alone suggest one. ``line`` is the row in its ink that is most like a MICR line.
    """

    pixels: U8
    ink: U8
    corners: F64
    page_to_frame: F64
    confidence: float
    is_seen: bool = False
    line: MicrLine | None = None

    def __post_init__(self) -> None:
        _read_only(self, "pixels", np.uint8, (None, None, 3))
        _read_only(self, "ink", np.uint8, self.pixels.shape[:2])
        _read_only(self, "corners", np.float64, (4, 2))
        _read_only(self, "page_to_frame", np.float64, (3, 3))


@dataclass(frozen=True, slots=True)
class Quality:
    """Is the frame good enough to read from, and if not, what can a person do."""

    problems: tuple[str, ...] = ()
    advice: str = ""

    @property
    def verdict(self) -> Literal["ok", "poor"]:
        return "poor" if self.problems else "ok"


@dataclass(frozen=True, slots=True)
class FieldRegion:
    """Where one field lies on the page (page pixels), and how sure the finder is.

    ``narrow_box``: the part of it that was surely seen, for where the whole cannot be read; None where there is no such part.
    """

    name: FieldName
    page_box: Box
    confidence: float
    narrow_box: Box | None = None


@dataclass(frozen=True, slots=True)
class Country:
    """Whose check it is: currency (ISO 4217), layout, what decided it (``option``, ``micr``, ``amount``, ``default``), and why."""

    currency: str
    layout: str
    decided_by: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A field as the networks see it: ink uint8 (32, width), 0 paper, 255 the darkest ink.

    ``strip_to_picture`` maps strip pixels to the picture that the strip was cut from (affine, 3 x 3).
    """

    ink: U8
    strip_to_picture: F64

    def __post_init__(self) -> None:
        _read_only(self, "ink", np.uint8, (STRIP_HEIGHT_PX, None))
        _read_only(self, "strip_to_picture", np.float64, (3, 3))


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """What the network says of a strip, column by column.

    ``log_probs`` float32 (n_columns, n_symbols), each row sums to one in probability; ``symbols[i]`` names column i,
    the blank is the empty string. ``extents`` float32 (n_columns, 4): strip pixels from the column's centre to the left,
    right edge and from the strip's top to the top, bottom edge of the symbol that stands there; None where the network has no
    extent head.
    """

    log_probs: F32
    symbols: tuple[str, ...]
    column_px: float
    extents: F32 | None = None

    def __post_init__(self) -> None:
        _read_only(self, "log_probs", np.float32, (None, len(self.symbols)))
        if self.extents is not None:
            _read_only(self, "extents", np.float32, (len(self.log_probs), 4))


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One string that the strip may say; ``columns`` holds the first and last column of each symbol."""

    text: str
    log_score: float
    columns: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol of a reading; the box lies in the picture that the strip was cut from."""

    symbol: str
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Alternative:
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a field says. ``confidence`` is the calibrated probability that the whole reading is right.

    ``values`` holds what only this kind of field has: minor_units and currency, iso, or the parts of a MICR line.
    ``box`` is in page pixels (for a strip given by itself: in the picture's pixels).
    """

    text: str | None
    verdict: Verdict
    confidence: float
    reason: str | None
    box: Box | None
    symbols: tuple[Symbol, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckReading:
    """Everything read from one check, of one frame or of ``n_frames`` together.

    ``frame_size`` and the page's corners are in the frame's pixels; times ``frame_scale`` they are in the file's.
    """

    check_index: int
    frame_size: tuple[int, int]
    page: Page | None
    quality: Quality
    fields: Mapping[FieldName, Reading | None]
    timings_ms: Mapping[str, float]
    n_frames: int = 1
    frame_scale: float = 1.0
    country: Country | None = None


def without_picture(check: CheckReading) -> CheckReading:
    """Return a check that still says where in its frame it lay, but holds no more of its page than one pixel."""
    if check.page is None:
        return check
    pixels, ink = check.page.pixels[:1, :1].copy(), check.page.ink[:1, :1].copy()
    return replace(check, page=replace(check.page, pixels=pixels, ink=ink))


def has_picture(check: CheckReading) -> bool:
    """Return whether a check holds the picture of its page."""
    return check.page is not None and check.page.pixels.size > 3


@dataclass(frozen=True, slots=True)
class DigitGuess:
    """What one isolated digit is: ``label`` None says that it is not a digit; ``alternatives`` the next best, best first."""

    index: int
    label: str | None
    confidence: float
    alternatives: tuple[tuple[str | None, float], ...]
