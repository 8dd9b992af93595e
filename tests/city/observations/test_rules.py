"""Rules against a slow oracle that follows one terminal reading by reading."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from citybase.city.observations.conditions import compile_condition
from citybase.city.observations.rules import Points, Rule, RuleState, evaluate

CONDITION, CLEAR = "a > 5", "a < 3"
Reading = tuple[int, int, float]  # terminal, time, value


@dataclass
class Oracle:
    """The rule of `citybase.city.observations.rules`, told one reading at a time."""

    duration: int
    evaluated: int = 0
    since: int = 0
    raised: int = 0

    def observe(self, time: int, value: float) -> bool | None:
        """True: raised by this reading; False: cleared by it; None: nothing changes."""
        if time <= self.evaluated:
            return None
        self.evaluated = time
        if np.isnan(value):
            return None
        return self._while_raised(value) if self.raised else self._while_quiet(time, value)

    def _while_quiet(self, time: int, value: float) -> bool | None:
        if not value > 5:
            self.since = 0
            return None
        self.since = self.since or time
        if time - self.since < self.duration:
            return None
        self.raised = time
        return True

    def _while_raised(self, value: float) -> bool | None:
        if not value < 3:
            return None
        self.raised = self.since = 0
        return False


values = st.sampled_from([1.0, 2.9, 3.0, 4.0, 5.0, 5.1, 9.0, float("nan")])
batches = st.lists(
    st.dictionaries(st.tuples(st.integers(0, 2), st.integers(1, 60)), values, min_size=1, max_size=25),
    min_size=1,
    max_size=4,
)


@given(batches=batches, duration=st.sampled_from([0, 1, 3, 10]))
def test_batches_find_what_the_oracle_finds_reading_by_reading(
    batches: list[dict[tuple[int, int], float]], duration: int
) -> None:
    rule = Rule("r", compile_condition(CONDITION), compile_condition(CLEAR), duration)
    oracles = [Oracle(duration) for _ in range(3)]
    state = RuleState(*(np.zeros(3, np.int64) for _ in range(3)))
    for batch in batches:
        ordered = sorted((terminal, time, value) for (terminal, time), value in batch.items())
        found, state = evaluate(rule, _points(ordered), state)
        expected = []
        for terminal, time, value in ordered:
            change = oracles[terminal].observe(time, value)
            if change is not None:
                expected.append((terminal, time, change))
        assert [(item.terminal, item.time, item.raised) for item in found] == expected
        assert state.raised.tolist() == [oracle.raised for oracle in oracles]


@given(batches=batches)
def test_a_batch_that_comes_again_changes_nothing(batches: list[dict[tuple[int, int], float]]) -> None:
    rule = Rule("r", compile_condition(CONDITION), compile_condition(CLEAR), 3)
    state = RuleState(*(np.zeros(3, np.int64) for _ in range(3)))
    for batch in batches:
        points = _points(sorted((terminal, time, value) for (terminal, time), value in batch.items()))
        _, state = evaluate(rule, points, state)
        again, same = evaluate(rule, points, state)
        assert again == []
        assert (same.since.tolist(), same.raised.tolist()) == (state.since.tolist(), state.raised.tolist())


def _points(readings: list[Reading]) -> Points:
    terminal, time, value = zip(*readings, strict=True)
    return Points(np.array(terminal), np.array(time), {"a": np.array(value, np.float64)})
