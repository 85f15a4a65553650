"""What the benchmarks play with: a system with a policy in force, its people, its keys, and outputs that wait for them.

Rows are made by the program's own verbs, so Django has to be set up and the database is changed for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from governance.models import Person, System
from governance.people import accounts, keys
from governance.people.actors import CONSOLE
from governance.people.actors import person as acting
from governance.policies import lifecycle
from reviews import intake
from reviews.routing.waiting import route_waiting

SLUG = "bench"
CONTRACT: dict[str, Any] = {
    "version": "1.0.0",
    "input": {
        "type": "object",
        "properties": {"pixels": {"type": "array", "items": {"type": "number"}}, "email": {"type": "string"}},
    },
    "output": {"type": "object", "properties": {"digit": {"enum": list(range(10))}}, "required": ["digit"]},
    "correct_when": ["/output/digit"],
    "personal_data": ["/input/email"],
}


@dataclass(frozen=True)
class Stage:
    """A system in force. `producer` may send and read; `keys` are reviewers' keys, in the order of `reviewers`."""

    system: System
    producer: str
    reviewers: tuple[Person, ...]
    keys: tuple[str, ...]
    lead: Person


def set_up(*, reviewers: int = 1, undo_seconds: int = 8) -> Stage:
    """A system whose policy sends to people whatever is under 0.9, with so many reviewers."""
    people = {role: _person(role) for role in ("owner", "approver", "lead")}
    owner, approver = acting(people["owner"]), acting(people["approver"])
    system = lifecycle.register_system(
        slug=SLUG, name="Bench", purpose="Speed.", risk_tier="limited", owner="bench", by=owner
    ).system
    lifecycle.register_contract(system, CONTRACT, by=owner)
    version = lifecycle.propose(system, _policy(undo_seconds), by=owner, because="To measure.").version
    lifecycle.approve(version, by=approver, digest=version.digest)
    lifecycle.activate(version, by=approver)
    system = System.objects.get(pk=system.pk)
    many = tuple(_person("reviewer", number) for number in range(reviewers))
    scopes = ["reviews:write", "outputs:read", "decisions:read"]
    secrets = tuple(keys.create("bench", system=system, scopes=scopes, by=CONSOLE, person=who)[1] for who in many)
    _, producer = keys.create("bench", system=system, scopes=["outputs:write", "outputs:read"], by=CONSOLE)
    return Stage(system, producer, many, secrets, people["lead"])


def body(name: str, number: int, *, confidence: float = 0.5) -> bytes:
    """An output of about a kilobyte; under 0.9 it needs a person."""
    return msgspec.json.encode({
        "system": SLUG, "external_id": f"{name}-{number}",
        "input": {"pixels": [number * place % 17 for place in range(64)], "email": "someone@example.org"},
        "output": {"digit": number % 10}, "confidence": confidence, "model": "digits-lr", "model_version": "3.1",
        "attributes": {"channel": "scan"},
        "alternatives": [{"output": {"digit": (number + 1) % 10}, "confidence": 0.1}],
    })  # fmt: skip


def wait_for_people(stage: Stage, name: str, count: int) -> list[str]:
    """Takes so many outputs in that need a person, and routes them; their ids."""
    bodies = [intake.read(body(name, number)) for number in range(count)]
    taken = intake.accept(bodies, system=stage.system, actor=CONSOLE)
    while route_waiting():
        pass
    return [str(result.id) for result in taken if isinstance(result, intake.Taken)]


def _policy(undo_seconds: int) -> dict[str, Any]:
    return {
        "risk": {"target": 0.02, "confidence": 0.95}, "threshold": {"default": 0.9}, "audit": {"rate": 0.05},
        "routing": {"default": {"queue": "general"}, "queues": {"general": {"mode": "pull"}}},
        "sla": {"due_in": "PT4H"},
        "review": {"undo_seconds": undo_seconds, "reasons": [{"code": "wrong-label", "label": "Wrong label"}]},
    }  # fmt: skip


def _person(role: str, number: int = 0) -> Person:
    made = accounts.create(f"{role}{number}@example.org", name=f"{role} {number}", by=CONSOLE, roles=[(role, None)])
    return Person.objects.prefetch_related("roles").get(pk=made.pk)
