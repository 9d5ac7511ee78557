"""A picture that was sent in: looked at before it is unpacked, so that a small file cannot become a large picture."""

import tempfile
import warnings
from pathlib import Path

from edge.capture.picture import load_picture
from edge.datatypes import Frame
from edge.errors import PictureError

# A daemon on a small Pi has room for one such frame (72 MB) beside its own; cameras of phones give 12 million.
_MOST_PIXELS = 24_000_000


def unpacked_picture(content: bytes) -> Frame:
    """Return the picture of an uploaded file; nothing that the sender wrote becomes part of a file's name.

    Raises:
        PictureError: not a picture of a known format, broken, or of more pixels than the daemon takes.
    """
    from PIL import Image

    with tempfile.NamedTemporaryFile(prefix="checkreader-", suffix=".upload") as file:
        file.write(content)
        file.flush()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(file.name) as image:
                    width, height = image.size
        except Image.DecompressionBombError:
            raise PictureError(f"the picture has far too many pixels; at most {_MOST_PIXELS // 1_000_000} million are taken") from None
        except (OSError, ValueError, SyntaxError, MemoryError, OverflowError):
            width = height = 0  # no picture: the loader below says what it is instead
        if width * height > _MOST_PIXELS:
            size = f"{width} x {height} pixels"
            raise PictureError(f"the picture has {size}; at most {_MOST_PIXELS // 1_000_000} million are taken, make it smaller")
        try:
            frame = load_picture(Path(file.name))
        except PictureError as error:
            raise PictureError(str(error).replace(Path(file.name).name, "the file")) from None
    return Frame(frame.pixels, "upload", frame.scale)
