from pathlib import Path

import pytest

from edge.recognize.bundle import read_bundle
from train.ablation import generated_strips, read_all, score, subject, trials_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
RELEASED = Path(__file__).resolve().parent.parent.parent / "train" / "released"


def test_a_variant_is_counted_against_labels_and_against_the_float_readings() -> None:
    bundle = read_bundle()
    of = subject("strip", bundle.card.raw["runs"]["strip"]["design"], bundle, RELEASED / "strip")
    trials = trials_of("strip", None, 12)
    said = read_all(of, of.released, trials)
    same = score(trials, said, said)["all"]
    assert (same.n, same.n_changed, same.n_other_verdicts) == (12, 0, 0)
    assert same.n_right == sum(r.text == s.text for r, s in zip(said[0], trials[0][3], strict=True))
    shifted = score(trials, said, [said[0][1:] + said[0][:1]])["all"]
    assert shifted.n_changed > 0


def test_generated_strips_are_the_same_each_time() -> None:
    assert [s.text for s in generated_strips(6)] == [s.text for s in generated_strips(6)]


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ValueError, match="another network"):
        subject("strip", "micr", read_bundle(), RELEASED / "strip")
