"""The tuning result as plain values: what `manage.py tune --json` prints and `GET systems/{slug}/tuning/` answers."""

from __future__ import annotations

from typing import Any, Final

from governance.models import System
from governance.tuning import looks, words
from governance.tuning.bounds import clopper_pearson_upper
from governance.tuning.certify import MILLION
from governance.tuning.looks import Exploration, Standing
from governance.tuning.reading import Reading, Row, Tested, rows

EXPLORATION: Final = "exploration, no guarantee"


def result(
    system: System, segment: str = "", *, target: float | None = None, confidence: float | None = None
) -> dict[str, Any]:
    """The last certificate and an exploration of the evidence as it is now. Spends nothing.

    `target` and `confidence` (shares) change the exploration only. Thresholds, rates and levels are shares of 1. Raises
    Conflict without a policy in force and NotFound for an unknown segment.
    """
    policy = looks.policy_of(system)
    in_force = looks.threshold_of(policy, segment)
    last = looks.latest(system, segment)
    standing = looks.standing(last) if last else None
    explored = looks.exploration(system, segment, target=target, confidence=confidence)
    return {
        "system": system.slug,
        "segment": segment or None,
        "target": policy.risk.target / MILLION,
        "confidence": policy.risk.confidence / MILLION,
        "in_force": in_force / MILLION,
        "certificate": standing and certificate_part(standing),
        "exploration": explored and exploration_part(explored),
    }


def certificate_part(standing: Standing) -> dict[str, Any]:
    """A certificate as it stands today, with what it was tested on."""
    certificate, document = standing.certificate, standing.document
    return {
        "id": str(certificate.pk), "look": certificate.look, "state": standing.state, "sentence": standing.sentence,
        "threshold": _share(certificate.threshold), "target": certificate.target / MILLION,
        "delta_spent": certificate.delta, "taken_at": certificate.taken_at, "expires_at": certificate.expires_at,
        "digest": f"sha256:{certificate.digest}", "model": certificate.model,
        "model_version": certificate.model_version, "prompt_version": certificate.prompt_version,
        "sensitivity": document["sensitivity"], "window": document["window"], **_reading(standing.reading),
        "more_audits_at_next_look": document["more_audits_at_next_look"],
    }  # fmt: skip


def exploration_part(explored: Exploration) -> dict[str, Any]:
    """What the evidence looks like now; labelled as what it is."""
    sample, scope = explored.sample, explored.scope
    return {
        "label": EXPLORATION, "state": explored.reading.state, "sentence": sentence(explored),
        "threshold": _share(explored.reading.threshold), "target": explored.goal, "look": explored.look,
        "model": scope.model, "model_version": scope.model_version, "prompt_version": scope.prompt_version,
        "window": {
            "opens": sample.opens, "closes": sample.closes, "outputs": sample.outputs, "labels": sample.labels,
            "audits": sample.audits, "unjudged": sample.unjudged, "lost": sample.lost, "thinned": sample.thinned,
            "undecided": sample.undecided, "left_out": sample.left_out, "same_case": sample.same_case,
            "audit_rate": _share(sample.audit_rate),
        },
        **_reading(explored.reading),
        "curve": [_row(row) for row in rows(explored.reading)],
        "released_by_rules": [
            vars(line) | {"upper_bound": clopper_pearson_upper(line.wrong, line.audited, explored.reading.delta)}
            for line in explored.released_by_rules
        ],
    }  # fmt: skip


def sentence(explored: Exploration) -> str:
    """What an exploration would say if it were a look."""
    read = explored.reading
    if read.threshold is not None:
        return f"A look now would certify {words.at(read.threshold)} (exploration, no guarantee)."
    return _why_not(read, explored.goal)


def _why_not(read: Reading, goal: float) -> str:
    return words.violated(read, goal) if read.state == "violated" else words.unproven(read, goal, more=read.more_audits)


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "tested_target": reading.target, "tested_delta": reading.delta, "lower_bound": reading.lower_bound,
        "more_audits": reading.more_audits,
        "steps": [_step(step) for step in reading.tested],
    }  # fmt: skip


def _step(step: Tested) -> dict[str, Any]:
    return {
        "threshold": step.threshold / MILLION, "p": step.p, "passed": step.passed, "estimate": step.estimate,
        "upper_bound": step.bound, "released_share": step.share, "marginal_estimate": step.marginal,
        "most_wrong": step.most_wrong, "reviewed": _counts(step, 0), "released": _counts(step, 1),
    }  # fmt: skip


def _counts(step: Tested, stratum: int) -> dict[str, int]:
    return {"outputs": step.n_total[stratum], "labels": step.n_labelled[stratum], "wrong": step.wrong[stratum]}


def _row(row: Row) -> dict[str, Any]:
    return {
        "threshold": row.threshold / MILLION, "released": row.released, "released_share": row.share,
        "labels": row.labels, "wrong": row.wrong, "estimate": row.estimate, "lower_bound": row.lower,
        "upper_bound": row.bound, "p": row.p, "test": row.verdict,
    }  # fmt: skip


def _share(millionths: int | None) -> float | None:
    return None if millionths is None else millionths / MILLION
