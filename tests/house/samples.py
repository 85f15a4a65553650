"""What the routes of `routes.py` are tried on: each function makes real rows and gives the arguments of the address.

`BODIES` are what is sent, made from the same arguments: a dict is a form on a page and JSON on the API.
"""

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.test import Client
from django.utils import timezone

from governance.contracts.values import MISSING
from governance.evidence import checking, handing
from governance.evidence.bundle import Selection
from governance.models import ModelVersion, Output, PolicyVersion, Sealed, System, TierChange
from governance.monitoring import incidents
from governance.people import accounts, keys
from governance.people.actors import CONSOLE
from governance.policies import examples, halting, lifecycle, modelversions, tiers, trials
from governance.policies.validated import Name
from governance.tuning import replaying
from reviews import queue
from reviews.decisions import bulk, decide
from reviews.delivery import endpoints
from reviews.models import Decision, Delivery, Endpoint, Queue, Seat
from tests import cast
from tests.governance.evidence.sealing import Sealer
from tests.reviews.desk import desk


def none() -> dict[str, Any]:
    return {}


def system() -> dict[str, Any]:
    return {"slug": cast.system().slug}


def system_unnamed() -> dict[str, Any]:
    """The system exists, but the address does not name it."""
    cast.system()
    return {}


def as_csv() -> dict[str, Any]:
    return {"format": "csv"}


def download() -> dict[str, Any]:
    return {"token": "not-begun"}


def version() -> dict[str, Any]:
    return {"slug": cast.system().slug, "number": 1}


def proposal() -> dict[str, Any]:
    """A proposal of Dana's that loosens, so that Erik, not she, can sign it."""
    found = cast.system()
    lifecycle.propose(found, cast.policy(threshold={"default": 0.8}), by=cast.acting(cast.person("dora", "owner")))
    return {"slug": found.slug, "number": 2}


def approved() -> dict[str, Any]:
    arguments = proposal()
    waiting = PolicyVersion.objects.get(number=2)
    lifecycle.approve(waiting, by=cast.acting(cast.person("frank", "approver")), digest=waiting.digest)
    return arguments


def model_seen() -> dict[str, Any]:
    """A model that the policy in force was not validated for."""
    found = cast.system(validated_for=[{"model": "digits-lr", "model_version": "1"}])
    modelversions.register(found, Name("digits-lr", "2", ""))
    return {"slug": found.slug, "id": ModelVersion.objects.get().pk}


def model_let_in() -> dict[str, Any]:
    arguments = model_seen()
    version = ModelVersion.objects.select_related("system").get()
    modelversions.admit(version, by=cast.acting(cast.person("frank", "approver"), version.system), because="Tried.")
    return arguments


def example() -> dict[str, Any]:
    """One that Dana pinned."""
    output()
    found = Output.objects.select_related("system").get()
    kept = examples.pin(found, expected="review", by=cast.acting(cast.person("dora", "owner"), found.system))
    return {"slug": found.system.slug, "example": str(kept.pk)}


def example_of() -> dict[str, Any]:
    return {"slug": example()["slug"]}


def example_named() -> dict[str, Any]:
    arguments = example()
    return {"slug": arguments["slug"], "id": UUID(arguments["example"])}


def lower_tier() -> dict[str, Any]:
    """Asked for by an owner who is none of the visitors, on a high tier, where an owner and an approver sign."""
    found = cast.system(risk_tier="high")
    tiers.ask(found, becomes="limited", by=cast.acting(cast.person("dora", "owner"), found))
    return {"slug": found.slug}


def halted() -> dict[str, Any]:
    found = cast.system()
    halting.halt(found, by=cast.acting(cast.person("frank", "approver"), found), because="Something is wrong.")
    return {"slug": found.slug}


def replayed() -> dict[str, Any]:
    arguments = proposal()
    version = PolicyVersion.objects.select_related("system").get(number=2)
    replaying.attach(version, by=cast.acting(version.proposer))
    return arguments


def stale() -> dict[str, Any]:
    """Dana's own proposal, whose base is no longer in force."""
    found = cast.system()
    lifecycle.propose(found, cast.policy(threshold={"default": 0.8}), by=cast.acting(cast.dana()))
    cast.put_in_force(found, cast.policy(threshold={"default": 0.85}))
    return {"slug": found.slug, "number": 2}


def on_trial_numbered() -> dict[str, Any]:
    arguments = approved()
    version = PolicyVersion.objects.select_related("system").get(number=2)
    trials.shadow(version, by=cast.acting(cast.person("frank", "approver"), version.system))
    return arguments


def on_trial() -> dict[str, Any]:
    return {"slug": on_trial_numbered()["slug"]}


