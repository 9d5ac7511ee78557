"""Fonts that imitate handwriting or print; from Debian packages where they are installed, else those that matplotlib carries.

Packages and licences are listed in docs/data.md. No font is part of the repository; a picture of a few letters is all that is taken.
"""

from functools import cache
from pathlib import Path

from PIL import ImageFont

from train.data.printed import font_files

_FOLDER = Path("/usr/share/fonts")
_HAND = (
    "dkg", "dkgIt", "Breip", "breipfont", "BecauseWe*", "DancingScript-Regular", "Ecolier-court", "femkeklaver", "Humor-Sans",
    "KaushanScript-Regular", "Kristi", "SteveHand", "Delphine", "Isabella", "KleeOne-Regular", "ComicNeue-Regular", "ComicNeue-Italic",
)  # fmt: skip
_PRINT = ("LiberationSans-*", "LiberationSerif-*", "LiberationMono-*", "Courier Prime*", "GNUTypewriter", "OCRB")


@cache
def hand_fonts() -> tuple[Path, ...]:
    """Return the fonts that look written, in a fixed order; empty where none of their packages is installed."""
    return _found(_HAND)


@cache
def print_fonts() -> tuple[Path, ...]:
    return (*font_files(), *_found(_PRINT))


@cache
def load_font(path: Path, height_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), height_px)


def _found(stems: tuple[str, ...]) -> tuple[Path, ...]:
    every = (path for stem in stems for path in _FOLDER.rglob(f"{stem}.[ot]tf"))
    return tuple(sorted(every, key=lambda path: path.name))
