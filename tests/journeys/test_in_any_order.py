"""Whatever producers, reviewers and owners do, and in whatever order: what has to hold holds after every step.

Hypothesis makes up the steps, the same in every run. COUNTERSIGN_STORIES=500 tries more and longer stories.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.db.models import F
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from governance.contracts.values import MISSING
from governance.evidence import verification
from governance.models import Entry, Output, Person, System
from governance.people import keys
from governance.people.actors import CONSOLE
from governance.people.actors import key as key_actor
from governance.policies import halting
from governance.refusals import Refused
from reviews import decisions, intake, queue
from reviews.models import Decision, Item, Seat
from reviews.queue import marks
from reviews.routing.ladder import climb_due
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.governance.evidence.sealing import Sealer
from tests.reviews.routing.late import CLIMB, ladder, pass_time

STORIES = int(os.environ.get("COUNTERSIGN_STORIES", "16"))
STEPS = 30 if STORIES < 50 else 80
WHO = st.sampled_from(("first", "second", "lead"))
EVERYTHING = {"field": "model", "op": "eq", "value": "reader"}


def routing(reviewers: int) -> dict[str, Any]:
    return {
        "default": {"queue": "general"},
        "rules": [{"id": "all", "when": EVERYTHING, "queue": "general", "reviewers": reviewers}],
        "queues": {"general": {"escalates_to": "seniors"}, "seniors": {}},
    }


# A decision that another took the place of stays in the history and stands no more.
STANDS = "d.undone_at IS NULL AND NOT EXISTS (SELECT FROM reviews_decision n WHERE n.supersedes_id = d.id)"
# Each answers with what breaks its rule, in the system that is asked about.
RULES = {
    "two decisions stand on one seat": f"""
        SELECT d.item_id FROM reviews_decision d WHERE d.system_id = %(system)s AND {STANDS}
        GROUP BY d.item_id, d.seat HAVING count(*) > 1""",
    "one person judged an output twice in a round": f"""
        SELECT d.output_id FROM reviews_decision d JOIN reviews_item i ON i.id = d.item_id
        WHERE d.system_id = %(system)s AND {STANDS} GROUP BY d.output_id, i.round, d.person_id
        HAVING count(*) > 1""",
    "released without a verdict that says so": """
        SELECT o.id FROM governance_output o WHERE o.system_id = %(system)s AND o.status = 'released'
        AND NOT (o.lane = 'release' AND o.policy_id IS NOT NULL AND o.resolved_by = 'policy')""",
    "approved or overridden by nobody": """
        SELECT o.id FROM governance_output o WHERE o.system_id = %(system)s AND o.status IN ('approved', 'overridden')
        AND NOT EXISTS (SELECT FROM reviews_decision d WHERE d.id = o.decision AND d.undone_at IS NULL)""",
    "waiting without an item to decide": """
        SELECT o.id FROM governance_output o WHERE o.system_id = %(system)s AND o.status = 'in_review' AND
        (SELECT count(*) FROM reviews_item i WHERE i.output_id = o.id AND i.state <> 'closed') <> 1""",
    "an open item without a seat to take": """
        SELECT i.id FROM reviews_item i WHERE i.system_id = %(system)s AND i.state <> 'closed'
        AND i.routed_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM reviews_seat s WHERE s.item_id = i.id AND s.closed_at IS NULL)""",
    "a closed item with a seat to take": """
        SELECT s.id FROM reviews_seat s JOIN reviews_item i ON i.id = s.item_id
        WHERE i.system_id = %(system)s AND i.state = 'closed' AND s.closed_at IS NULL""",
    "a closed seat in somebody's hands": """
        SELECT s.id FROM reviews_seat s WHERE s.system_id = %(system)s AND s.closed_at IS NOT NULL
        AND s.claimed_by_id IS NOT NULL""",
    "two items in one hand": """
        SELECT s.claimed_by_id FROM reviews_seat s WHERE s.system_id = %(system)s AND s.closed_at IS NULL
        AND s.claimed_by_id IS NOT NULL AND s.claim_expires_at > clock_timestamp()
        GROUP BY s.claimed_by_id, s.queue_id, s.is_soft HAVING count(*) > 1""",
    "a decided seat without its decision": """
        SELECT s.id FROM reviews_seat s WHERE s.system_id = %(system)s AND s.decided_by_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM reviews_decision d WHERE d.item_id = s.item_id AND d.seat = s.number
                        AND d.person_id = s.decided_by_id AND d.undone_at IS NULL)""",
    "a chain with a gap": """
        SELECT e.subject FROM governance_entry e
        WHERE e.subject IN (SELECT subject FROM governance_entry WHERE system = %(system)s)
        GROUP BY e.subject HAVING count(*) <> max(e.rev) OR min(e.rev) <> 1""",
    "a resolved output whose row names another entry than its newest": """
        SELECT o.id FROM governance_output o JOIN governance_entry e ON e.id = o.entry_id WHERE o.system_id = %(system)s
        AND o.resolved_by = 'person' AND e.subject = o.id
        AND e.rev < (SELECT max(x.rev) FROM governance_entry x WHERE x.subject = o.id)
        AND NOT EXISTS (SELECT FROM reviews_item i WHERE i.output_id = o.id AND i.state <> 'closed')""",
}


class Story(RuleBasedStateMachine):
    """One system with two reviewers and a lead of its own, on a database that keeps what every step commits."""

    numbers: ClassVar[Iterator[int]] = count(1)

    @initialize(reviewers=st.sampled_from((1, 2)))
    def open(self, reviewers: int) -> None:
        marks.forget()
        number = next(self.numbers)
        self.system = cast.system(f"story-{number}", **self.blocks(reviewers, 900_000, 0))
        self.people: dict[str, Person] = {
            name: cast.person(f"{name}-{number}", "lead" if name == "lead" else "reviewer", system=self.system)
            for name in ("first", "second", "lead")
        }
        key, _ = keys.create("story", system=self.system, scopes=["outputs:write"], by=CONSOLE)
        self.producer = key_actor(key)
        self.claims: dict[str, queue.Claim] = {}
        self.sent: dict[str, int] = {}
        self.made: list[Any] = []
        self.threshold, self.is_halted, self.changes = 900_000, False, 0

    def blocks(self, reviewers: int, threshold: int, audits: int) -> dict[str, Any]:
        return {
            "threshold": {"default": threshold / 1_000_000}, "audit": {"rate": audits, "hold": False},
            "routing": routing(reviewers), "sla": ladder(*CLIMB),
            "review": {**cast.POLICY["review"], "undo_seconds": 3600},
        }  # fmt: skip

    def actor(self, who: str) -> Any:
        return cast.acting(self.people[who], self.system)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """A step may be refused; what is refused leaves no trace."""
        before = Entry.objects.count()
        try:
            yield
        except Refused:
            assert Entry.objects.count() == before, "What was refused has written evidence."

    @rule(confidence=st.sampled_from((None, 300_000, 900_000, 950_000)), digit=st.integers(0, 10))
    def send(self, confidence: int | None, digit: int) -> None:
        name = f"x-{len(self.sent)}"
        self.sent[name] = digit
        taken = self.accept(name, digit, confidence)
        assert taken.is_new
        output = Output.objects.get(system=self.system, external_id=name)
        is_sound = digit < 10 and confidence is not None
        may_go = is_sound and not self.is_halted and (confidence or 0) >= self.threshold
        assert (output.status == "released") is may_go, (output.status, confidence, digit, self.is_halted)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), other=st.booleans())
    def send_again(self, data: st.DataObject, other: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.sent)))
        before = Entry.objects.count()
        result = self.accept(name, 77 if other else self.sent[name], 123_000 if other else None)
        assert isinstance(result, Refused) or not result.is_new
        assert Entry.objects.count() == before

    def accept(self, name: str, digit: int, confidence: int | None) -> Any:
        body = {"system": self.system.slug, "external_id": name, "input": {"pixels": []}, "output": {"digit": digit},
                "confidence": None if confidence is None else confidence / 1_000_000, "model": "reader",
                "model_version": "1"}  # fmt: skip
        (result,) = intake.accept([intake.read(json.dumps(body).encode())], system=self.system, actor=self.producer)
        return result

    @rule()
    def route(self) -> None:
        while route_waiting():
            pass

    @rule(who=WHO, ahead=st.booleans())
    def claim(self, who: str, ahead: bool) -> None:
        self.route()
        claim = queue.claim_next(self.actor(who), ahead=ahead)
        if claim is not None:
            self.claims[who] = claim
            held = Seat.objects.filter(pk=claim.seat, claimed_by=self.people[who])
            # Leases end where the story says so, however slow the machine.
            assert held.update(claim_expires_at=F("claim_expires_at") + timedelta(hours=1)) == 1

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), verdict=st.sampled_from(("approve", "override", "reject")), thief=st.booleans())
    def decide(self, data: st.DataObject, verdict: str, thief: bool) -> None:
        who = data.draw(st.sampled_from(sorted(self.claims)))
        claim = self.claims[who]
        by = data.draw(WHO) if thief else who
        output: Any = {"digit": 1} if verdict == "override" else MISSING
        if claim.is_blind:
            verdict, output = ("reject", MISSING) if verdict == "reject" else ("", {"digit": 2})
        with self.allowed():
            done = decisions.decide(
                self.actor(by), item=claim.item, token=claim.token, verdict=verdict or None, output=output,
                reasons=["wrong-label"], comment="So.",
            )  # fmt: skip
            assert by == who, "Somebody decided with another's claim."
            assert Item.objects.get(pk=claim.item).state == done.item_state
            self.made.append((who, done.decision))
            del self.claims[who]

    @precondition(lambda self: self.made)
    @rule(data=st.data(), who=WHO)
    def undo(self, data: st.DataObject, who: str) -> None:
        _, decision = data.draw(st.sampled_from(self.made))
        with self.allowed():
            self.claims[who] = decisions.undo(self.actor(who), decision)
            assert Decision.objects.get(pk=decision).undone_at is not None

    @precondition(lambda self: self.made)
    @rule(data=st.data(), who=WHO, verdict=st.sampled_from(("approve", "override", "reject")))
    def supersede(self, data: st.DataObject, who: str, verdict: str) -> None:
        _, decision = data.draw(st.sampled_from(self.made))
        with self.allowed():
            made = decisions.supersede(
                self.actor(who), decision, verdict=verdict, reasons=["wrong-label"],
                output={"digit": 5} if verdict == "override" else MISSING,
            )  # fmt: skip
            self.made.append((who, made.decision))

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), how=st.sampled_from(("renew", "release", "skip", "escalate", "hold")))
    def put_off(self, data: st.DataObject, how: str) -> None:
        who = data.draw(st.sampled_from(sorted(self.claims)))
        claim, actor = self.claims[who], self.actor(who)
        with self.allowed():
            if how == "renew":
                self.claims[who] = queue.renew(actor, claim.item, claim.token)
                return
            if how == "hold":
                queue.hold(actor, claim.item, claim.token, until=claim.now + timedelta(hours=1), reason="Later.")
            else:
                {"release": queue.release, "skip": queue.skip, "escalate": queue.escalate}[how](
                    actor, claim.item, claim.token
                )
            assert not Seat.objects.filter(pk=claim.seat, claimed_by=self.people[who]).exists()
            del self.claims[who]

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def lease_ends(self, data: st.DataObject) -> None:
        """Her claim's time is over. She may still try to decide with it."""
        claim = self.claims[data.draw(st.sampled_from(sorted(self.claims)))]
        Seat.objects.filter(pk=claim.seat, claim_token=claim.token).update(
            claim_expires_at=F("claim_expires_at") - timedelta(days=9)
        )

    @rule()
    def holds_end(self) -> None:
        Seat.objects.filter(system=self.system, held_until__isnull=False).update(
            held_until=F("held_until") - timedelta(days=1)
        )

    @rule()
    def decisions_become_final(self) -> None:
        Decision.objects.filter(system=self.system, undone_at=None).update(final_at=F("decided_at"))
        Output.objects.filter(system=self.system, resolved_by="person").update(
            final_at=F("final_at") - timedelta(hours=1)
        )

    @rule(hours=st.sampled_from((1, 5, 8)))
    def time_passes(self, hours: int) -> None:
        """Service levels are missed, and the ladder is climbed."""
        for item in Item.objects.filter(system=self.system, routed_at__isnull=False).exclude(state="closed"):
            pass_time(item, timedelta(hours=hours))
        climb_due()

    @rule(lift=st.booleans())
    def halt(self, lift: bool) -> None:
        with self.allowed():
            if lift:
                halting.lift(self.fresh(), by=cast.acting(cast.erik(), self.system))
            else:
                halting.halt(self.fresh(), by=cast.acting(cast.carol(), self.system), because="A test of the brakes.")
            self.is_halted = not lift

    @rule(threshold=st.sampled_from((200_000, 900_000, 1_000_000)), reviewers=st.sampled_from((1, 2)),
          audits=st.sampled_from((0, 1)))  # fmt: skip
    def change_policy(self, threshold: int, reviewers: int, audits: int) -> None:
        self.changes += 1
        document = cast.policy(**self.blocks(reviewers, threshold, audits))
        document["risk"]["costs"]["review"] = 1.5 + self.changes  # a text of its own each time
        version = cast.put_in_force(self.fresh(), document)
        assert version.state == "in_force"
        self.threshold = threshold

    def fresh(self) -> System:
        return System.objects.select_related("in_force").get(pk=self.system.pk)

    @invariant()
    def what_has_to_hold_holds(self) -> None:
        if not hasattr(self, "system"):
            return
        with connection.cursor() as cursor:
            for name, statement in RULES.items():
                cursor.execute(statement, {"system": self.system.pk})
                assert not (broken := cursor.fetchall()), f"{name}: {broken}"
        assert Output.objects.filter(system=self.system).count() == len(self.sent), "An output is lost."


@pytest.mark.timeout(300 + 30 * STORIES)
def test_in_any_order_one_decision_stands_and_nothing_is_lost(committed_db: str, tmp_path: Path) -> None:
    calm = settings(
        max_examples=STORIES,
        stateful_step_count=STEPS,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    run_state_machine_as_test(Story, settings=calm)
    sealed = Sealer(tmp_path).all()
    report = verification.verify()
    assert (report["findings"], report["pending"]) == ([], 0)
    assert report["entries"] == sealed == Entry.objects.count() > 10 * STORIES
