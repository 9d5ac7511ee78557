"""Whatever happens on the counter, each check is recorded once, and nothing wedges the watcher."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.service.watcher import PHASES, RECHECK_S, RESTLESS_S, Action, Phase, Sight, Watch, step

FRAME_S = 1 / 15


@dataclass
class Counterfeit:
    """A counter with one place, and a daemon's memory: what was recorded and has not left since."""

    watch: Watch = field(default_factory=Watch)
    time_s: float = 0.0
    lies: int | None = None
    recorded: int | None = None
    is_sure: bool = True
    records: list[int] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)

    def pass_time(self, seconds: float, is_moving: bool = False, is_blind: bool = False) -> None:
        for _ in range(max(1, round(seconds / FRAME_S))):
            self.time_s += FRAME_S
            self._step(Sight(is_moving=is_moving, is_blind=is_blind))

    def _step(self, sight: Sight) -> None:
        for _ in range(50):
            self.watch, action = step(self.watch, sight, self.time_s)
            self._act(action)
            if action != "read":
                return
            self.time_s += 0.03  # reading takes its time
            seen = "nothing" if self.lies is None else "same" if self.lies == self.recorded else "check"
            sight = Sight(seen=seen, is_enough=self.is_sure, is_moving=sight.is_moving)
        raise AssertionError("the watcher reads without end")

    def _act(self, action: Action) -> None:
        if action == "store":
            assert self.lies is not None
            self.records.append(self.lies)
            self.recorded = self.lies
        if self.watch.phase == "absent":
            self.recorded = None
        if not self.phases or self.phases[-1] != self.watch.phase:
            self.phases.append(self.watch.phase)

    def lay(self, check: int, moving_s: float = 0.3) -> None:
        self.pass_time(moving_s, is_moving=True)
        self.lies = check

    def take(self, moving_s: float = 0.3) -> None:
        self.lies = None
        self.pass_time(moving_s, is_moving=True)


def test_a_check_goes_through_all_phases_and_is_recorded_once() -> None:
    counter = Counterfeit()
    counter.pass_time(1)
    counter.lay(1)
    counter.pass_time(60)
    counter.take()
    counter.pass_time(2)
    assert counter.records == [1]
    assert counter.phases == ["settling", "absent", "arriving", "settling", "done", "leaving", "settling", "absent"]


def test_a_check_that_never_gets_sure_is_recorded_in_time_nevertheless() -> None:
    counter = Counterfeit(is_sure=False)
    counter.lay(1)
    start_s = counter.time_s
    counter.pass_time(1.0)
    assert counter.records == [1]
    assert counter.watch.since_s - start_s < 1.0


def test_a_hand_over_a_recorded_check_makes_no_second_record() -> None:
    counter = Counterfeit()
    counter.lay(1)
    counter.pass_time(1)
    for _ in range(5):
        counter.pass_time(0.4, is_moving=True)
        counter.pass_time(0.5)
    assert counter.records == [1]


def test_a_check_that_lies_there_since_before_a_restart_is_not_recorded_again() -> None:
    counter = Counterfeit(lies=1, recorded=1)
    counter.pass_time(30)
    assert counter.records == []
    assert counter.watch.phase == "done"


def test_the_same_check_laid_down_again_is_a_second_record() -> None:
    counter = Counterfeit()
    for _ in range(2):
        counter.lay(1)
        counter.pass_time(1)
        counter.take()
        counter.pass_time(1)
    assert counter.records == [1, 1]


def test_a_check_swapped_for_another_in_one_movement_is_recorded() -> None:
    counter = Counterfeit()
    counter.lay(1)
    counter.pass_time(1)
    counter.lay(2)
    counter.pass_time(1)
    assert counter.records == [1, 2]


