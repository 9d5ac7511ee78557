"""A stream that shifts is brought back inside its budget: the small part of `make shift`, on real readings of drawn strips."""

from bench.shifted_stream import read_block, simulate
from edge.decode.accept import DEFAULT_BUDGET

N_SITES = 4


def test_other_pens_and_another_camera_break_the_budget_and_calibration_brings_it_back() -> None:
    calm, off = zip(*(read_block(seed) for seed in (1000, 1001)), strict=True)
    pools = [[read for block in blocks for read in block] for blocks in (calm, off)]
    sites = [list(simulate(*pools, seed, n_looked_at=150, n_audited=1000).values()) for seed in range(N_SITES)]
    n_accepted, n_wrong = ([sum(site[state][part] for site in sites) for state in range(6)] for part in (0, 1))
    errors = [wrong / max(1, accepted) for accepted, wrong in zip(n_accepted, n_wrong, strict=True)]
    shifted, audited, anew = errors[1], errors[4], errors[5]
    assert shifted > 3 * DEFAULT_BUDGET
    assert audited < shifted
    assert anew <= DEFAULT_BUDGET
    assert n_accepted[2] > 0.2 * N_SITES * len(pools[0]) / 2  # calibrated before the shift: not by accepting next to nothing
