"""One of everything that leaves evidence, with words planted wherever people or the AI can write some."""

from typing import Any

from django.db.models.functions import Now

from governance.models import ModelVersion, Output, System
from governance.monitoring import incidents
from governance.people import accounts, keys, presence
from governance.people.actors import CONSOLE
from governance.policies import examples, halting, lifecycle, modelversions, tiers
from governance.tuning import looks
from reviews import decisions, intake, queue
from reviews.delivery import endpoints
from reviews.delivery.sending import deliver_due
from reviews.models import Decision, Delivery, Item, Queue
from reviews.quality import showing
from reviews.routing import leading
from reviews.routing.waiting import route_waiting
from tests import cast
from tests.reviews.delivery.receiver import receiver

PLANTED = (
    "planted-input", "planted-answer", "planted-explanation", "planted-attribute", "planted-alternative",
    "planted-comment", "planted-reason", "planted-correction", "Plantedname", "planted.mail@example.org",
    "planted-key-name", "planted-path", "planted-because", "planted-signature", "planted-callback",
    "planted-title", "planted-containment", "planted-halt", "planted-lift", "planted-admission", "planted-note",
)  # fmt: skip
CONTRACT = {
    "output": {"type": "object", "properties": {"digit": {"type": "integer"}, "why": {"type": "string"}}},
    "correct_when": ["/output/digit"],
}


def run() -> System:
    """The journey, from a system's first policy to a decision superseded; the system."""
    system = cast.system(
        audit={"rate": 0.5, "hold": False},
        contract_parts=CONTRACT,
        rules=[{"id": "asks", "when": {"field": "input.note", "op": "eq", "value": "stop"}, "then": "block"}],
    )
    rita = accounts.create(
        "planted.mail@example.org", name="Plantedname", by=CONSOLE, roles=[("reviewer", None), ("lead", None)]
    )
    keys.create("planted-key-name", system=system, scopes=["outputs:write"], by=CONSOLE)
    with receiver() as producer:
        url = f"{producer.url}/planted-path"
        endpoints.create(system, url=url, events=["output.resolved", "decision.superseded"], by=CONSOLE)
        for number, confidence in enumerate((0.99, 0.5, 0.5, 0.5, 0.97)):
            send_in(system, number, confidence, f"{producer.url}/planted-callback")
        route_waiting()
        review(system, rita)
        let_the_undo_window_pass()
        deliver_due()
        supersede(system, rita)
        deliver_due()
        assert len(producer.received) > 2
    looks.look(system, by=CONSOLE)
    change_policy(system)
    steer(system, rita)
    return system


def send_in(system: System, number: int, confidence: float, callback: str | None) -> None:
    body = intake.Body(
        system=system.slug, external_id=f"msg-{number}", input={"note": "planted-input"},
        output={"digit": 4, "why": "planted-answer"}, confidence=str(confidence).encode(), model="lr",
        model_version="3", explanation="planted-explanation", attributes={"a": "planted-attribute"},
        alternatives=[{"output": {"digit": 5, "why": "planted-alternative"}, "confidence": 0.2}], callback_url=callback,
    )  # fmt: skip
    (taken,) = intake.accept([body], system=system, actor=CONSOLE)
    assert isinstance(taken, intake.Taken), taken


def review(system: System, rita: Any) -> None:
    """One item undone and rejected, one skipped and overridden, one put off."""
    actor = cast.acting(rita, system)
    first, second, third = Item.objects.filter(output__confidence=500_000).order_by("created_at", "id")
    claim = queue.claim_item(actor, first.pk)
    made = decisions.decide(actor, item=first.pk, token=claim.token, verdict="approve")
    claim = decisions.undo(actor, made.decision)
    decisions.decide(
        actor, item=first.pk, token=claim.token, verdict="reject", reasons=["wrong-label"], comment="planted-comment"
    )
    queue.skip(actor, second.pk, queue.claim_item(actor, second.pk).token, "planted-reason")
    claim = queue.claim_item(actor, second.pk)
    corrected = {"digit": 7, "why": "planted-correction"}
    decisions.decide(
        actor, item=second.pk, token=claim.token, verdict="override", output=corrected, reasons=["wrong-label"],
    )  # fmt: skip
    queue.escalate(actor, third.pk, queue.claim_item(actor, third.pk).token, "planted-reason")


def let_the_undo_window_pass() -> None:
    """No state changes by this: only the moments that are compared with the clock."""
    Decision.objects.update(final_at=Now())
    Output.objects.filter(resolved_by="person").update(final_at=Now())
    Delivery.objects.waiting().update(due_at=Now(), next_attempt_at=Now())


def supersede(system: System, rita: Any) -> None:
    output = Output.objects.get(external_id="msg-1")
    decisions.supersede(
        cast.acting(rita, system), output.decision, verdict="approve", comment="planted-comment", reasons=["unreadable"]
    )


def change_policy(system: System) -> None:
    changed = cast.policy(threshold={"default": 0.95})
    version = lifecycle.propose(system, changed, by=cast.acting(cast.dana()), because="planted-because").version
    lifecycle.approve(version, by=cast.acting(cast.erik()), digest=version.digest, comment="planted-signature")
    lifecycle.activate(version, by=cast.acting(cast.erik()))


def steer(system: System, rita: Any) -> None:
    """What a lead and an owner do beside deciding: presence, capacity, a pause, an incident, a stop."""
    lead, everything = cast.acting(rita, system), Queue.objects.get(system=system, slug="general")
    presence.set_hours(rita, None, by=lead)
    presence.pause(rita, by=lead)
    showing.show(lead)
    leading.set_capacity(everything, rita, 5, by=lead)
    leading.pause(everything, by=lead)
    leading.resume(everything, by=lead)
    incident = incidents.by_person(system, by=cast.acting(cast.dana()), title="planted-title", external_id="msg-2")
    incidents.contain(incident, by=cast.acting(cast.dana()), how="planted-containment")
    let_a_model_in_and_out(system)
    tiers.ask(system, becomes="minimal", by=cast.acting(cast.dana()))
    example = Output.objects.select_related("system").get(external_id="msg-3")
    examples.pin(example, expected="review", by=cast.acting(cast.dana()), note="planted-note")
    halting.halt(system, by=cast.acting(cast.dana()), because="planted-halt")
    halting.lift(system, by=cast.acting(cast.erik()), because="planted-lift")


def let_a_model_in_and_out(system: System) -> None:
    """A policy that was validated for another model; an approver lets the one in that answers."""
    cast.put_in_force(system, cast.policy(threshold={"default": 0.95}, validated_for=[{"model": "forest"}]))
    send_in(system, 20, 0.99, None)
    answering = ModelVersion.objects.select_related("system").get(model="lr", model_version="3")
    modelversions.admit(answering, by=cast.acting(cast.erik()), because="planted-admission")
    send_in(system, 21, 0.99, None)
    modelversions.bar(answering, by=cast.acting(cast.erik()))
    send_in(system, 22, 0.99, None)
    modelversions.admit(answering, by=cast.acting(cast.erik()), because="planted-admission")
