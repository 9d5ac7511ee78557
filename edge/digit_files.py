"""Files of isolated digits and their labels: IDX (MNIST's format, also gzipped) and NumPy's .npy and .npz."""

import gzip
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.datatypes import U8
from edge.errors import PictureError

_Z_95 = 1.959964  # two-sided 95 % point of the normal distribution


def load_digits(path: Path) -> U8:
    """Return the pictures, uint8 (n, height, width).

    Raises:
        PictureError: another format, type or shape.
    """
    digits = _load_array(path, "images")
    if digits.ndim == 2:
        digits = digits[None]  # one digit
    if digits.dtype != np.uint8 or digits.ndim != 3 or 0 in digits.shape[1:]:
        raise PictureError(f"{path}: holds {digits.dtype} {digits.shape}; digits are uint8 (N, height, width)")
    return np.asarray(digits, np.uint8)


def load_labels(path: Path, n_digits: int) -> NDArray[np.int64]:
    """Return the right answers, 0 to 9 or any other number for what is not a digit.

    Raises:
        PictureError: not one whole number for each digit.
    """
    labels = _load_array(path, "labels")
    if labels.dtype.kind not in "iu" or labels.shape != (n_digits,):
        raise PictureError(f"{path}: holds {labels.dtype} {labels.shape}; labels are whole numbers, here ({n_digits},)")
    return labels.astype(np.int64)


def wilson_interval(n_right: int, n: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share (Wilson 1927, as in Brown, Cai and DasGupta 2001, equation 4)."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = n_right / n, _Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = _Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _load_array(path: Path, key: str) -> NDArray[Any]:
    """Return the array of an IDX file, an .npy, or of an .npz the one named ``key``, or its only one."""
    try:
        with path.open("rb") as file:  # NumPy leaves a file that it opened itself open when the file is broken
            magic = file.read(6)
            file.seek(0)
            if magic == b"\x93NUMPY":
                return np.asarray(np.load(file, allow_pickle=False))
            if magic[:4] == b"PK\x03\x04":
                return _array_of_npz(path, np.load(file, allow_pickle=False), key)
            data = file.read()
        if magic[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except PictureError:
        raise
    except (OSError, ValueError, EOFError, LookupError, zlib.error, zipfile.BadZipFile) as error:
        raise PictureError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); see that the file is whole") from None
    return _parse_idx(path, data)


def _array_of_npz(path: Path, arrays: Mapping[str, NDArray[Any]], key: str) -> NDArray[Any]:
    names = list(arrays)
    if key not in names and len(names) != 1:
        raise PictureError(f"{path}: holds the arrays {', '.join(names)}; name one of them {key!r}")
    return np.asarray(arrays[key if key in names else names[0]])


def _parse_idx(path: Path, data: bytes) -> NDArray[Any]:
    """Return a uint8 array of an IDX file (two zero bytes, type, number of sizes, sizes as big-endian int32, data)."""
    if len(data) < 8 or data[:3] != b"\0\0\x08" or not 1 <= data[3] <= 3:
        raise PictureError(f"{path}: neither IDX of bytes, .npy nor .npz; save the digits with numpy.save as uint8 (N, height, width)")
    sizes = tuple(int(size) for size in np.frombuffer(data, ">i4", count=min(data[3], (len(data) - 4) // 4), offset=4))
    start = 4 + 4 * data[3]
    if min(sizes) < 0 or math.prod(sizes) != len(data) - start:
        raise PictureError(f"{path}: says {' x '.join(map(str, sizes))} bytes and holds {len(data) - start}; copy it again")
    return np.frombuffer(data, np.uint8, offset=start).reshape(sizes)
