"""Whether the risk of two strata together is below the target, and how large it may still be.

Stratum A was reviewed in full (outputs under the threshold in force), stratum B was released and audited at random at
one uniform rate. Of each we know how many there were (N), how many carry a label (n) and how many labels say wrong (e).

Valid when, within a stratum, the labels are all of it or a simple random sample, and labels of different outputs are
independent: correlated outputs (one case, many outputs) are reduced to one per case before they are counted.
"""

from __future__ import annotations

from scipy import special

from governance.tuning.bounds import clopper_pearson_upper
from governance.tuning.exact import Pair, Side, exact_p

BOUND_PRECISION = 5e-4  # of the bound itself
UNSEEN = 0.01  # of all outputs: a stratum without labels that is no larger counts as all wrong


def p_value(n_total: Pair, n_labelled: Pair, wrong: Pair, target: float) -> float:
    """p-value of "the risk over both strata is at least `target`", counts as (A, B); in [0, 1].

    One stratum empty: the binomial tail, exactly. A stratum with outputs but no label at all is taken at its worst
    (all wrong). No output at all: 1.0. One more wrong output never lowers p while p is above about 1 %; far below, the
    ordering may swap neighbouring outcomes (the level holds all the same). `target` is a share strictly between 0
    and 1. Raises ValueError on counts that cannot be (negative, more labels than outputs, more wrong than labels).
    """
    check_counts(n_total, n_labelled, wrong)
    if not 0.0 < target < 1.0:
        raise ValueError(f"The target must lie strictly between 0 and 1, not {target}.")
    return _p(n_total, n_labelled, wrong, target)


def upper_bound(
    n_total: Pair,
    n_labelled: Pair,
    wrong: Pair,
    delta: float,
    *,
    target: float | None = None,
    p: float | None = None,
) -> float:
    """Largest risk not refuted at level `delta` (a share): the inversion of `p_value`, rounded up by under 0.05 %.

    With `target` given, the bound is at or below it exactly when p_value(..., target) <= delta; `p` is that p-value
    where the caller has it already. 1.0 where nothing is known. Costs four to eight p-values; with one stratum empty it
    is Clopper-Pearson's closed form.
    """
    check_counts(n_total, n_labelled, wrong)
    a, b = _sides(n_total, n_labelled, wrong)
    if a.weight == 0.0 and b.weight == 0.0:
        return 1.0
    if a.n == 0 or b.n == 0:
        known, unknown = (b, a) if a.n == 0 else (a, b)
        return min(1.0, unknown.weight + known.weight * clopper_pearson_upper(known.wrong, known.n, delta))
    if a.wrong == a.n and b.wrong == b.n:
        return 1.0
    bracket = _Bracket(a.step * a.wrong + b.step * b.wrong, delta)
    if target is not None and bracket.low < target < 1.0:
        bracket.add(target, exact_p(a, b, target) if p is None else p)
    first = gamma_upper_bound(n_total, n_labelled, wrong, delta)
    if bracket.low < first < bracket.high:
        bracket.add(first, exact_p(a, b, first))
    while bracket.high - bracket.low > BOUND_PRECISION * bracket.high:
        guess = bracket.next()
        bracket.add(guess, exact_p(a, b, guess))
    return bracket.high


def gamma_upper_bound(n_total: Pair, n_labelled: Pair, wrong: Pair, delta: float) -> float:
    """Fay-Feuer upper limit of the risk, closed form: for display and as a first guess, never a guarantee.

    It exceeds its level in some designs by up to a factor of two. A stratum without a label counts as all wrong.
    """
    a, b = _sides(n_total, n_labelled, wrong)
    if a.weight + b.weight == 0.0:
        return 1.0
    for seen, unseen in ((a, b), (b, a)):
        if unseen.weight > 0.0 and not unseen.n:
            return min(1.0, unseen.weight + seen.weight * clopper_pearson_upper(seen.wrong, seen.n, delta))
    steps = [side.step for side in (a, b) if side.n]
    wrongs = [side.wrong for side in (a, b) if side.n]
    top = max(steps)
    mean = sum(c * e for c, e in zip(steps, wrongs, strict=True)) + top
    variance = sum(c * c * e for c, e in zip(steps, wrongs, strict=True)) + top * top
    return min(1.0, float(special.gammainccinv(mean * mean / variance, delta)) * variance / mean)


def estimate(n_total: Pair, n_labelled: Pair, wrong: Pair) -> float | None:
    """Risk estimated with each stratum weighted by its size; None where nothing is known of a stratum with outputs.

    A stratum without a label that holds at most one output in a hundred counts as all wrong, as the test takes it: the
    few that went out before any audit do not hide what is known of the others.
    """
    everything = sum(n_total)
    if not everything:
        return None
    expected = 0.0
    for total, n, e in zip(n_total, n_labelled, wrong, strict=True):
        if not n and total > UNSEEN * everything:
            return None
        expected += total * e / n if n else total
    return expected / everything


def check_counts(n_total: Pair, n_labelled: Pair, wrong: Pair) -> None:
    """Raises ValueError unless 0 <= wrong <= labelled <= total in both strata."""
    for total, n, e in zip(n_total, n_labelled, wrong, strict=True):
        if not 0 <= e <= n <= total:
            raise ValueError(f"Counts must satisfy 0 <= wrong <= labelled <= total, not {e}, {n}, {total}.")


def _sides(n_total: Pair, n_labelled: Pair, wrong: Pair) -> tuple[Side, Side]:
    total = sum(n_total) or 1
    a, b = (Side(int(n_total[i]) / total, int(n_labelled[i]), int(wrong[i])) for i in (0, 1))
    return a, b


def _p(n_total: Pair, n_labelled: Pair, wrong: Pair, target: float) -> float:
    a, b = _sides(n_total, n_labelled, wrong)
    if a.n and b.n:
        return exact_p(a, b, target)
    known, unknown = (b, a) if a.n == 0 else (a, b)
    if known.n == 0 or target <= unknown.weight:
        return 1.0
    rate = min(1.0, (target - unknown.weight) / known.weight)
    return float(special.bdtr(known.wrong, known.n, rate))


class _Bracket:
    """Search for the risk at which p falls to delta: false position on the probit of p (Illinois), halving when slow.

    p is not refuted at `low` and is at `high`. It jumps a little where outcomes change places in the ordering, so the
    bracket is closed from both sides and its upper end is the answer.
    """

    def __init__(self, centre: float, delta: float) -> None:
        self.goal, self.delta = float(special.ndtri(delta)), delta
        self.low, self.high, self.tries = centre, 1.0, 0
        self.over, self.under = -self.goal, 0.0  # probit of p minus goal at low (about p = 1/2) and at high (unknown)
        self.last_refuted: bool | None = None

    def add(self, at: float, p: float) -> None:
        self.tries += 1
        offset = float(special.ndtri(min(max(p, 1e-300), 1 - 1e-16))) - self.goal
        refuted = p <= self.delta
        again = refuted == self.last_refuted and self.tries > 2
        if refuted:
            self.high, self.under, self.over = at, offset, self.over / 2 if again else self.over
        else:
            self.low, self.over, self.under = at, offset, self.under / 2 if again else self.under
        self.last_refuted = refuted

    def next(self) -> float:
        middle = (self.low + self.high) / 2
        if self.tries > 9 or self.high == 1.0 or self.over <= self.under:
            return middle
        root = self.low + (self.high - self.low) * self.over / (self.over - self.under)
        hair = 0.4 * BOUND_PRECISION * self.high
        guess = root + hair if root < middle else root - hair
        return guess if self.low < guess < self.high else middle
