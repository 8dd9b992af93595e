"""Alarm rules over a batch: thresholds with a dead band and a duration, evaluated without a loop over readings.

What a rule does, told for one terminal and reading by reading (`tests/city/observations` holds this loop as the
oracle of a property test):

- not raised: while the condition is true, a run lasts; when the run has lasted `duration`, the alarm is raised; a
  false condition ends the run;
- raised: when `clear` is true and the condition is not, the alarm is cleared;
- unknown changes nothing; readings not younger than the last evaluated one are ignored.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citybase.city.observations.conditions import Condition

__all__ = ["Points", "Rule", "RuleState", "Transition", "evaluate"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule. `duration` in µs."""

    id: str
    condition: Condition
    clear: Condition
    duration: int


@dataclass(frozen=True, slots=True)
class Points:
    """Moments at which something was observed, sorted by terminal, then time, each pair once.

    `terminal` counts the terminals of the batch from 0; `columns` hold the properties' values as known at that moment,
    NaN where unknown.
    """

    terminal: Ints
    time: Ints
    columns: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class RuleState:
    """State by terminal of the batch, times in µs since 1970, 0 for none."""

    evaluated: Ints
    since: Ints
    raised: Ints


@dataclass(frozen=True, slots=True)
class Transition:
    """An alarm of one terminal begins or ends; `point` is its place in `Points`."""

    point: int
    terminal: int
    time: int
    raised: bool


def evaluate(rule: Rule, points: Points, before: RuleState) -> tuple[list[Transition], RuleState]:
    """Transitions in the order of terminals and times, and the state after the batch."""
    condition, clear = rule.condition(points.columns), rule.clear(points.columns)
    true = condition == 1
    ends = (clear == 1) & ~true
    # A point that neither prolongs a run, nor breaks one, nor clears changes nothing.
    counts = (true | (condition == 0) | ends) & (points.time > before.evaluated[points.terminal])
    place = np.flatnonzero(counts)
    evaluated = _latest(points, before)
    if not len(place):
        return [], RuleState(evaluated, before.since, before.raised)
    terminal, time, true, ends = points.terminal[place], points.time[place], true[place], ends[place]
    first = np.append(True, terminal[1:] != terminal[:-1])
    since = _run_starts(time, true, first, before.since[terminal])
    raises = true & (time - since >= rule.duration)
    raised = _latched(raises, ends, first, before.raised[terminal] > 0)
    earlier = np.where(first, before.raised[terminal] > 0, np.append(False, raised[:-1]))
    changed = np.flatnonzero(raised != earlier)
    transitions = [
        Transition(int(place[at]), int(terminal[at]), int(time[at]), bool(raised[at])) for at in changed.tolist()
    ]
    return transitions, _state_after(before, evaluated, terminal, since, true, time, raised, changed)


def _latest(points: Points, before: RuleState) -> Ints:
    evaluated = before.evaluated.copy()
    np.maximum.at(evaluated, points.terminal, points.time)
    return evaluated


def _run_starts(time: Ints, true: Mask, first: Mask, carried: Ints) -> Ints:
    """When the run that each true point belongs to began; 0 at points that are not true."""
    begins = true & (first | ~np.append(False, true[:-1]))
    start = np.where(first & (carried > 0), carried, time)
    return np.where(true, start[_last(begins)], 0)


def _latched(raises: Mask, ends: Mask, first: Mask, carried: Mask) -> Mask:
    """Whether raised after each point: the last event wins, before any the state carried over."""
    event = _last(raises | ends | first)
    return np.where(raises[event], True, np.where(ends[event], False, carried[event]))


def _last(marks: Mask) -> NDArray[np.intp]:
    """At each place, where the last mark up to here stands (0 when there was none)."""
    return np.maximum.accumulate(np.where(marks, np.arange(len(marks)), 0))


def _state_after(
    before: RuleState, evaluated: Ints, terminal: Ints, since: Ints, true: Mask, time: Ints, raised: Mask, changed: Ints
) -> RuleState:
    final = np.flatnonzero(np.append(terminal[1:] != terminal[:-1], True))
    since_after, raised_after = before.since.copy(), before.raised.copy()
    since_after[terminal[final]] = np.where(true[final], since[final], 0)
    rising = changed[raised[changed]]
    begun = before.raised.copy()
    begun[terminal[rising]] = time[rising]  # later ones of a terminal overwrite earlier ones
    raised_after[terminal[final]] = np.where(raised[final], begun[terminal[final]], 0)
    return RuleState(evaluated, since_after, raised_after)
