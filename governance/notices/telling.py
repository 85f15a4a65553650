"""Writing a notice: one call in the transaction of the change that it tells of."""

from collections.abc import Collection, Iterable
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from governance import clock
from governance.evidence.record import Draft
from governance.models import Letter, Notice, Person, System
from governance.notices.kinds import KINDS
from governance.people.actors import Actor

_NOWHERE: Final = "@localhost"


def tell(
    kind: str, system: System | UUID, *, entry: Draft | UUID, by: Actor, subject: UUID,
    roles: Collection[str] = (), people: Iterable[UUID | None] = (), once: str | None = None, **facts: Any,
) -> None:  # fmt: skip
    """Tells of what just happened, once the running transaction commits: whoever has one of the roles in the system and
    the people named, by e-mail, and the webhooks that ask for it. Who did it knows already.

    `entry` proves what happened. With `once`, what happens again under the same name is not told again, but for people
    who were not told yet. `facts` are numbers and slugs, never content.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no kind of notice {kind}.")
    notice = Notice(
        id=clock.new_id(), system_id=system.pk if isinstance(system, System) else system, kind=kind, subject=subject,
        facts=facts, once=once, entry_id=entry.id if isinstance(entry, Draft) else entry,
    )  # fmt: skip
    Notice.objects.bulk_create([notice], ignore_conflicts=once is not None)
    id = notice.pk if once is None else Notice.objects.values_list("pk", flat=True).get(once=once)
    if not settings.SENDS_MAIL:
        return
    told = _readers(notice, set(roles), {person for person in people if person is not None})
    if by.person is not None:
        told = told.exclude(pk=by.person.pk)
    Letter.objects.bulk_create(
        [Letter(notice_id=id, person_id=person, next_attempt_at=Now()) for person in sorted(told)],
        ignore_conflicts=once is not None,
    )


def has_address(person: Person) -> bool:
    """Whether mail can reach her. An owner whom a system file only names has an address that leads nowhere."""
    return not person.email.lower().endswith(_NOWHERE)


def _readers(notice: Notice, roles: set[str], people: set[UUID]) -> "QuerySet[Person, UUID]":
    """The ids of those who are told by e-mail: who has an address, and did not say that she does not want it."""
    here = Q(roles__name__in=roles) & (Q(roles__system=None) | Q(roles__system=notice.system_id))
    found = Person.objects.filter(here | Q(pk__in=people), is_active=True, is_simulated=False)
    found = found.exclude(email__iendswith=_NOWHERE).exclude(unwanted_mails__contains=[notice.kind])
    return found.values_list("pk", flat=True).distinct()
