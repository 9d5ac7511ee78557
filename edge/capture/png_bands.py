"""A large PNG file, a band of rows at a time, so that it never stands in memory whole.

Each band is handed to Pillow as a small PNG file of its own: the rows as they are filtered in the large one, under the last row of the
band before, which the filters of the first row may refer to (PNG specification, third edition, section 9).
"""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from PIL.Image import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Samples of each colour type: grey, colour, palette, grey with alpha, colour with alpha.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Chunks that say how pixels are meant, and those that may turn the picture or make it move, wherever they stand.
_MEANING, _TELLING = (b"PLTE", b"tRNS"), (b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"acTL")
# No more of the file is read at once.
_PIECE_BYTES = 1 << 18


def can_be_banded(path: Path) -> bool:
    """Return whether a file is a PNG of 8 bits a sample, row after row, whose data comes last, as nearly all are."""
    with path.open("rb") as file:
        chunks = _chunks(file)
        name, length = next(chunks, (b"", 0))
        if name != b"IHDR" or length != 13:
            return False
        depth, kind, _, _, is_interlaced = struct.unpack(">8xBBBBB", file.read(13))
        if depth != 8 or kind not in _SAMPLES or is_interlaced:
            return False
        has_data = False
        for name, _ in chunks:
            if name == b"acTL" or (has_data and name in _TELLING):
                return False
            has_data = has_data or name == b"IDAT"
        return has_data


def png_bands(path: Path, n_rows: int) -> Iterator["Image"]:
    """Yield the rows of a file that :func:`can_be_banded`, so many at a time, each band as a loaded picture.

    Raises:
        OSError: the file is cut short.
        zlib.error: its data is damaged.
    """
    from PIL import Image

    with path.open("rb") as file:
        header, meaning = b"", b""
        for name, length in _chunks(file):
            if name == b"IHDR":
                header = file.read(length)
            elif name in _MEANING:
                meaning += _chunk(name, file.read(length))
            elif name == b"IDAT":
                break
        width, height, kind = struct.unpack(">IIxB3x", header)
        row_bytes = 1 + width * _SAMPLES[kind]
        data, above = _Rows(file, length), b""
        for top in range(0, height, n_rows):
            n = min(n_rows, height - top)
            rows = data.read(n * row_bytes)
            before = b"\0" + above if above else b""  # not filtered
            own_header = struct.pack(">II", width, n + bool(above)) + header[8:]
            chunks = _chunk(b"IHDR", own_header), meaning, _chunk(b"IDAT", zlib.compress(before + rows, 0)), _chunk(b"IEND", b"")
            with Image.open(BytesIO(_SIGNATURE + b"".join(chunks)), formats=("PNG",)) as image:
                image.load()
                yield image.crop((0, 1, width, n + 1)) if above else image
                above = image.crop((0, image.height - 1, width, image.height)).tobytes()


class _Rows:
    """The data of all IDAT chunks, unpacked as it is asked for; the file stands behind the head of the first."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._left = file, length
        self._unpacker = zlib.decompressobj()

    def read(self, n_bytes: int) -> bytes:
        parts = []
        while n_bytes:
            packed = self._unpacker.unconsumed_tail or self._next_piece()
            part = self._unpacker.decompress(packed, n_bytes)
            n_bytes -= len(part)
            parts.append(part)
        return b"".join(parts)

    def _next_piece(self) -> bytes:
        while not self._left:
            self._file.seek(4, 1)  # the check sum
            head = self._file.read(8)
            if len(head) < 8 or head[4:] != b"IDAT":
                raise OSError("there are fewer rows than the file says")
            self._left = int.from_bytes(head[:4])
        piece = self._file.read(min(self._left, _PIECE_BYTES))
        if not piece:
            raise OSError("the file ends within its rows")
        self._left -= len(piece)
        return piece


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield name and length of each chunk; between two of them the file may be read from where the chunk's data begins."""
    at = len(_SIGNATURE)
    while len(head := _read_at(file, at, 8)) == 8:
        length = int.from_bytes(head[:4])
        yield head[4:], length
        at += 12 + length


def _read_at(file: BinaryIO, at: int, n_bytes: int) -> bytes:
    file.seek(at)
    return file.read(n_bytes)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
