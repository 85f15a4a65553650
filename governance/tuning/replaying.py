"""What a policy text would have meant: lanes, load, cost and escaped errors, counted by a replay and stored."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from governance import clock
from governance.contracts.schema import compile_contract
from governance.evidence.record import record
from governance.models import ContractVersion, PolicyVersion, Replay, System
from governance.people import roles
from governance.people.actors import Actor
from governance.policies import amending, replay
from governance.policies.candidate import MILLION
from governance.policies.canonical import canonical_bytes, digest
from governance.policies.document import parse_policy
from governance.policies.policy import Destination, Policy
from governance.policies.recorded import Outcome
from governance.policies.registry import compiled
from governance.policies.replay import Group, Tally, Window
from governance.refusals import Invalid, NotAllowed
from governance.tuning.bounds import clopper_pearson_upper
from governance.tuning.costs import OCCUPANCY

USUAL_DAYS, MOST_DAYS = 28, 366
SECONDS_A_REVIEW: Final = 60
LANES: Final = ("release", "review", "block")


@dataclass(frozen=True, slots=True)
class Escaped:
    """Wrong outputs among those released: the estimate (None where some of them nobody ever looks at) and, at the
    policy's confidence, the most there can be. `known` carry a verdict."""

    released: int
    known: int
    wrong: int
    estimate: float | None
    bound: float


def escaped(groups: Sequence[Group], outcomes: Sequence[Outcome], code: str, *, delta: float) -> Escaped:
    """The wrong ones among what the policy releases, each propensity standing for itself.

    Outputs that were put before a person with the same probability are a random sample of their like, so each of them
    stands for total / known others: that is weighting by propensity. The bound is Clopper-Pearson's for each propensity
    at an equal share of `delta` (Bonferroni); where nobody looked, all may be wrong.
    """
    sums: dict[int, list[int]] = {}
    for group in groups:
        if outcomes[getattr(group, code)].lane == "release":
            sums.setdefault(group.propensity, [0, 0, 0])
            for place, amount in enumerate((group.total, group.known, group.wrong)):
                sums[group.propensity][place] += amount
    parts = list(sums.values())
    level = delta / max(1, len(parts))
    estimate: float | None = 0.0
    bound = 0.0
    for total, known, wrong in parts:
        estimate = None if estimate is None or not known else estimate + total * wrong / known
        bound += total * clopper_pearson_upper(wrong, known, level) if known < total else wrong
    return Escaped(
        sum(part[0] for part in parts), sum(part[1] for part in parts), sum(part[2] for part in parts), estimate, bound
    )  # fmt: skip


def side(tally: Tally, policy: Policy | None, *, is_candidate: bool, seconds: int, days: float) -> dict[str, Any]:
    """One policy's figures over the whole window: lanes, reviews and hours (as many audits as are expected), load
    by day and by hour of the day for each queue, cost, escaped errors."""
    code = "candidate" if is_candidate else "base"
    outcomes = tally.candidate if is_candidate else tally.base
    places = tally.candidate_places if is_candidate else tally.base_places
    rate = policy.audit.rate if policy else 0
    delta = 1 - (policy.risk.confidence / MILLION if policy else 0.95)
    lanes: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    load: dict[str, dict[int, int]] = {}  # queue, hour: millionths of reviews
    for group in tally.groups:
        outcome, place = outcomes[getattr(group, code)], places[getattr(group, f"{code}_place")]
        lanes[outcome.lane] += group.total
        rules[outcome.rule] += group.total
        if brought := _reviews(outcome, place, group.total, rate):
            hours = load.setdefault(place.queue, {})
            hours[group.hour] = hours.get(group.hour, 0) + brought
    wrong = escaped(tally.groups, outcomes, code, delta=delta)
    reviews = sum(sum(hours.values()) for hours in load.values()) / MILLION
    return {
        "lanes": {lane: lanes[lane] for lane in LANES}, "rules": dict(rules), "reviews": round(reviews, 3),
        "hours": round(reviews * seconds / 3600, 3), "queues": _queues(load, seconds, days),
        "escaped": {"released": wrong.released, "known": wrong.known, "wrong": wrong.wrong,
                    "estimate": None if wrong.estimate is None else round(wrong.estimate, 3),
                    "at_most": round(wrong.bound, 3)},
        "cost": _cost(policy, reviews, wrong),
    }  # fmt: skip


