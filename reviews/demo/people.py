"""The people of the demonstration: one or two for every role, and simulated reviewers who are named as such."""

import json
import secrets
from pathlib import Path
from typing import NamedTuple

from governance.models import Person, System
from governance.people import accounts
from governance.people.actors import CONSOLE


class Part(NamedTuple):
    email: str
    name: str
    roles: tuple[str, ...]  # role, or role:system


CAST = (
    Part("alice@demo.example", "Alice Duarte", ("reviewer",)),
    Part("bela@demo.example", "Bela Novak", ("reviewer",)),
    Part("mats@demo.example", "Mats Lindqvist", ("lead",)),
    Part("priya@demo.example", "Priya Nair", ("owner",)),
    Part("ines@demo.example", "Ines Roth", ("owner",)),
    Part("ada@demo.example", "Ada Okafor", ("approver",)),
    Part("jonas@demo.example", "Jonas Brandt", ("approver",)),
    Part("ruth@demo.example", "Ruth Abel", ("auditor",)),
    Part("sam@demo.example", "Sam Keller", ("engineer",)),
    Part("admin@demo.example", "Toni Berg", ("admin",)),
)
SIMULATED = (
    Part("simulated-1@demo.example", "Simulated reviewer 1", ("reviewer",)),
    Part("simulated-2@demo.example", "Simulated reviewer 2", ("reviewer",)),
    Part("simulated-3@demo.example", "Simulated reviewer 3", ("reviewer",)),
    Part("simulated-4@demo.example", "Simulated reviewer 4", ("reviewer",)),
    Part("simulated-5@demo.example", "Simulated reviewer 5", ("reviewer",)),
    Part("simulated-lead@demo.example", "Simulated lead", ("lead",)),
)


def create(systems: dict[str, System], *, kept_in: Path) -> None:
    """Creates everybody; the generated passwords of the real accounts go to a file that only the owner can read."""
    passwords = {part.email: secrets.token_urlsafe(9) for part in CAST}
    kept_in.parent.mkdir(parents=True, exist_ok=True)
    kept_in.touch(mode=0o600)
    kept_in.write_text(json.dumps(passwords))
    for part in (*CAST, *SIMULATED):
        accounts.create(
            part.email,
            name=part.name,
            by=CONSOLE,
            password=passwords.get(part.email),
            roles=[(name, systems.get(slug)) for name, _, slug in (role.partition(":") for role in part.roles)],
            is_simulated=part in SIMULATED,
        )


def named(email: str) -> Person:
    """The person with this address, for instance `priya`, of the demonstration."""
    return Person.objects.get(email=f"{email}@demo.example")


def sign_in_table(kept_in: Path) -> list[tuple[str, str, str, str]]:
    """Name, role, address and generated password of each real account, for the terminal."""
    passwords = json.loads(kept_in.read_text())
    return [(p.name, ", ".join(r.replace(":", " of ") for r in p.roles), p.email, passwords[p.email]) for p in CAST]