def test_endless_motion_elsewhere_does_not_keep_a_check_from_being_recorded() -> None:
    counter = Counterfeit()
    counter.lay(1)
    counter.pass_time(RESTLESS_S + 2, is_moving=True)
    assert counter.records == [1]
    counter.lies = None
    counter.pass_time(RESTLESS_S + 2, is_moving=True)
    counter.pass_time(1)
    assert counter.watch.phase == "absent"


def test_a_check_that_nobody_saw_coming_is_found() -> None:
    counter = Counterfeit()
    counter.pass_time(2)
    counter.lies = 1
    counter.pass_time(RECHECK_S + 1)
    assert counter.records == [1]
    counter.lies = None
    counter.pass_time(RECHECK_S + 1)
    assert counter.watch.phase == "absent"


def test_a_blind_camera_loses_no_check_and_doubles_none() -> None:
    counter = Counterfeit()
    counter.lay(1)
    counter.pass_time(1)
    counter.pass_time(5, is_blind=True)
    counter.pass_time(1)
    assert counter.records == [1]
    counter.pass_time(5, is_blind=True)
    counter.lies = 2
    counter.pass_time(1)
    assert counter.records == [1, 2]


def test_an_idle_counter_is_hardly_ever_read() -> None:
    counter = Counterfeit()
    counter.pass_time(2)
    actions: Counter[Action] = Counter()
    for _ in range(15 * 60):
        counter.time_s += FRAME_S
        counter.watch, action = step(counter.watch, Sight(), counter.time_s)
        actions[action] += 1
        if action == "read":
            counter.watch, _ = step(counter.watch, Sight(seen="nothing"), counter.time_s)
    assert actions["read"] <= 60 / RECHECK_S


HAPPENINGS = st.one_of(
    st.tuples(st.just("lay"), st.integers(1, 3), st.floats(0.07, 2)),
    st.tuples(st.just("take"), st.just(0), st.floats(0.07, 2)),
    st.tuples(st.just("still"), st.just(0), st.floats(0.07, 15)),
    st.tuples(st.just("moving"), st.just(0), st.floats(0.07, 5)),
    st.tuples(st.just("blind"), st.just(0), st.floats(0.07, 5)),
    st.tuples(st.just("sneak"), st.integers(0, 3), st.floats(0.07, 1)),
)


@pytest.mark.parametrize("is_sure", [True, False])
@given(happenings=st.lists(HAPPENINGS, max_size=25))
@settings(max_examples=60, deadline=None)
def test_after_anything_at_all_a_new_check_is_recorded_exactly_once(is_sure: bool, happenings: list[tuple[str, int, float]]) -> None:
    counter = Counterfeit(is_sure=is_sure)
    for kind, check, seconds in happenings:
        if kind == "lay":
            counter.lay(check, seconds)
        elif kind == "take":
            counter.take(seconds)
        elif kind == "sneak":
            counter.lies = check or None
        else:
            counter.pass_time(seconds, is_moving=kind == "moving", is_blind=kind == "blind")
        assert counter.watch.phase in PHASES
    counter.take()
    counter.pass_time(1.5)
    assert counter.watch.phase == "absent"
    n_before = len(counter.records)
    counter.lay(99)
    counter.pass_time(25)
    assert counter.records[n_before:] == [99]
    counter.take()
    counter.pass_time(1.5)
    assert counter.watch.phase == "absent"


@given(checks=st.lists(st.tuples(st.integers(1, 4), st.floats(0.07, 2), st.floats(1.0, 12), st.floats(0.8, 12)), max_size=15))
@settings(max_examples=60, deadline=None)
def test_each_check_that_lies_still_is_recorded_exactly_once(checks: list[tuple[int, float, float, float]]) -> None:
    counter = Counterfeit()
    for check, moving_s, lies_s, bare_s in checks:
        counter.lay(check, moving_s)
        counter.pass_time(lies_s)
        counter.take(moving_s)
        counter.pass_time(bare_s)
    assert counter.records == [check for check, *_ in checks]
