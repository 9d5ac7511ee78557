"""Which of two versions is the newer one."""

import re

from edge.errors import BundleError

_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,5}")


def version_key(version: str) -> tuple[int, ...]:
    """Return what orders versions: 0.10 comes after 0.9, and 1.0 is 1.

    Raises:
        BundleError: it is not made of numbers and dots.
    """
    if not _VERSION.fullmatch(version):
        raise BundleError(f"the version {version!r} cannot be ordered, expected are numbers and dots, such as 1.4.2: pack with such a one")
    numbers = [int(part) for part in version.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
