"""A large TIFF file, some of its strips at a time, so that it never stands in memory whole.

The strips of a TIFF are packed each by itself (TIFF 6.0, section 3), so some of them make a small TIFF file of their own, which is handed
to Pillow.
"""

import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

_WIDTH, _ROWS, _BITS, _PACKING, _OFFSETS, _ROWS_OF_STRIP, _BYTES_OF_STRIP, _PLANES = 256, 257, 258, 259, 273, 278, 279, 284
# Tags that say how pixels are meant and packed: bits, packing, colours, order of bits, samples, planes, fax options, predictor, palette,
# what further samples are, JPEG tables and the spacing of colours.
_MEANING = (258, 259, 262, 266, 277, 284, 292, 293, 317, 320, 338, 347, 530)
# Not packed, fax, LZW, JPEG, deflate (two numbers) and packed bits.
_PACKINGS = (1, 3, 4, 5, 7, 8, 32773, 32946)
_SHORT, _LONG, _UNDEFINED = (3, "H"), (4, "I"), (7, "B")
_NOT_PACKED = 1
# A strip that has more of the picture than this share is no small part of it.
_LARGEST_STRIP = 0.25


def can_be_banded(tags: "ImageFileDirectory_v2") -> bool:
    """Return whether the page with these tags is of at most 8 bits a sample, in many strips with all colours in each, as most are.

    Rows that are not packed may also be one strip.
    """
    rows, own_rows = tags.get(_ROWS, 0), min(tags.get(_ROWS, 0), tags.get(_ROWS_OF_STRIP, 0))
    return (
        max(tags.get(_BITS, (1,))) <= 8
        and tags.get(_PACKING, 1) in _PACKINGS
        and tags.get(_PLANES, 1) == 1
        and own_rows > 0
        and (own_rows <= _LARGEST_STRIP * rows or tags.get(_PACKING, 1) == _NOT_PACKED)
        and len(tags.get(_OFFSETS, ())) == len(tags.get(_BYTES_OF_STRIP, ())) == -(-rows // own_rows)
    )


def tiff_bands(path: Path, tags: "ImageFileDirectory_v2", n_rows: int) -> Iterator["Image"]:
    """Yield the rows of a page that :func:`can_be_banded`, about so many at a time, an even number but for the last, as loaded pictures.

    Raises:
        OSError: the file is cut short or damaged.
    """
    from PIL import Image

    rows, own_rows = tags[_ROWS], min(tags[_ROWS], tags[_ROWS_OF_STRIP])
    places = list(zip(tags[_OFFSETS], tags[_BYTES_OF_STRIP], strict=True))
    if len(places) == 1:  # rows that are not packed may be parted anywhere
        row_bytes = -(-tags[_WIDTH] * sum(tags.get(_BITS, (1,))) // 8)
        own_rows = n_rows + n_rows % 2
        places = [(places[0][0] + row * row_bytes, min(own_rows, rows - row) * row_bytes) for row in range(0, rows, own_rows)]
    n_strips = -(-n_rows // own_rows)
    n_strips += n_strips * own_rows % 2
    with path.open("rb") as file:
        for first in range(0, len(places), n_strips):
            strips = []
            for offset, n_bytes in places[first : first + n_strips]:
                file.seek(offset)
                strips.append(file.read(n_bytes))
            band = _small_file(tags, min(rows - first * own_rows, n_strips * own_rows), own_rows, strips)
            with Image.open(BytesIO(band), formats=("TIFF",)) as image:
                image.load()
                yield image


def _small_file(tags: "ImageFileDirectory_v2", n_rows: int, own_rows: int, strips: list[bytes]) -> bytes:
    """Return a TIFF file of these strips, little-endian: header, directory, values that do not fit into it, strips."""
    values = {tag: _packed(tags[tag]) for tag in _MEANING if tag in tags}
    values |= {tag: (_LONG, [value]) for tag, value in ((_WIDTH, tags[_WIDTH]), (_ROWS, n_rows), (_ROWS_OF_STRIP, own_rows))}
    values[_BYTES_OF_STRIP] = _LONG, [len(strip) for strip in strips]
    values[_OFFSETS] = _LONG, [0] * len(strips)
    start = 8 + 2 + 12 * len(values) + 4
    at = start + sum(_room(kind, numbers) for kind, numbers in values.values())
    for index, strip in enumerate(strips):
        values[_OFFSETS][1][index] = at
        at += len(strip)
    directory, beyond = struct.pack("<H", len(values)), b""
    for tag, ((kind, letter), numbers) in sorted(values.items()):
        data = struct.pack(f"<{len(numbers)}{letter}", *numbers)
        directory += struct.pack("<HHI", tag, kind, len(numbers))
        if len(data) > 4:
            directory += struct.pack("<I", start + len(beyond))
            beyond += data + b"\0" * (len(data) % 2)
        else:
            directory += data.ljust(4, b"\0")
    return b"".join([b"II*\0" + struct.pack("<I", 8), directory, b"\0" * 4, beyond, *strips])


def _packed(value: int | bytes | tuple[int, ...]) -> tuple[tuple[int, str], list[int]]:
    if isinstance(value, bytes):
        return _UNDEFINED, list(value)
    return _SHORT, list(value) if isinstance(value, tuple) else [value]


def _room(kind: tuple[int, str], numbers: list[int]) -> int:
    """Return the bytes that values take behind the directory, an even number."""
    n_bytes = struct.calcsize(f"<{len(numbers)}{kind[1]}")
    return n_bytes + n_bytes % 2 if n_bytes > 4 else 0
