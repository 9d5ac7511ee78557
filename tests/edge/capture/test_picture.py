"""Every kind of picture that phones and scanners write is read as it is meant to be seen; everything else is refused in words."""

import os
import warnings
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.capture import picture
from edge.capture.picture import find_pictures, load_pages, load_picture
from edge.errors import PictureError

FORMATS = {".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".bmp": "BMP", ".webp": "WEBP", ".pgm": "PPM"}
ORIENTATION = 0x0112


def scene() -> Image.Image:
    """A picture 64 wide and 32 high: red at the left, green at the right, blue along the bottom."""
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, :32] = 200, 30, 30
    pixels[:, 32:] = 30, 200, 30
    pixels[24:] = 30, 30, 200
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", FORMATS)
def test_each_format_comes_back_as_bgr(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"scene{suffix}"
    scene().save(path, FORMATS[suffix])
    frame = load_picture(path)
    assert frame.size == (64, 32)
    assert frame.name == str(path)
    assert np.abs(frame.pixels[8, 8].astype(int) - [30, 30, 200]).max() < 12
    assert np.abs(frame.pixels[30, 40].astype(int) - [200, 30, 30]).max() < 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_the_file_is_honoured(tmp_path: Path, kind: str, orientation: int) -> None:
    turns = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}
    stored = scene() if orientation == 1 else scene().transpose(Image.Transpose[turns[orientation]])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / "turned"
    path.write_bytes(encoded(stored, kind, exif=exif))
    frame = load_picture(path)
    assert frame.size == (64, 32)
    assert frame.pixels.flags.c_contiguous
    difference = np.abs(frame.pixels[:, :, ::-1].astype(int) - np.asarray(scene()))
    assert np.median(difference) < 12
    assert difference[4, 4].max() < 30


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"deep{suffix}"
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16)[None].repeat(4, axis=0)
    Image.fromarray(ramp).save(path)
    assert np.abs(load_picture(path).pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_twelve_bits_in_sixteen_are_not_black(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.fromarray(np.full((4, 4), 4000, np.uint16)).save(path)
    assert load_picture(path).pixels.min() > 240


def test_float_grey_from_zero_to_one_is_scaled(tmp_path: Path) -> None:
    path = tmp_path / "float.tif"
    Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(path)
    assert abs(int(load_picture(path).pixels[0, 0, 0]) - 128) <= 1


def test_cmyk_white_is_white_and_black_is_black(tmp_path: Path) -> None:
    pixels = np.zeros((32, 64, 4), np.uint8)
    pixels[:, 32:, 3] = 255
    path = tmp_path / "print.jpg"
    Image.fromarray(pixels, "CMYK").save(path, quality=95)
    frame = load_picture(path)
    assert frame.pixels[:, :24].min() > 245
    assert frame.pixels[:, 40:].max() < 10


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white_paper(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 4, 8))
    path = tmp_path / "logo.png"
    image.convert(mode).save(path)
    frame = load_picture(path)
    assert frame.pixels[:, 4:].min() == 255
    assert frame.pixels[:, :4].max() == 0


def test_palette_and_bilevel_pictures_are_read(tmp_path: Path) -> None:
    scene().quantize(8).save(tmp_path / "palette.png")
    Image.new("1", (8, 8), 1).save(tmp_path / "fax.tif", compression="group4")
    assert np.abs(load_picture(tmp_path / "palette.png").pixels[8, 8].astype(int) - [30, 30, 200]).max() < 12
    assert load_picture(tmp_path / "fax.tif").pixels.min() == 255


def test_one_pixel_is_a_picture(tmp_path: Path) -> None:
    Image.new("L", (1, 1)).save(tmp_path / "dot.png")
    assert load_picture(tmp_path / "dot.png").size == (1, 1)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_picture_cut_short_is_an_error_not_half_a_picture(tmp_path: Path, suffix: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), FORMATS[suffix])
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(PictureError, match="cut short"):
        load_picture(path)


def test_an_empty_file_and_a_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("not a picture\n" * 100)
    with pytest.raises(PictureError, match="empty"):
        load_picture(tmp_path / "empty.png")
    with pytest.raises(PictureError, match="not a picture"):
        load_picture(tmp_path / "text.jpg")
    with pytest.raises(PictureError, match="no such file"):
        load_picture(tmp_path / "missing.png")


