import pytest

from train.data.splits import SHARES, split


@pytest.mark.parametrize("source", sorted(SHARES))
def test_no_group_stands_on_two_sides_and_the_shares_are_kept(source: str) -> None:
    groups = [f"{source}-{i // 10}" for i in range(3000)]
    parts = split(source, groups)
    assert all(len({p for g, p in zip(groups, parts, strict=True) if g == group}) == 1 for group in set(groups))
    for part, share in zip(("validate", "measure"), SHARES[source], strict=True):
        assert parts.count(part) == pytest.approx(30 * share, abs=20)
    assert parts == split(source, groups)


def test_one_large_group_is_no_sample() -> None:
    parts = split("orand_car_a", ["large"] * 900 + [f"small-{i}" for i in range(100)])
    assert set(parts[:900]) == {"train"}


def test_a_source_without_shares_is_refused() -> None:
    with pytest.raises(KeyError):
        split("unknown", ["a"])
