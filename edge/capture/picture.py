"""Picture files to Frame: every kind of picture that phones, scanners and cameras write, or an error that says what is wrong."""

import stat
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.capture.png_bands import can_be_banded, png_bands
from edge.capture.tiff_bands import can_be_banded as has_small_strips
from edge.capture.tiff_bands import tiff_bands
from edge.datatypes import U8, Frame
from edge.errors import PictureError

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp")
_FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
# A 100-megapixel frame takes 300 MB as BGR: more than a small Pi can spare. Phones reach it only in their raw modes.
MOST_PIXELS = 100_000_000
_ORIENTATION_TAG = 0x0112  # Exif 2.32, table 4; 1 to 8
# More than the reader ever looks at: a check across a third of the frame still has the 1280 pixels that a page is cut to.
_ENOUGH_PIXELS = 16_000_000
# ISO 23008-12 and AV1 image files, as phones write them.
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif")
# Rows converted at a time, so that a large picture never stands in memory three times; even, for they may be averaged in pairs.
_BAND_ROWS = 64
# What Pillow's decoders raise on broken files, found by flipping and cutting bytes of each format.
_DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, OverflowError, MemoryError, struct.error, zlib.error)

_TURN_UPRIGHT: Mapping[int, Callable[[U8], U8]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: pixels.transpose(1, 0, 2)[:, ::-1],
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: pixels.transpose(1, 0, 2)[::-1],
}


def find_pictures(paths: Sequence[Path]) -> list[Path]:
    """Return the files among ``paths`` and, sorted by name, the pictures that lie directly in the folders among them.

    A file that is named is returned whatever its suffix; in a folder, `PICTURE_SUFFIXES` say what is a picture.

    Raises:
        PictureError: a path does not exist, is neither file nor folder, or is a folder without pictures.
    """
    found: list[Path] = []
    for path in paths:
        try:
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                inside = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and p.is_file())
                if not inside:
                    raise PictureError(f"no pictures in this folder; read are {' '.join(PICTURE_SUFFIXES)}, not the folders inside")
                found += inside
            elif stat.S_ISREG(mode):
                found.append(path)
            else:
                raise PictureError("neither a file nor a folder; give the path of a picture or of a folder of pictures")
        except FileNotFoundError:
            raise PictureError("no such file or folder; check the spelling of the path") from None
        except (OSError, ValueError) as error:
            if isinstance(error, PictureError):
                raise
            raise PictureError(f"cannot be opened ({_cause(error)}); check the path and its permissions") from None
    return found


def load_picture(path: Path) -> Frame:
    """Return the first page of :func:`load_pages`."""
    return next(load_pages(path))


def load_pages(path: Path) -> Iterator[Frame]:
    """Yield each page of a picture file: one of most formats, one or more of a TIFF, then named ``FILE#page=1`` and so on.

    Each is turned as its EXIF orientation wants it to be seen, transparent parts on white, 16-bit levels scaled to 8 bits. A picture of
    more than `_ENOUGH_PIXELS` is given at half the size; a JPEG, and nearly every PNG and TIFF, is not even unpacked to more.

    Raises:
        PictureError: not a picture of a known format, cut short, broken, or larger than `MOST_PIXELS`; pages before a broken one are good.
    """
    number, has_more = 0, True
    while has_more:
        frame, has_more = _load_page(path, number)
        yield frame  # the decoder's own copy is gone by now
        number += 1


def _load_page(path: Path, number: int) -> tuple[Frame, bool]:
    """Return one page, counted from 0, and whether there is another behind it."""
    from PIL import Image, UnidentifiedImageError

    try:
        if path.stat().st_size == 0:
            raise PictureError("the file is empty; copy it again from where it came")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken metadata of a readable picture is nobody's concern
            with Image.open(path, formats=_FORMATS) as image:
                if number:
                    image.seek(number)
                frame = _page(image, path)
                has_more = image.format == "TIFF" and _seek(image, number + 1)
                return replace(frame, name=f"{path}#page={number + 1}" if has_more or number else str(path)), has_more
    except Image.DecompressionBombError:
        raise PictureError(_too_large("far more pixels")) from None
    except UnidentifiedImageError:
        raise PictureError(_not_a_picture(path)) from None
    except FileNotFoundError:
        raise PictureError("no such file; check the spelling of the path") from None
    except _DECODER_ERRORS as error:
        if isinstance(error, PictureError):
            raise
        raise PictureError(f"the picture is cut short or damaged ({_cause(error)}); copy it again from where it came") from None


def _seek(image: "Image", page: int) -> bool:
    try:
        image.seek(page)
    except EOFError:
        return False
    return True


