"""Files of isolated digits: IDX and NumPy in, everything else refused; shares with their interval."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from edge.digit_files import load_digits, load_labels, wilson_interval
from edge.errors import PictureError

DIGITS = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
LABELS = np.array([7, 0, 9], np.uint8)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


def test_idx_gzipped_or_not_npy_and_npz_hold_the_same(tmp_path: Path) -> None:
    (tmp_path / "digits.idx").write_bytes(idx(DIGITS))
    (tmp_path / "digits.gz").write_bytes(gzip.compress(idx(DIGITS)))
    np.save(tmp_path / "digits.npy", DIGITS)
    np.savez(tmp_path / "digits.npz", images=DIGITS, labels=LABELS)
    np.savez_compressed(tmp_path / "alone.npz", x=DIGITS)
    for name in ("digits.idx", "digits.gz", "digits.npy", "digits.npz", "alone.npz"):
        assert np.array_equal(load_digits(tmp_path / name), DIGITS), name


def test_labels_come_from_the_same_formats(tmp_path: Path) -> None:
    (tmp_path / "labels.gz").write_bytes(gzip.compress(idx(LABELS)))
    np.savez(tmp_path / "digits.npz", images=DIGITS, labels=LABELS)
    assert load_labels(tmp_path / "labels.gz", 3).tolist() == [7, 0, 9]
    assert load_labels(tmp_path / "digits.npz", 3).tolist() == [7, 0, 9]
    with pytest.raises(PictureError, match=r"\(4,\)"):
        load_labels(tmp_path / "labels.gz", 4)


def test_no_digits_at_all_are_no_error(tmp_path: Path) -> None:
    np.save(tmp_path / "none.npy", DIGITS[:0])
    assert load_digits(tmp_path / "none.npy").shape == (0, 4, 5)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "neither IDX"),
        (b"hello digits", "neither IDX"),
        (b"\0\0\x08\x03\0\0\0\x02", "neither IDX|says"),
        (idx(DIGITS)[:-1], "says 3 x 4 x 5 bytes and holds 59"),
        (b"\0\0\x08\x01\xff\xff\xff\xff", "says -1"),
        (b"\x1f\x8b\x08broken", "cannot be read"),
        (gzip.compress(idx(DIGITS))[:-9], "cannot be read"),
        (b"\x93NUMPY\x01\0broken", "cannot be read"),
        (b"PK\x03\x04broken", "cannot be read"),
        (idx(LABELS), r"uint8 \(3,\); digits are uint8 \(N, height, width\)"),
    ],
)
def test_other_files_are_refused_in_words(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(PictureError, match=words):
        load_digits(path)


def test_arrays_of_other_types_and_many_arrays_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "float.npy", DIGITS.astype(np.float32))
    np.savez(tmp_path / "two.npz", a=DIGITS, b=DIGITS)
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(PictureError, match="float32"):
        load_digits(tmp_path / "float.npy")
    with pytest.raises(PictureError, match="holds the arrays a, b"):
        load_digits(tmp_path / "two.npz")
    with pytest.raises(PictureError, match="cannot be read"):
        load_digits(tmp_path / "objects.npy")
    with pytest.raises(PictureError, match="cannot be read"):
        load_digits(tmp_path / "missing.npy")


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = wilson_interval(81, 263)  # worked example in Newcombe 1998, table I: 0.2553 to 0.3662
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(10, 10)[1] == pytest.approx(1.0)
