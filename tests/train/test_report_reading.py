from dataclasses import replace

import numpy as np
import pytest

from train.report_reading import NOTHING, Read, align_texts, confusion, reliability, risk_band, worst_errors

ROW = Read("meza/digits", "digits", "1234", "1234", 0.9, 0.8, True, True, np.zeros((8, 8), np.uint8), "a.png")


@pytest.mark.parametrize(
    ("label", "text", "pairs"),
    [
        ("123", "123", [("1", "1"), ("2", "2"), ("3", "3")]),
        ("123", "173", [("1", "1"), ("2", "7"), ("3", "3")]),
        ("123", "13", [("1", "1"), ("2", NOTHING), ("3", "3")]),
        ("13", "123", [("1", "1"), (NOTHING, "2"), ("3", "3")]),
        ("", "1", [(NOTHING, "1")]),
        ("1", "", [("1", NOTHING)]),
        ("", "", []),
    ],
)
def test_symbols_are_set_against_each_other(label: str, text: str, pairs: list[tuple[str, str]]) -> None:
    assert align_texts(label, text) == pairs


def test_the_matrix_counts_labels_in_rows_and_readings_in_columns() -> None:
    names, counts = confusion([ROW, replace(ROW, text="1734")])
    assert names == ["1", "2", "3", "4", "7", NOTHING]
    assert counts[names.index("2"), names.index("7")] == 1
    assert counts.sum() == 8
    assert np.trace(counts) == 7


def test_bins_of_equal_count_hold_their_means() -> None:
    found = reliability([0.1, 0.2, 0.8, 0.9], [False, False, True, False], 2)
    assert np.allclose(found, [(0.15, 0.0), (0.85, 0.5)])


def test_the_band_holds_the_share_and_narrows() -> None:
    low, high = risk_band([0, 1, 10], [10, 100, 1000])
    assert low[0] == 0
    assert all(low <= [0, 0.01, 0.01])
    assert all(high >= [0, 0.01, 0.01])
    assert high[2] - low[2] < high[1] - low[1] < high[0] - low[0]
    assert risk_band([5], [5])[1].tolist() == [1.0]


def test_worst_errors_are_wrong_real_sure_and_shown_once() -> None:
    wrong = replace(ROW, is_right=False)
    rows = [
        ROW,
        wrong,
        replace(wrong, source="meza/amount"),
        replace(wrong, source="generated/digits", file="g"),
        replace(wrong, confidence=0.99, file="b.png"),
    ]
    assert [r.file for r in worst_errors(rows)] == ["b.png", "a.png"]