def _page(image: "Image", path: Path) -> Frame:
    """Return the page that the picture stands at."""
    from PIL import Image
    from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, TiffImageFile

    width, height = image.size
    if width * height > MOST_PIXELS:
        raise PictureError(_too_large(f"{width} x {height} pixels"))
    is_large = width * height > _ENOUGH_PIXELS
    if is_large and image.format == "PNG" and can_be_banded(path):
        # Another way to the EXIF data of a PNG would unpack the whole picture.
        orientation = Image.Image.getexif(image).get(_ORIENTATION_TAG, 1)
        pixels = _stacked(png_bands(path, _BAND_ROWS), image.size, 2, orientation)
    elif is_large and isinstance(image, TiffImageFile) and has_small_strips(tags := image.tag_v2):
        stored_size = tags[IMAGEWIDTH], tags[IMAGELENGTH]
        pixels = _stacked(tiff_bands(path, tags, _BAND_ROWS), stored_size, 2, tags.get(_ORIENTATION_TAG, 1))
    elif is_large and image.format == "WEBP" and not image.has_transparency_data and getattr(image, "n_frames", 1) == 1:
        pixels = _half_webp(path, image.getexif().get(_ORIENTATION_TAG, 1))
    else:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
        if is_large:
            image.draft(image.mode, (width // 2, height // 2))  # does nothing to other formats than JPEG
        image.load()
        if image.format == "TIFF":
            orientation = 1  # Pillow has turned it already
        step = 2 if is_large and max(image.size) == max(width, height) else 1
        pixels = _stacked(_bands(image), image.size, step, orientation)
    return Frame(pixels, scale=max(width, height) / max(pixels.shape[:2]))


def _half_webp(path: Path, orientation: int) -> U8:
    """Return an opaque WebP picture at half the size: OpenCV has it in memory once, Pillow four times."""
    import cv2

    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_REDUCED_COLOR_2 | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise OSError("its data is damaged")
    turn = _TURN_UPRIGHT.get(orientation)
    return np.ascontiguousarray(turn(np.asarray(pixels, np.uint8)) if turn else pixels, np.uint8)


def _not_a_picture(path: Path) -> str:
    """Say what the file is, where that helps."""
    with path.open("rb") as file:
        start = file.read(1024)
    if b"%PDF-" in start:
        return f"a PDF is no picture; turn its pages into pictures first: pdftoppm -r 200 -png {path.name} page"
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
        return f"a HEIC or AVIF photo is not read; save it as JPEG, or turn it into one first: heif-convert {path.name} photo.jpg"
    return f"not a picture, or cut short; read are {', '.join(_FORMATS)}"


def _cause(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]


def _too_large(size: str) -> str:
    return f"the picture has {size}, the most is {MOST_PIXELS // 1_000_000} million; make it smaller"


def _bands(image: "Image") -> Iterator["Image"]:
    """Yield a loaded picture of any mode, some rows at a time."""
    from PIL import Image

    if image.mode[0] in "IF":  # 16-bit and 32-bit grey, float
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    width, height = image.size
    for top in range(0, height, _BAND_ROWS):
        yield image.crop((0, top, width, min(top + _BAND_ROWS, height)))


def _stacked(bands: Iterator["Image"], size: tuple[int, int], step: int, orientation: int) -> U8:
    """Return uint8 BGR (height, width, 3) of all bands of a picture of this size, each ``step`` x ``step`` pixels averaged, and turned."""
    width, height = (-(-side // step) for side in size)
    pixels = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), np.uint8)
    turn_back = _TURN_UPRIGHT.get({6: 8, 8: 6}.get(orientation, orientation))
    # Written through the inverse of the turn, so that a turned picture does not stand in memory twice.
    as_stored = turn_back(pixels) if turn_back else pixels
    top = 0
    for band in bands:
        rgb = _rgb(band)
        rows = np.asarray(rgb.reduce(step) if step > 1 else rgb)
        as_stored[top : top + len(rows)] = rows[:, :, ::-1]
        top += len(rows)
    return pixels


def _rgb(image: "Image") -> "Image":
    from PIL import Image

    if image.has_transparency_data:
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(grey: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> U8:
    """Return grey of any depth as uint8; white is the least of 1 (float only), 12 and 16 bits, or else the brightest level."""
    levels = np.nan_to_num(grey.astype(np.float32), posinf=0, neginf=0)
    brightest = float(levels.max())
    whites = ([1.0, 255.0] if grey.dtype.kind == "f" else [4095.0]) + [65535.0]
    white = next((w for w in whites if brightest <= w), brightest)
    return np.asarray(np.clip(np.rint(levels * (255 / white)), 0, 255), np.uint8)
