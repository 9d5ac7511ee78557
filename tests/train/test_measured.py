"""Measured tables go where their marks stand, and nowhere else."""

from pathlib import Path

import pytest

from train.measured import put_table, table


def test_a_table_replaces_what_stood_between_its_marks(tmp_path: Path) -> None:
    text = tmp_path / "text.md"
    text.write_text("before\n<!-- pages -->\nold\n<!-- /pages -->\nafter\n", encoding="utf-8")
    for _ in range(2):
        put_table(text, "pages", table(["set", "n"], [["drawn", "3"]]))
    assert text.read_text(encoding="utf-8") == (
        "before\n<!-- pages -->\n\n| set | n |\n| --- | --- |\n| drawn | 3 |\n\n<!-- /pages -->\nafter\n"
    )


def test_a_text_without_the_marks_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.md"
    text.write_text("nothing here\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no place"):
        put_table(text, "pages", ["x"])
