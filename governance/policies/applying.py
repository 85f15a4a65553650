"""A system file made true: what it says is registered, and a new policy text becomes a proposal."""

from django.db import transaction
from django.utils.text import slugify

from governance.models import Person, PolicyVersion, System
from governance.people import accounts, actors
from governance.people.actors import CONSOLE, Actor
from governance.policies import checks, followers, lifecycle, signatures, tiers
from governance.policies.systemfile import SystemFile


def owner_of(file: SystemFile) -> Person:
    """The owner that a file names, with an account of her own: for an installation in which nobody has one yet."""
    name = file.system.owner
    email = name if "@" in name else f"{slugify(name) or 'owner'}@localhost"
    return accounts.create(email, name=name[:120], by=CONSOLE, roles=[("owner", None)])


@transaction.atomic
def apply(file: SystemFile, *, by: Actor, activate: bool = False, because: str = "") -> list[str]:
    """Registers the system, its contract and its policy, all or none; a line for each thing changed, none when the file
    is true already.

    With `activate` the policy is put in force at once when the system never had one. Raises what the verbs raise.
    """
    said = file.system
    system, changed, is_new, asked = lifecycle.register_system(
        slug=said.slug, name=said.name, purpose=said.purpose, risk_tier=said.risk_tier, owner=said.owner, by=by
    )
    if is_new and by.person is not None:
        by = actors.person(Person.objects.get(pk=by.person.pk), system=system.pk, auth=by.auth)
    lines = ["system registered"] if is_new else [f"system changed: {', '.join(changed)}"] if changed else []
    if asked is not None:
        seats = " and of ".join(signatures.in_words(seat) for seat in tiers.open_seats(asked))
        lines.append(f"the risk tier stays {asked.was}: {asked.becomes} needs the signature of {seats}")
    contract, is_new = lifecycle.register_contract(system, file.contract_document, by=by)
    lines += [f"contract {contract.version} registered"] if is_new else []
    because_of = because or f"{said.slug}: from its system file"
    version, is_new = lifecycle.propose(
        system,
        file.policy_document,
        by=by,
        because=because_of,
        contract=contract,
        revises=_own_open(system, by),
        despite=because,
    )
    if activate and version.state == "proposed" and version.based_on_id is None and _never_had_one(version):
        lifecycle.bootstrap(version, by=by, because=because)
        lines.append(f"policy {version.number} put in force, not approved yet")
    elif is_new:
        turn = "loosens" if version.loosens else "tightens"
        lines.append(f"policy {version.number} proposed ({turn}); it needs the signature of {_needed(version)}")
    lines += [f"take note: {told.sentence}" for told in checks.warnings(file.policy)] if is_new else []
    return lines + followers.tell_applied(system, file, by)


def _own_open(system: System, by: Actor) -> PolicyVersion | None:
    """The proposal of hers that waits, whose place another text of hers takes."""
    waiting = PolicyVersion.objects.of(system).filter(state__in=("proposed", "approved"), proposer=by.person)
    return waiting.order_by("-number").first() if by.person else None


def _never_had_one(version: PolicyVersion) -> bool:
    return not PolicyVersion.objects.filter(system=version.system_id, in_force_from__isnull=False).exists()


def _needed(version: PolicyVersion) -> str:
    return " and of ".join(signatures.in_words(seat) for seat in lifecycle.open_seats(version))
