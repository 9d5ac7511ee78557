"""Files of isolated digits to labels: IDX (MNIST's format, also gzipped) and NumPy's .npy and .npz."""

import gzip
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.datatypes import F32, U8
from edge.errors import PictureError

# So many digits go through the network at once: large enough that Python costs nothing, small enough for a Pi's memory.
_BATCH = 256
_Z_95 = 1.959964  # two-sided 95 % point of the normal distribution
_LEAST_SHOWN = 0.001


@dataclass(frozen=True, slots=True)
class DigitGuess:
    """What one isolated digit is: ``label`` None says that it is not a digit; ``alternatives`` the next best, best first."""

    index: int
    label: str | None
    confidence: float
    alternatives: tuple[tuple[str | None, float], ...]


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


def classify_digits(network: Any, digits: U8) -> Iterator[DigitGuess]:
    """Yield a guess for each digit in turn; ``network`` is a `DigitNetwork`."""
    from edge.locate.digit import normalize_digit

    symbols: tuple[str, ...] = network.symbols
    for start in range(0, len(digits), _BATCH):
        inks = np.stack([normalize_digit(digit) for digit in digits[start : start + _BATCH]])
        yield from _guesses(start, network.classify(inks), symbols)


def _guesses(start: int, log_probs: F32, symbols: tuple[str, ...]) -> Iterator[DigitGuess]:
    probabilities = np.exp(log_probs.astype(np.float64))
    for index, (row, order) in enumerate(zip(probabilities, np.argsort(-probabilities, axis=1, kind="stable"), strict=True), start):
        ranked = [(symbols[i] or None, float(row[i])) for i in order]
        others = tuple(pair for pair in ranked[1:4] if pair[1] >= _LEAST_SHOWN)
        yield DigitGuess(index, *ranked[0], others)


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
        with path.open("rb") as file:
            magic = file.read(6)
        if magic == b"\x93NUMPY":
            return np.asarray(np.load(path, allow_pickle=False))
        if magic[:4] == b"PK\x03\x04":
            with np.load(path, allow_pickle=False) as arrays:
                if key not in arrays.files and len(arrays.files) != 1:
                    raise PictureError(f"{path}: holds the arrays {', '.join(arrays.files)}; name one of them {key!r}")
                return np.asarray(arrays[key if key in arrays.files else arrays.files[0]])
        data = gzip.decompress(path.read_bytes()) if magic[:2] == b"\x1f\x8b" else path.read_bytes()
    except PictureError:
        raise
    except (OSError, ValueError, EOFError, LookupError, zlib.error) as error:
        raise PictureError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); see that the file is whole") from None
    return _parse_idx(path, data)


def _parse_idx(path: Path, data: bytes) -> NDArray[Any]:
    """Return a uint8 array of an IDX file (two zero bytes, type, number of sizes, sizes as big-endian int32, data)."""
    if len(data) < 8 or data[:3] != b"\0\0\x08" or not 1 <= data[3] <= 3:
        raise PictureError(f"{path}: neither IDX of bytes, .npy nor .npz; save the digits with numpy.save as uint8 (N, height, width)")
    sizes = tuple(int(size) for size in np.frombuffer(data, ">i4", count=min(data[3], (len(data) - 4) // 4), offset=4))
    start = 4 + 4 * data[3]
    if min(sizes) < 0 or math.prod(sizes) != len(data) - start:
        raise PictureError(f"{path}: says {' x '.join(map(str, sizes))} bytes and holds {len(data) - start}; copy it again from where it came")
    return np.frombuffer(data, np.uint8, offset=start).reshape(sizes)