def two_policies() -> dict[str, Any]:
    found = cast.system()
    cast.put_in_force(found, cast.policy(threshold={"default": 0.8}))
    return {"slug": found.slug}


def two_policies_numbered() -> dict[str, Any]:
    return {**two_policies(), "number": 2}


def person() -> dict[str, Any]:
    return {"id": accounts.create("sample@example.org", name="Sample", by=CONSOLE).pk}


def a_reviewer() -> dict[str, Any]:
    return {"id": cast.bob().pk}


def key() -> dict[str, Any]:
    made, _ = keys.create("sample", system=cast.system(), scopes=["outputs:read"], by=CONSOLE)
    return {"id": made.pk}


def output() -> dict[str, Any]:
    """An output that a program has sent, and that waits for a person."""
    system_unnamed()
    secret = cast.key_for(System.objects.get())
    answer = Client().post(
        "/api/v1/outputs/", BODIES["output"]({}), content_type="application/json", headers=cast.bearer(secret)
    )
    return {"id": answer.json()["id"]}


def output_unnamed() -> dict[str, Any]:
    output()
    return {}


def waiting() -> dict[str, Any]:
    """Its item, in nobody's hands."""
    return {"id": desk(cast.system())[0].pk}


def decided_at_once() -> dict[str, Any]:
    """By Alice."""
    item = waiting()["id"]
    return {"id": bulk.decide_many(cast.acting(cast.alice()), like=item, items=[item], verdict="approve").id}


def waiting_unnamed() -> dict[str, Any]:
    waiting()
    return {}


def in_hand() -> dict[str, Any]:
    """An item in Alice's hands."""
    item = desk(cast.system())[0]
    queue.claim_item(cast.acting(cast.alice()), item.pk)
    return {"id": item.pk}


def decision() -> dict[str, Any]:
    """Alice's decision, which she can still undo."""
    item = in_hand()["id"]
    token = Seat.objects.get(item=item).claim_token
    decide(cast.acting(cast.alice()), item=item, token=token, verdict="reject", output=MISSING, reasons=[], comment="")
    return {"id": Decision.objects.get().pk}


def decision_named() -> dict[str, Any]:
    return {"decision": decision()["id"]}


def final_decision() -> dict[str, Any]:
    """One that can only be superseded, since nobody may undo it here."""
    item = desk(cast.system(review={"undo_seconds": 0}))[0]
    queue.claim_item(cast.acting(cast.alice()), item.pk)
    decided = decide(
        cast.acting(cast.alice()), item=item.pk, token=Seat.objects.get(item=item).claim_token,
        verdict="reject", output=MISSING, reasons=[], comment="",
    )  # fmt: skip
    return {"id": decided.decision}


def incident() -> dict[str, Any]:
    """An open one."""
    return {"id": incidents.by_person(cast.system(), by=cast.acting(cast.carol()), title="It paid twice").pk}


def entry() -> dict[str, Any]:
    """The entry that put a policy in force."""
    cast.system()
    return {"id": PolicyVersion.objects.get().activation_id}


def sealed() -> dict[str, Any]:
    """A log of two sealed entries."""
    cast.system()
    with tempfile.TemporaryDirectory() as folder:
        Sealer(Path(folder)).once(limit=2)
    return {}


def sealed_entry() -> dict[str, Any]:
    sealed()
    return {"id": Sealed.objects.get(index=1).entry_id}


def somebodys_check() -> dict[str, Any]:
    """A check belongs to whoever asked for it, and to nobody else."""
    sealed()
    return {"id": checking.ask(cast.person("rosa", "auditor"), 0, None).pk}


def somebodys_bundle() -> dict[str, Any]:
    """So does a bundle."""
    sealed()
    rosa = cast.person("rosa", "auditor")
    return {"id": handing.ask(rosa, Selection(), payloads="none", by=cast.acting(rosa)).pk}


def sealed_output() -> dict[str, Any]:
    arguments = output()
    with tempfile.TemporaryDirectory() as folder:
        Sealer(Path(folder)).all()
    return arguments


def sealed_tile() -> dict[str, Any]:
    return {**sealed(), "level": 0, "at": "000.p/2"}


def sealed_bundle() -> dict[str, Any]:
    return {**sealed(), "at": "000.p/2"}


def led_queue() -> dict[str, Any]:
    desk(cast.system())
    return {"id": Queue.objects.get().pk}


def endpoint() -> dict[str, Any]:
    found = cast.system()
    made, _ = endpoints.create(found, url="https://hooks.example.org/a", events=["output.resolved"], by=CONSOLE)
    return {"id": made.pk}


