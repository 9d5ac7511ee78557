"""What an examination has found, in words that can be shown to whoever asked for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and in words what was found; with a refusal, what was expected."""

    name: str
    is_passed: bool
    words: str
