"""The cast: people, systems and keys that tests play with. Real rows, made by the real verbs."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.http import HttpRequest
from django.test import Client

from governance.models import ContractVersion, Person, PolicyVersion, System
from governance.people import accounts, actors, keys
from governance.people.actors import CONSOLE, Actor
from governance.policies import lifecycle

PASSWORD = "a-long-enough-password"

CONTRACT: Mapping[str, Any] = {
    "version": "1.0.0",
    "input": {
        "type": "object",
        "properties": {
            "pixels": {"type": "array", "items": {"type": "number"}, "maxItems": 1024},
            "email": {"type": "string"},
        },
    },
    "output": {
        "type": "object",
        "properties": {"digit": {"title": "Digit", "enum": list(range(10))}},
        "required": ["digit"],
        "additionalProperties": False,
    },
    "correct_when": ["/output/digit"],
    "personal_data": ["/input/email"],
}

POLICY: Mapping[str, Any] = {
    "risk": {"target": 0.02, "confidence": 0.95, "costs": {"wrong_release": 40, "review": 1.5, "currency": "EUR"}},
    "threshold": {"default": 0.9},
    "audit": {"rate": 0.05, "hold": False},
    "routing": {"default": {"queue": "general"}, "queues": {"general": {"mode": "pull"}}},
    "sla": {"due_in": "PT4H"},
    "review": {
        "undo_seconds": 8,
        "reasons": [{"code": "wrong-label", "label": "Wrong label"}, {"code": "unreadable", "label": "Unreadable"}],
    },
}


def person(name: str, role: str | None = None, *, system: System | None = None, skills: Sequence[str] = ()) -> Person:
    """The person of that name; made on her first entrance, with the role everywhere or in one system."""
    email = f"{name.lower()}@example.org"
    found = Person.objects.filter(email=email).first()
    found = found or accounts.create(email, name=name.capitalize(), by=CONSOLE)
    if role:
        accounts.grant_role(found, role, system=system, by=CONSOLE)
    for skill in skills:
        if system is None:
            raise ValueError("A skill belongs to a system.")
        accounts.grant_skill(found, skill, system=system, by=CONSOLE)
    return Person.objects.prefetch_related("roles").get(pk=found.pk)


def alice() -> Person:
    """A reviewer."""
    return person("alice", "reviewer")


def bob() -> Person:
    """A second reviewer."""
    return person("bob", "reviewer")


def carol() -> Person:
    """The lead."""
    return person("carol", "lead")


def dana() -> Person:
    """The owner."""
    return person("dana", "owner")


def erik() -> Person:
    """The approver."""
    return person("erik", "approver")


def ruth() -> Person:
    """The auditor."""
    return person("ruth", "auditor")


def eng() -> Person:
    """The engineer."""
    return person("eng", "engineer")


def eve() -> Person:
    """Somebody with an account and no role."""
    return person("eve")


def admin() -> Person:
    """The administrator."""
    return person("admin", "admin")


def acting(someone: Person, system: System | None = None) -> Actor:
    """The actor that a signed-in person is."""
    return actors.person(someone, system=system.pk if system else None)


def policy(**blocks: Any) -> dict[str, Any]:
    """The cast's policy with some blocks replaced; a block that is None is left out."""
    document = {**deepcopy(dict(POLICY)), **blocks}
    return {name: block for name, block in document.items() if block is not None}


def contract(**parts: Any) -> dict[str, Any]:
    """The cast's contract with some parts replaced."""
    return {**deepcopy(dict(CONTRACT)), **parts}


def bare_system(slug: str = "digits", *, risk_tier: str = "limited", **parts: Any) -> tuple[System, ContractVersion]:
    """A system with its contract and no policy."""
    found = lifecycle.register_system(
        slug=slug, name=slug.replace("-", " ").capitalize(), purpose="Reads handwritten digits.", risk_tier=risk_tier,
        owner="forms", by=acting(dana()),
    ).system  # fmt: skip
    return found, lifecycle.register_contract(found, contract(**parts), by=acting(dana())).contract


def system(
    slug: str = "digits", *, risk_tier: str = "limited", contract_parts: Mapping[str, Any] | None = None, **blocks: Any
) -> System:
    """A system with its contract and a policy in force: proposed by Dana, signed by Erik (and by a second owner where
    the tier wants two), activated by Erik. Keyword blocks replace those of the policy: `system(audit={"rate": 1})`."""
    found, _ = bare_system(slug, risk_tier=risk_tier, **(contract_parts or {}))
    put_in_force(found, policy(**blocks))
    return System.objects.get(pk=found.pk)


def put_in_force(of: System, document: Mapping[str, Any]) -> PolicyVersion:
    """A policy proposed, signed by all it needs, and activated."""
    version = lifecycle.propose(of, dict(document), by=acting(dana()), because="The cast needs it.").version
    if version.state == "in_force":
        return version
    lifecycle.approve(version, by=acting(erik()), digest=version.digest)
    if of.risk_tier == "high" and version.loosens:
        lifecycle.approve(version, by=acting(person("olga", "owner")), digest=version.digest)
    return lifecycle.activate(version, by=acting(erik()))


def key_for(of: System, scopes: Sequence[str] = ("outputs:write", "outputs:read"), person: Person | None = None) -> str:
    """A new key's secret."""
    _, secret = keys.create("cast", system=of, scopes=scopes, by=CONSOLE, person=person)
    return secret


def signed_in(someone: Person) -> Client:
    """A browser in which the person has just signed in with her password, as approving asks for."""
    someone.set_password(PASSWORD)
    someone.save(update_fields=["password"])
    browser = Client()
    browser.force_login(someone)
    request = HttpRequest()
    request.user, request.session = someone, browser.session
    record_authentication(request, someone, method="password")
    request.session.save()
    return browser


def bearer(secret: str) -> dict[str, str]:
    """The header of a key, for Django's test client: `client.get(url, headers=bearer(secret))`."""
    return {"Authorization": f"Bearer {secret}"}
