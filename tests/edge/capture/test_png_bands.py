"""A large PNG gives the same picture band by band as at once, and the same refusals."""

import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.capture import picture
from edge.capture.picture import load_picture
from edge.capture.png_bands import can_be_banded, png_bands
from edge.errors import PictureError


def drawn(mode: str) -> Image.Image:
    """Return a picture of smooth parts and noise, so that an encoder uses every filter."""
    rng = np.random.default_rng(5)
    smooth = np.add.outer(np.arange(70) * 3, np.arange(51) * 2)[..., None] + np.array([0, 40, 90, 160])
    pixels = (np.where(np.arange(70)[:, None, None] < 40, smooth, rng.integers(0, 256, (70, 51, 4))) % 256).astype(np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.mark.parametrize("n_rows", [1, 16, 70, 100])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
def test_bands_under_each_other_are_the_picture(tmp_path: Path, mode: str, n_rows: int) -> None:
    path = tmp_path / "drawn.png"
    drawn(mode).save(path)
    assert can_be_banded(path)
    bands = [np.asarray(band) for band in png_bands(path, n_rows)]
    assert np.array_equal(np.concatenate(bands), np.asarray(drawn(mode)))


@pytest.mark.parametrize("filter_type", range(5))
def test_each_filter_is_undone_across_bands(tmp_path: Path, filter_type: int) -> None:
    rng = np.random.default_rng(filter_type)
    rows = b"".join(bytes([filter_type]) + rng.bytes(3 * 9) for _ in range(20))
    head = struct.pack(">IIBBBBB", 9, 20, 8, 2, 0, 0, 0)
    packed = zlib.compress(rows)
    data = b"".join(chunk(b"IDAT", packed[start : start + 50]) for start in range(0, len(packed), 50))
    path = tmp_path / "filtered.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + data + chunk(b"IEND", b""))
    with Image.open(path) as whole:
        assert np.array_equal(np.concatenate([np.asarray(band) for band in png_bands(path, 3)]), np.asarray(whole))


def test_what_the_bands_cannot_hold_is_left_to_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "other"
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(path, "PNG")
    assert not can_be_banded(path)
    drawn("1").save(path, "PNG")
    assert not can_be_banded(path)
    drawn("RGB").save(path, "PNG", save_all=True, append_images=[drawn("RGB").transpose(Image.Transpose.ROTATE_180)])
    assert not can_be_banded(path)
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert not can_be_banded(path)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_a_large_picture_is_given_at_half_the_size_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    path = tmp_path / f"large{suffix}"
    drawn("RGB").save(path)
    monkeypatch.setattr(picture, "_ENOUGH_PIXELS", 1000)
    frame = load_picture(path)
    assert (frame.size, frame.scale) == ((26, 35), 2.0)
    assert np.array_equal(frame.pixels[:, :, ::-1], np.asarray(drawn("RGB").reduce(2)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_large_picture_is_turned_as_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    drawn("RGB").crop((0, 0, 50, 70)).save(path, exif=exif)
    small = np.asarray(Image.fromarray(load_picture(path).pixels).reduce(2))
    monkeypatch.setattr(picture, "_ENOUGH_PIXELS", 1000)
    assert np.array_equal(load_picture(path).pixels, small)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_large_file_cut_short_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    path = tmp_path / "short.png"
    drawn("RGB").save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    monkeypatch.setattr(picture, "_ENOUGH_PIXELS", 1000)
    with pytest.raises(PictureError, match="cut short or damaged"):
        load_picture(path)


def test_flipped_bytes_of_a_large_file_end_in_a_picture_or_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "flipped.png"
    drawn("P").save(path)
    data, rng = path.read_bytes(), np.random.default_rng(2)
    monkeypatch.setattr(picture, "_ENOUGH_PIXELS", 1000)
    for _ in range(300):
        broken = bytearray(data)
        for at in rng.integers(0, len(data), 3):
            broken[at] = int(rng.integers(256))
        path.write_bytes(broken)
        with suppress(PictureError):
            assert load_picture(path).pixels.ndim == 3
