"""Evidence that was made the way it is made: sent by a producer, judged, routed, claimed, decided, audited blind. What
`manage.py tune` says of it is what counting it all by hand says."""

from __future__ import annotations

import io
import json
import random
from typing import Any

import pytest
from django.core.management import call_command

from governance.models import Output, System
from governance.people.actors import CONSOLE
from governance.policies import lifecycle
from governance.tuning import looks, proposing
from governance.tuning.samples import GRID
from reviews import intake, queue
from reviews.decisions import decide
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.governance.tuning import brute_force

REVIEW = {**cast.POLICY["review"], "undo_seconds": 0}
Sent = dict[str, tuple[int, bool]]  # external id: confidence in millionths, whether the AI is wrong


def send(system: System, name: str, count: int, *, seed: int) -> Sent:
    """A model that says 7 and errs more where it is less sure."""
    dice, sent = random.Random(seed), {}
    for number in range(count):
        confidence = int(1_000_000 * dice.betavariate(9, 1.3))
        sent[f"{name}-{number}"] = (confidence, dice.random() < 0.01 + 0.4 * (1 - confidence / 1e6) ** 1.5)
    bodies = [
        intake.read(json.dumps({
            "system": system.slug, "external_id": id, "input": {}, "output": {"digit": 7}, "model": "reader",
            "confidence": confidence / 1e6, "model_version": "1",
        }).encode())
        for id, (confidence, _) in sent.items()
    ]  # fmt: skip
    taken = intake.accept(bodies, system=system, actor=CONSOLE)
    assert all(isinstance(result, intake.Taken) for result in taken)
    while route_waiting():
        pass
    return sent


def decide_everything(sent: Sent) -> None:
    """Alice, Bob and Carol work until nothing waits: the digit is a 1 wherever the AI is wrong."""
    people = [cast.acting(someone()) for someone in (cast.alice, cast.bob, cast.carol)]
    idle = 0
    while idle < len(people):
        idle = 0
        for person in people:
            claim = queue.claim_next(person)
            if claim is None:
                idle += 1
                continue
            is_wrong = sent[claim.external_id][1]
            held: dict[str, Any] = {"item": claim.item, "token": claim.token}
            if claim.is_blind:
                decide(person, **held, output={"digit": 1 if is_wrong else 7})
            elif is_wrong:
                decide(person, **held, verdict="override", output={"digit": 1}, reasons=["wrong-label"])
            else:
                decide(person, **held, verdict="approve")


@pytest.mark.django_db
def test_tuning_on_evidence_made_through_the_verbs_agrees_with_brute_force() -> None:
    system = cast.system(threshold={"default": 1}, review=REVIEW, risk={**cast.POLICY["risk"], "target": 0.1})
    first = send(system, "first", 260, seed=4)
    decide_everything(first)
    certificate = looks.look(system, by=CONSOLE)
    assert certificate.threshold is not None
    reviewed = [(confidence, False, wrong) for confidence, wrong in first.values()]
    start = next(edge for edge in sorted(GRID, reverse=True) if sum(c >= edge for c, _, _ in reviewed) >= 78)
    chain = brute_force.chain(reviewed, edges=GRID, start=start, target=0.1, delta=0.025)
    assert certificate.threshold == min(edge for edge, p in chain if p <= 0.025)

    filed = proposing.propose(system, by=cast.acting(cast.dana())).version
    lifecycle.approve(filed, by=cast.acting(cast.erik()), digest=filed.digest)
    lifecycle.activate(filed, by=cast.acting(cast.erik()))
    document = {**json.loads(filed.document), "audit": {"rate": 0.5, "hold": False}}
    cast.put_in_force(system, document)
    second = send(system, "second", 200, seed=5)
    decide_everything(second)

    rows = {row.external_id: row for row in Output.objects.filter(system=system)}
    assert sum(row.is_audit for row in rows.values()) > 30
    assert all(row.label is (not (first | second)[id][1]) for id, row in rows.items() if row.label is not None)
    everything = [
        (confidence, rows[id].lane == "release", wrong if rows[id].lane == "review" or rows[id].is_audit else None)
        for id, (confidence, wrong) in (first | second).items()
    ]
    expected = brute_force.chain(
        everything, edges={*GRID, certificate.threshold}, start=certificate.threshold, target=0.1, delta=0.05
    )
    out = io.StringIO()
    call_command("tune", "--system", "digits", "--confidence", "0.95", "--json", stdout=out)
    explored = json.loads(out.getvalue())["exploration"]
    assert explored["window"]["outputs"] == 460
    assert [round(step["threshold"] * 1e6) for step in explored["steps"]] == [edge for edge, _ in expected]
    for step, (_, p) in zip(explored["steps"], expected, strict=True):
        assert step["p"] == pytest.approx(p, rel=3e-3)
