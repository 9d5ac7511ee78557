"""A large TIFF gives the same picture band by band as at once, and the same refusals; a large WebP as well, at half the size."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from edge.capture import picture
from edge.capture.picture import load_pages, load_picture
from edge.capture.tiff_bands import can_be_banded, tiff_bands
from edge.errors import PictureError

PACKINGS = [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"]


@pytest.fixture(autouse=True)
def small_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TiffImagePlugin, "STRIP_SIZE", 400)


def drawn(mode: str) -> Image.Image:
    rng = np.random.default_rng(5)
    smooth = np.add.outer(np.arange(70) * 3, np.arange(51) * 2)[..., None] + np.array([0, 40, 90, 160])
    pixels = (np.where(np.arange(70)[:, None, None] < 40, smooth, rng.integers(0, 256, (70, 51, 4))) % 256).astype(np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


@pytest.mark.parametrize("n_rows", [1, 16, 70, 100])
@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "P", "CMYK"])
def test_bands_under_each_other_are_the_picture(tmp_path: Path, mode: str, packing: str | None, n_rows: int) -> None:
    if packing == "jpeg" and mode not in ("L", "RGB"):
        pytest.skip("JPEG has no such pictures in a TIFF")
    path = tmp_path / "drawn.tif"
    drawn(mode).save(path, compression=packing)
    with Image.open(path) as whole:
        assert isinstance(whole, TiffImagePlugin.TiffImageFile)
        if not can_be_banded(whole.tag_v2):  # strips hold whole numbers of rows, and JPEG's whole blocks
            assert len(whole.tag_v2[273]) <= 4
            return
        bands = list(tiff_bands(path, whole.tag_v2, n_rows))
        assert all(band.mode == whole.mode for band in bands)
        assert all(band.height % 2 == 0 for band in bands[:-1])
        assert np.array_equal(np.concatenate([np.asarray(band) for band in bands]), np.asarray(whole))


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_strips_of_all_packings_are_small_enough_for_bands(tmp_path: Path, mode: str) -> None:
    for packing in PACKINGS[:4]:
        drawn(mode).save(tmp_path / "drawn.tif", compression=packing)
        with Image.open(tmp_path / "drawn.tif") as whole:
            assert can_be_banded(whole.tag_v2)  # type: ignore[attr-defined]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["TIFF", "WEBP"])
def test_a_large_picture_is_turned_and_halved(tmp_path: Path, kind: str, orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    smooth = Image.fromarray(np.add.outer(np.arange(70) * 2, np.arange(50))[..., None].astype(np.uint8) + np.uint8([0, 20, 40]))
    smooth.save(tmp_path / "turned", kind, exif=exif, quality=95)
    whole = load_picture(tmp_path / "turned")
    monkeypatch.setattr(picture, "_ENOUGH_PIXELS", 1000)
    half = load_picture(tmp_path / "turned")
    assert half.scale == 2
    assert half.size == (whole.size[0] // 2, whole.size[1] // 2)
    assert half.pixels.flags.c_contiguous
    expected = whole.pixels.reshape(half.size[1], 2, half.size[0], 2, 3).mean(axis=(1, 3))
    assert np.abs(half.pixels - expected).max() < 4


def test_pages_of_a_large_tiff_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "_ENOUGH_PIXELS", 1000)
    drawn("RGB").save(tmp_path / "two.tif", save_all=True, append_images=[drawn("L")], compression="tiff_lzw")
    colour, grey = load_pages(tmp_path / "two.tif")
    assert (colour.name[-7:], grey.name[-7:]) == ("#page=1", "#page=2")
    assert np.ptp(colour.pixels, axis=2).max() > 0 == np.ptp(grey.pixels, axis=2).max()


def test_a_large_webp_of_odd_sides_says_its_own_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "_ENOUGH_PIXELS", 1000)
    drawn("RGB").crop((0, 0, 51, 69)).save(tmp_path / "odd.webp")
    frame = load_picture(tmp_path / "odd.webp")
    assert [round(side * frame.scale) for side in frame.size] == [51, 69]


def test_a_large_transparent_webp_is_on_white_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "_ENOUGH_PIXELS", 1000)
    Image.new("RGBA", (70, 50), (0, 0, 0, 0)).save(tmp_path / "clear.webp")
    assert load_picture(tmp_path / "clear.webp").pixels.min() == 255


@pytest.mark.parametrize("suffix", [".tif", ".webp"])
def test_flipped_and_missing_bytes_of_a_large_file_end_in_a_picture_or_in_words(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "_ENOUGH_PIXELS", 1000)
    drawn("RGB").save(tmp_path / f"good{suffix}", **({"compression": "tiff_lzw"} if suffix == ".tif" else {}))
    data = (tmp_path / f"good{suffix}").read_bytes()
    rng = np.random.default_rng(7)
    path = tmp_path / f"broken{suffix}"
    for round_ in range(150):
        broken = bytearray(data)
        for _ in range(int(rng.integers(1, 5))):
            broken[int(rng.integers(len(broken)))] = int(rng.integers(256))
        path.write_bytes(bytes(broken[: int(rng.integers(1, len(broken)))] if round_ % 3 == 0 else broken))
        with suppress(PictureError):
            assert load_picture(path).pixels.ndim == 3
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(PictureError):
        load_picture(path)
