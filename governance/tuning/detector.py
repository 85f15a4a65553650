"""Watching the policy in force: alarms on a stream of audit verdicts, without a fixed number of looks.

Sources: e-detectors of J. Shin, A. Ramdas and A. Rinaldo, "E-detectors: a nonparametric framework for sequential change
detection" (2022); Ville's inequality for the test since activation. Valid for audits drawn at random from what the
policy releases, in the order in which they were released; one per case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

MULTIPLES = (1.25, 1.5, 2.0, 3.0, 5.0)


class _Bets:
    """Log likelihood ratios of "the risk is rho times the target" against "it is the target", per verdict."""

    def __init__(self, target: float) -> None:
        if not 0.0 < target < 1.0:
            raise ValueError(f"The target must lie strictly between 0 and 1, not {target}.")
        # A multiple at or beyond 1 / target would be a risk of more than 1.
        self.multiples = tuple(rho for rho in MULTIPLES if rho * target < 1.0)
        if not self.multiples:
            raise ValueError(f"A target of {target} leaves no higher risk to watch for.")
        self.when_wrong = tuple(math.log(rho) for rho in self.multiples)
        self.when_right = tuple(math.log1p(-rho * target) - math.log1p(-target) for rho in self.multiples)

    def gains(self, wrong: bool) -> tuple[float, ...]:
        return self.when_wrong if wrong else self.when_right


def _log_mean_exp(values: Sequence[float]) -> float:
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values) / len(values))


class Detector:
    """Mixture of e-CUSUMs: alarms when the risk rises above `target` at an unknown time.

    While the risk stays at or under the target, the mean number of audits to a false alarm is at least
    `audits_per_year`: one false alarm a year at most. `sums` is the whole state (natural logs, one per multiple of the
    target): store it and hand it back to go on where it stopped. Raises ValueError on a target outside (0, 0.8), on
    fewer than one audit a year, or on sums of another length.
    """

    def __init__(self, target: float, audits_per_year: float, *, sums: Sequence[float] | None = None) -> None:
        if not audits_per_year >= 1:
            raise ValueError(f"There must be at least one audit a year, not {audits_per_year}.")
        self._bets = _Bets(target)
        self._log_limit = math.log(audits_per_year)
        self.sums = tuple(sums) if sums is not None else (-math.inf,) * len(self._bets.multiples)
        if len(self.sums) != len(self._bets.multiples):
            raise ValueError(f"This target takes {len(self._bets.multiples)} sums, not {len(self.sums)}.")

    def update(self, wrong: bool) -> bool:
        """Takes the next audit verdict; True while the detector is in alarm. It does not latch: the caller decides."""
        gains = self._bets.gains(wrong)
        self.sums = tuple(max(total, 0.0) + gain for total, gain in zip(self.sums, gains, strict=True))
        return self.is_alarmed

    @property
    def log_evidence(self) -> float:
        """Natural log of the mean of the e-CUSUMs; -inf before the first audit."""
        return -math.inf if max(self.sums) == -math.inf else _log_mean_exp(self.sums)

    @property
    def is_alarmed(self) -> bool:
        return self.log_evidence >= self._log_limit


class SinceActivation:
    """E-process against "the risk was never above `target` since activation"; quicker for a policy bad from day one.

    `update` is True once the evidence has reached 1 / delta at any time; it is wrong with probability at most `delta`
    over the whole life of the policy. `sums` and `highest` are its state. Raises ValueError as `Detector` does.
    """

    def __init__(
        self, target: float, delta: float, *, sums: Sequence[float] | None = None, highest: float = -math.inf
    ) -> None:
        if not 0.0 < delta < 1.0:
            raise ValueError(f"The level must lie strictly between 0 and 1, not {delta}.")
        self._bets = _Bets(target)
        self._log_limit = -math.log(delta)
        self.sums = tuple(sums) if sums is not None else (0.0,) * len(self._bets.multiples)
        self.highest = highest
        if len(self.sums) != len(self._bets.multiples):
            raise ValueError(f"This target takes {len(self._bets.multiples)} sums, not {len(self.sums)}.")

    def update(self, wrong: bool) -> bool:
        gains = self._bets.gains(wrong)
        self.sums = tuple(total + gain for total, gain in zip(self.sums, gains, strict=True))
        self.highest = max(self.highest, _log_mean_exp(self.sums))
        return self.highest >= self._log_limit


def first_alarm(wrong: NDArray[np.bool_], target: float, audits_per_year: float) -> int | None:
    """After how many of these verdicts, in their order, the detector first alarms; None when it keeps silent.

    The same as feeding `Detector` one by one: a sum that restarts at zero is its walk less the lowest point before.
    """
    bets = _Bets(target)
    if audits_per_year < 1:
        raise ValueError(f"There must be at least one audit a year, not {audits_per_year}.")
    walks = _walks(bets, wrong)
    lowest = np.minimum.accumulate(np.concatenate([np.zeros((1, walks.shape[1])), walks[:-1]]), axis=0)
    return _first(special.logsumexp(walks - lowest, axis=1) - math.log(walks.shape[1]) >= math.log(audits_per_year))


def first_since_activation(wrong: NDArray[np.bool_], target: float, delta: float) -> int | None:
    """The same for `SinceActivation`: after how many verdicts its evidence reached 1 / delta."""
    if not 0.0 < delta < 1.0:
        raise ValueError(f"The level must lie strictly between 0 and 1, not {delta}.")
    walks = _walks(_Bets(target), wrong)
    return _first(special.logsumexp(walks, axis=1) - math.log(walks.shape[1]) >= -math.log(delta))


def _walks(bets: _Bets, wrong: NDArray[np.bool_]) -> NDArray[np.float64]:
    gains = np.where(wrong[:, None], np.array(bets.when_wrong), np.array(bets.when_right))
    walks: NDArray[np.float64] = np.cumsum(gains, axis=0)
    return walks


def _first(alarms: NDArray[np.bool_]) -> int | None:
    return int(np.argmax(alarms)) + 1 if alarms.any() else None