def test_a_tiff_of_several_pages_is_read_page_by_page(tmp_path: Path) -> None:
    path = tmp_path / "batch.tif"
    levels = (40, 120, 220)
    first, *others = (Image.new("RGB", (20 + level, 10), (level,) * 3) for level in levels)
    first.save(path, save_all=True, append_images=others)
    pages = list(load_pages(path))
    assert [page.name for page in pages] == [f"{path}#page={number}" for number in (1, 2, 3)]
    assert [(page.size[0], int(page.pixels[0, 0, 0])) for page in pages] == [(20 + level, level) for level in levels]


def test_a_tiff_of_one_page_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "one.tif"
    scene().save(path)
    assert [page.name for page in load_pages(path)] == [str(path)]


def test_pages_before_a_broken_one_are_read(tmp_path: Path) -> None:
    path = tmp_path / "batch.tif"
    scene().save(path, save_all=True, append_images=[scene()], compression="tiff_deflate")
    data = bytearray(path.read_bytes())
    at = data.rindex(b"\x78\x9c")  # where the last page's own stream begins
    data[at : at + 40] = bytes(40)
    path.write_bytes(data)
    pages = load_pages(path)
    assert next(pages).size == (64, 32)
    with pytest.raises(PictureError):
        next(pages)


@pytest.mark.parametrize(
    ("start", "wanted"), [(b"%PDF-1.7\n", "pdftoppm -r 200 -png scan"), (b"\0\0\0\x18ftypheic", "heif-convert scan photo.jpg")]
)
def test_what_phones_and_offices_send_instead_of_pictures_is_refused_with_how_to_turn_it_into_one(
    tmp_path: Path, start: bytes, wanted: str
) -> None:
    path = tmp_path / "scan"
    path.write_bytes(start + bytes(200))
    with pytest.raises(PictureError, match=wanted):
        load_picture(path)


def test_a_jpeg_larger_than_is_ever_looked_at_is_unpacked_smaller_and_says_by_how_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "_ENOUGH_PIXELS", 1000)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    path = tmp_path / "large.jpg"
    scene().save(path, exif=exif)
    frame = load_picture(path)
    assert (frame.size, frame.scale) == ((16, 32), 2.0)


def test_flipped_bytes_end_in_a_picture_or_in_words(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    wholes = [encoded(scene(), kind) for kind in FORMATS.values()]
    wholes.append(encoded(scene(), "TIFF", compression="tiff_lzw"))
    path = tmp_path / "broken"
    n_read = 0
    for round_index in range(140):
        data = bytearray(wholes[round_index % len(wholes)])
        for _ in range(4):
            data[rng.integers(len(data) if round_index % 2 else min(64, len(data)))] = rng.integers(256)
        path.write_bytes(data)
        with suppress(PictureError):  # any other error fails the test
            load_picture(path)
            n_read += 1
    assert 0 < n_read < 140


def test_far_too_many_pixels_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "huge.pgm"
    path.write_bytes(b"P5 20000 6000 255\n")
    with pytest.raises(PictureError, match="20000 x 6000 pixels, the most is 100 million"):
        load_picture(path)
    path.write_bytes(b"P5 200000 60000 255\n")
    with pytest.raises(PictureError, match="the most is 100 million"):
        load_picture(path)


def test_broken_metadata_of_a_good_picture_warns_nobody(tmp_path: Path) -> None:
    path = tmp_path / "meta.jpg"
    path.write_bytes(encoded(scene(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_picture(path).size == (64, 32)


def test_a_folder_gives_its_pictures_in_order_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt", "c.webp"):
        (tmp_path / name).touch()
    (tmp_path / "inner.png").mkdir()
    assert [p.name for p in find_pictures([tmp_path])] == ["a.jpg", "b.PNG", "c.webp"]
    assert find_pictures([tmp_path / "notes.txt"]) == [tmp_path / "notes.txt"]


def test_a_folder_without_pictures_says_what_would_be_read(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"no pictures in this folder.*\.jpg"):
        find_pictures([tmp_path])


def test_a_missing_path_and_a_pipe_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="no such file or folder"):
        find_pictures([tmp_path / "nowhere"])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PictureError, match="neither a file nor a folder"):
        find_pictures([tmp_path / "pipe"])


def test_every_suffix_has_its_format() -> None:
    known = Image.registered_extensions()
    assert {known[suffix] for suffix in picture.PICTURE_SUFFIXES} <= set(FORMATS.values())