def _reviews(outcome: Outcome, place: Destination, total: int, rate: int) -> int:
    """Reviews that the outputs bring, in millionths; an audit takes one person."""
    if outcome.lane == "review":
        return total * place.reviewers * MILLION
    return total * rate if outcome.lane == "release" else 0


def _queues(load: Mapping[str, Mapping[int, int]], seconds: int, days: float) -> dict[str, Any]:
    told = {}
    for queue, hours in sorted(load.items()):
        by_day: Counter[str] = Counter()
        by_hour = [0] * 24
        for hour, millionths in hours.items():
            by_day[datetime.fromtimestamp(hour * 3600, UTC).date().isoformat()] += millionths
            by_hour[hour % 24] += millionths
        told[queue] = {
            "hours_by_day": {day: round(sum_ / MILLION * seconds / 3600, 3) for day, sum_ in sorted(by_day.items())},
            "hours_by_hour": [round(sum_ / MILLION * seconds / 3600 / max(days, 1.0), 4) for sum_ in by_hour],
        }
    return told


def _cost(policy: Policy | None, reviews: float, wrong: Escaped) -> dict[str, Any] | None:
    costs = policy.risk.costs if policy else None
    if costs is None:
        return None
    checked = float(costs.review) * reviews
    return {
        "currency": costs.currency, "reviews": round(checked, 2),
        "estimate": None if wrong.estimate is None else round(checked + float(costs.wrong_release) * wrong.estimate, 2),
        "at_most": round(checked + float(costs.wrong_release) * wrong.bound, 2),
    }  # fmt: skip


def consequences(
    tally: Tally, window: Window, *, base: Policy | None, candidate: Policy, seconds: int
) -> dict[str, Any]:
    """Everything a replay says, as plain JSON."""
    changed: Counter[tuple[str, str, str]] = Counter()
    known: Counter[tuple[str, str, str]] = Counter()
    wrong: Counter[tuple[str, str, str]] = Counter()
    for group in tally.groups:
        was, becomes = tally.base[group.base], tally.candidate[group.candidate]
        if was.lane != becomes.lane:
            key = (was.lane, becomes.lane, becomes.rule)
            changed[key] += group.total
            known[key] += group.known
            wrong[key] += group.wrong
    days = (window.closes - window.opens).total_seconds() / 86_400
    first = min((group.hour for group in tally.groups), default=None)
    span = days if first is None else min(days, (window.closes.timestamp() - first * 3600) / 86_400)
    return {
        "outputs": tally.outputs, "days": round(days, 4), "span": round(span, 4), "seconds_a_review": seconds,
        "base": side(tally, base, is_candidate=False, seconds=seconds, days=days),
        "candidate": side(tally, candidate, is_candidate=True, seconds=seconds, days=days),
        "flips": [
            {"from": was, "to": becomes, "rule": rule, "outputs": count, "known": known[was, becomes, rule],
             "wrong": wrong[was, becomes, rule]}
            for (was, becomes, rule), count in sorted(changed.items(), key=lambda item: (-item[1], item[0]))
        ],
        "capacity": _capacity(window),
    }  # fmt: skip


def _capacity(window: Window) -> dict[str, Any]:
    """Who could do the reviews: people who may, and hours of review a working hour of theirs gives."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(DISTINCT p.id) FROM governance_person p JOIN governance_role r ON r.person_id = p.id
            WHERE p.is_active AND NOT p.is_simulated AND r.name IN ('reviewer', 'lead')
                AND (r.system_id IS NULL OR r.system_id = %s)""",
            [window.system],
        )
        (people,) = cursor.fetchone()
    return {"reviewers": people, "hours_an_hour": round(people * OCCUPANCY, 2)}


