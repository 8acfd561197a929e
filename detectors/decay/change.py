"""Has the model decayed? One step a window over CUSUM and e-detector, or over ADWIN as long as there is no baseline."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from detectors.decay import adwin, cusum, e_detector
from detectors.decay.adwin import Adwin, Bucket
from detectors.decay.decay_state import DecayState
from detectors.decay.dispersion import LEAST_WINDOWS, dispersion
from detectors.decay.error_baseline import ErrorBaseline, Learnt, errors_above, line_of, ready, respread, wavers, worth_a_look

SHIFTS = (1.1, 1.25, 1.5, 2.0, 3.0, 5.0)
"""Rises of the error share that the e-detector mixes."""
_CEILING = 1.2
"""How far beyond their lines the sums may grow."""


@dataclass(frozen=True, slots=True)
class Design:
    """What is to be seen, and how rarely a false alarm may come."""

    rise: float
    """Times the usual error that CUSUM is designed for."""
    min_effect: float
    """A rise of the error by a smaller part is none."""
    run: float
    """Windows between two false alarms, on average at least."""
    rows: int
    days: int


@dataclass(frozen=True, slots=True)
class Counted:
    """Errors of one window."""

    day: int
    rows: int
    wrong: int
    sizes: Mapping[str, int]


def step(state: DecayState, window: Counted, design: Design) -> tuple[DecayState, dict[str, float]]:
    """Return the next state, and severity (statistic over threshold) by method; empty while too little is known."""
    if not window.rows:
        return state, {}
    if state.baseline is None:
        return _without_baseline(state, window, design)
    if not state.settled:
        return _settling(state, state.baseline, window, design)
    return _against(state, state.baseline, window, design)


def _settling(state: DecayState, baseline: ErrorBaseline, window: Counted, design: Design) -> tuple[DecayState, dict[str, float]]:
    """Hold a window against the baseline of a file, and learn from the first windows how much they vary."""
    learnt = (*state.learnt, Learnt(window.day, window.rows, window.wrong, window.sizes))
    state, count, seen = replace(state, learnt=learnt), len(learnt), len({one.day for one in learnt})
    enough = count >= LEAST_WINDOWS and seen >= design.days and worth_a_look(learnt, seen, design.days)
    if not enough and not (count >= LEAST_WINDOWS and count.bit_count() == 1):
        return _against(state, baseline, window, design)
    baseline = respread(baseline, learnt)
    # All of them again, now that it is known as how many rows theirs count.
    state, severities = begun(baseline, design.min_effect, settled=False), dict[str, float]()
    for one in learnt:
        state, severities = _against(state, baseline, Counted(one.day, one.rows, one.errors, one.sizes), design)
    # Errors that rose meanwhile cling together too: where they are an alarm all the same, nobody waits.
    if enough and (max(severities.values()) > 1 or not wavers(learnt, baseline.line, design.days)):
        return replace(state, settled=True), severities
    return replace(state, learnt=learnt), severities


def begun(baseline: ErrorBaseline, min_effect: float, *, settled: bool) -> DecayState:
    """Return the state that begins to hold windows against a baseline."""
    return replace(DecayState().fix(baseline, shifts_of(baseline, min_effect)), settled=settled)


def days_lacking(state: DecayState, days: int) -> int:
    """Return the days with labels until the usual error, and how much windows vary, is known; 0: it is, 1 at least while it is not."""
    if state.baseline is not None and state.settled:
        return 0
    return max(days - len({one.day for one in state.learnt}), 1)


def _against(state: DecayState, baseline: ErrorBaseline, window: Counted, design: Design) -> tuple[DecayState, dict[str, float]]:
    errors = window.wrong if baseline.line is None else errors_above(window.sizes, baseline.line)
    # The two tests share the alarms that are allowed.
    run = 2 * design.run
    lines = {"cusum": cusum.threshold(run), "e_detector": e_detector.threshold(run)}
    limit = limit_of(baseline, design.min_effect)
    total = cusum.step(
        state.cusum,
        window.rows,
        errors,
        usual=limit,
        shifted=baseline.shifted if baseline.shifted > limit else limit + (1 - limit) / 4,
        dispersion=baseline.dispersion,
        ceiling=_CEILING * lines["cusum"],
    )
    shifts = shifts_of(baseline, design.min_effect)
    evidence = e_detector.step(state.evidence, window.rows, errors, limit=limit, shifts=shifts, dispersion=baseline.dispersion)
    evidence = e_detector.capped(evidence, _CEILING * lines["e_detector"])
    severities = {"cusum": total / lines["cusum"], "e_detector": e_detector.statistic(evidence) / lines["e_detector"]}
    return replace(state, cusum=total, evidence=evidence), severities


def limit_of(baseline: ErrorBaseline, min_effect: float) -> float:
    """Return the share of errors that is still usual."""
    return min(max(baseline.limit, baseline.usual * (1 + min_effect)), (1 + baseline.usual) / 2)


def shifts_of(baseline: ErrorBaseline, min_effect: float) -> tuple[float, ...]:
    """Return the shares the e-detector holds against the limit; one half of what is left where all others are below it."""
    limit = limit_of(baseline, min_effect)
    found = [min(limit * rise, (1 + limit) / 2) for rise in SHIFTS]
    return tuple(dict.fromkeys(found))


def _without_baseline(state: DecayState, window: Counted, design: Design) -> tuple[DecayState, dict[str, float]]:
    learnt = (*state.learnt, Learnt(window.day, window.rows, window.wrong, window.sizes))
    baseline = ready(learnt, design.rows, design.days, design.rise)
    line = line_of(window.sizes) if state.line is None and window.sizes else state.line
    state = replace(state, learnt=learnt, line=line)
    if len(learnt) >= LEAST_WINDOWS and len(learnt).bit_count() == 1:
        # At 8, 16, 32, … windows: how errors cling together shows only with time.
        state = _begin_adwin(state, design)
    elif state.spread:
        state = replace(state, adwin=_adwin_step(state.adwin, learnt[-1], state, design))
    rise = state.adwin.rise
    known = bool(state.spread)
    if baseline is not None and rise <= 1:
        state = state.fix(baseline, shifts_of(baseline, design.min_effect))
    return state, {"adwin": rise} if known else {}


def _begin_adwin(state: DecayState, design: Design) -> DecayState:
    rows = np.array([one.rows for one in state.learnt], np.int64)
    errors = np.array([_errors(one, state.line) for one in state.learnt], np.int64)
    state = replace(state, spread=dispersion(rows, errors))
    window = Adwin()
    for one in state.learnt:
        window = _adwin_step(window, one, state, design)
    return replace(state, adwin=window)


def _adwin_step(window: Adwin, one: Learnt, state: DecayState, design: Design) -> Adwin:
    weight = one.rows / state.spread
    share = _errors(one, state.line) / one.rows
    return adwin.step(window, Bucket(weight, weight * share, weight * share * (1 - share)), delta=1 / design.run)


def _errors(one: Learnt, line: int | None) -> int:
    return one.errors if line is None or not one.sizes else errors_above(one.sizes, line)
