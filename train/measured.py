"""Measured tables in the docs: each stands between two marks, and a command writes it again."""

from collections.abc import Sequence
from pathlib import Path


def put_table(path: Path, name: str, lines: Sequence[str]) -> None:
    """Replace what stands between the marks ``<!-- name -->`` and ``<!-- /name -->`` of a text file.

    Raises:
        ValueError: the file has no such marks, in this order.
    """
    text = path.read_text(encoding="utf-8")
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    start, stop = text.find(begin), text.find(end)
    if not 0 <= start < stop:
        raise ValueError(f"{path} has no place for a table: put the lines {begin} and {end} there")
    path.write_text(text[: start + len(begin)] + "\n\n" + "\n".join(lines) + "\n\n" + text[stop:], encoding="utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]
