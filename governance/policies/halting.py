"""The stop button: everything of a system goes to people until an approver lifts it.

Both steps change the system's row. Intake compares that row inside the transaction that writes an output, so every
process, whatever it remembers, sees a halt with the first output that it writes after the commit.
"""

from typing import Final

from django.db import transaction
from django.db.models.functions import Now

from governance import clock
from governance.evidence.record import policy_part, record
from governance.models import Halt, System
from governance.notices.telling import tell
from governance.people.actors import Actor
from governance.policies import steps
from governance.policies.registry import compiled
from governance.refusals import Conflict, Invalid, NotAllowed

# Who answers for the system, and who runs what stands still now.
_TOLD: Final = frozenset({"owner", "lead", "approver", "engineer"})


@transaction.atomic
def halt(system: System, *, by: Actor, because: str) -> Halt:
    """Stops every release of the system, by policy and by fallback. People's decisions are kept and told once lifted.

    Raises Invalid without a reason, Conflict when it is halted already, NotAllowed and NotFound.
    """
    if not because.strip():
        raise Invalid("Say why everything is to stop.")
    if by is not steps.GUARD:
        steps.person(by, "halt a system", system)
    system = System.objects.select_for_update(of=("self",)).select_related("in_force").get(pk=system.pk)
    if system.halt_id is not None:
        raise Conflict(f"{system.name} is halted already.")
    id = clock.new_id()
    entry = record(
        "halted", actor=by, kind="system", id=system.pk, system=system.pk, payloads={"because": because.encode()},
        detail={"halt": str(id)}, policy=policy_part(system.in_force, slug=system.slug) if system.in_force else None,
    )  # fmt: skip
    made = Halt.objects.create(id=id, system=system, because=because, halted_by=by.person, entry_id=entry.id)
    System.objects.filter(pk=system.pk).update(halt=made, entry_id=entry.id)
    tell("system.halted", system, entry=entry, by=by, subject=id, roles=_TOLD, guarded=by is steps.GUARD)
    return Halt.objects.select_related("system", "halted_by").get(pk=id)


@transaction.atomic
def lift(system: System, *, by: Actor, because: str = "") -> Halt:
    """Lets the policy in force release again; what people decided meanwhile is told now.

    Raises Conflict when it is not halted, NotAllowed for all but approvers, and for keys the policy does not admit.
    """
    lifter = steps.person(by, "lift a halt", system)
    system = System.objects.select_for_update(of=("self",)).get(pk=system.pk)
    if by.key is not None and not (system.in_force_id and compiled(system.in_force_id).approval_by_key):
        raise NotAllowed(f"A halt of {system.name} is lifted by a person who has signed in, not by a key.")
    if system.halt_id is None:
        raise Conflict(f"{system.name} is not halted.")
    entry = record(
        "lifted", actor=by, kind="system", id=system.pk, system=system.pk, detail={"halt": str(system.halt_id)},
        payloads={"because": because.encode()} if because else None,
    )  # fmt: skip
    Halt.objects.filter(pk=system.halt_id, lifted_at=None).update(
        lifted_at=Now(), lifted_by=lifter, comment=because, entry_id=entry.id
    )
    ended = Halt.objects.select_related("system", "halted_by", "lifted_by").get(pk=system.halt_id)
    System.objects.filter(pk=system.pk).update(halt=None, entry_id=entry.id)
    tell("system.lifted", system, entry=entry, by=by, subject=ended.pk, roles=_TOLD)
    return ended
