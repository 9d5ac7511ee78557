"""What a bundle's golden set tells on this device, beyond the codes themselves."""

from dataclasses import replace

import numpy as np

from edge.golden import answer_cases
from edge.recognize.bundle import read_bundle
from edge.trial import _strings


def test_strings_and_decisions_are_told_where_codes_make_them_others() -> None:
    bundle = read_bundle()
    answers = answer_cases(bundle, "auto")
    assert [finding.words for finding in _strings(bundle, answers, None)] == ["32 of 32 are as where the bundle was built"] * 2
    # One step up everywhere: other codes, and the same reading.
    near = [replace(answer, found=np.minimum(answer.found.astype(int) + 1, 127).astype(np.int8)) for answer in answers]
    assert all(finding.is_passed for finding in _strings(bundle, near, None))
    other = [replace(answer, found=np.roll(answer.found, 1, axis=-1)) if answer.network == "strip" else answer for answer in answers]
    strings, decisions = _strings(bundle, other, None)
    assert not strings.is_passed
    assert ", expected is '" in strings.words
    assert not decisions.is_passed
    assert "expected is accepted" in decisions.words
