"""Pictures that strangers send."""

import io
import struct
import zlib

import pytest
from PIL import Image

from edge.errors import PictureError
from edge.service.upload import unpacked_picture


def picture(size: tuple[int, int], kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 210, 220)).save(file, kind)
    return file.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that would unpack to as many pixels as it says."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 10_000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_pictures_of_every_kind_are_taken(kind: str) -> None:
    frame = unpacked_picture(picture((64, 48), kind))
    assert (frame.size, frame.name) == ((64, 48), "upload")


@pytest.mark.parametrize("size", [(50_000, 50_000), (6_001, 4_000), (2**31 - 1, 2**31 - 1), (100_000_000, 1)])
def test_a_bomb_is_refused_before_it_is_unpacked(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match="at most 24 million"):
        unpacked_picture(png_that_claims(*size))


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7 x", picture((64, 48))[:40], picture((64, 48), "JPEG")[:200]])
def test_what_is_no_picture_is_refused_without_a_path_of_ours(content: bytes) -> None:
    with pytest.raises(PictureError) as refused:
        unpacked_picture(content)
    assert "/" not in str(refused.value).replace("HEIC/AVIF", "")
    assert ".upload" not in str(refused.value)