def delivery() -> dict[str, Any]:
    """A test event of an endpoint that can be sent once more."""
    arguments = endpoint()
    endpoints.test(Endpoint.objects.get(), by=CONSOLE)
    return {**arguments, "delivery": Delivery.objects.get().pk}


def _token(arguments: dict[str, Any]) -> str:
    return str(Seat.objects.get(item=arguments["id"]).claim_token)


def _digest(arguments: dict[str, Any]) -> str:
    return PolicyVersion.objects.get(system__slug=arguments["slug"], number=arguments["number"]).digest


BODIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "nothing": lambda _: {},
    "tier_signed": lambda _: {"do": "sign"},
    "lower": lambda _: {"becomes": "minimal"},
    "tier_change": lambda _: {"id": str(TierChange.objects.get().pk)},
    "drop": lambda arguments: {"drop": arguments["example"]},
    "expected": lambda _: {"expected": "review"},
    "reason": lambda _: {"because": "Tried on last month's cases."},
    "shut_out": lambda arguments: {"do": "bar", "model": str(arguments["id"])},
    "like": lambda a: {"items": [str(a["id"])], "verdict": "approve"},
    "draft": lambda _: {"do": "save", "revision": "1", "threshold": "80"},
    "end": lambda _: {"do": "stop"},
    "share": lambda _: {"share": 0.1},
    "days": lambda _: {"days": 3},
    "hour": lambda _: {"at": "2090-01-01T00:00:00Z"},
    "question": lambda _: {"text": "Why now?"},
    "text": lambda _: {"policy": cast.policy(threshold={"default": 0.7})},
    "halt": lambda _: {"do": "halt", "because": "It pays twice."},
    "stop": lambda _: {"because": "It pays twice."},
    "start": lambda _: {
        "do": "propose",
        "wrong_release": "40",
        "review": "1.5",
        "currency": "EUR",
        "per_day": "500",
    },
    "outcome": lambda _: {"external_id": "x-1", "correct": True},
    "incident": lambda _: {"system": "digits", "title": "It paid twice"},
    "containment": lambda _: {"do": "contain", "how": "Payments are stopped."},
    "bulk": lambda arguments: {"verdict": "approve", "item": str(arguments["id"])},
    "hand_over": lambda arguments: {"claim_token": _token(arguments), "to": cast.bob().email, "note": "Yours."},
    "ask": lambda _: {"to": cast.bob().email, "text": "What is this?"},
    "note": lambda _: {"do": "ask", "to": str(cast.bob().pk), "text": "What is this?"},
    "give": lambda _: {"person": str(cast.bob().pk)},
    "pause": lambda _: {"do": "pause"},
    "search": lambda _: {"name": "Mine", "query": "verdict=override"},
    "erasing": lambda _: {"because": "Asked for by the person it is about."},
    "whole": lambda _: {"system": "", "payloads": "all"},
    "range": lambda _: {"do": "range", "first": "0", "last": ""},
    "signed": lambda arguments: {"do": "approve", "digest": _digest(arguments), "comment": ""},
    "signature": lambda arguments: {"digest": _digest(arguments)},
    "policy": lambda _: {"policy": cast.policy(threshold={"default": 0.7}), "because": "To try."},
    "person": lambda _: {"name": "New", "email": "new@example.org", "role": "reviewer", "system": ""},
    "role": lambda _: {"do": "role", "role": "reviewer", "system": ""},
    "output": lambda _: {
        "system": System.objects.get().slug,
        "external_id": "x-1",
        "input": {"pixels": []},
        "output": {"digit": 3},
        "confidence": 0.5,
        "model": "reader",
        "model_version": "1",
    },
    "claim": lambda arguments: {"claim_token": _token(arguments)},
    "in_hand": lambda arguments: {
        "token": _token(arguments),
        "verdict": "approve",
        "comment": "Not mine.",
        "hours": "1",
    },
    "hold": lambda arguments: {
        "claim_token": _token(arguments),
        "until": (timezone.now() + timedelta(hours=1)).isoformat(),
    },
    "skip": lambda arguments: {"claim_token": _token(arguments), "reason": "Not mine."},
    "decision": lambda arguments: {"claim_token": _token(arguments), "verdict": "approve"},
    "reject": lambda _: {"verdict": "approve"},
    "webhook": lambda _: {
        "system": System.objects.get().slug,
        "url": "https://hooks.example.org/b",
        "events": ["output.resolved"],
    },
    "events": lambda _: {"events": ["output.corrected"]},
    "key": lambda _: {"name": "new", "system": System.objects.get().slug, "scopes": ["outputs:read"], "person": ""},
}