@transaction.atomic
def run(
    system: System, document: dict[str, Any], *, by: Actor, days: int = USUAL_DAYS, seconds: int = SECONDS_A_REVIEW,
    contract: ContractVersion | None = None, base: PolicyVersion | None = None,
) -> Replay:  # fmt: skip
    """Replays a policy text over the outputs of the last `days` days beside the policy in force (or `base`), and stores
    what it found. Raises Invalid for a text that is no policy of this system, NotAllowed and NotFound."""
    if by.person is None:
        raise NotAllowed("Only a person can replay a policy.")
    roles.require(by.person, "replay a policy", system)
    if not 1 <= days <= MOST_DAYS:
        raise Invalid(f"A replay looks back 1 to {MOST_DAYS} days.")
    contract = contract or ContractVersion.objects.filter(system=system).order_by("-id").first()
    if contract is None:
        raise Invalid(f"{system.name} has no contract yet: register one first.")
    policy = parse_policy(
        document, contract=compile_contract(json.loads(contract.document)), risk_tier=system.risk_tier
    )  # fmt: skip
    base = base or PolicyVersion.objects.filter(system=system, state="in_force").first()
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (closes,) = cursor.fetchone()
    window = Window(system.pk, closes - timedelta(days=days), closes)
    before = compiled(base.pk) if base else None
    counted = replay.tally(window, base=before, candidate=policy)
    result = consequences(counted, window, base=before, candidate=policy, seconds=seconds)
    return _stored(system, policy, base, window, result, by=by, took_ms=int((time.monotonic() - began) * 1000))


def _stored(
    system: System, policy: Policy, base: PolicyVersion | None, window: Window, result: dict[str, Any], *, by: Actor,
    took_ms: int,
) -> Replay:  # fmt: skip
    id = clock.new_id()
    whole = digest({
        "policy": policy.digest, "base": base.digest if base else None, "opens": window.opens.isoformat(),
        "closes": window.closes.isoformat(), "result": result,
    })  # fmt: skip
    entry = record(
        "replayed", actor=by, kind="replay", id=id, system=system.pk,
        detail={"policy": policy.digest, "base": base.digest if base else None, "digest": whole,
                "outputs": result["outputs"]},
    )  # fmt: skip
    return Replay.objects.create(
        id=id, system=system, base=base, policy=canonical_bytes(policy.document).decode(), policy_digest=policy.digest,
        opens=window.opens, closes=window.closes, result=canonical_bytes(result).decode(), digest=whole,
        took_ms=took_ms, made_by=by.person, entry_id=entry.id,
    )  # fmt: skip


def attach(version: PolicyVersion, *, by: Actor, days: int = USUAL_DAYS) -> Replay:
    """Replays a proposal and attaches the result to it; signatures given before lapse. Raises as `run` and `attach`."""
    made = run(version.system, json.loads(version.document), by=by, days=days, contract=version.contract)
    amending.attach_replay(version, made, by=by)
    return made


def window_of(made: Replay) -> Window:
    return Window(made.system_id, made.opens, made.closes)


def told(made: Replay) -> dict[str, Any]:
    """What a stored replay found."""
    found: dict[str, Any] = json.loads(made.result)
    return found


MOST_COMPARED: Final = 100_000
"""Outputs that a comparison of a trial looks at: the newest ones, so that looking never costs more."""


def compare(version: PolicyVersion) -> tuple[dict[str, Any], Window]:
    """What a version on trial and the one in force say of what has come since the trial began, at most the newest."""
    base = version.system.in_force
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT statement_timestamp(), greatest(%(from)s::timestamptz, (
                SELECT received_at FROM governance_output WHERE system_id = %(system)s
                ORDER BY id DESC OFFSET %(most)s LIMIT 1))""",
            {"system": version.system_id, "from": version.trial_from, "most": MOST_COMPARED},
        )
        closes, opens = cursor.fetchone()
    window = Window(version.system_id, opens, closes)
    before, candidate = compiled(base.pk) if base else None, compiled(version.pk)
    counted = replay.tally(window, base=before, candidate=candidate)
    return consequences(counted, window, base=before, candidate=candidate, seconds=SECONDS_A_REVIEW), window
